"""Numbered records, whatever the count of writes, slots and disks: what is missing is found."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from lab.decode import RECORD, STRIDE, decode, number_in, place, record

SLOTS = st.sampled_from([8, 16, 33, 64])
DISKS = st.integers(1, 3)
LAST = st.integers(0, 300)


def contents(last: int, *, slots: int, disks: int) -> list[bytearray]:
    """What a guest's disks hold after write `last`."""
    made = [bytearray(slots * RECORD) for _ in range(disks)]
    for number in range(1, last + 1):
        disk, offset = place(number, slots=slots, disks=disks)
        made[disk][offset : offset + RECORD] = record(number)
    return made


@contextmanager
def images(made: list[bytearray]) -> Iterator[list[Path]]:
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / str(number) for number in range(len(made))]
        for path, content in zip(paths, made, strict=True):
            path.write_bytes(content)
        yield paths


@given(last=LAST, slots=SLOTS, disks=DISKS)
def test_a_whole_history_is_found_exact_up_to_its_last_write(last: int, slots: int, disks: int) -> None:
    with images(contents(last, slots=slots, disks=disks)) as paths:
        decoded = decode(paths, slots=slots)
    assert (decoded.last, decoded.exact) == (last, True)


@given(last=LAST, slots=SLOTS, disks=DISKS, where=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_any_flipped_bit_is_found(last: int, slots: int, disks: int, where: float, bit: int) -> None:
    made = contents(last, slots=slots, disks=disks)
    at = int(where * slots * RECORD)
    made[0][at] ^= 1 << bit
    with images(made) as paths:
        assert not decode(paths, slots=slots).exact


@given(last=st.integers(2, 300), slots=SLOTS, disks=DISKS, back=st.integers(1, 60))
def test_a_write_lost_before_the_last_is_found(last: int, slots: int, disks: int, back: int) -> None:
    lost = max(1, last - min(back, slots - 1))
    made = contents(last, slots=slots, disks=disks)
    disk, offset = place(lost, slots=slots, disks=disks)
    before = contents(lost - 1, slots=slots, disks=disks)[disk][offset : offset + RECORD]
    made[disk][offset : offset + RECORD] = before
    with images(made) as paths:
        assert decode(paths, slots=slots).exact is stays(lost, last, slots, disks)


def stays(lost: int, last: int, slots: int, disks: int) -> bool:
    """Whether a later write went to the same place, so that nothing of the lost one is missing."""
    where = place(lost, slots=slots, disks=disks)
    return any(place(later, slots=slots, disks=disks) == where for later in range(lost + 1, last + 1))


@given(number=st.integers(1, 10**20))
def test_a_record_reads_back_as_its_number(number: int) -> None:
    assert len(record(number)) == RECORD
    assert number_in(record(number)) == number


@given(content=st.binary(min_size=0, max_size=64))
def test_noise_is_never_an_error(content: bytes) -> None:
    assert number_in(content) >= 0


@given(slots=st.integers(1, 5000).filter(lambda slots: slots % STRIDE != 0))
def test_a_disk_s_slots_are_all_used_before_one_is_used_again(slots: int) -> None:
    places = {place(number, slots=slots, disks=1) for number in range(1, slots + 1)}
    assert len(places) == slots
