"""Numbered records: what images say of a guest's writes."""

from pathlib import Path

from lab.decode import RECORD, decode, number_in, place, record

SLOTS = 64


def written(folder: Path, last: int, *, disks: int = 1) -> list[Path]:
    """The images that a guest leaves after write `last`."""
    contents = [bytearray(SLOTS * RECORD) for _ in range(disks)]
    for number in range(1, last + 1):
        disk, offset = place(number, slots=SLOTS, disks=disks)
        contents[disk][offset : offset + RECORD] = record(number)
    paths = [folder / f"disk{disk}.raw" for disk in range(disks)]
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    return paths


def spoil(path: Path, offset: int, content: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(content)


def test_it_finds_the_last_write(tmp_path: Path) -> None:
    decoded = decode(written(tmp_path, 40), slots=SLOTS)
    assert (decoded.last, decoded.exact) == (40, True)


def test_it_finds_the_last_write_when_slots_were_written_again(tmp_path: Path) -> None:
    decoded = decode(written(tmp_path, 1000), slots=SLOTS)
    assert (decoded.last, decoded.exact) == (1000, True)


def test_two_disks_are_one_history(tmp_path: Path) -> None:
    decoded = decode(written(tmp_path, 501, disks=2), slots=SLOTS)
    assert (decoded.last, decoded.exact) == (501, True)


def test_a_lost_write_is_found(tmp_path: Path) -> None:
    images = written(tmp_path, 200)
    _, offset = place(190, slots=SLOTS, disks=1)
    spoil(images[0], offset, record(190 - SLOTS))
    assert decode(images, slots=SLOTS).wrong_slots == 1


def test_disks_of_different_moments_are_found(tmp_path: Path) -> None:
    early, late = tmp_path / "early", tmp_path / "late"
    early.mkdir()
    late.mkdir()
    mixed = [written(early, 180, disks=2)[0], written(late, 200, disks=2)[1]]
    assert not decode(mixed, slots=SLOTS).exact


def test_one_flipped_byte_is_found(tmp_path: Path) -> None:
    images = written(tmp_path, 40)
    _, offset = place(7, slots=SLOTS, disks=1)
    spoil(images[0], offset + 4000, b"x")
    assert decode(images, slots=SLOTS).wrong_slots == 1


def test_a_blank_disk_has_no_last_write(tmp_path: Path) -> None:
    decoded = decode(written(tmp_path, 0), slots=SLOTS)
    assert (decoded.last, decoded.exact) == (0, True)


def test_a_record_says_its_number() -> None:
    assert number_in(record(1234567)) == 1234567
    assert number_in(bytes(RECORD)) == 0
