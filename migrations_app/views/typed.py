"""Numbers that people type on the pages of a group: what cannot be taken is told."""

from migrations_app.services import PlanInvalid
from portal.lib.whole import MOST, whole

SHOWN_MAX = 40


def number_typed(text: str | None, held: int, *, what: str, least: int = 0, most: int = MOST) -> int:
    """Return the number that was typed as `what`, `held` for an empty field. Raises PlanInvalid."""
    typed = (text or "").strip()
    number = whole(typed, -1, least=least, most=most) if typed else held
    if number < 0:
        raise PlanInvalid(
            "Nothing was changed.",
            why=f"{what} is a whole number from {least} to {most}, and not “{typed[:SHOWN_MAX]}”.",
            remedy="Correct the number.",
        )
    return number
