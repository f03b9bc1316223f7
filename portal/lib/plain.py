"""Text as names may be: what a database holds, and what shows what it is."""

import re

# NUL cannot be stored; half a surrogate pair cannot be sent.
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
# Control characters (a newline among them), line separators, and what turns the direction of what follows.
_UNSEEN = re.compile("[\0-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def storable(text: str) -> bool:
    """Return whether PostgreSQL and UTF-8 can hold the text."""
    return _UNSTORABLE.search(text) is None


def name_fault(name: str, most: int) -> str:
    """Return why `name` is no name of at most `most` characters, as a sentence; empty when it is one."""
    if not 0 < len(name) <= most:
        return f"A name has between 1 and {most} characters."
    if _UNSEEN.search(name):
        return "The name holds a line break or a character that cannot be seen."
    return ""
