"""What the fault bench runs of its table in CI: whatever dies, the rules hold."""

import pytest

from lab.faults.bench import cell_run
from lab.faults.cells import CHOSEN, Cell, cells
from lab.faults.ground import Ground
from tests.ground import ON_THE_ESTATE

pytestmark = ON_THE_ESTATE
BY_NAME = {cell.name: cell for cell in cells()}


@pytest.mark.parametrize("cell", [BY_NAME[name] for name in CHOSEN], ids=CHOSEN)
async def test_no_rule_is_broken(ground: Ground, cell: Cell) -> None:
    outcome = await cell_run(ground, cell)

    assert outcome.broken == []
    assert outcome.end or outcome.not_measured
