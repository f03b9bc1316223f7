"""What the worker's own login may do to an inventory: everything that applying takes, and no more."""

import pytest
from django.db import ProgrammingError

from agents.models import VirtualDisk, VirtualMachine
from portal.lib.roles import WORKER
from portal.lib.tenancy import tenant_context
from tests.cast import Cast
from tests.integration.agents.telling import living, machine, machines, objects, references, tell
from tests.sessions import committed, login

pytestmark = committed


def test_the_worker_applies_reports_by_its_own_rights(cast: Cast) -> None:
    with login(WORKER):
        tell(cast.acme, objects(machine(), machine("vm-2", name="db02")))
        tell(cast.acme, objects(machine(disks=[])))
        tell(cast.acme, references(vm=["vm-1"]))

    assert living(cast.acme) == {"vm-1"}


@pytest.mark.parametrize("model", [VirtualMachine, VirtualDisk])
def test_nobody_can_delete_what_was_once_there(
    cast: Cast, model: type[VirtualMachine] | type[VirtualDisk]
) -> None:
    tell(cast.acme, objects(machine()))

    with login(WORKER), pytest.raises(ProgrammingError), tenant_context(cast.acme.tenant.id):
        model.objects.all()._raw_delete("default")

    assert set(machines(cast.acme)) == {"vm-1"}
