"""What speaks to the world outside for the services: here, files that a tenant sends."""
