"""Images that anyone can hash: made of real files, by the programs that a reader would use."""

import hashlib
from pathlib import Path

from lab.evidence import source_image

MIB = 1 << 20


def disk(path: Path, content: bytes, size: int) -> Path:
    with path.open("wb") as file:
        file.write(content)
        file.truncate(size)
    return path


async def test_one_disk_is_its_own_image(tmp_path: Path) -> None:
    frozen = disk(tmp_path / "a", b"landfall", 3 * MIB)
    image = await source_image([frozen], tmp_path, "mail")
    assert image.path == tmp_path / "mail-source.raw"
    assert image.digest == hashlib.sha256(frozen.read_bytes()).hexdigest()
    assert image.path.read_bytes() == frozen.read_bytes()


async def test_two_disks_are_one_image_in_their_order(tmp_path: Path) -> None:
    disks = [disk(tmp_path / "a", b"first", 5 * MIB), disk(tmp_path / "b", b"second", MIB)]
    image = await source_image(disks, tmp_path, "db")
    whole = disks[0].read_bytes() + disks[1].read_bytes()
    assert image.path.read_bytes() == whole
    assert image.digest == hashlib.sha256(whole).hexdigest()


async def test_holes_cost_no_room(tmp_path: Path) -> None:
    disks = [disk(tmp_path / name, b"x", 64 * MIB) for name in "ab"]
    image = await source_image(disks, tmp_path, "db")
    assert image.path.stat().st_size == 128 * MIB
    assert image.path.stat().st_blocks * 512 < 16 * MIB


async def test_the_source_itself_is_left_alone(tmp_path: Path) -> None:
    frozen = disk(tmp_path / "a", b"landfall", MIB)
    await source_image([frozen], tmp_path, "mail")
    assert frozen.read_bytes().startswith(b"landfall")
