"""What machines run, as every host of every site reads it."""

import gzip
from pathlib import Path

import msgspec
import pytest

from lab.guest import LinuxGuest, NumberedWriter
from lab.initramfs import WANTED, boot_image_build
from lab.workloads import Runs, Workloads, workloads_write


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The root of a system with two kernels, and a busybox on the path."""
    root, programs = tmp_path / "root", tmp_path / "bin"
    for version in ("6.1.0-1", "6.1.0-2"):
        modules = root / "lib" / "modules" / version / "kernel" / "drivers"
        modules.mkdir(parents=True)
        for name in WANTED[:-1]:
            (modules / f"{name}.ko").write_bytes(f"{name} of {version}".encode())
        (root / "boot").mkdir(exist_ok=True)
        (root / "boot" / f"vmlinuz-{version}").write_bytes(b"kernel")
    programs.mkdir()
    (programs / "busybox").write_bytes(b"#!busybox")
    (programs / "busybox").chmod(0o755)
    monkeypatch.setenv("LANDFALL_KERNEL_DIR", str(root))
    monkeypatch.setenv("PATH", str(programs))
    return root


def members(archive: bytes) -> dict[str, tuple[int, bytes]]:
    """Name, mode and content of all in a cpio archive of the newc format."""
    found: dict[str, tuple[int, bytes]] = {}
    at = 0
    while True:
        head = archive[at : at + 110]
        mode, size, named = (int(head[place : place + 8], 16) for place in (14, 54, 94))
        name = archive[at + 110 : at + 110 + named - 1].decode()
        if name == "TRAILER!!!":
            return found
        begin = at + (110 + named + 3) // 4 * 4
        found[name] = (mode, archive[begin : begin + size])
        at = begin + (size + 3) // 4 * 4


def test_what_was_written_is_what_runs(tmp_path: Path) -> None:
    path = tmp_path / "workloads.json"
    workloads_write(path, {"mail1": Runs(slots=8192, rate=600.0, linger=2.5)})
    assert Workloads(path, tmp_path)["mail1"] == NumberedWriter(slots=8192, rate=600.0, linger=2.5)


def test_a_machine_that_comes_later_is_found(tmp_path: Path) -> None:
    path = tmp_path / "workloads.json"
    workloads_write(path, {})
    known = Workloads(path, tmp_path)
    assert known["m001"].path == "nbd"
    workloads_write(path, {"m001": Runs(slots=512)})
    assert known["m001"] == NumberedWriter(slots=512, rate=300.0)


def test_a_machine_that_nobody_named_runs_a_slow_writer(tmp_path: Path) -> None:
    assert Workloads(tmp_path / "nothing.json", tmp_path)["x"] == NumberedWriter(slots=64, rate=20.0)


def test_a_broken_file_is_not_taken_for_no_file(tmp_path: Path) -> None:
    (tmp_path / "workloads.json").write_text('{"mail1": {"slots"')
    with pytest.raises(msgspec.DecodeError):
        Workloads(tmp_path / "workloads.json", tmp_path)["mail1"]


def test_a_linux_boots_the_newest_kernel(tmp_path: Path, kernel: Path) -> None:
    workloads_write(tmp_path / "workloads.json", {"linux1": Runs(slots=1024, linux=True, pause=0.1)})
    guest = Workloads(tmp_path / "workloads.json", tmp_path)["linux1"]
    assert isinstance(guest, LinuxGuest)
    assert guest.boot.kernel == kernel / "boot" / "vmlinuz-6.1.0-2"
    assert (guest.slots, guest.pause) == (1024, 0.1)


def test_the_boot_image_has_what_the_guest_s_first_program_needs(tmp_path: Path, kernel: Path) -> None:
    image = boot_image_build(tmp_path)
    found = members(gzip.decompress(image.initramfs.read_bytes()))
    assert found["init"][0] == 0o100755
    assert found["init"][1].startswith(b"#!/bin/busybox sh")
    assert found["bin/busybox"] == (0o100755, b"#!busybox")
    assert found["lib/modules"] == (0o040755, b"")


def test_modules_are_of_the_kernel_that_boots_and_built_in_ones_are_not_missed(
    tmp_path: Path, kernel: Path
) -> None:
    found = members(gzip.decompress(boot_image_build(tmp_path).initramfs.read_bytes()))
    assert found["lib/modules/virtio_pci.ko"][1] == b"virtio_pci of 6.1.0-2"
    assert "lib/modules/virtio_blk.ko" not in found


def test_without_busybox_it_says_what_is_missing(
    tmp_path: Path, kernel: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="busybox-static"):
        boot_image_build(tmp_path)


def test_the_guest_s_first_program_loads_every_module_that_is_packed() -> None:
    said = (Path(__file__).parents[3] / "lab" / "linux" / "init").read_text()
    assert " ".join(WANTED) in said
