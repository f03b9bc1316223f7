"""A person's session at the portal: what it sends, and what it makes of refusals."""

import pytest

from lab.agents import port_free
from lab.session import PortalAway, PortalSaidNo, Session
from tests.unit.lab.scripted_portal import ScriptedPortal

LOGIN = "/accounts/login/"


async def test_the_form_is_sent_with_the_token_of_its_page(portal: ScriptedPortal, session: Session) -> None:
    portal.on(f"GET {LOGIN}", "<form>")
    portal.on(f"POST {LOGIN}", "", status=302)
    await session.sign_in("alice@acme.example", "secret")
    (sent,) = portal.requests(f"POST {LOGIN}")
    assert sent.body == "login=alice%40acme.example&password=secret&csrfmiddlewaretoken=a-token"
    assert sent.headers["Referer"] == portal.address + LOGIN


async def test_a_form_that_comes_back_is_a_refusal(portal: ScriptedPortal, session: Session) -> None:
    portal.on(f"GET {LOGIN}", "<form>")
    portal.on(f"POST {LOGIN}", "<form>The password is wrong.")
    with pytest.raises(PortalSaidNo, match="The password is wrong"):
        await session.sign_in("alice@acme.example", "wrong")


async def test_a_problem_document_is_kept(portal: ScriptedPortal, session: Session) -> None:
    portal.on("POST /api/v1/groups/7/cutover/", {"code": "not_ready", "title": "Not yet"}, status=409)
    with pytest.raises(PortalSaidNo, match="409") as refused:
        await session.post("/groups/7/cutover/")
    assert (refused.value.status, refused.value.body["code"]) == (409, "not_ready")


async def test_a_refusal_that_is_no_json_is_told_as_it_is(portal: ScriptedPortal, session: Session) -> None:
    portal.on("GET /api/v1/sites/", "<h1>Bad gateway</h1>", status=502)
    with pytest.raises(PortalSaidNo, match="Bad gateway") as refused:
        await session.get("/sites/")
    assert (refused.value.status, refused.value.body) == (502, {})


async def test_a_long_refusal_is_cut(portal: ScriptedPortal, session: Session) -> None:
    portal.on("GET /api/v1/sites/", "x" * 100_000, status=500)
    with pytest.raises(PortalSaidNo) as refused:
        await session.get("/sites/")
    assert len(str(refused.value)) < 1000


async def test_being_sent_to_sign_in_is_no_answer(portal: ScriptedPortal, session: Session) -> None:
    portal.on("GET /api/v1/sites/", "", status=302)
    with pytest.raises(PortalSaidNo):
        await session.get("/sites/")


async def test_a_portal_that_is_not_there_is_away() -> None:
    async with Session(f"http://127.0.0.1:{port_free()}") as session:
        with pytest.raises(PortalAway, match="GET /sites/"):
            await session.get("/sites/")


async def test_away_is_something_that_may_pass() -> None:
    assert issubclass(PortalAway, OSError)


async def test_a_post_without_a_body_sends_an_empty_object(portal: ScriptedPortal, session: Session) -> None:
    portal.on("POST /api/v1/groups/7/start/", {"ok": True})
    assert await session.post("/groups/7/start/") == {"ok": True}
    assert portal.asked[0].json == {}


async def test_every_write_carries_the_token(portal: ScriptedPortal, session: Session) -> None:
    portal.on("GET /api/v1/groups/7/", {"id": 7})
    portal.on("PATCH /api/v1/groups/7/", {"id": 7})
    await session.get("/groups/7/")
    await session.patch("/groups/7/", {"name": "New"})
    assert portal.asked[1].headers["X-CSRFToken"] == "a-token"
    assert portal.asked[1].json == {"name": "New"}


async def test_an_empty_answer_is_nothing(portal: ScriptedPortal, session: Session) -> None:
    portal.on("POST /api/v1/groups/7/pause/", "", status=204)
    assert await session.post("/groups/7/pause/") is None


async def test_a_list_is_read_page_after_page(portal: ScriptedPortal, session: Session) -> None:
    more = f"{portal.address}/api/v1/machines/?cursor=2&site=s"
    portal.on("GET /api/v1/machines/?site=s", {"results": [1, 2], "next": more})
    portal.on("GET /api/v1/machines/?cursor=2&site=s", {"results": [3], "next": None})
    assert await session.listed("/machines/", site="s") == [1, 2, 3]


async def test_a_list_without_pages_is_read_as_it_is(portal: ScriptedPortal, session: Session) -> None:
    portal.on("GET /api/v1/usage/", [1, 2])
    assert await session.listed("/usage/") == [1, 2]


async def test_a_page_that_is_refused_half_way_is_a_refusal(portal: ScriptedPortal, session: Session) -> None:
    portal.on("GET /api/v1/usage/", {"results": [1], "next": f"{portal.address}/api/v1/usage/?cursor=2"})
    with pytest.raises(PortalSaidNo, match="404"):
        await session.listed("/usage/")
