"""docs/errors.md and the code tell of the same codes."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from rest_framework import exceptions

from agents.domain.protocol import Failure
from agents.domain.site import SITE_CODES
from agents.gateway import problems
from migrations_app.domain.lifecycle import Condition
from migrations_app.domain.preflight import CHECKS_NAMED
from portal.lib.refusal import Refusal

ROOT = Path(__file__).parents[2]
PRODUCT = ("agents", "billing", "migrations_app", "portal", "protection_app", "tenants")
ROW = re.compile(r"^\| `([\w-]+)` \|(.+)\|$", re.MULTILINE)
NUMBERED = re.compile(r"[A-Z]{2,3}-\d{2}")
# What Django REST framework says by itself, as far as our views let it.
FRAMEWORK = (
    exceptions.NotAuthenticated,
    exceptions.AuthenticationFailed,
    exceptions.PermissionDenied,
    exceptions.ParseError,
    exceptions.MethodNotAllowed,
    exceptions.NotAcceptable,
    exceptions.UnsupportedMediaType,
    exceptions.Throttled,
)

DOCUMENT = (ROOT / "docs" / "errors.md").read_text()
SOURCES = [path for app in PRODUCT for path in (ROOT / app).rglob("*.py") if "/migrations/" not in str(path)]


def refusals(kind: type[Refusal] = Refusal) -> Iterator[type[Refusal]]:
    for one in kind.__subclasses__():
        yield one
        yield from refusals(one)


def literals(path: Path) -> Iterator[str]:
    """Every text in a source that is a code by its place (`code=…`, `"code": …`) or by its look."""
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.keyword(arg="code", value=ast.Constant(value=str(text))) if text:
                yield text
            case ast.Assign(targets=[ast.Name(id="code")], value=ast.Constant(value=str(text))):
                yield text
            case ast.Assign(
                targets=[ast.Tuple(elts=[_, ast.Name(id="code")])],
                value=ast.Tuple(elts=[_, ast.Constant(value=str(text))]),
            ):
                yield text
            case ast.Call(func=ast.Name(id="problem"), args=[_, ast.Constant(value=str(text)), *_]):
                yield text
            case ast.Dict(keys=keys, values=values):
                yield from (
                    value.value
                    for key, value in zip(keys, values, strict=True)
                    if isinstance(key, ast.Constant) and key.value == "code"
                    if isinstance(value, ast.Constant) and isinstance(value.value, str)
                )
            case ast.Constant(value=str(text)) if NUMBERED.fullmatch(text):
                yield text
            case _:
                pass


def told() -> list[str]:
    return [code for code, _ in ROW.findall(DOCUMENT)]


def existing() -> set[str]:
    found = {text for path in SOURCES for text in literals(path)}
    found |= {kind.code for kind in refusals() if kind.__module__.partition(".")[0] in PRODUCT}
    found |= {one.code for one in vars(problems).values() if isinstance(one, problems.Refusal)}
    found |= set(SITE_CODES.values()) | set(CHECKS_NAMED)
    found |= {*map(str, Failure), *map(str, Condition)}
    return found | {str(kind.default_code) for kind in FRAMEWORK}


def test_the_document_misses_no_code() -> None:
    assert existing() - set(told()) == set()


def test_the_document_tells_of_no_code_that_does_not_exist() -> None:
    assert set(told()) - existing() == set()


def test_the_document_tells_of_each_code_once() -> None:
    assert len(told()) == len(set(told()))


@pytest.mark.parametrize(("code", "words"), ROW.findall(DOCUMENT))
def test_each_code_has_its_words(code: str, words: str) -> None:
    assert all(cell.strip() for cell in words.split("|"))
