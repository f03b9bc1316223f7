"""The agent's dependencies as wheels, downloaded once from the package index and checked against our lock.

Each is named in `wheels.lock` with its hashes; pip refuses any other. A wheel is kept as it came, but for the
one module of qemu.qmp under a licence that we may not pass on, which is taken out.
"""

import csv
import fcntl
import hashlib
import io
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

PYTHONS = ("3.11", "3.12", "3.13")
PLATFORMS = (
    "manylinux_2_34_x86_64",
    "manylinux_2_28_x86_64",
    "manylinux_2_17_x86_64",
    "manylinux2014_x86_64",
)
LOCK = Path(__file__).with_name("wheels.lock")
LEFT_OUT = "qemu/qmp/legacy.py"
_EPOCH = (1980, 1, 1, 0, 0, 0)


class WheelUnfit(Exception):
    """A wheel that unpacking alone does not install."""


def wheels_fetch(cache: Path, pythons: Sequence[str] = PYTHONS) -> dict[str, list[Path]]:
    """Return the wheels for each Python, downloaded into `cache` where they are not there yet.

    Raises CalledProcessError when the index is out of reach or offers something else, and WheelUnfit.
    """
    found = {}
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # another may be downloading the same
        for python in pythons:
            folder = cache / f"{hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12]}-{python}"
            if not folder.exists():
                _download(python, folder)
            found[python] = sorted(folder.glob("*.whl"))
    return found


def _download(python: str, folder: Path) -> None:
    fresh = folder.with_name(f"{folder.name}.new")
    fresh.mkdir(parents=True, exist_ok=True)
    argv = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    argv += ["--require-hashes", "--only-binary=:all:", "--implementation", "cp", "--python-version", python]
    argv += [part for name in PLATFORMS for part in ("--platform", name)]
    subprocess.run([*argv, "--dest", str(fresh), "-r", str(LOCK)], check=True, stdout=subprocess.DEVNULL)
    for wheel in fresh.glob("*.whl"):
        wheel_check(wheel)
        if wheel.name.startswith("qemu"):
            wheel.write_bytes(wheel_without(wheel.read_bytes(), LEFT_OUT))
    fresh.rename(folder)


def wheel_check(wheel: Path) -> None:
    """Raise WheelUnfit unless unpacking the wheel installs it: nothing in it goes elsewhere."""
    with zipfile.ZipFile(wheel) as opened:
        for name in opened.namelist():
            top = name.partition("/")[0]
            if name.startswith("/") or ".." in name.split("/"):
                raise WheelUnfit(f"{wheel.name} would write outside of its folder: {name}")
            if top.endswith(".data") and not name.startswith(f"{top}/scripts/"):
                raise WheelUnfit(f"{wheel.name} has files for other folders: {name}")


def wheel_without(content: bytes, left_out: str) -> bytes:
    """Return a wheel without one of its files, and without that file's line in its record."""
    made = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as wheel,
        zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as other,
    ):
        for name in wheel.namelist():
            if name != left_out:
                kept = wheel.read(name)
                if name.endswith(".dist-info/RECORD"):
                    kept = _record_without(kept, left_out)
                other.writestr(zipfile.ZipInfo(name, _EPOCH), kept, zipfile.ZIP_DEFLATED)
    return made.getvalue()


def _record_without(record: bytes, left_out: str) -> bytes:
    rows = csv.reader(io.StringIO(record.decode()))
    kept = io.StringIO()
    csv.writer(kept, lineterminator="\n").writerows(row for row in rows if row[0] != left_out)
    return kept.getvalue().encode()
