"""`./landfall bench tenancy`: a thousand tenants, a million machines: what the fences cost, and the homes.

The same requests are answered twice: by the web role inside its tenant, and, with nothing else changed, by a
role that no policy holds and without the tenant of the transaction set. The difference is what row-level
security costs a request; which machines it shows is left to the query's own filter, which is there in both.
"""

import argparse
import random
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch
from uuid import UUID

from tests.bench.database import web_database
from tests.bench.measure import Bar, at_most, estimate, finish, tell

TENANTS = 1000
MACHINES = 1_000_000
ASKED = 400
OVERHEAD_MS, TENANT_HOME_MS, PROVIDER_HOME_MS = 0.5, 150.0, 300.0
SHARE = 0.95


def main(arguments: list[str]) -> int:
    """Fill a database, ask as many tenants; 0 when every bar is met."""
    asked = _parser().parse_args(arguments)
    with web_database():
        from tests.bench.multitude import multitude_create

        people = multitude_create(tenants=asked.tenants, machines=asked.machines, tell=tell)
        samples = _measured(people, asked.requests)
    bars = [
        at_most("row-level security, a request's median", samples["overhead"], OVERHEAD_MS, unit="ms"),
        _at_p95("tenant's home, server time", samples["tenant home"], TENANT_HOME_MS),
        _at_p95("provider's home, server time", samples["provider home"], PROVIDER_HOME_MS),
    ]
    told = {"tenants": asked.tenants, "machines": asked.machines}
    told |= {name: [round(one, 3) for one in took] for name, took in samples.items()}
    return finish("tenancy", bars=bars, samples=told, as_json=asked.json)


def _at_p95(name: str, samples: Sequence[float], limit: float) -> Bar:
    value = sorted(samples)[int(len(samples) * SHARE)]
    note = f"median {estimate(samples).median:.1f} ms"
    return Bar(f"{name}, p95", round(value, 2), "ms", f"<= {limit:g}", value <= limit, note=note)


def _measured(people: Any, requests: int) -> dict[str, list[float]]:
    """Milliseconds of each kind of request."""
    draw = random.Random(7)
    fenced, bare = [], []
    order = [draw.choice(people.owners) for _ in range(requests)]
    for owner in order[:20]:
        _milliseconds(people, owner, "machines/")  # every process's first requests compile and connect
    # The two logins have a connection each, kept: only the request is measured.
    for start in range(0, requests, 20):
        batch = order[start : start + 20]
        before = [_milliseconds(people, owner, "machines/") for owner in batch]
        with _unfenced():
            _milliseconds(people, batch[0], "machines/")
            bare += [_milliseconds(people, owner, "machines/") for owner in batch]
        _milliseconds(people, batch[0], "machines/")
        after = [_milliseconds(people, owner, "machines/") for owner in batch]
        fenced += [(one + two) / 2 for one, two in zip(before, after, strict=True)]
        tell(f"{start + len(batch)}/{requests}: {statistics.median(fenced) - statistics.median(bare):.3f} ms")
    homes = [_milliseconds(people, owner, "") for owner in order[: requests // 2]]
    desk = [_asked(people.petra, "/provider/") for _ in range(requests // 4)]
    overhead = [with_it - without for with_it, without in zip(fenced, bare, strict=True)]
    return {"overhead": overhead, "fenced": fenced, "bare": bare, "tenant home": homes, "provider home": desk}


def _milliseconds(people: Any, owner: tuple[UUID, Any], page: str) -> float:
    tenant, client = owner
    return _asked(client, f"/t/{tenant}/{page}")


def _asked(client: Any, address: str) -> float:
    began = time.perf_counter()
    answer = client.get(address)
    took = (time.perf_counter() - began) * 1000
    assert answer.status_code == 200, (address, answer.status_code)
    return took


@contextmanager
def _unfenced() -> Iterator[None]:
    """Answer as a role that no policy holds, in a plain transaction."""
    from django.db import transaction

    from portal.embedded.postgres import SUPERUSER
    from tests.sessions import login

    with ExitStack() as stack:
        stack.enter_context(login(SUPERUSER))
        place = "tenants.interfaces.views.tenant_context"
        stack.enter_context(patch(place, lambda _tenant: transaction.atomic()))
        yield


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./landfall bench tenancy", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--tenants", type=int, default=TENANTS)
    parser.add_argument("--machines", type=int, default=MACHINES, help="of all of them together")
    parser.add_argument("--requests", type=int, default=ASKED, help="how many of the list of machines")
    return parser


if __name__ == "__main__":
    begun = time.monotonic()
    status = main(sys.argv[1:])
    tell(f"took {time.monotonic() - begun:.0f} s")
    sys.exit(status)
