"""Frames, tickets, growth, pace and digests: what the data plane decides without a disk."""

import base64
import os
import time
import uuid
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agents.domain.protocol import Ticket, canonical
from agents.hostagent.applied import AppliedBlocks
from agents.hostagent.channel import SEND_STEP, in_steps
from agents.hostagent.digest_file import DigestFile, Kept
from agents.hostagent.digests import DIGEST
from agents.hostagent.engine import RoundKey
from agents.hostagent.extents import BLOCK, Extent
from agents.hostagent.sending import Growth
from agents.hostagent.throttle import TokenBucket
from agents.hostagent.ticket import TicketExpired, TicketInvalid, ticket_check, ticket_read
from agents.hostagent.wire import (
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

KEY = Ed25519PrivateKey.generate()
TICKET = Ticket(
    unit=uuid.uuid4(),
    generation=1,
    machine="vm-1",
    disk="0",
    size=1 << 30,
    direction="push",
    source="aa" * 32,
    destination="bb" * 32,
    expires=1000,
)
PAGES_HALF_NOISE = b"".join(os.urandom(2048) + bytes(2048) for _ in range(256))


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        pytest.param(os.urandom(FRAME_MAX), Kind.RAW, id="noise"),
        pytest.param(PAGES_HALF_NOISE, Kind.ZSTD, id="half_of_every_page"),
        pytest.param(os.urandom(FRAME_MAX // 2).hex().encode(), Kind.ZSTD, id="digits_without_repeats"),
        pytest.param(bytes(FRAME_MAX), Kind.ZERO, id="zeros"),
        pytest.param(os.urandom(4096), Kind.RAW, id="the_short_end_of_a_disk"),
        pytest.param(bytes(512), Kind.ZERO, id="a_short_end_of_zeros"),
    ],
)
def test_a_frame_arrives_as_it_was_sent(content: bytes, kind: Kind) -> None:
    encoded = frame_encode(0, bytearray(content))
    frame = frame_unpack(encoded.frame.pack(), len(content))
    arrived, blocks = frame_decode(frame, encoded.payload)
    assert frame.kind is kind
    assert bytes(arrived or bytes(frame.length)) == content
    assert blocks == encoded.blocks == blocks_digest(content)


def test_what_shrinks_by_half_travels_by_half_whichever_way_it_shrinks() -> None:
    digits = os.urandom(FRAME_MAX // 2).hex().encode()
    for content in (PAGES_HALF_NOISE, digits):
        assert frame_encode(0, content).frame.payload < 0.58 * FRAME_MAX


@pytest.mark.parametrize(
    "content",
    [PAGES_HALF_NOISE, b"".join(b"%d;" % n for n in range(150_000))],
    ids=["pages_half_noise", "numbers"],
)
def test_in_a_hurry_the_content_is_the_same_in_at_most_a_third_more(content: bytes) -> None:
    content = content[:FRAME_MAX]
    usual, hurried = frame_encode(0, content), frame_encode(0, content, hurry=True)

    assert bytes(frame_decode(hurried.frame, hurried.payload)[0] or b"") == content
    assert hurried.frame.payload <= usual.frame.payload * 1.34


@pytest.mark.parametrize("lengths", [[56, FRAME_MAX], [0], [], [SEND_STEP], [1, SEND_STEP - 1, 1], [5, 0, 7]])
def test_what_is_sent_in_steps_is_the_same_in_the_same_order(lengths: list[int]) -> None:
    parts = [os.urandom(length) for length in lengths]

    steps = [b"".join(step) for step in in_steps(parts)]

    assert b"".join(steps) == b"".join(parts)
    assert all(0 < len(step) < 2 * SEND_STEP for step in steps)


@pytest.mark.parametrize("size", [1, BLOCK, BLOCK + 1, 5 * BLOCK, 5 * BLOCK - 512])
def test_zeros_are_digested_without_being_made(size: int) -> None:
    assert zero_blocks(size) == blocks_digest(bytes(size))


def test_a_frame_of_parts_of_blocks_is_refused() -> None:
    frame = Frame(Kind.ZERO, 512, BLOCK, 0, NO_DIGEST)
    with pytest.raises(FrameTorn, match="whole blocks"):
        frame_unpack(frame.pack(), 1 << 20)


def test_a_ticket_of_the_portal_is_read() -> None:
    assert ticket_read(_sealed(TICKET), KEY.public_key()) == TICKET


@pytest.mark.parametrize("sealed", [b"", b".", b"a.b", b"\xff.\xff", b"e30.e30", b"." * 4096])
def test_what_is_no_ticket_is_refused(sealed: bytes) -> None:
    with pytest.raises(TicketInvalid):
        ticket_read(sealed, KEY.public_key())


def test_a_ticket_signed_by_another_key_is_refused() -> None:
    with pytest.raises(TicketInvalid):
        ticket_read(_sealed(TICKET), Ed25519PrivateKey.generate().public_key())


def test_a_ticket_whose_content_was_changed_is_refused() -> None:
    content, _, signature = _sealed(TICKET).partition(b".")
    changed = base64.urlsafe_b64decode(content + b"==").replace(b'"generation":1', b'"generation":2')
    with pytest.raises(TicketInvalid):
        ticket_read(base64.urlsafe_b64encode(changed).rstrip(b"=") + b"." + signature, KEY.public_key())


def test_a_ticket_ends_at_its_second() -> None:
    ticket_check(TICKET, peer="aa" * 32, own="bb" * 32, now=999.9)
    with pytest.raises(TicketExpired):
        ticket_check(TICKET, peer="aa" * 32, own="bb" * 32, now=1000)


def test_connections_double_while_that_helps_and_stay_when_it_does_not() -> None:
    growth = Growth(most=16)
    assert growth.wanted(rate=10, connections=1, rtt=0.04) == 2
    assert growth.wanted(rate=20, connections=2, rtt=0.04) == 4
    assert growth.wanted(rate=40, connections=4, rtt=0.04) == 8
    assert growth.wanted(rate=41, connections=8, rtt=0.04) == 8
    assert growth.wanted(rate=90, connections=8, rtt=0.04) == 8


def test_there_are_never_more_connections_than_allowed() -> None:
    assert Growth(most=3).wanted(rate=10, connections=2, rtt=0.04) == 3


def test_on_a_short_line_one_connection_is_enough() -> None:
    assert Growth(most=16).wanted(rate=10, connections=1, rtt=0.0001) == 1


@pytest.mark.parametrize("rate", [1e3, 3e4, 1e6])
def test_a_slow_line_is_fed_in_pieces_of_at_most_a_second_or_so(rate: float) -> None:
    assert TokenBucket(rate).piece / rate <= 1.1


def test_the_bucket_holds_its_rate() -> None:
    bucket = TokenBucket(1e6)
    started = time.monotonic()
    for _ in range(20):
        bucket.wait(10_000)
    assert 0.14 < time.monotonic() - started < 0.4


def test_a_blank_digest_file_has_the_root_of_zeros(tmp_path: Path) -> None:
    digests = DigestFile(tmp_path / "digests", 5 * BLOCK + 512)
    digests.blank()
    assert digests.path.read_bytes() == zero_blocks(5 * BLOCK + 512)
    assert digests.length == 6 * DIGEST


def test_a_digest_file_tells_of_a_lineage_only_once_told_so(tmp_path: Path) -> None:
    digests = DigestFile(tmp_path / "digests", 5 * BLOCK)
    kept = Kept(uuid.uuid4(), compared=True)
    assert digests.kept is None
    digests.blank()
    assert digests.kept is None
    digests.keep(kept)
    assert digests.kept == kept
    digests.forget()
    assert digests.kept is None


def test_a_digest_file_of_another_size_says_nothing(tmp_path: Path) -> None:
    DigestFile(tmp_path / "digests", 5 * BLOCK).blank()
    DigestFile(tmp_path / "digests", 5 * BLOCK).keep(Kept(uuid.uuid4(), compared=False))
    assert DigestFile(tmp_path / "digests", 9 * BLOCK).kept is None


def test_differing_digests_are_told_as_extents_within_the_disk(tmp_path: Path) -> None:
    size = 9 * BLOCK + 512
    mine, theirs = DigestFile(tmp_path / "mine", size), DigestFile(tmp_path / "theirs", size)
    mine.blank()
    theirs.blank()
    with mine.open() as changed:
        changed.put(2 * BLOCK, blocks_digest(os.urandom(2 * BLOCK)))
        changed.put(9 * BLOCK, blocks_digest(os.urandom(512)))
    assert mine.differing(theirs.path) == [Extent(2 * BLOCK, 2 * BLOCK), Extent(9 * BLOCK, 512)]
    assert mine.root != theirs.root


def test_applied_blocks_are_of_one_round_alone(tmp_path: Path) -> None:
    key = RoundKey(uuid.uuid4(), 1)
    applied = AppliedBlocks(tmp_path / "applied", key=key, disk_size=4 * BLOCK)
    applied.mark(BLOCK, 2 * BLOCK)
    applied.save(applied.snapshot())

    again = AppliedBlocks(tmp_path / "applied", key=key, disk_size=4 * BLOCK)
    other = AppliedBlocks(tmp_path / "applied", key=RoundKey(key.lineage, 2), disk_size=4 * BLOCK)

    assert again.snapshot() == b"\0\1\1\0"
    assert other.snapshot() == bytes(4)
    assert AppliedBlocks.newest(tmp_path / "applied") == key
    assert AppliedBlocks.newest(tmp_path / "none") is None


def _sealed(ticket: Ticket) -> bytes:
    content = canonical(ticket)
    parts = (content, KEY.sign(b"landfall-ticket\0" + content))
    return b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
