"""`./landfall bench pages`: every list page and list call at 10,000 rows each, as the web role.

A request goes through Django whole: middleware, session, sign-in, tenancy, row-level security, queries and
template; what the server of HTTP and the wire add is not in it. The database is the bench's own.
"""

import argparse
import gc
import sys
import time
from collections.abc import Mapping

from tests.bench.database import web_database
from tests.bench.measure import Bar, at_most, finish, tell

NUMBER = 10_000
FEW = 8
RUNS = 9
LIMIT_MS = 150.0


def main(arguments: list[str]) -> int:
    """Fill a database, ask for every list; 0 when all are answered in time."""
    asked = _parser().parse_args(arguments)
    with web_database():
        samples, queries = _measured(asked.rows, asked.runs)
    bars = [
        at_most(f"{path}, median server time", took, LIMIT_MS, unit="ms") for path, took in samples.items()
    ]
    bars += [_constant(path, few, many) for path, (few, many) in queries.items()]
    told = {
        "rows": asked.rows,
        "milliseconds": {path: [round(one, 2) for one in took] for path, took in samples.items()},
        "queries": {path: {"few rows": few, "all rows": many} for path, (few, many) in queries.items()},
    }
    return finish("pages", bars=bars, samples=told, as_json=asked.json)


def _constant(path: str, few: int, many: int) -> Bar:
    return Bar(f"{path}, queries", many, "queries", f"== {few}, as with few rows", ok=many == few)


def _measured(rows: int, runs: int) -> tuple[dict[str, list[float]], dict[str, tuple[int, int]]]:
    # Django's settings have to be there before its models are.
    from tests.bench.crowd import crowd_create
    from tests.bench.listed import Lists
    from tests.cast import cast_create
    from tests.staff import staff_create

    cast = cast_create()
    staff_create()
    lists = Lists(cast)
    crowd_create(cast, range(FEW), tell=tell)
    few = lists.queries()
    group = crowd_create(cast, range(FEW, rows), tell=tell)
    many = lists.queries()
    lists.deeper(group)
    gc.collect()
    gc.freeze()  # what filling left behind is no server's: looking through it again costs a page 120 ms
    samples: dict[str, list[float]] = {path: [] for path in lists.paths}
    for number in range(runs):
        for path in list(lists.paths)[:: 1 if number % 2 == 0 else -1]:
            samples[path].append(lists.milliseconds(path))
        tell(f"{number + 1}/{runs}: slowest {_slowest(samples)}")
    return samples, {path: (count, many[path]) for path, count in few.items()}


def _slowest(samples: Mapping[str, list[float]]) -> str:
    path = max(samples, key=lambda one: samples[one][-1])
    return f"{path} {samples[path][-1]:.0f} ms"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./landfall bench pages", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--rows", type=int, default=NUMBER, help="how many of everything")
    parser.add_argument("--runs", type=int, default=RUNS, help="how often each page is asked for")
    return parser


if __name__ == "__main__":
    begun = time.monotonic()
    status = main(sys.argv[1:])
    tell(f"took {time.monotonic() - begun:.0f} s")
    sys.exit(status)
