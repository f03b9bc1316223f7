"""What differs between machines, from the environment: read in one place, with its default."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from psycopg2 import ProgrammingError
from psycopg2.extensions import parse_dsn

_KNOWN = frozenset({"host", "port", "dbname", "user", "password", "sslmode", "sslrootcert"})


@dataclass(frozen=True, slots=True)
class DatabaseAddress:
    """Where PostgreSQL is. `host` may be a Unix socket's folder; user and password are the installer's."""

    host: str
    port: str
    name: str
    user: str = ""
    password: str = ""
    sslmode: str = ""
    sslrootcert: str = ""

    def variables(self) -> Mapping[str, str]:
        """Return the environment of a process that logs in here as another role; no installer's password."""
        return {
            "DATABASE_URL": "",
            "LANDFALL_DB_HOST": self.host,
            "LANDFALL_DB_PORT": self.port,
            "LANDFALL_DB_NAME": self.name,
            **({"PGSSLMODE": self.sslmode} if self.sslmode else {}),
            **({"PGSSLROOTCERT": self.sslrootcert} if self.sslrootcert else {}),
        }

    def url(self, *, user: str, password: str = "") -> str:
        """Return the URL for a login as `user`; host and port stand in its query, where any text may."""
        secret = f":{password}" if password else ""
        query = {"host": self.host, "port": self.port, "sslmode": self.sslmode}
        query["sslrootcert"] = self.sslrootcert
        # PostgreSQL's library takes a plus for a plus.
        told = urlencode({name: value for name, value in query.items() if value}, quote_via=quote)
        return f"postgresql://{user}{secret}@/{self.name}?{told}"


def text(name: str, default: str = "") -> str:
    """Return a variable's text."""
    return os.environ.get(name, default)


def words(name: str) -> list[str]:
    """Return a variable's words, which commas separate."""
    return [word.strip() for word in os.environ.get(name, "").split(",") if word.strip()]


def database_parse(url: str) -> DatabaseAddress:
    """Return what a `postgresql://user:password@host:port/name?sslmode=…` URL says; raises ValueError.

    Read by PostgreSQL's own library, so that everything it escapes or puts in the query means the same.
    """
    if not url.startswith(("postgresql://", "postgres://")):
        raise ValueError("DATABASE_URL must begin with postgresql://")
    try:
        parts: dict[str, str] = parse_dsn(url)
    except ProgrammingError as error:
        raise ValueError(f"DATABASE_URL cannot be read: {str(error).strip()}") from error
    if unknown := sorted(set(parts) - _KNOWN):
        raise ValueError(f"DATABASE_URL may not say {', '.join(unknown)}: use sslmode and sslrootcert only")
    return DatabaseAddress(
        host=parts.get("host", ""),
        port=parts.get("port", ""),
        name=parts.get("dbname") or "landfall",
        user=parts.get("user", ""),
        password=parts.get("password", ""),
        sslmode=parts.get("sslmode", ""),
        sslrootcert=parts.get("sslrootcert", ""),
    )


def database() -> DatabaseAddress:
    """Return the database of this process: DATABASE_URL, else LANDFALL_DB_* as the supervisor sets them."""
    if url := text("DATABASE_URL"):
        return database_parse(url)
    return DatabaseAddress(
        host=text("LANDFALL_DB_HOST"),
        port=text("LANDFALL_DB_PORT"),
        name=text("LANDFALL_DB_NAME", "landfall"),
    )
