"""The contract: every SQL statement of the gateway runs on the migrated schema, as the gateway's role."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest
from django.db import connection

from agents.gateway import store as statements
from agents.gateway.store import Beat, Known, Store, StoredReport
from portal.embedded.postgres import Cluster
from portal.lib.roles import GATEWAY
from tests.sessions import committed

pytestmark = committed

ID, NOW, HASH = UUID(int=1), datetime(2026, 3, 2, 12, 0, tzinfo=UTC), b"h" * 32

ARGUMENTS: dict[str, tuple[object, ...]] = {
    "AGENT_BY_BEARER": (HASH,),
    "AGENT_BY_ID": (ID,),
    "BEARER_SET": (ID, HASH, NOW),
    "SKEW_SET": (ID, -5),
    "AGENTS_REVOKED": (NOW,),
    "AGENTS_DUE": ([ID], NOW),
    "HEARTBEATS": ([ID], [1], [NOW], ["0.1.0"], ["a:1"], ["{}"], [0]),
    "TENANTS_WITH_COMMANDS": (ID, NOW),
    "COMMAND_TENANT": (ID, ID),
    "TENANT_ENTER": (str(ID),),
    "COMMANDS_CLAIM": (ID, NOW, NOW, 20),
    "REPORT_STORE": (uuid4(), ID, ID, 1, "accepted", "{}", NOW, b""),
    "COMMAND_OPEN": (ID, ID, NOW),
}
NAMES = sorted(
    name for name in vars(statements) if name.isupper() and isinstance(vars(statements)[name], str)
)


@pytest.fixture
async def pool(cluster: Cluster, transactional_db: None) -> "AsyncIterator[asyncpg.Pool[asyncpg.Record]]":
    """The gateway's connections."""
    name = connection.settings_dict["NAME"]
    async with asyncpg.create_pool(
        f"postgresql://{GATEWAY}@/{name}?host={cluster.folder}", min_size=1, max_size=2
    ) as pool:
        yield pool


def test_every_statement_is_tried() -> None:
    assert sorted(ARGUMENTS) == NAMES


async def test_every_statement_but_the_insert_runs(pool: "asyncpg.Pool[asyncpg.Record]") -> None:
    tried = {
        name: await pool.fetch(getattr(statements, name), *ARGUMENTS[name])
        for name in NAMES
        if name != "REPORT_STORE"
    }

    assert len(tried) == len(NAMES) - 1


async def test_a_report_without_its_tenant_is_fenced_off(pool: "asyncpg.Pool[asyncpg.Record]") -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
        await pool.execute(statements.REPORT_STORE, *ARGUMENTS["REPORT_STORE"])


@pytest.mark.parametrize(
    "forbidden",
    [
        "INSERT INTO command (id) VALUES (gen_random_uuid())",
        "UPDATE command SET phase = 'succeeded'",
        "UPDATE command SET body = '{}'",
        "DELETE FROM command",
        "DELETE FROM report",
        "UPDATE report SET applied_at = now()",
        "UPDATE agent SET state = 'enrolled'",
        "UPDATE agent SET signing_key = ''",
        "INSERT INTO agent (id) VALUES (gen_random_uuid())",
        "SELECT * FROM enrolment",
        "SELECT * FROM site",
        "SELECT * FROM virtual_machine",
        "SELECT * FROM migration_group",
        "SELECT * FROM meter_event",
        "SELECT * FROM public.due_reports(now(), 1)",
        "SELECT * FROM public.enrolment_by_hash('x')",
        "SET ROLE landfall_migrate",
        "SET ROLE landfall_fn_agent_by_bearer",
    ],
)
async def test_the_gateway_can_do_nothing_else(pool: "asyncpg.Pool[asyncpg.Record]", forbidden: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await pool.execute(forbidden)


async def test_nothing_is_known_of_who_is_not_there(pool: "asyncpg.Pool[asyncpg.Record]") -> None:
    store = Store(pool)

    assert await store.agent_by_bearer(HASH) is None
    assert await store.agent_by_id(ID) is None
    assert await store.agents_revoked(NOW) == []
    assert await store.agents_due([ID], NOW) == []
    assert await store.commands_claim(ID, NOW) == []
    assert await store.command_body(ID, ID, NOW) is None
    assert await store.reports_store(ID, [StoredReport(ID, 1, "accepted", {}, b"")], NOW) == []


async def test_a_stranger_gets_no_bearer_and_no_heartbeat(pool: "asyncpg.Pool[asyncpg.Record]") -> None:
    store, nobody = Store(pool), Known(ID, ID, "enrolled", b"")

    assert not await store.bearer_set(nobody, HASH, NOW + timedelta(minutes=15))
    await store.skew_set(nobody, 5)
    await store.heartbeats_apply([Beat(ID, 1, NOW, "", "", {}, 0)])
