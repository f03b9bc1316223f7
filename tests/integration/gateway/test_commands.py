"""Commands: given to the agent that they are for, at once, under a lease, on whosever behalf."""

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
from django.utils import timezone

from agents.domain.agent import AgentState
from agents.domain.delivery import LEASE, CommandPhase
from agents.domain.protocol import command_digest
from agents.gateway.store import Store
from agents.models import Agent, Command
from agents.services import agent_revoke
from portal.lib.keys import portal_keys, signature_holds
from portal.lib.tenancy import tenant_context
from tests.cast import Cast
from tests.integration.gateway.callers import Caller, command_give
from tests.integration.gateway.conftest import until
from tests.sessions import committed

pytestmark = committed


def waits(client: httpx.Client) -> bool:
    """Whether an agent waits at the gateway."""
    return bool(client.get("/healthz").json()["waiting"])


def row(command_id: UUID, tenant_id: UUID) -> Command:
    """Return the command as the portal has it."""
    with tenant_context(tenant_id):
        return Command.objects.get(id=command_id)


async def claimed(dsn: str, agent_id: UUID) -> list[UUID]:
    """Return what a gateway leases to the agent that asks it just now."""
    async with asyncpg.create_pool(dsn, min_size=1, max_size=1) as pool:
        return [command["id"] for command in await Store(pool).commands_claim(agent_id, timezone.now())]


def test_a_due_command_is_given_at_once(caller: Caller) -> None:
    command_id = command_give(caller, body={"machine": "vm-1", "size": 2**53, "name": "Grüße"})

    (given,) = caller.poll()

    assert given["id"] == str(command_id)
    assert given["body"] == {"machine": "vm-1", "size": 2**53, "name": "Grüße"}
    assert (given["step"], given["generation"], given["seq"]) == ("validate", 1, 1)


def test_a_command_bears_the_portal_s_signature_for_this_agent(caller: Caller) -> None:
    command_give(caller, body={"machine": "vm-1", "rate": 0.5, "nested": {"b": [1, None, True], "a": {}}})
    (given,) = caller.poll()

    digest = command_digest(
        command_id=UUID(given["id"]),
        agent_id=caller.id,
        unit_id=UUID(given["unit_id"]),
        generation=given["generation"],
        seq=given["seq"],
        step=given["step"],
        body=given["body"],
    )

    signature = bytes(row(UUID(given["id"]), caller.tenant_id).signature)
    public = portal_keys().signing.public_key().public_bytes_raw()
    assert signature_holds(public, signature, digest)


def test_a_waiting_agent_is_woken_by_the_commit(caller: Caller) -> None:
    poll = caller.polling()
    until(lambda: waits(caller.client))

    command_id = command_give(caller)

    assert [given["id"] for given in poll.result(timeout=10).json()["commands"]] == [str(command_id)]


def test_a_poll_that_brings_nothing_ends_in_time(caller: Caller) -> None:
    assert caller.poll(wait=0.2) == []


def test_a_poll_may_ask_not_to_wait(caller: Caller) -> None:
    answers = [caller.get(f"commands?wait={wait}").json() for wait in ("-5", "0", "0.0")]

    assert answers == [{"commands": []}] * 3


def test_a_wait_that_is_no_time_is_refused(caller: Caller) -> None:
    answers = [caller.get(f"commands?wait={wait}") for wait in ("nan", "inf", "-inf", "soon", "1e999")]

    assert [answer.json()["code"] for answer in answers] == ["AGT-07"] * 5


def test_a_given_command_is_leased_and_counted(caller: Caller) -> None:
    command_id = command_give(caller)
    before = timezone.now()

    assert len(caller.poll()) == 1
    assert caller.poll() == []

    given = row(command_id, caller.tenant_id)
    assert given.deliveries == 1
    assert before + LEASE <= given.deliver_after <= timezone.now() + LEASE


def test_a_command_without_an_answer_comes_again_under_its_id(caller: Caller) -> None:
    command_id = command_give(caller)
    caller.poll()

    with tenant_context(caller.tenant_id):
        Command.objects.filter(id=command_id).update(deliver_after=timezone.now())

    assert [given["id"] for given in caller.poll()] == [str(command_id)]
    assert row(command_id, caller.tenant_id).deliveries == 2


def test_a_command_is_not_given_before_its_time(caller: Caller) -> None:
    command_give(caller, after=timedelta(minutes=1))

    assert caller.poll() == []


def test_a_command_past_its_deadline_is_not_given(caller: Caller) -> None:
    command_give(caller, deadline=timedelta(seconds=-1))

    assert caller.poll() == []


def test_an_agent_is_given_no_other_agent_s_commands(caller: Caller, stranger: Caller) -> None:
    command_give(caller)

    assert stranger.poll() == []
    assert len(caller.poll()) == 1


def test_an_agent_of_the_provider_works_for_several_tenants_at_once(caller: Caller, cast: Cast) -> None:
    ours = command_give(caller)
    theirs = command_give(caller, tenant_id=cast.globex.tenant.id)

    assert {given["id"] for given in caller.poll()} == {str(ours), str(theirs)}


def test_commands_of_a_unit_come_in_their_order(caller: Caller) -> None:
    unit = uuid4()
    first = command_give(caller, unit_id=unit)
    with tenant_context(caller.tenant_id):
        Command.objects.filter(id=first).update(phase=CommandPhase.SUCCEEDED)
    second = command_give(caller, unit_id=unit, seq=2)

    assert [given["id"] for given in caller.poll()] == [str(second)]


def test_an_agent_that_hung_up_is_leased_nothing(caller: Caller) -> None:
    with httpx.Client(base_url=caller.client.base_url, timeout=0.3) as impatient:
        own = Caller(caller.id, caller.tenant_id, caller.key, impatient, bearer=caller.bearer)
        with pytest.raises(httpx.ReadTimeout):
            own.get("commands?wait=25")
    until(lambda: not waits(caller.client))

    command_id = command_give(caller)

    assert row(command_id, caller.tenant_id).deliveries == 0
    assert len(caller.poll()) == 1


def test_two_polls_of_one_agent_share_a_command_out_once(caller: Caller) -> None:
    polls = [caller.polling(wait=2), caller.polling(wait=2)]
    until(lambda: waits(caller.client))

    command_give(caller)

    assert sorted(len(poll.result(timeout=10).json()["commands"]) for poll in polls) == [0, 1]


def test_a_revoked_agent_is_given_nothing(caller: Caller, cast: Cast) -> None:
    poll = caller.polling()
    until(lambda: waits(caller.client))
    with tenant_context(caller.tenant_id):
        agent_revoke(agent=caller.row(), actor=cast.alice, now=timezone.now())

    command_id = command_give(caller)

    assert poll.result(timeout=10).status_code == 403
    assert row(command_id, caller.tenant_id).deliveries == 0


def test_a_claim_finds_nothing_for_a_revoked_agent_before_the_gateway_has_heard_of_it(
    dsn: str, caller: Caller, cast: Cast
) -> None:
    with tenant_context(caller.tenant_id):
        agent_revoke(agent=caller.row(), actor=cast.alice, now=timezone.now())
    command_id = command_give(caller)

    assert asyncio.run(claimed(dsn, caller.id)) == []

    with tenant_context(caller.tenant_id):
        Agent.objects.filter(id=caller.id).update(state=AgentState.ENROLLED)
    assert asyncio.run(claimed(dsn, caller.id)) == [command_id]


def test_who_comes_by_a_proxy_does_not_learn_how_many_wait(caller: Caller) -> None:
    answer = caller.client.get("/healthz", headers={"X-Forwarded-For": "127.0.0.1"})

    assert answer.json() == {"redis": True, "database": True}


def test_there_is_nothing_elsewhere(caller: Caller) -> None:
    asked = [
        ("GET", "/"),
        ("GET", "/agent/v1/"),
        ("GET", "/agent/v1/heartbeat"),
        ("POST", "/agent/v1/commands"),
        ("DELETE", "/agent/v1/reports"),
        ("GET", "/agent/v2/commands"),
        ("GET", "/agent/v1/commands/"),
        ("POST", "/healthz"),
    ]

    answers = [caller.client.request(method, path, headers=caller.headers) for method, path in asked]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(404, "AGT-08")] * 8
    assert {answer.headers["content-type"] for answer in answers} == {"application/problem+json"}
