"""A PostgreSQL of a bench alone, and this process at it as the web role."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import django
from django.core.management import call_command
from django.db import connections

from portal.embedded.postgres import Cluster
from portal.lib.keys import VARIABLE, keys_create

SETTINGS = ("shared_buffers=256MB", "fsync=off", "autovacuum=off")
"""The bench analyses once itself; nothing else may run beside what it measures."""


@contextmanager
def web_database() -> Iterator[None]:
    """A PostgreSQL of the bench alone, migrated, with this process logged in as the web role."""
    with tempfile.TemporaryDirectory(prefix="landfall-bench-") as folder:
        keys = Path(folder) / "keys"
        keys.mkdir()
        keys_create(keys)
        cluster = Cluster(Path(folder) / "postgres")
        os.environ |= {
            VARIABLE: str(keys),
            "DJANGO_SETTINGS_MODULE": "portal.settings",
            "LANDFALL_DB_HOST": str(cluster.folder),
            "LANDFALL_DB_NAME": "landfall",
            "LANDFALL_HOSTS": "testserver",  # as the test client calls itself
            "LANDFALL_LOG_LEVEL": "WARNING",
        }
        cluster.initialise()
        cluster.start(*SETTINGS)
        try:
            cluster.prepare("landfall")
            django.setup()
            call_command("migrate", database="migrate", verbosity=0)
            yield
        finally:
            connections.close_all()
            cluster.stop()
