"""The bucket, by a clock of its own: no test here sleeps."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.hostagent import throttle
from agents.hostagent.throttle import BURST_S, PIECE_MAX, PIECE_MIN, TokenBucket


class Clock:
    """Time that passes only by sleeping, or when told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(throttle, "time", clock)
    return clock


def test_without_a_limit_nothing_waits(clock: Clock) -> None:
    TokenBucket(None).wait(1 << 40)
    assert clock.now == 1000.0


@pytest.mark.parametrize("piece", [1_000, 33_333, 1_000_000])
def test_over_a_while_exactly_the_rate_passes(clock: Clock, piece: int) -> None:
    bucket = TokenBucket(1e6)
    for _ in itertools.repeat(None, 10_000_000 // piece):
        bucket.wait(piece)
    assert clock.now - 1000 == pytest.approx(10, abs=piece / 1e6 + BURST_S)


def test_an_idle_bucket_saves_up_no_more_than_a_burst(clock: Clock) -> None:
    bucket = TokenBucket(1e6)
    clock.now += 3600
    bucket.wait(1_000_000)
    assert clock.now - 4600 == pytest.approx(1 - BURST_S)


def test_a_burst_that_was_saved_passes_at_once(clock: Clock) -> None:
    bucket = TokenBucket(1e6)
    clock.now += 1
    bucket.wait(int(1e6 * BURST_S))
    assert clock.now == 1001.0


def test_a_limit_that_is_raised_counts_from_the_next_piece(clock: Clock) -> None:
    bucket = TokenBucket(1e3)
    bucket.wait(1_000)
    slow, bucket.rate = clock.now, 1e6
    bucket.wait(1_000_000)
    assert slow - 1000 == pytest.approx(1, abs=BURST_S)
    assert clock.now - slow == pytest.approx(1, abs=BURST_S)


def test_a_limit_that_is_taken_away_lets_everything_pass(clock: Clock) -> None:
    bucket = TokenBucket(1.0)
    bucket.rate = None
    bucket.wait(1 << 40)
    assert clock.now == 1000.0


@given(st.floats(1, 1e12))
def test_a_piece_is_never_nothing_and_never_more_than_sockets_like(rate: float) -> None:
    assert PIECE_MIN <= TokenBucket(rate).piece <= PIECE_MAX


def test_without_a_limit_pieces_are_as_large_as_any(clock: Clock) -> None:
    assert TokenBucket(None).piece <= PIECE_MAX
