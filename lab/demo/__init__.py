"""`./landfall demo`: a provider, a tenant, six machines, and every click that a person would make."""
