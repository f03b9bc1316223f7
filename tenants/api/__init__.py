"""The API of organisations."""
