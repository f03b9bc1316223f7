"""The archive that a host is given."""

import hashlib
import io
import subprocess
import sys
import tarfile
from pathlib import Path

from agents.hostagent.packaging import INSTALLER, archive_build, installer_build, main, requirements


def names(archive: bytes) -> list[str]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        return opened.getnames()


def test_it_holds_the_agent_and_nothing_of_the_portal() -> None:
    held = names(archive_build())
    assert "agents/hostagent/__main__.py" in held
    assert {Path(name).parts[1] for name in held if "/" in name} == {
        "__init__.py",
        "hostagent",
        "vsphere",
        "domain",
    }


def test_it_is_the_same_bytes_for_the_same_sources() -> None:
    assert archive_build() == archive_build()


def test_it_pins_what_it_needs_and_nothing_else() -> None:
    pinned = requirements().splitlines()
    assert all("==" in line for line in pinned)
    assert [line.partition("==")[0] for line in pinned] == [
        "blake3",
        "cryptography",
        "httpx",
        "msgspec",
        "pyvmomi",
        "qemu.qmp",
        "zstandard",
    ]


def test_the_installer_trusts_exactly_that_archive(tmp_path: Path) -> None:
    main([str(tmp_path)])
    archive = (tmp_path / "landfall-agent.tar.gz").read_bytes()
    installer = (tmp_path / INSTALLER).read_text()
    assert f"SHA256={hashlib.sha256(archive).hexdigest()}" in installer
    assert "@PORTAL@" in installer


def test_the_installer_is_a_shell_script(tmp_path: Path) -> None:
    script = tmp_path / "install.sh"
    script.write_text(installer_build(b""))
    assert subprocess.run(["sh", "-n", str(script)], check=False).returncode == 0


def test_it_runs_from_the_archive_alone(tmp_path: Path) -> None:
    subprocess.run(["tar", "-xz", "-C", str(tmp_path)], input=archive_build(), check=True)
    argv = [sys.executable, "-P", "-m", "agents.hostagent", "run", "--state", str(tmp_path / "state")]
    ran = subprocess.run(
        argv, cwd=tmp_path, env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert "run `enrol` first" in ran.stderr
