"""The lists of the portal, pages and calls, with somebody who may ask for each."""

import time

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from migrations_app.models import MigrationGroup
from tests.cast import Cast
from tests.functional.pages import signed_in

TENANT_PAGES = (
    *("", "sites/", "agents/", "machines/", "machines/?sort=-disk_bytes", "machines/?sort=host_moid"),
    *("machines/?q=vm size>100GiB not power:off&sort=-memory_mib", "machines/?q=host:esx-0001"),
    *("commands/", "commands/?phase=succeeded", "groups/?view=board", "groups/?view=list"),
    *("groups/?view=list&sort=name", "groups/?view=list&q=Group 0000", "groups/new", "usage/", "quotas/"),
    "tokens/",
)
PROVIDER_PAGES = (
    *("", "tenants/", "tenants/?health=trouble", "groups/?view=board", "groups/?view=list", "usage/"),
    *("prices/", "policies/", "compliance/", "agents/"),
)
CALLS = (
    *("sites/", "agents/", "machines/", "machines/?sort=-disk_bytes", "machines/?q=vm size>100GiB"),
    *("commands/", "destinations/", "groups/", "groups/?sort=name", "usage/", "usage/prices/", "quotas/"),
    "tokens/",
)
PROVIDER_CALLS = (
    *("tenants/", "provider/groups/", "provider/usage/", "prices/", "policies/", "compliance/"),
    "provider/agents/",
)


class Lists:
    """Every list with its address, asked for by Alice of Acme or by Petra of the provider."""

    def __init__(self, cast: Cast) -> None:
        self.home = f"/t/{cast.acme.tenant.id}/"
        self.acme = str(cast.acme.tenant.id)
        self.alice, self.petra = signed_in("alice"), signed_in("petra")
        self.paths: dict[str, tuple[Client, str]] = {
            **{f"/t/{page}": (self.alice, self.home + page) for page in TENANT_PAGES},
            **{f"/provider/{page}": (self.petra, f"/provider/{page}") for page in PROVIDER_PAGES},
            **{f"/api/v1/{call}": (self.alice, f"/api/v1/{call}") for call in CALLS},
            **{f"/api/v1/{call} (provider)": (self.petra, f"/api/v1/{call}") for call in PROVIDER_CALLS},
        }

    def deeper(self, group: MigrationGroup) -> None:
        """Add what is only there with many rows: later pages, and the pages of one of them."""
        for page in ("machines/", "commands/", "groups/?view=list", "usage/", "sites/", "agents/"):
            self.paths[f"/t/{page} (page 3)"] = self.alice, self._following(self.home + page, times=2)
        self.paths["/t/groups/{group}/"] = self.alice, f"{self.home}groups/{group.id}/"

    def _following(self, address: str, *, times: int) -> str:
        """Return the address of a later page, by its own links."""
        for _ in range(times):
            said = self.alice.get(address).content.decode()
            before = said.rpartition('rel="next"')[0]
            query = before.rpartition('href="')[2].partition('"')[0].replace("&amp;", "&")
            address = address.partition("?")[0] + query
        return address

    def milliseconds(self, path: str) -> float:
        """Return how long one answer took. Raises AssertionError when it is none."""
        client, address = self.paths[path]
        began = time.perf_counter()
        headers = {"Landfall-Organisation": self.acme} if client is self.alice else {}
        answer = client.get(address, headers=headers)
        took = (time.perf_counter() - began) * 1000
        assert answer.status_code == 200, (address, answer.status_code)
        return took

    def queries(self) -> dict[str, int]:
        """Return how often each answer asks the database, once its caches are warm."""
        return {path: self._queries(path) for path in self.paths}

    def _queries(self, path: str) -> int:
        self.milliseconds(path)
        with CaptureQueriesContext(connection) as asked:
            self.milliseconds(path)
        return len(asked)
