"""Pages that span apps: they read selectors, nothing else."""
