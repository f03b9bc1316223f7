"""JSON bodies of calls: text that PostgreSQL can hold, and no deeper than any call of ours needs."""

from collections.abc import Mapping
from typing import IO, Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser

from portal.lib.plain import storable

DEEPEST = 32
_TOO_DEEP = f"The JSON is nested more than {DEEPEST} deep. Send the fields that the call describes."
_NO_TEXT = "A text in the JSON holds a NUL or half a surrogate pair, which no text may. Send it without."


class PlainJSONParser(JSONParser):
    """Parses JSON, and refuses what would fail further in: anybody may send it, also without signing in."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """Return the content. Raises ParseError."""
        try:
            content = super().parse(stream, media_type, parser_context)
        except RecursionError as error:
            raise ParseError(_TOO_DEEP) from error
        _check(content)
        return content


def _check(content: object) -> None:
    """Look at every text once, keys as well; without recursion, since depth is what it guards."""
    level: list[object] = [content]
    for _ in range(DEEPEST):
        if not all(storable(one) for one in level if isinstance(one, str)):
            raise ParseError(_NO_TEXT)
        level = [part for one in level for part in _parts(one)]
    if level:
        raise ParseError(_TOO_DEEP)


def _parts(one: object) -> list[object]:
    if isinstance(one, dict):
        return [*one.keys(), *one.values()]
    return one if isinstance(one, list) else []
