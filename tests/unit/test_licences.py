"""What an Apache-2.0 product may stand on."""

import io
import tarfile
from pathlib import Path

import pytest

import tests.licences as module
from agents.hostagent.packaging import archive_build, installer_build
from tests.licences import fits, licences_wrong


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


def test_the_agent_s_archive_holds_nobody_else_s_code() -> None:
    with tarfile.open(fileobj=io.BytesIO(archive_build())) as archive:
        names = archive.getnames()

    assert {name.partition("/")[0] for name in names} == {"agents", "requirements.txt"}


def test_the_installer_leaves_that_module_out() -> None:
    assert 'rm -f "$SITE/qemu/qmp/legacy.py"' in installer_build(archive_build())
