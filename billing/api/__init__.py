"""The API of usage and prices."""
