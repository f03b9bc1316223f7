"""The components of the interface that are more than a class name: `{% load landfall %}`."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from django import template
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from portal.templatetags.states import STATES, UNKNOWN

register = template.Library()
MINUTE, HOUR, DAY = 60, 3600, 86_400
WEEK = 7 * DAY
UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
STEP = 1024
CLOSE = 10
"""Below this many of a unit, one decimal is worth its place."""
BAR_HEIGHT = 6


@register.simple_tag
@lru_cache(maxsize=1024)
def icon(name: str, more: str = "") -> SafeString:
    """Return an icon of the sprite; it stands beside a word, so that no reader says it twice."""
    return format_html(
        '<svg class="icon {}" aria-hidden="true"><use href="{}#i-{}"></use></svg>',
        more,
        static("portal/icons.svg"),
        name,
    )


@register.simple_tag
def state(kind: str, value: str, *, loud: bool = False) -> SafeString:
    """Return the badge of a state: icon and word, from the one table."""
    return _state(kind, str(value), loud)


# A long list says the same few states again and again.
@lru_cache(maxsize=1024)
def _state(kind: str, value: str, loud: bool) -> SafeString:
    tone, drawn, word = STATES[kind].get(value, UNKNOWN)
    return format_html(
        '<span class="lf-state is-{}{}">{}{}</span>',
        tone,
        " is-loud" if loud else "",
        icon(drawn),
        word or value.replace("_", " ").capitalize(),
    )


@register.simple_tag
def tone_of(kind: str, value: str) -> str:
    """Return the tone of a state alone."""
    tone, _, _ = STATES[kind].get(str(value), UNKNOWN)
    return tone


@register.simple_tag
def badge(tone: str, drawn: str, word: str) -> SafeString:
    """Return a badge for a condition, which is no state of a table."""
    return format_html('<span class="lf-state is-{}">{}{}</span>', tone, icon(drawn), word)


@register.filter
def size(number: int | None) -> str:
    """Return a number of bytes in the unit that a person would choose: 1.5 GiB."""
    if number is None:
        return "–"
    value, unit = float(number), 0
    while abs(value) >= STEP and unit < len(UNITS) - 1:
        value, unit = value / STEP, unit + 1
    exact = unit == 0 or value >= CLOSE or value == int(value)
    return f"{value:,.0f} {UNITS[unit]}" if exact else f"{value:,.1f} {UNITS[unit]}"


@register.filter
def mebibytes(number: int | None) -> str:
    """Return a number of MiB in the unit that a person would choose."""
    return size(None if number is None else number * STEP * STEP)


@register.filter
def duration(value: timedelta | float | None) -> str:
    """Return a duration as 6 h 12 min, 4 min or 12 s."""
    if value is None:
        return "–"
    seconds = int(value.total_seconds() if isinstance(value, timedelta) else value)
    if seconds < MINUTE:
        return f"{seconds} s"
    if seconds < HOUR:
        return f"{seconds // MINUTE} min"
    if seconds < DAY:
        return f"{seconds // HOUR} h {seconds % HOUR // MINUTE} min"
    return f"{seconds // DAY} d {seconds % DAY // HOUR} h"


@register.filter
def ago(value: datetime | None) -> SafeString:
    """Return a moment as people tell it, relative and absolute: 12 min ago, 22:29."""
    if value is None:
        return SafeString("–")
    seconds = (timezone.now() - value).total_seconds()
    told = f"{duration(abs(seconds))} ago" if seconds >= 0 else f"in {duration(abs(seconds))}"
    told = "just now" if abs(seconds) < 1 else told
    told = moment(value) if abs(seconds) > WEEK else f"{told}, {moment(value)}"
    return format_html(
        '<time datetime="{}" class="lf-tab lf-nowrap" title="{}">{}</time>',
        value.isoformat(),
        f"{value:%a %d %b %Y, %H:%M:%S} UTC",
        told,
    )


@register.filter
def moment(value: datetime | None) -> str:
    """Return a time of day, with the weekday within a week and the date beyond, in UTC."""
    if value is None:
        return "–"
    distance = abs((timezone.now() - value).total_seconds())
    if distance < DAY:
        return f"{value:%H:%M}"
    return f"{value:%a %H:%M}" if distance < WEEK else f"{value:%d %b %Y}"


@register.filter
def dated(value: datetime | None) -> str:
    """Return a moment with its date, however near it is, in UTC: 02 Mar 2026, 12:00."""
    return "–" if value is None else f"{value.astimezone(UTC):%d %b %Y, %H:%M}"


@register.filter
def word(value: str) -> str:
    """Return a name of code as a word that people read."""
    return str(value).replace("_", " ").capitalize()


@register.simple_tag
def progress(part: float, label: str, tone: str = "run") -> SafeString:
    """Return a bar of 0 to 1 with its percentage as text; a finished one is grey."""
    percent = round(max(0.0, min(1.0, part)) * 100)
    fill = "g-past" if percent == 100 else "g-fill"
    return format_html(
        '<span class="lf-row flex-nowrap is-{}"><svg class="lf-g lf-bar" height="{}" role="progressbar"'
        ' aria-label="{}" aria-valuemin="0" aria-valuemax="100" aria-valuenow="{}">'
        '<rect class="g-track" width="100%" height="{}" rx="3"></rect>'
        '<rect class="{}" width="{}%" height="{}" rx="3"></rect></svg>'
        '<span class="lf-small lf-tab lf-nowrap">{} %</span></span>',
        *(tone, BAR_HEIGHT, label, percent, BAR_HEIGHT, fill, percent, BAR_HEIGHT, percent),
    )


@register.simple_tag
def rounds(sizes: Sequence[int], budget: int = 0, label: str = "Rounds") -> SafeString:
    """Return rounds as bars on a square-root scale: the seed pale, the newest coloured, the budget dashed."""
    if not sizes:
        return SafeString('<span class="lf-muted">–</span>')
    shown = list(sizes)[-16:]
    top = max(*shown, budget, 1)
    heights = [max(1.5, (number / top) ** 0.5 * 22) for number in shown]
    bars = format_html_join(
        "",
        '<rect class="{}" x="{}" y="{}" width="6" height="{}" rx="1"></rect>',
        (
            (_bar_class(at, len(shown), len(sizes)), at * 9, f"{24 - height:.1f}", f"{height:.1f}")
            for at, height in enumerate(heights)
        ),
    )
    wide = len(shown) * 9
    level = 24 - (budget / top) ** 0.5 * 22
    line = format_html('<line class="g-cap" x1="0" x2="{}" y1="{}" y2="{}"></line>', wide, level, level)
    told = ", ".join(size(number) for number in shown)
    return format_html(
        '<svg class="is-run" width="{}" height="24" role="img" aria-label="{}: {}">{}{}</svg>',
        *(wide, label, told, bars, line if budget else ""),
    )


def _bar_class(at: int, shown: int, total: int) -> str:
    if at == shown - 1 and total > 1:
        return "g-fill"
    return "g-soft" if at == 0 and shown == total else "g-past"


@register.inclusion_tag("lf/stepper.html")
def stepper(steps: Sequence[Mapping[str, Any]], label: str) -> dict[str, Any]:
    """Return the itinerary; each step has `name`, `when` and `is` (done, current or next), and a `tone`."""
    return {"steps": steps, "label": label}


@register.inclusion_tag("lf/error_card.html")
def error_card(refusal: Any, title: str = "") -> dict[str, Any]:
    """Return what was refused: what happened, why, what to do, and the code."""
    return {"refusal": refusal, "title": title}


@register.inclusion_tag("lf/proof.html")
def proof(verdict: bool | None, words: str = "") -> dict[str, Any]:
    """Return the proof badge; None is "not proved yet"."""
    return {"verdict": verdict, "words": words}


@register.simple_tag(takes_context=True)
def query(context: dict[str, Any], **changes: Any) -> str:
    """Return this page's query with `changes`; a None removes its key, and every change its cursor."""
    kept = context["request"].GET.copy()
    kept.pop("cursor", None)
    for key, value in changes.items():
        kept.pop(key, None)
        if value is not None:
            kept[key] = str(value)
    return SafeString("?" + kept.urlencode())  # urlencode quotes everything


@register.filter
def initials(person: Any) -> str:
    """Return the initials of a person's name or address."""
    words = str(person).replace("@", " ").replace(".", " ").split()
    return "".join(part[0] for part in words[:2]).upper() or "?"


@register.filter
def fingerprint(text: str) -> str:
    """Return a SHA-256 as people compare it: pairs with colons."""
    return ":".join(text[at : at + 2] for at in range(0, len(text), 2)).upper()
