"""Faults at named moments of a migration, and what must hold whatever dies."""
