"""What an Apache-2.0 product may stand on."""

import io
import tarfile
import zipfile
from importlib.metadata import distributions
from pathlib import Path

import pytest

import tests.licences as module
from agents.hostagent.packaging import archive_build
from tests.licences import fits, licences_wrong
from tests.releases import wheels_here


@pytest.mark.parametrize(
    "licence",
    [
        "Apache-2.0",
        "MIT License",
        "BSD-3-Clause",
        "ISC",
        "MPL-2.0 AND MIT",
        "GNU Library or Lesser General Public License (LGPL)",
        "LGPL with exceptions",
        "License :: OSI Approved :: Python Software Foundation License",
        "PostgreSQL",
    ],
)
def test_these_fit(licence: str) -> None:
    assert fits(licence)


@pytest.mark.parametrize(
    "licence",
    [
        "",
        "UNKNOWN",
        "GPL-2.0-only",
        "GNU General Public License v3 (GPLv3)",
        "AGPL-3.0-or-later",
        "GNU Affero General Public License v3",
        "MIT OR GPL-2.0-only",
        "SSPL-1.0",
        "BUSL-1.1",
        "Proprietary, all rights reserved; see permit",
        "Miscellaneous",
    ],
)
def test_these_do_not(licence: str) -> None:
    assert not fits(licence)


def test_all_that_is_installed_here_fits() -> None:
    assert licences_wrong() == []


def test_an_import_of_the_module_under_another_licence_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "agents").mkdir()
    (tmp_path / "agents" / "one.py").write_text(f"from {module._LEGACY} import QEMUMonitorProtocol\n")
    monkeypatch.setattr(module, "ROOT", tmp_path)

    assert licences_wrong() == [f"agents/one.py imports {module._LEGACY}"]


def test_the_agent_s_archive_holds_our_code_and_wheels() -> None:
    with tarfile.open(fileobj=io.BytesIO(archive_build(wheels_here()).content)) as archive:
        names = archive.getnames()

    assert {name.partition("/")[0] for name in names} == {"code", "wheels"}
    assert {
        name for name in names if name.startswith("code/") and not name.startswith("code/agents/")
    } == set()


def test_no_wheel_that_we_pass_on_has_that_module() -> None:
    [wheels] = wheels_here().values()

    held = {name for wheel in wheels for name in zipfile.ZipFile(wheel).namelist()}
    assert "qemu/qmp/__init__.py" in held
    assert {name for name in held if name.endswith("legacy.py")} == set()


def test_every_wheel_that_we_pass_on_is_among_what_was_looked_at() -> None:
    [wheels] = wheels_here().values()
    looked_at = {
        found.metadata["Name"].lower().replace("-", "_").replace(".", "_") for found in distributions()
    }

    assert {wheel.name.partition("-")[0].lower().replace(".", "_") for wheel in wheels} <= looked_at
