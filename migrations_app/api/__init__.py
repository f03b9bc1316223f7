"""The API of migration groups."""
