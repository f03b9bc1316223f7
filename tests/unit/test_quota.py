"""What a policy allows beside what is used, in levels and in words."""

import pytest

from tenants.domain.quota import (
    GIB,
    MIB,
    UNBOUNDED,
    Allowance,
    Level,
    Limit,
    Measure,
    MigrationNotAllowed,
    Quota,
    QuotaExceeded,
    Use,
    amount,
    uses,
)
from tenants.domain.standing import Stand, TenantClosed, TenantStanding, TenantSuspended

ACTIVE = Stand()
SUSPENDED = Stand(TenantStanding.SUSPENDED, "The invoice is open.")
CLOSED = Stand(TenantStanding.CLOSED, "The contract has ended.")
BOTH = Limit(soft=8, hard=10)


@pytest.mark.parametrize(
    ("limit", "used", "level"),
    [
        (Limit(), 10**12, Level.WITHIN),
        (BOTH, 7, Level.WITHIN),
        (BOTH, 8, Level.NEAR),
        (BOTH, 10, Level.FULL),
        (BOTH, 11, Level.OVER),
        (Limit(soft=1), 5, Level.NEAR),
        (Limit(hard=0), 0, Level.WITHIN),
        (Limit(hard=0), 1, Level.OVER),
    ],
)
def test_a_use_is_within_near_at_or_over_its_limit(limit: Limit, used: int, level: Level) -> None:
    assert limit.level(used) is level


def test_a_refusal_says_what_is_used_what_is_allowed_and_whom_to_ask() -> None:
    allowance = Allowance(
        ACTIVE, Quota(contact="sales@nordhaven.test", limits={Measure.SITES: Limit(hard=2)})
    )

    with pytest.raises(QuotaExceeded) as refused:
        allowance.room(Measure.SITES, used=2, adding=1, what="The site was not made.")

    said = str(refused.value)
    assert "Sites: 2 used, 2 allowed, and this takes 1." in said
    assert "Ask your provider (sales@nordhaven.test) for more." in said
    assert refused.value.more == {"measure": "sites", "used": 2, "adding": 1, "allowed": 2}


@pytest.mark.parametrize(("used", "adding"), [(1, 1), (0, 2), (10**6, 0)])
def test_what_fits_or_has_no_limit_is_let_through(used: int, adding: int) -> None:
    limit = Limit(hard=2) if used < 2 else Limit(soft=1)

    Allowance(ACTIVE, Quota(limits={Measure.SITES: limit})).room(
        Measure.SITES, used=used, adding=adding, what=""
    )


def test_a_policy_without_migration_refuses_it() -> None:
    with pytest.raises(MigrationNotAllowed, match="does not include migration"):
        Allowance(ACTIVE, Quota(migration_in=False)).migrate("The plan was not saved.")


def test_the_suspended_begin_nothing_new_and_are_told_why() -> None:
    with pytest.raises(TenantSuspended, match=r"The invoice is open\. What runs goes on\."):
        Allowance(SUSPENDED, Quota()).begin("The site was not made.")


def test_the_suspended_still_act_on_what_runs() -> None:
    SUSPENDED.method_check("POST")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_the_closed_change_nothing(method: str) -> None:
    with pytest.raises(TenantClosed, match="The contract has ended"):
        CLOSED.method_check(method)


def test_the_closed_may_read() -> None:
    CLOSED.method_check("GET")


@pytest.mark.parametrize(
    ("measure", "number", "said"),
    [
        (Measure.SITES, 1234, "1,234"),
        (Measure.BYTES, 3 * GIB // 2, "1.5 GiB"),
        (Measure.BYTES, 2000 * GIB, "2,000 GiB"),
        (Measure.BANDWIDTH, 50 * MIB, "50 MiB/s"),
        (Measure.BANDWIDTH, UNBOUNDED, "no limit set"),
    ],
)
def test_a_number_is_told_in_the_unit_that_people_use(measure: Measure, number: int, said: str) -> None:
    assert amount(measure, number) == said


def test_a_use_says_itself_in_a_sentence() -> None:
    use = Use(Measure.AGENTS, 9, BOTH)

    assert (use.sentence, use.share) == ("9 used, warns at 8, 10 allowed", 0.9)


def test_every_measure_is_told_whether_it_is_limited_or_not() -> None:
    assert [use.measure for use in uses(Quota(), {})] == list(Measure)
