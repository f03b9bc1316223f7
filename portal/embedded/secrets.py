"""The secrets of one installation: generated once, kept in a file that nobody else may read."""

import json
import os
import secrets
from pathlib import Path

from portal.lib.roles import LOGINS, MIGRATE

NAMES = ("LANDFALL_SECRET_KEY", *(f"{role.upper()}_PASSWORD" for role in (*LOGINS, MIGRATE)))


def secrets_read(path: Path) -> dict[str, str]:
    """Return the installation's secrets as environment variables, made as far as they are missing."""
    held: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    missing = [name for name in NAMES if name not in held]
    if missing:
        held |= {name: secrets.token_urlsafe(48) for name in missing}
        fresh = path.with_suffix(".new")
        with os.fdopen(os.open(fresh, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "w") as file:
            json.dump(held, file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    return held
