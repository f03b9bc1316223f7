"""Protection groups: points in time, test failover, failover, failback."""

from django.apps import AppConfig


class ProtectionAppConfig(AppConfig):
    """Holds its place in the stack until protection arrives."""

    name = "protection_app"
