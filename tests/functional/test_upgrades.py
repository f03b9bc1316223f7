"""Who is behind, who may ask agents to upgrade, and what is told of those that could not."""

import re
from datetime import timedelta
from uuid import UUID

import pytest
from django.test import Client
from django.utils import timezone

from agents.domain.delivery import CommandPhase, ReportKind
from agents.domain.protocol import Step
from agents.models import Agent, Command
from agents.services import report_record
from portal.lib.tenancy import tenant_context
from tests.cast import Cast
from tests.functional.pages import signed_in, text
from tests.staff import staff_create

SERVED = "0.2.0"


@pytest.fixture
def alice(cast: Cast) -> Client:
    """Alice of Acme, whose host's agent is behind, and nobody else's."""
    agent_is(cast, version="0.1.9", capabilities={"upgrade": True})
    return signed_in("alice")


def agent_is(cast: Cast, **changes: object) -> None:
    """Change Acme's agent, as its heartbeats do."""
    with tenant_context(cast.acme.tenant.id):
        Agent.objects.filter(id=cast.acme.source.id).update(last_seen_at=timezone.now(), **changes)


def commands(cast: Cast) -> list[Command]:
    """The upgrades that Acme's agents were asked for, in order."""
    with tenant_context(cast.acme.tenant.id):
        return list(Command.objects.filter(step=Step.UPGRADE).order_by("seq"))


def home(cast: Cast, more: str = "") -> str:
    """Return the address of Acme's agents."""
    return f"/t/{cast.acme.tenant.id}/agents/{more}"


def ask(cast: Cast, client: Client, agent: UUID | None = None) -> str:
    """Ask one agent to upgrade; what the page says then."""
    named = {"agent": str(agent or cast.acme.source.id)}
    return text(client.post(home(cast, "upgrade"), named, follow=True))


def reported(cast: Cast, kind: ReportKind, **body: object) -> None:
    """Have the agent say something of its last upgrade."""
    last = commands(cast)[-1]
    with tenant_context(cast.acme.tenant.id):
        report_record(
            agent_id=last.agent_id,
            command_id=last.id,
            number=last.reports.count() + 1,
            kind=kind,
            body=body,
            now=timezone.now(),
        )


def test_the_list_says_who_is_behind(cast: Cast, alice: Client) -> None:
    said = text(alice.get(home(cast)))

    assert f"1 agent runs an older release than {SERVED}" in said
    assert re.search(r"0\.1\.9\s+behind", said)


def test_the_file_says_who_is_behind(cast: Cast, alice: Client) -> None:
    lines = alice.get(home(cast, "csv")).content.decode().splitlines()

    assert lines[0].split(",")[3:5] == ["version", "behind"]
    assert [line for line in lines if ",0.1.9,yes," in line] != []
    assert len([line for line in lines if ",no," in line]) == len(lines) - 2


def test_one_that_is_asked_gets_a_command_and_no_second_one(cast: Cast, alice: Client) -> None:
    first, second = ask(cast, alice), ask(cast, alice)

    [command] = commands(cast)
    assert "Asked to upgrade: Acme host." in first
    assert "It has been asked already" in second
    assert "REL-09" in second
    assert (command.agent_id, command.body) == (cast.acme.source.id, {"version": SERVED})
    assert "upgrading" in text(alice.get(home(cast)))


def test_all_that_are_behind_are_asked_at_once(cast: Cast, alice: Client) -> None:
    said = text(alice.post(home(cast, "upgrade"), {"behind": "1"}, follow=True))

    assert "Asked to upgrade: Acme host." in said
    assert [command.agent_id for command in commands(cast)] == [cast.acme.source.id]


def test_a_failed_one_is_told_with_its_remedy_and_may_be_asked_again(cast: Cast, alice: Client) -> None:
    ask(cast, alice)
    told = {"code": "REL-06", "what": "It did not come up.", "why": "It ended.", "remedy": "See its log."}
    reported(cast, ReportKind.FAILED, **told)

    said, again = text(alice.get(home(cast))), ask(cast, alice)

    assert re.search(r"It did not come up\. +REL-06 +It ended\. +What to do: +See its log\.", said)
    assert "Asked to upgrade: Acme host." in again
    assert [command.seq for command in commands(cast)] == [1, 2]


def test_one_that_waits_says_so(cast: Cast, alice: Client) -> None:
    ask(cast, alice)
    reported(cast, ReportKind.ACCEPTED)
    reported(cast, ReportKind.PROGRESS, waits=True)

    assert "waits for a quiet moment" in text(alice.get(home(cast)))


def test_one_that_was_not_heard_of_in_a_day_may_be_asked_again(cast: Cast, alice: Client) -> None:
    ask(cast, alice)
    with tenant_context(cast.acme.tenant.id):
        Command.objects.update(deadline=timezone.now() - timedelta(seconds=1))

    again = ask(cast, alice)

    assert "Asked to upgrade: Acme host." in again
    assert [command.phase for command in commands(cast)] == [CommandPhase.EXPIRED, CommandPhase.PENDING]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"state": "revoked"}, "It is revoked."),
        ({"capabilities": {}}, "It was not put on its host by the installer"),
        ({"version": SERVED}, "It runs 0.2.0, and the portal offers 0.2.0."),
        ({"version": "9.0.0"}, "It runs 9.0.0, and the portal offers 0.2.0."),
    ],
)
def test_one_that_cannot_or_need_not_is_refused(
    cast: Cast, alice: Client, changes: dict[str, object], why: str
) -> None:
    agent_is(cast, **changes)

    assert why in ask(cast, alice)
    assert commands(cast) == []


def test_another_tenant_s_agent_is_not_asked(cast: Cast, alice: Client) -> None:
    said = ask(cast, alice, cast.globex.source.id)

    assert "No agent was asked" in said


def test_the_api_asks_too(cast: Cast, alice: Client) -> None:
    listed = {row["name"]: row["behind"] for row in alice.get("/api/v1/agents/").json()["results"]}
    path = f"/api/v1/agents/{cast.acme.source.id}/upgrade/"
    answer, again = (alice.post(path, content_type="application/json") for _ in range(2))

    assert listed["Acme host"] is True
    assert answer.status_code == 200
    assert (again.status_code, again.json()["code"]) == (409, "REL-09")
    assert len(commands(cast)) == 1


@pytest.fixture
def petra(cast: Cast, alice: Client) -> Client:
    """Petra of the provider, while Acme's host is behind."""
    staff_create()
    return signed_in("petra")


def test_the_provider_sees_who_is_behind_of_all_tenants(cast: Cast, petra: Client) -> None:
    everybody, only = text(petra.get("/provider/agents/")), text(petra.get("/provider/agents/?behind=yes"))
    file = petra.get("/provider/agents/csv?behind=yes").content.decode().splitlines()

    assert "1 agent is behind" in everybody
    assert "Globex host" in everybody
    assert "Globex host" not in only
    assert re.search(r"Acme host\s+Acme\s+0\.1\.9\s+behind", only)
    assert [line.split(",")[:2] for line in file[1:]] == [["Acme", "Acme host"]]


@pytest.mark.parametrize("form", ["ticked", "all"])
def test_the_provider_asks_a_tenant_s_agents(cast: Cast, petra: Client, form: str) -> None:
    named = (
        {"agent": [str(cast.acme.source.id), str(cast.globex.source.id)]}
        if form == "ticked"
        else {"behind": "1"}
    )
    said = text(petra.post("/provider/agents/", named, follow=True))

    [command] = commands(cast)
    assert "Asked to upgrade: Acme host." in said
    assert ("Globex host was not asked to upgrade." in said) is (form == "ticked")
    assert (command.tenant_id, command.agent_id) == (cast.acme.tenant.id, cast.acme.source.id)


def test_the_provider_s_program_asks_and_reads_each_result(cast: Cast, petra: Client) -> None:
    wanted = {"agents": [str(cast.acme.source.id), str(cast.globex.source.id)]}
    listed = petra.get("/api/v1/provider/agents/?behind=yes").json()["results"]
    told = petra.post("/api/v1/provider/agents/upgrade/", wanted, content_type="application/json").json()

    assert [(row["tenant"], row["name"]) for row in listed] == [(str(cast.acme.tenant.id), "Acme host")]
    assert [(row["asked"], row["code"]) for row in told] == [(True, ""), (False, "REL-09")]
