"""Pages of usage and prices."""
