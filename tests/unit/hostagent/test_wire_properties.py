"""The wire's codec, held against anything: what comes from a peer is never trusted, whatever it is."""

import struct
from collections.abc import Callable

import pytest
import zstandard
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from agents.hostagent.extents import BLOCK
from agents.hostagent.wire import (
    FRAME,
    FRAME_MAX,
    NO_DIGEST,
    Frame,
    FrameTorn,
    Kind,
    blocks_digest,
    frame_decode,
    frame_encode,
    frame_unpack,
    zero_blocks,
)

DISK = 64 << 20
pieces = st.tuples(st.binary(min_size=1, max_size=64), st.integers(1, 4 * BLOCK)).map(
    lambda piece: (piece[0] * (piece[1] // len(piece[0]) + 1))[: piece[1]]
)
contents = st.one_of(
    pieces,
    st.lists(pieces, min_size=1, max_size=4).map(b"".join),
    st.integers(1, 3 * BLOCK).map(bytes),
).map(lambda content: content[:FRAME_MAX])
headers = st.builds(
    lambda kind, length, offset, payload, digest: FRAME.pack(kind, length, offset, payload, digest),
    st.integers(0, 255),
    st.integers(0, (1 << 32) - 1),
    st.integers(0, (1 << 64) - 1),
    st.integers(0, (1 << 32) - 1),
    st.binary(min_size=32, max_size=32),
)


@given(contents)
def test_any_content_arrives_as_it_was_sent(content: bytes) -> None:
    encoded = frame_encode(0, bytearray(content))
    frame = frame_unpack(encoded.frame.pack(), len(content))
    arrived, blocks = frame_decode(frame, encoded.payload)
    assert bytes(arrived if arrived is not None else bytes(frame.length)) == content
    assert blocks == encoded.blocks == blocks_digest(content)


@given(contents)
def test_no_content_takes_more_on_the_wire_than_on_the_disk(content: bytes) -> None:
    encoded = frame_encode(0, bytearray(content))
    assert encoded.frame.payload == len(encoded.payload) <= len(content)


@given(st.integers(1, FRAME_MAX))
def test_zeros_take_nothing_on_the_wire_however_many(length: int) -> None:
    encoded = frame_encode(0, bytearray(length))
    assert encoded.frame.kind is Kind.ZERO
    assert encoded.payload == b""
    assert encoded.blocks == zero_blocks(length)


@given(headers)
def test_a_header_that_is_let_through_fits_the_disk_and_the_memory(header: bytes) -> None:
    try:
        frame = frame_unpack(header, DISK)
    except FrameTorn:
        return
    assert frame.kind is Kind.END or frame.offset + frame.length <= DISK
    assert frame.kind is Kind.END or frame.payload <= frame.length <= FRAME_MAX
    assert frame.kind is Kind.END or frame.offset % BLOCK == 0


@given(st.binary(min_size=1, max_size=4096), st.integers(1, FRAME_MAX))
def test_a_payload_of_noise_is_never_taken_for_content(payload: bytes, length: int) -> None:
    frame = Frame(Kind.ZSTD, 0, length, len(payload), NO_DIGEST)
    with pytest.raises(FrameTorn):
        frame_decode(frame, payload)


@given(contents, st.data())
def test_one_changed_byte_never_brings_other_content(content: bytes, data: st.DataObject) -> None:
    sent = b"!" + content[1:]
    encoded = frame_encode(0, bytearray(sent))
    place = data.draw(st.integers(0, len(encoded.payload) - 1))
    changed = bytearray(encoded.payload)
    changed[place] ^= data.draw(st.integers(1, 255))
    assert _arrived(encoded.frame, bytes(changed)) in (None, sent)


def _arrived(frame: Frame, payload: bytes) -> bytes | None:
    """The content, or None for a frame that is refused; zstd may read the same out of other bytes."""
    try:
        content, _ = frame_decode(frame, payload)
    except FrameTorn:
        return None
    return bytes(content or b"")


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda: zstandard.ZstdCompressor().compress(bytes(BLOCK + 1)), "states another size"),
        (lambda: zstandard.ZstdCompressor(write_content_size=False).compress(bytes(BLOCK)), "another size"),
        (lambda: zstandard.ZstdCompressor().compress(b"x" * BLOCK)[:-4], "does not decompress"),
        (lambda: b"", "does not decompress"),
        (lambda: zstandard.ZstdCompressor().compress(b"y" * BLOCK), "not what its digest says"),
    ],
)
def test_a_payload_that_lies_is_refused_with_a_reason(make: Callable[[], bytes], why: str) -> None:
    payload = make()
    frame = Frame(Kind.ZSTD, 0, BLOCK, len(payload), blake3(blocks_digest(b"x" * BLOCK)).digest())
    with pytest.raises(FrameTorn, match=why):
        frame_decode(frame, payload)


def test_a_raw_frame_of_the_wrong_length_is_refused() -> None:
    content = b"x" * BLOCK
    frame = Frame(Kind.RAW, 0, 2 * BLOCK, 2 * BLOCK, blake3(blocks_digest(content)).digest())
    with pytest.raises(FrameTorn, match="digest"):
        frame_decode(frame, content)


@pytest.mark.parametrize("cut", range(0, FRAME.size, 7))
def test_a_header_cut_short_is_no_header(cut: int) -> None:
    whole = Frame(Kind.ZERO, 0, BLOCK, 0, NO_DIGEST).pack()
    with pytest.raises(struct.error):
        frame_unpack(whole[:cut], DISK)


def test_the_last_block_of_a_disk_may_be_short_and_no_other() -> None:
    size = 3 * BLOCK + 512
    assert frame_unpack(Frame(Kind.ZERO, 3 * BLOCK, 512, 0, NO_DIGEST).pack(), size).length == 512
    with pytest.raises(FrameTorn, match="whole blocks"):
        frame_unpack(Frame(Kind.ZERO, 2 * BLOCK, 512, 0, NO_DIGEST).pack(), size)
