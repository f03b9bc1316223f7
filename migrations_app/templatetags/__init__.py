"""Template tags of migration groups."""
