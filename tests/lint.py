"""`./landfall lint`: every check of style, types, layers, licences and shape; all run, then it says."""

import os
import secrets
import subprocess
import sys
import tempfile
from pathlib import Path

from portal.lib.keys import keys_create
from tests.licences import licences_wrong
from tests.shape import shape_wrong

ROOT = Path(__file__).parents[1]
TEMPLATES = ("portal", "tenants", "billing", "agents", "migrations_app")
BIN = Path(sys.executable).parent


def main() -> int:
    """Run the checks; 0 when all pass."""
    with tempfile.TemporaryDirectory() as folder:
        keys_create(Path(folder))
        production = {
            "LANDFALL_SECRET_KEY": secrets.token_urlsafe(48),
            "LANDFALL_PORTAL_URL": "https://portal.example",
            "LANDFALL_KEYS": folder,
            "REDIS_URL": "redis://redis.example:6379/0",  # named and not dialled
        }
        failed = [name for name, argv, more in _checks(production) if not _passes(name, argv, more)]
    for name, wrong in (("licences", licences_wrong()), ("shape", shape_wrong())):
        print("\n".join([f"{name}: {'FAILED' if wrong else 'ok'}", *wrong]))
        failed += [name] if wrong else []
    print("lint: " + (f"failed: {', '.join(failed)}" if failed else "all checks pass"))
    return 1 if failed else 0


def _checks(production: dict[str, str]) -> list[tuple[str, list[str], dict[str, str]]]:
    python = sys.executable
    manage = [python, "manage.py"]
    return [
        ("ruff", [str(BIN / "ruff"), "check", "--quiet", "."], {}),
        ("format", [str(BIN / "ruff"), "format", "--check", "--quiet", "."], {}),
        ("mypy", [python, "-m", "mypy"], {}),
        ("layers", [str(BIN / "lint-imports")], {}),
        ("templates", [str(BIN / "djlint"), *TEMPLATES, "--lint", "--quiet"], {}),
        ("migrations", [*manage, "makemigrations", "--check", "--dry-run"], {}),
        ("deploy", [*manage, "check", "--deploy", "--fail-level", "WARNING"], production),
    ]


def _passes(name: str, argv: list[str], more: dict[str, str]) -> bool:
    done = subprocess.run(
        argv,
        cwd=ROOT,
        env={**os.environ, "PYTHONWARNINGS": "ignore", **more},
        capture_output=True,
        text=True,
        check=False,
    )
    print(f"{name}: {'ok' if done.returncode == 0 else 'FAILED'}", flush=True)
    if done.returncode != 0:
        print(done.stdout[-6000:] + done.stderr[-2000:], flush=True)
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
