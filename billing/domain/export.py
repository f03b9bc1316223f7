"""Cells for a spreadsheet that must not run what a tenant's machine is called."""

# The last four are the same signs, full width: some spreadsheets take them for the others.
_STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def cell(value: object) -> str:
    """Return `value` as the text of a cell; one that a spreadsheet would run is quoted.

    Numbers keep their sign: only text is guarded.
    """
    if value is None:
        return ""
    text = str(value)
    guarded = isinstance(value, str) and text.lstrip(" ").startswith(_STARTS_A_FORMULA)
    return f"'{text}" if guarded else text
