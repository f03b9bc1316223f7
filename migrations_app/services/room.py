"""Whether an organisation's policy has room for a group, and for another machine on the move."""

from uuid import UUID

from migrations_app.models import MigrationGroup, MigrationUnit
from migrations_app.selectors.usage import moves_used, moving_now, of_one
from tenants.domain.quota import Allowance, Measure
from tenants.selectors import quota_of
from tenants.services import allowance_hold

OF_A_GROUP = (Measure.MACHINES, Measure.BYTES, Measure.BANDWIDTH)


def group_room(
    *,
    group: MigrationGroup,
    allowance: Allowance,
    what: str,
    measures: tuple[Measure, ...] = OF_A_GROUP,
) -> None:
    """Raise QuotaExceeded where the group, as it is saved by now, takes more than is left beside the others.

    The organisation is held (`allowance_hold`), so that nobody else takes it meanwhile.
    """
    limited = [measure for measure in measures if allowance.quota.of(measure).hard is not None]
    if not limited:
        return
    units = MigrationUnit.objects.filter(tenant_id=group.tenant_id)
    beside = of_one(moves_used(units.exclude(group=group)), group.tenant_id)
    own = of_one(moves_used(units.filter(group=group)), group.tenant_id)
    for measure in limited:
        allowance.room(measure, used=beside[measure], adding=own[measure], what=what)


def moving_room(*, tenant_id: UUID) -> int | None:
    """Return how many more machines may begin to move now; None where no policy limits it.

    Holds the organisation until the transaction ends, so that two groups cannot both take the last place.
    """
    if quota_of(tenant_id).of(Measure.MOVING).hard is None:
        return None
    hard = allowance_hold(tenant_id=tenant_id).quota.of(Measure.MOVING).hard
    return None if hard is None else hard - moving_now(tenant_id)
