"""What every page's shell needs."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from portal.pages.navigation import sections_for

THEMES = ("light", "dark")
THEME_COOKIE = "landfall_theme"


def shell(request: HttpRequest) -> dict[str, Any]:
    """Return the theme, the organisation and the addresses of the shell; asks the database nothing."""
    theme = request.COOKIES.get(THEME_COOKIE, "light")
    belonging = getattr(request, "belonging", None)
    return {
        "theme": theme if theme in THEMES else "light",
        "belonging": belonging,
        "belongings": getattr(request, "belongings", []),
        "navigation": sections_for(belonging, request.path),
        "gateway_url": settings.GATEWAY_URL,
    }
