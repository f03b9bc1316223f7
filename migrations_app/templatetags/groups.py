"""What only the pages of groups draw: `{% load groups %}`."""

from django import template
from django.utils.safestring import SafeString

from migrations_app.selectors import UnitRow
from portal.templatetags.landfall import rounds

register = template.Library()


@register.simple_tag
def round_bars(unit: UnitRow, budget: int) -> SafeString:
    """Return the unit's rounds as bars, the one under way last."""
    sizes = [ended.planned for ended in unit.rounds]
    if unit.live is not None and unit.live.planned:
        sizes.append(unit.live.planned)
    return rounds(sizes, budget, f"{unit.name}, bytes per round")
