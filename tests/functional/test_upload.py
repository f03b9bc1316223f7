"""A site's inventory by file: preview, keep, what changed since, a rough estimate."""

import json
import threading

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from agents.models import UploadedMachine
from agents.services.uploads import _place
from portal.lib.tenancy import tenant_context
from portal.lib.uploads import REQUEST_MAX
from tests.cast import Cast
from tests.functional.pages import signed_in, text
from tests.workbooks import machine, workbook

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FIRST = [machine("db1", "vm-1"), machine("web1", "vm-2"), machine("old1", "vm-3")]
SECOND = [machine("db1", "vm-1"), machine("web1", "vm-2", cpus=8), machine("new1", "vm-4")]


@pytest.fixture
def alice(cast: Cast) -> Client:
    """Alice, who owns Acme."""
    return signed_in("alice")


def address(cast: Cast, more: str = "") -> str:
    """Return the address of the page about Acme's site."""
    return f"/t/{cast.acme.tenant.id}/sites/{cast.acme.site.id}/upload{more}"


def send(client: Client, cast: Cast, content: bytes, name: str = "rvtools.xlsx") -> str:
    """Send a file and return what the page says then."""
    file = SimpleUploadedFile(name, content, content_type=XLSX)
    return text(client.post(address(cast), {"workbook": file}, follow=True))


def test_nothing_is_kept_before_a_person_says_so(cast: Cast, alice: Client) -> None:
    says = send(alice, cast, workbook(FIRST))

    assert "This is a preview of rvtools.xlsx. Nothing has changed yet." in says
    assert "3 new, 0 changed, 0 same, 0 no longer there" in says
    assert "Keep it" in says

    says = text(alice.post(address(cast, "/keep"), follow=True))
    assert "This is a preview" not in says
    assert "rvtools.xlsx from vcenter.acme.test" in says


def test_a_second_file_is_told_by_what_it_changes(cast: Cast, alice: Client) -> None:
    send(alice, cast, workbook(FIRST))
    alice.post(address(cast, "/keep"))

    says = send(alice, cast, workbook(SECOND))

    assert "1 new, 1 changed, 1 same, 1 no longer there: old1" in says
    assert "web1 Changed" in text(alice.get(address(cast) + "?change=changed"))
    alice.post(address(cast, "/drop"))
    assert "old1" in text(alice.get(address(cast)))


def test_what_an_agent_found_counts_before_what_a_file_said(cast: Cast, alice: Client) -> None:
    says = send(alice, cast, workbook([machine("db01", "vm-7")]))

    assert "no longer there" in says
    assert "0 new, 0 changed, 0 same" not in says


def test_the_line_changes_the_estimate(cast: Cast, alice: Client) -> None:
    send(alice, cast, workbook([machine("db1", "vm-1", used=1_000_000)]))

    fast, slow = (text(alice.get(address(cast) + f"?mbit={mbit}")) for mbit in (10_000, 100))
    assert "Copying all of it 10 min" in fast
    assert "Copying all of it 17 h" in slow


@pytest.mark.parametrize("name", ["../../etc/passwd", "a\0b.xlsx", "x" * 400, "<script>.xlsx"])
def test_a_file_s_name_is_only_a_name(cast: Cast, alice: Client, name: str) -> None:
    says = send(alice, cast, workbook(FIRST), name)

    assert "This is a preview" in says or "wrong" in says.lower() or not says


def test_a_file_that_is_none_is_refused_with_a_code(cast: Cast, alice: Client) -> None:
    says = send(alice, cast, b"VM;Powerstate\ndb1;on\n", "export.csv")

    assert "The file was not taken. It is no Excel workbook" in says
    assert "UPL-01" in says


def test_a_form_without_a_file_says_so(cast: Cast, alice: Client) -> None:
    assert "No file was chosen." in text(alice.post(address(cast), {}, follow=True))


def test_a_form_that_is_too_large_is_not_read(cast: Cast, alice: Client) -> None:
    answer = alice.generic(
        "POST",
        address(cast),
        b"--x\r\n",
        content_type="multipart/form-data; boundary=x",
        headers={"content-length": str(REQUEST_MAX + 1)},
        CONTENT_LENGTH=str(REQUEST_MAX + 1),
    )

    assert answer.status_code == 400


def test_a_viewer_sees_it_and_changes_nothing(cast: Cast, alice: Client) -> None:
    send(alice, cast, workbook(FIRST))

    bob = signed_in("bob")
    assert "Keep it" not in text(bob.get(address(cast)))
    assert bob.post(address(cast, "/keep")).status_code == 403
    assert signed_in("charlie").get(address(cast)).status_code == 404


def test_the_csv_runs_nothing(cast: Cast, alice: Client) -> None:
    send(alice, cast, workbook([machine("@SUM(A1)", "vm-1")]))

    lines = alice.get(address(cast, "/csv")).content.decode().splitlines()
    assert lines[1].startswith("'@SUM(A1),new,poweredOn,False,2,4096,")


def test_the_api_does_the_same(cast: Cast, alice: Client) -> None:
    call = f"/api/v1/sites/{cast.acme.site.id}/upload/"

    made = alice.post(f"{call}?name=a.xlsx", workbook(FIRST), content_type=XLSX)
    assert made.status_code == 201
    assert json.loads(made.content)["changes"] == {"new": 3}
    kept = alice.post(f"{call}keep/", content_type="application/json")
    assert (kept.status_code, kept.json()["kept"]) == (200, True)
    assert alice.get(f"{call}?mbit=100").json()["estimate"]["likely"] > 0
    assert alice.delete(call).status_code == 204
    assert alice.get(call).status_code == 404
    for content in (b"none", b""):
        refused = alice.post(call, content, content_type=XLSX)
        assert (refused.status_code, refused.json()["code"]) == (422, "UPL-01")


def test_only_the_last_preview_and_the_last_kept_are_there(cast: Cast, alice: Client) -> None:
    for _ in range(3):
        send(alice, cast, workbook(FIRST))
        alice.post(address(cast, "/keep"))
        send(alice, cast, workbook(SECOND))

    with tenant_context(cast.acme.tenant.id):
        assert UploadedMachine.objects.count() == 6


def test_two_files_at_once_are_read_and_a_third_waits(
    cast: Cast, alice: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agents.services.uploads._places", threading.BoundedSemaphore(1))

    with _place():
        says = send(alice, cast, workbook(FIRST))
    assert "The file was not read. Other files are being read at the moment." in says
    assert "UPL-02" in says

    assert "This is a preview" in send(alice, cast, workbook(FIRST))


def test_templates_are_counted_and_not_summed(cast: Cast, alice: Client) -> None:
    template = list(machine("golden", "vm-9", used=500_000))
    template[2] = True

    says = send(alice, cast, workbook([machine("db1", "vm-1"), template]))

    assert "1 new, 0 changed" in says
    assert "1 template beside them" in says
    assert "In use 1 GiB" in says


def test_a_workbook_without_ids_is_compared_by_name(cast: Cast, alice: Client) -> None:
    send(alice, cast, workbook(FIRST))
    alice.post(address(cast, "/keep"))

    says = send(alice, cast, workbook([machine("db1", ""), machine("web9", "")]))

    assert "1 new, 0 changed, 1 same, 2 no longer there: old1, web1" in says


def test_rows_that_were_left_out_are_told(cast: Cast, alice: Client) -> None:
    says = send(alice, cast, workbook([*FIRST, machine("bad1", "vm-8", cpus="many")]))

    assert "1 row left out" in says
    assert "vInfo, row 5: CPUs is 'many', which is no such number" in says


@pytest.mark.parametrize("line", ["0", "-1", "x", "999999999", "²"])
def test_a_line_that_is_none_is_the_usual_one(cast: Cast, alice: Client, line: str) -> None:
    send(alice, cast, workbook(FIRST))

    page = alice.get(address(cast), {"mbit": line}).content.decode()
    assert 'name="mbit" inputmode="numeric" pattern="[0-9]{1,6}" value="1000"' in page


def test_a_line_that_never_catches_up_is_said_to(cast: Cast, alice: Client) -> None:
    send(alice, cast, workbook([machine("db1", "vm-1", used=500_000_000)]))

    assert "Copying all of it never ends" in text(alice.get(address(cast) + "?mbit=1"))


def test_sorting_by_size_shows_the_largest_first(cast: Cast, alice: Client) -> None:
    send(alice, cast, workbook([machine("a1", "vm-1", used=1), machine("z1", "vm-2", used=900)]))

    says = text(alice.get(address(cast) + "?sort=-used"))
    assert says.index("z1 New") < says.index("a1 New")


def test_the_csv_holds_what_the_page_was_narrowed_to(cast: Cast, alice: Client) -> None:
    send(alice, cast, workbook(FIRST))
    alice.post(address(cast, "/keep"))
    send(alice, cast, workbook(SECOND))

    lines = alice.get(address(cast, "/csv") + "?change=new").content.decode().splitlines()
    assert [line.partition(",")[0] for line in lines] == ["name", "new1"]


@pytest.mark.parametrize("act", ["keep", "drop"])
def test_an_act_without_a_preview_does_nothing_twice(cast: Cast, alice: Client, act: str) -> None:
    send(alice, cast, workbook(FIRST))
    for _ in range(2):
        answer = alice.post(address(cast, f"/{act}"), follow=True)
        assert answer.status_code == 200

    says = text(answer)
    assert ("There is no preview any more." in says) == (act == "keep")


def test_a_viewer_cannot_send_by_the_api(cast: Cast) -> None:
    call = f"/api/v1/sites/{cast.acme.site.id}/upload/"

    bob, charlie = signed_in("bob"), signed_in("charlie")
    assert bob.post(call, workbook(FIRST), content_type=XLSX).status_code == 403
    assert charlie.post(call, workbook(FIRST), content_type=XLSX).status_code == 404
    assert charlie.delete(call).status_code == 404
