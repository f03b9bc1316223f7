"""How often every list asks the database: as often with many rows as with few, and as often as it did.

The baseline is query_counts.json: a change that asks more has to say so there.
"""

import json
from pathlib import Path

from django.urls import get_resolver

from tests.bench.crowd import crowd_create
from tests.bench.listed import Lists
from tests.cast import cast_create
from tests.meta.test_routes import addresses
from tests.sessions import committed
from tests.staff import staff_create

BASELINE = Path(__file__).with_name("query_counts.json")
FEW = range(3)
MANY = range(3, 60)
NO_LISTS = {
    *("api-offers", "api-me", "api-group", "api-site", "api-unit-history", "api-usage-csv", "schema"),
    "api-sign-in-rules",
    "api-provider-agents-upgrade",
}
"""Calls that are no lists."""
PARTS = ("/t/", "/provider/", "/api/v1/")


def silent(_: str) -> None:
    """Say nothing of the filling."""


@committed
def test_no_list_asks_more_of_the_database_for_more_rows() -> None:
    cast = cast_create()
    staff_create()
    lists = Lists(cast)
    crowd_create(cast, FEW, tell=silent)

    few = lists.queries()
    crowd_create(cast, MANY, tell=silent)
    many = lists.queries()

    assert {path: count for path, count in many.items() if count != few[path]} == {}
    assert few == json.loads(BASELINE.read_text())


def test_no_list_is_forgotten() -> None:
    known = {path.partition("?")[0].partition(" ")[0] for path in json.loads(BASELINE.read_text())}
    routes = {
        address.replace("<uuid:tenant>/", "")
        for name, address in addresses(get_resolver().url_patterns)
        if name not in NO_LISTS and "<uuid:" not in address.replace("<uuid:tenant>/", "")
    }
    lists = {address for address in routes if address.startswith(PARTS) and address.endswith("/")}

    assert lists - known == set()
