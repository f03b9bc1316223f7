"""What differs between machines, from the environment: read in one place, with its default."""

import os
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit


@dataclass(frozen=True, slots=True)
class DatabaseAddress:
    """Where PostgreSQL is. `host` may be a Unix socket's folder; user and password are the installer's."""

    host: str
    port: str
    name: str
    user: str = ""
    password: str = ""


def text(name: str, default: str = "") -> str:
    """Return a variable's text."""
    return os.environ.get(name, default)


def flag(name: str, *, default: bool = False) -> bool:
    """Return whether a variable says yes."""
    return os.environ.get(name, "1" if default else "").lower() in ("1", "true", "yes", "on")


def words(name: str) -> list[str]:
    """Return a variable's words, which commas separate."""
    return [word.strip() for word in os.environ.get(name, "").split(",") if word.strip()]


def database_parse(url: str) -> DatabaseAddress:
    """Return what a `postgresql://user:password@host:port/name` URL says; raises ValueError."""
    parts = urlsplit(url)
    if parts.scheme not in ("postgresql", "postgres"):
        raise ValueError("DATABASE_URL must begin with postgresql://")
    return DatabaseAddress(
        host=unquote(parts.hostname or ""),
        port=str(parts.port or ""),
        name=parts.path.lstrip("/") or "landfall",
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
    )


def database() -> DatabaseAddress:
    """Return the database of this process: LANDFALL_DB_* as the supervisor sets them, else DATABASE_URL."""
    if url := text("DATABASE_URL"):
        return database_parse(url)
    return DatabaseAddress(
        host=text("LANDFALL_DB_HOST"),
        port=text("LANDFALL_DB_PORT"),
        name=text("LANDFALL_DB_NAME", "landfall"),
    )
