"""Pages of migration groups."""
