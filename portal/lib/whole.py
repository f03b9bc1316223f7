"""Whole numbers that people type: in a form's field, or in an address."""

MOST = 10**9
_DIGITS_MAX = 18


def whole(text: str | None, default: int, *, least: int = 0, most: int = MOST) -> int:
    """Return the number that was typed, or `default` for what is none, or not from `least` to `most`.

    Only ASCII digits count: `str.isdigit` takes "²", of which int() makes an error.
    """
    typed = (text or "").strip()
    if not (typed.isascii() and typed.isdigit() and len(typed) <= _DIGITS_MAX):
        return default
    return int(typed) if least <= int(typed) <= most else default
