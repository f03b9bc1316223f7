"""What every page's shell needs."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

THEMES = ("light", "dark")
THEME_COOKIE = "landfall_theme"


def shell(request: HttpRequest) -> dict[str, Any]:
    """Return the theme, the organisation and the addresses that the shell shows."""
    theme = request.COOKIES.get(THEME_COOKIE, "light")
    return {
        "theme": theme if theme in THEMES else "light",
        "belonging": getattr(request, "belonging", None),
        "belongings": getattr(request, "belongings", []),
        "gateway_url": settings.GATEWAY_URL,
    }
