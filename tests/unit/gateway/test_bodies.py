"""What the gateway reads of a request's body, and what it will not."""

import base64
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID, uuid4

import asyncpg
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agents.domain.protocol import report_digest
from agents.gateway.bearers import Bearers
from agents.gateway.calls import REPORTS_MAX, Calls
from agents.gateway.due import Due
from agents.gateway.hints import Hints
from agents.gateway.problems import MALFORMED, UNKNOWN, Problem, Refusal
from agents.gateway.store import Beat, Known, StoredReport
from portal.lib.keys import portal_keys

KEY = Ed25519PrivateKey.generate()
AGENT = Known(uuid4(), uuid4(), "enrolled", KEY.public_key().public_bytes_raw())
OTHER = Known(uuid4(), uuid4(), "enrolled", KEY.public_key().public_bytes_raw())
TENANT = uuid4()


class MemoryStore:
    """Keeps what it is given; refuses what `poison` names, as a database does, or everything while `away`."""

    def __init__(self) -> None:
        self.beats: list[Beat] = []
        self.reports: list[StoredReport] = []
        self.poison = ""
        self.away = False

    async def heartbeats_apply(self, beats: Sequence[Beat]) -> None:
        """Store all or none."""
        if self.away:
            raise OSError("the database is away")
        if any(self.poison and beat.version == self.poison for beat in beats):
            raise asyncpg.DataError("not a text that can be stored")
        self.beats += beats

    async def reports_store(
        self, agent_id: UUID, reports: Sequence[StoredReport], now: datetime
    ) -> list[tuple[UUID, UUID]]:
        """Store them."""
        self.reports += reports
        return [(report.command_id, TENANT) for report in reports]


@pytest.fixture
def store() -> MemoryStore:
    """Where it ends."""
    return MemoryStore()


@pytest.fixture
def calls(store: MemoryStore) -> Calls:
    """The calls on it."""
    kept: object = store
    return Calls(store=kept, bearers=Bearers(kept), due=Due(kept), hints=Hints(), keys=portal_keys())  # type: ignore[arg-type]


def beat(**changes: object) -> bytes:
    """Return a heartbeat's body."""
    usual = {"number": 1, "at": 1_700_000_000, "version": "0.1.0", "address": "", "capabilities": {}}
    return msgspec.json.encode({**usual, **changes})


def report(
    number: int = 1, *, kind: str = "accepted", body: object = None, **changes: object
) -> dict[str, object]:
    """Return a signed report."""
    command_id, said = uuid4(), body if body is not None else {}
    digest = report_digest(agent_id=AGENT.id, command_id=command_id, number=number, kind=kind, body=said)
    signature = base64.b64encode(KEY.sign(digest)).decode()
    named = {"command_id": str(command_id), "number": number, "kind": kind, "body": said}
    return {**named, "signature": signature, **changes}


def reports(*said: dict[str, object]) -> bytes:
    """Return the body of a call with reports."""
    return msgspec.json.encode({"reports": list(said)})


async def refusal(call: object) -> Refusal:
    """Return what a call is refused with."""
    with pytest.raises(Problem) as told:
        await call  # type: ignore[misc]
    return told.value.refusal


async def test_a_heartbeat_of_the_fewest_words_is_enough(calls: Calls, store: MemoryStore) -> None:
    await calls.heartbeat(AGENT, b'{"number":1,"at":1}')
    await calls.beats_flush()

    (kept,) = store.beats
    assert (kept.agent_id, kept.number, kept.version, kept.capabilities) == (AGENT.id, 1, "", {})


async def test_words_of_a_newer_agent_are_passed_over(calls: Calls, store: MemoryStore) -> None:
    await calls.heartbeat(AGENT, beat(mood="good"))
    await calls.beats_flush()

    assert len(store.beats) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"number": 0},
        {"number": -1},
        {"number": 2**63},
        {"number": 10**400},
        {"number": 1.5},
        {"number": "1"},
        {"number": None},
        {"at": 2**70},
        {"at": -1},
        {"at": None},
        {"at": "noon"},
        {"version": "v" * 41},
        {"version": "a\x00b"},
        {"version": 1},
        {"address": "a" * 256},
        {"address": "\x00"},
        {"capabilities": ["not", "named"]},
        {"capabilities": "none"},
        {"capabilities": {"a": "\x00"}},
        {"capabilities": {"\x00": 1}},
    ],
)
async def test_a_heartbeat_that_cannot_be_stored_is_refused(calls: Calls, changes: dict[str, object]) -> None:
    assert await refusal(calls.heartbeat(AGENT, beat(**changes))) == MALFORMED


@pytest.mark.parametrize("content", [b"", b"null", b"[]", b"{", b"\xff", b"[" * 50_000, b'{"number":1}'])
async def test_what_is_no_heartbeat_is_refused(calls: Calls, content: bytes) -> None:
    assert await refusal(calls.heartbeat(AGENT, content)) == MALFORMED


@pytest.mark.parametrize(("open_", "close"), [("[", "]"), ('{"a":', "}"), ('[{"a":', "}]")])
async def test_what_nobody_could_read_again_is_refused(calls: Calls, open_: str, close: str) -> None:
    deep = f"{open_ * 100}1{close * 100}"
    content = f'{{"number":1,"at":1,"capabilities":{{"a":{deep}}}}}'.encode()

    assert await refusal(calls.heartbeat(AGENT, content)) == MALFORMED


@pytest.mark.parametrize(
    "text", ["[" * 100, '"[' * 100, "\\[" * 100, '\\"{' * 100, "\\" * 3 + '"' + "[" * 100]
)
async def test_brackets_in_a_text_are_text(calls: Calls, store: MemoryStore, text: str) -> None:
    await calls.heartbeat(AGENT, beat(capabilities={text: [text, "", {"a": text}]}))
    await calls.beats_flush()

    assert len(store.beats) == 1


@pytest.mark.parametrize("off", [-(10**9), 10**9])
async def test_a_clock_that_is_years_off_is_told_as_far_as_it_can_be(
    calls: Calls, store: MemoryStore, off: int
) -> None:
    await calls.heartbeat(AGENT, beat(at=int(datetime.now(UTC).timestamp()) + off))
    await calls.beats_flush()

    assert store.beats[0].skew_ms == (2**31 - 1) * (1 if off > 0 else -1)


async def test_the_newest_of_an_agent_s_heartbeats_is_stored(calls: Calls, store: MemoryStore) -> None:
    await calls.heartbeat(AGENT, beat(number=2))
    await calls.heartbeat(AGENT, beat(number=3))
    await calls.heartbeat(AGENT, beat(number=1))
    await calls.beats_flush()

    assert [kept.number for kept in store.beats] == [3]


async def test_heartbeats_of_many_agents_are_stored_together(calls: Calls, store: MemoryStore) -> None:
    await calls.heartbeat(AGENT, beat())
    await calls.heartbeat(OTHER, beat())
    await calls.beats_flush()

    assert {kept.agent_id for kept in store.beats} == {AGENT.id, OTHER.id}


async def test_heartbeats_are_stored_once(calls: Calls, store: MemoryStore) -> None:
    await calls.heartbeat(AGENT, beat())
    await calls.beats_flush()
    await calls.beats_flush()

    assert len(store.beats) == 1


async def test_heartbeats_wait_while_the_database_is_away(calls: Calls, store: MemoryStore) -> None:
    store.away = True
    await calls.heartbeat(AGENT, beat(number=1))
    await calls.heartbeat(OTHER, beat(number=7))
    with pytest.raises(OSError, match="away"):
        await calls.beats_flush()
    await calls.heartbeat(AGENT, beat(number=2))
    store.away = False

    await calls.beats_flush()

    assert {(kept.agent_id, kept.number) for kept in store.beats} == {(AGENT.id, 2), (OTHER.id, 7)}


async def test_one_agent_s_poison_does_not_stop_another_s_heartbeat(calls: Calls, store: MemoryStore) -> None:
    store.poison = "poison"
    await calls.heartbeat(AGENT, beat(version="poison"))
    await calls.heartbeat(OTHER, beat())

    await calls.beats_flush()
    await calls.beats_flush()

    assert [kept.agent_id for kept in store.beats] == [OTHER.id]


async def test_signed_reports_are_stored(calls: Calls, store: MemoryStore) -> None:
    said = [report(1), report(2, kind="progress", body={"frozen": True, "deep": {"a": [1, 2.5, None]}})]

    assert await calls.reports(AGENT, reports(*said)) == {"stored": 2}
    assert [kept.number for kept in store.reports] == [1, 2]
    assert store.reports[1].body == {"frozen": True, "deep": {"a": [1, 2.5, None]}}


async def test_no_report_is_stored_when_one_is_forged(calls: Calls, store: MemoryStore) -> None:
    forged = report(2, kind="failed") | {"kind": "succeeded"}

    assert await refusal(calls.reports(AGENT, reports(report(1), forged))) == UNKNOWN
    assert store.reports == []


async def test_a_report_of_another_agent_is_forged(calls: Calls) -> None:
    assert await refusal(calls.reports(OTHER, reports(report()))) == UNKNOWN


@pytest.mark.parametrize(
    "changes",
    [
        {"number": 2},
        {"command_id": str(uuid4())},
        {"body": {"code": "internal"}},
        {"signature": base64.b64encode(b"0" * 64).decode()},
        {"signature": ""},
    ],
)
async def test_a_report_that_was_changed_on_its_way_is_refused(
    calls: Calls, changes: dict[str, object]
) -> None:
    assert await refusal(calls.reports(AGENT, reports({**report(), **changes}))) == UNKNOWN


@pytest.mark.parametrize(
    "changes",
    [
        {"number": 0},
        {"number": -1},
        {"number": 2**31},
        {"kind": "closed!"},
        {"kind": None},
        {"body": []},
        {"body": None},
        {"command_id": "one"},
        {"signature": "not base64!"},
        {"signature": "ü"},
        {"signature": "A" * 256},
    ],
)
async def test_a_report_that_is_none_is_refused(calls: Calls, changes: dict[str, object]) -> None:
    assert await refusal(calls.reports(AGENT, reports({**report(), **changes}))) == MALFORMED


async def test_more_reports_than_one_call_may_bring_are_refused(calls: Calls) -> None:
    said = [report(number) for number in range(1, REPORTS_MAX + 2)]

    assert await refusal(calls.reports(AGENT, reports(*said))) == MALFORMED


async def test_no_reports_are_stored_as_none(calls: Calls) -> None:
    assert await calls.reports(AGENT, reports()) == {"stored": 0}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[1]",
        b"{",
        b"\xff\xfe",
        b"[" * 20_000,
        b'{"agent_id":"x","at":1,"nonce":"12345678","signature":"AA=="}',
        b'{"agent_id":"00000000-0000-0000-0000-000000000000","at":1e99,"nonce":"12345678","signature":"AA=="}',
        b'{"agent_id":"00000000-0000-0000-0000-000000000000","at":1,"nonce":"short","signature":"AA=="}',
        b'{"agent_id":"00000000-0000-0000-0000-000000000000","at":1,"nonce":"12345678","signature":"?"}',
    ],
)
async def test_a_malformed_session_is_told_so(calls: Calls, body: bytes) -> None:
    assert await refusal(calls.session(body)) == MALFORMED
