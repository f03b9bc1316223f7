"""Where a group stands on the board, and what may be asked of it."""

import pytest

from migrations_app.domain.lifecycle import Condition, Desired, Phase
from migrations_app.domain.standing import Ask, Standing, asks_of, standing_of
from migrations_app.domain.wording import WORDS


@pytest.mark.parametrize(
    ("desired", "phases", "standing"),
    [
        (Desired.HOLD, {Phase.PLANNED}, Standing.DRAFT),
        (Desired.SYNC, {Phase.PLANNED, Phase.SYNCING}, Standing.SYNCING),
        (Desired.SYNC, {Phase.READY, Phase.SYNCING}, Standing.SYNCING),
        (Desired.SYNC, {Phase.READY}, Standing.READY),
        (Desired.SYNC, {Phase.FAILED}, Standing.SYNCING),
        (Desired.CUT_OVER, {Phase.READY}, Standing.CUTTING_OVER),
        (Desired.CUT_OVER, {Phase.AWAITING_COMMIT, Phase.VERIFYING}, Standing.CUTTING_OVER),
        (Desired.CUT_OVER, {Phase.AWAITING_COMMIT}, Standing.AWAITING_COMMIT),
        (Desired.CUT_OVER, {Phase.AWAITING_COMMIT, Phase.ROLLED_BACK}, Standing.AWAITING_COMMIT),
        (Desired.COMMIT, {Phase.COMMITTED}, Standing.COMMITTED),
        (Desired.COMMIT, {Phase.COMMITTED, Phase.ROLLED_BACK}, Standing.COMMITTED),
        (Desired.ROLL_BACK, {Phase.ROLLING_BACK, Phase.ROLLED_BACK}, Standing.ROLLING_BACK),
        (Desired.ROLL_BACK, {Phase.ROLLED_BACK, Phase.CANCELLED}, Standing.ROLLED_BACK),
        (Desired.ROLL_BACK, {Phase.CANCELLED}, Standing.CANCELLED),
    ],
)
def test_a_group_stands_where_its_machines_do(
    desired: Desired, phases: set[Phase], standing: Standing
) -> None:
    assert standing_of(desired, phases) is standing


@pytest.mark.parametrize(
    ("desired", "phases", "ready", "asks"),
    [
        (Desired.HOLD, {Phase.PLANNED}, False, {Ask.EDIT, Ask.START, Ask.CANCEL}),
        (Desired.SYNC, {Phase.SYNCING}, False, {Ask.PAUSE, Ask.ROLL_BACK}),
        (Desired.SYNC, {Phase.READY}, True, {Ask.PAUSE, Ask.CUT_OVER, Ask.ROLL_BACK}),
        (Desired.CUT_OVER, {Phase.READY}, True, {Ask.PAUSE, Ask.WITHDRAW, Ask.ROLL_BACK}),
        (Desired.CUT_OVER, {Phase.SWITCHING}, True, {Ask.PAUSE, Ask.ROLL_BACK}),
        (Desired.CUT_OVER, {Phase.AWAITING_COMMIT}, True, {Ask.COMMIT, Ask.ROLL_BACK}),
        (Desired.ROLL_BACK, {Phase.ROLLING_BACK}, True, set()),
        (Desired.ROLL_BACK, {Phase.FAILED}, True, {Ask.ROLL_BACK}),
        (Desired.COMMIT, {Phase.COMMITTED}, True, set()),
        (Desired.ROLL_BACK, {Phase.ROLLED_BACK}, True, set()),
    ],
)
def test_only_what_would_not_be_refused_is_offered(
    desired: Desired, phases: set[Phase], ready: bool, asks: set[Ask]
) -> None:
    assert asks_of(desired, phases, paused=False, ready=ready) == asks


def test_a_paused_group_can_be_resumed() -> None:
    assert Ask.RESUME in asks_of(Desired.SYNC, {Phase.SYNCING}, paused=True, ready=False)


def test_every_condition_has_words() -> None:
    assert set(WORDS) == set(Condition)
