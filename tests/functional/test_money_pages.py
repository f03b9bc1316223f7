"""Usage and prices: who sees which money, in pages, calls and files."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from billing.services import price_publish
from migrations_app.services import commit_request, cutover_request, group_start
from portal.lib.tenancy import tenant_context
from tenants.domain.roles import Role
from tenants.models import Person, Tenant
from tenants.selectors import actor_for
from tenants.services import membership_grant
from tests.cast import NOON, Cast, group_of, plan_of
from tests.functional.pages import signed_in, text
from tests.journey import Journey
from tests.sessions import committed
from tests.staff import Staff, staff_create

pytestmark = committed


@pytest.fixture
def staff(cast: Cast) -> Staff:
    """Petra and Frank."""
    return staff_create()


def priced(cast: Cast, staff: Staff, amount: str = "49.00") -> None:
    """Let a price hold for Acme from noon on."""
    with tenant_context(staff.tenant_id):
        petra = actor_for(user_id=staff.petra.pk, tenant_id=staff.tenant_id)
    price_publish(
        actor=petra,
        tenant_id=cast.acme.tenant.id,
        currency="EUR",
        vm_migrated_price=Decimal(amount),
        effective_from=NOON,
        now=NOON,
    )


def moved(cast: Cast, *names: str, wave: str = "First wave") -> None:
    """Move Acme's machines, up to the commit."""
    group = group_of(cast.acme, cast.alice, plan=plan_of(cast.acme, *names, name=wave))
    journey = Journey(cast.acme, group)
    with tenant_context(group.tenant_id):
        group_start(group=group, actor=cast.alice, now=NOON)
    journey.travel(10)
    with tenant_context(group.tenant_id):
        cutover_request(group=group, at=journey.now, actor=cast.alice, now=journey.now)
    journey.travel()
    with tenant_context(group.tenant_id):
        commit_request(group=group, actor=cast.alice, now=journey.now)
    journey.travel(6)


def usage_page(cast: Cast) -> str:
    """Return where Acme's usage is."""
    return f"/t/{cast.acme.tenant.id}/usage/"


def test_a_committed_machine_is_a_line_with_its_price(cast: Cast, staff: Staff) -> None:
    priced(cast, staff)
    moved(cast, "db01", "web01")

    said = text(signed_in("alice").get(usage_page(cast)))

    assert "db01" in said
    assert "49.00 EUR" in said
    assert "98.00 EUR" in said


def test_without_a_price_the_line_says_so(cast: Cast, staff: Staff) -> None:
    moved(cast, "db01")

    assert "no price yet" in text(signed_in("alice").get(usage_page(cast)))


def test_before_the_first_line_the_page_says_what_it_is_for(cast: Cast) -> None:
    assert "Nothing has been billed." in text(signed_in("alice").get(usage_page(cast)))


def test_who_only_views_sees_no_money(cast: Cast, staff: Staff) -> None:
    bob = signed_in("bob")

    assert bob.get(usage_page(cast)).status_code == 403
    assert bob.get(f"{usage_page(cast)}csv").status_code == 403
    assert bob.get("/api/v1/usage/").status_code == 403
    assert bob.get("/api/v1/usage.csv").status_code == 403


def test_the_file_and_the_page_tell_the_same(cast: Cast, staff: Staff) -> None:
    priced(cast, staff)
    moved(cast, "db01")
    alice = signed_in("alice")

    answer = alice.get(f"{usage_page(cast)}csv")

    assert answer["Content-Type"].startswith("text/csv")
    assert answer.content == alice.get("/api/v1/usage.csv").content
    [line] = answer.content.decode().splitlines()[1:]
    assert "db01" in line
    assert "49.00" in line


def test_the_api_tells_the_lines(cast: Cast, staff: Staff) -> None:
    priced(cast, staff)
    moved(cast, "db01")

    [line] = signed_in("alice").get("/api/v1/usage/").json()["results"]

    assert (line["machine"], line["amount"], line["currency"]) == ("db01", "49.00", "EUR")


def test_the_api_tells_the_lines_page_by_page(cast: Cast, staff: Staff) -> None:
    moved(cast, "db01", "web01", "app01")
    alice = signed_in("alice")

    first = alice.get("/api/v1/usage/?limit=2").json()
    second = alice.get(first["next"]).json()

    lines = [line["machine"] for line in first["results"] + second["results"]]
    assert sorted(lines) == ["app01", "db01", "web01"]
    assert (first["count"], second["next"]) == (3, None)


def test_the_provider_sees_the_usage_of_all_tenants_by_name(cast: Cast, staff: Staff) -> None:
    priced(cast, staff)
    moved(cast, "db01")

    said = text(signed_in("frank").get("/provider/usage/"))

    assert "Acme" in said
    assert "db01" in said
    assert "49.00 EUR" in said


def test_the_provider_publishes_a_price_that_its_tenant_sees(cast: Cast, staff: Staff) -> None:
    form = {"tenant": str(cast.acme.tenant.id), "price": "37.50", "currency": "eur", "from": ""}

    told = text(signed_in("frank").post("/provider/prices/", form, follow=True))

    assert "37.50 EUR" in told
    assert "37.50 EUR" in text(signed_in("alice").get(usage_page(cast)))


@pytest.mark.parametrize(
    "wrong",
    [
        {"price": "dear"},
        {"price": "-1"},
        {"currency": "EURO"},
        {"price": "NaN"},
        {"price": "12345678901"},
        {"price": "1e30"},
        {"price": "1e999999"},
        {"price": "1_000"},
        {"price": "٣"},
    ],
)
def test_a_price_that_is_none_is_refused_with_a_reason(
    cast: Cast, staff: Staff, wrong: dict[str, str]
) -> None:
    form = {"tenant": str(cast.acme.tenant.id), "price": "37.50", "currency": "EUR", "from": "", **wrong}

    answer = signed_in("frank").post("/provider/prices/", form, follow=True)

    assert "No price has been published." in text(answer)
    assert "not published" in text(answer)


def test_a_published_price_never_changes_what_was_billed_before(cast: Cast, staff: Staff) -> None:
    priced(cast, staff)
    moved(cast, "db01")

    form = {"tenant": str(cast.acme.tenant.id), "price": "99.00", "currency": "EUR", "from": ""}
    signed_in("frank").post("/provider/prices/", form)

    [line] = signed_in("alice").get("/api/v1/usage/").json()["results"]
    assert line["amount"] == "49.00"


@pytest.mark.parametrize(
    ("since", "why"),
    [
        ("01.02.2027 08:00", "The time from which it is to hold cannot be read."),
        ("2027-02-31T08:00", "The time from which it is to hold cannot be read."),
        ("2206-12-01T00:00", "It would hold from 01 Dec 2206 on, which is more than two years ahead."),
    ],
)
def test_a_time_that_cannot_be_read_or_is_far_away_publishes_nothing(
    cast: Cast, staff: Staff, since: str, why: str
) -> None:
    form = {"tenant": str(cast.globex.tenant.id), "price": "37.50", "currency": "CHF", "from": since}

    answer = signed_in("frank").post("/provider/prices/", form)

    assert why in text(answer)
    assert "No price has been published." in text(answer)
    content = answer.content.decode()
    assert all(f'value="{typed}"' in content for typed in ("37.50", "CHF", since))
    assert f'<option value="{cast.globex.tenant.id}" selected>' in content


def test_what_was_published_is_told_with_whom_and_from_when(cast: Cast, staff: Staff) -> None:
    since = timezone.now() + timedelta(hours=2)
    form = {"tenant": str(cast.acme.tenant.id), "price": "37.50", "currency": "eur"}

    told = text(
        signed_in("frank").post("/provider/prices/", {**form, "from": f"{since:%Y-%m-%dT%H:%M}"}, follow=True)
    )

    assert f"Acme pays 37.50 EUR for a migrated machine from {since:%d %b %Y, %H:%M} UTC on." in told
    assert f"37.50 EUR {since:%d %b %Y, %H:%M}" in told.partition("UTC on.")[2]
    assert f"37.50 EUR {since:%d %b %Y, %H:%M}" in text(signed_in("alice").get(usage_page(cast)))


def test_the_provider_is_no_tenant_that_could_be_given_a_price(cast: Cast, staff: Staff) -> None:
    form = {"tenant": str(staff.tenant_id), "price": "37.50", "currency": "EUR", "from": ""}
    asked = {"tenant": str(staff.tenant_id), "vm_migrated_price": "37.50", "currency": "EUR"}
    frank = signed_in("frank")

    page = frank.post("/provider/prices/", form)
    call = frank.post("/api/v1/prices/", asked, content_type="application/json")

    assert (page.status_code, call.status_code) == (404, 404)
    assert "No price has been published." in text(frank.get("/provider/prices/"))


@pytest.mark.parametrize("role", [Role.PROVIDER_SUPPORT, Role.PROVIDER_OPERATOR])
def test_the_provider_s_people_without_the_right_see_no_money(cast: Cast, staff: Staff, role: Role) -> None:
    person = Person.objects.create_user("sam@example.test", name="Sam")
    with tenant_context(staff.tenant_id):
        membership_grant(tenant=Tenant.objects.get(id=staff.tenant_id), user_id=person.pk, role=role)
    sam = signed_in("sam")

    home = sam.get("/provider/")

    assert home.status_code == 200
    assert "Price books" not in text(home)
    assert sam.get("/provider/usage/").status_code == 403
    assert sam.get("/provider/prices/").status_code == 403
