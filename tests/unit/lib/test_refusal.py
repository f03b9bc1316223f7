"""Every expected no of the product."""

import pytest

import agents.services
import billing.services
import migrations_app.services
import tenants.interfaces.api
import tenants.services
from portal.lib.refusal import Refusal

ROOMS = (agents.services, billing.services, migrations_app.services, tenants.interfaces.api, tenants.services)
KINDS = sorted(Refusal.__subclasses__(), key=lambda kind: kind.__qualname__)


def test_it_reads_as_what_why_and_what_to_do() -> None:
    refusal = Refusal("The site was not made.", why="It has no name.", remedy="Give it one.")

    assert str(refusal) == "The site was not made. It has no name. Give it one."


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_has_a_code_and_a_status_that_is_the_caller_s_fault(kind: type[Refusal]) -> None:
    assert kind.code
    assert 400 <= kind.status < 500


def test_no_two_kinds_share_a_code() -> None:
    codes = [kind.code for kind in KINDS]

    assert sorted(codes) == sorted(set(codes))
