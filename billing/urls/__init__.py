"""The addresses of this app: pages below an organisation, calls below the API's root."""
