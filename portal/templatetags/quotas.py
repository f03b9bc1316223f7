"""What the pages of policies and quotas draw: `{% load quotas %}`."""

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from tenants.domain.quota import Level, Use, amount

register = template.Library()
HEIGHT = 8
_TONES = {Level.WITHIN: "run", Level.NEAR: "warn", Level.FULL: "warn", Level.OVER: "bad"}


@register.simple_tag
def meter(use: Use) -> SafeString:
    """Return a use as a bar with a mark where it warns; words and values say the same to who sees no bar."""
    most = use.limit.hard if use.limit.hard is not None else use.limit.soft
    if not most:
        return SafeString("")
    percent = round(use.share * 100)
    soft = use.limit.soft if use.limit.hard is not None else None
    at = f"{min(1.0, soft / most) * 100:.1f}%" if soft else ""
    mark = format_html('<line class="g-now" x1="{}" x2="{}" y1="0" y2="{}"></line>', at, at, HEIGHT)
    return format_html(
        '<svg class="lf-g lf-bar is-{}" height="{}" role="meter" aria-label="{}" aria-valuemin="0"'
        ' aria-valuemax="{}" aria-valuenow="{}" aria-valuetext="{}">'
        '<rect class="g-track" width="100%" height="{}" rx="3"></rect>'
        '<rect class="g-fill" width="{}%" height="{}" rx="3"></rect>{}</svg>',
        *(_TONES[use.level], HEIGHT, use.label, most, min(use.used, most), use.sentence, HEIGHT),
        *(percent, HEIGHT, mark if at else ""),
    )


@register.simple_tag
def counted(use: Use, end: str = "") -> str:
    """Return how much is used, or one of its limits (`soft`, `hard`), as people read it."""
    if not end:
        return amount(use.measure, use.used)
    limit = use.limit.soft if end == "soft" else use.limit.hard
    return "–" if limit is None else amount(use.measure, limit)
