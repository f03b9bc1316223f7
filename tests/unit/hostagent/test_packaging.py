"""The archive that a host is given."""

import io
import subprocess
import sys
import tarfile
from pathlib import Path

from agents.hostagent.packaging import TEMPLATE, archive_build


def names(archive: bytes) -> list[str]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        return opened.getnames()


def test_it_holds_the_agent_and_nothing_of_the_portal() -> None:
    held = names(archive_build({}).content)
    assert "code/agents/hostagent/__main__.py" in held
    assert {Path(name).parts[2] for name in held} == {"__init__.py", "hostagent", "vsphere", "domain"}


def test_it_is_the_same_bytes_for_the_same_sources() -> None:
    assert archive_build({}) == archive_build({})


def test_it_holds_each_wheel_once_and_says_who_needs_it(tmp_path: Path) -> None:
    (tmp_path / "both.whl").write_bytes(b"wheel")
    packed = archive_build({"3.11": [tmp_path / "both.whl"], "3.12": [tmp_path / "both.whl"]})
    assert names(packed.content).count("wheels/both.whl") == 1
    assert packed.wheels == {"3.11": ["wheels/both.whl"], "3.12": ["wheels/both.whl"]}
    assert set(packed.files) == set(names(packed.content))


def test_the_scripts_are_shell_scripts() -> None:
    for script in (TEMPLATE, TEMPLATE.with_name("launch.sh")):
        assert subprocess.run(["sh", "-n", str(script)], check=False).returncode == 0


def test_it_runs_from_the_archive_alone(tmp_path: Path) -> None:
    subprocess.run(["tar", "-x", "-C", str(tmp_path)], input=archive_build({}).content, check=True)
    argv = [sys.executable, "-P", "-m", "agents.hostagent", "run", "--state", str(tmp_path / "state")]
    ran = subprocess.run(
        argv,
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path / "code")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "run `enrol` first" in ran.stderr
