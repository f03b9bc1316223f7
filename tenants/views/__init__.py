"""The pages of organisations and of people."""
