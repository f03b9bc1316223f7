"""`manage.py build_sprite`: one SVG of the icons that our pages use, from the locked npm package."""

import re
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

ROOT = Path(__file__).parents[3]
ICONS = ROOT / "node_modules" / "@tabler" / "icons" / "icons"
SPRITE = ROOT / "static-built" / "portal" / "icons.svg"
_USED = (
    re.compile(r"""\{%\s*icon\s+["']([a-z0-9-]+)["']"""),
    re.compile(r"""icons\.svg#i-([a-z0-9-]+)"""),
    re.compile(r"""["']icon["']:\s*["']([a-z0-9-]+)["']"""),
)
_WORD = re.compile(r"""["']([a-z][a-z0-9]*(?:-[a-z0-9]+)*)["']""")
_INNER = re.compile(r"<svg[^>]*>(.*)</svg>", re.DOTALL)


class Command(BaseCommand):
    """Builds the sprite; run at set-up, after npm."""

    help = "Build static-built/portal/icons.svg from @tabler/icons."

    def handle(self, *_: Any, **__: Any) -> None:
        """Build it."""
        if not ICONS.is_dir():
            raise CommandError("@tabler/icons is missing: run npm ci first.")
        symbols = [_symbol(name) for name in sorted(_names())]
        SPRITE.parent.mkdir(parents=True, exist_ok=True)
        body = "\n".join(symbol for symbol in symbols if symbol)
        SPRITE.write_text(f'<svg xmlns="http://www.w3.org/2000/svg">\n{body}\n</svg>\n')
        self.stdout.write(f"{body.count('<symbol')} icons")


def _names() -> set[str]:
    """Return every name that a template, or a table of ours in Python or JavaScript, may mean as an icon."""
    names: set[str] = set()
    for app in ("portal", "tenants", "agents", "migrations_app", "billing"):
        for path in (ROOT / app).rglob("*.html"):
            text = path.read_text()
            names |= {found for pattern in _USED for found in pattern.findall(text)}
            names |= set(_WORD.findall(text))
        for pattern in ("templatetags/*.py", "pages/*.py", "views/*.py", "views.py", "static/**/*.js"):
            for path in (ROOT / app).glob(pattern):
                names |= set(_WORD.findall(path.read_text()))
    return names


def _symbol(name: str) -> str:
    kind, bare = ("filled", name.removesuffix("-filled")) if name.endswith("-filled") else ("outline", name)
    path = ICONS / kind / f"{bare}.svg"
    if not path.is_file():
        return ""
    inner = _INNER.search(path.read_text())
    drawn = re.sub(r"\s+", " ", inner.group(1)).strip() if inner else ""
    paint = 'fill="currentColor"' if kind == "filled" else 'fill="none" stroke="currentColor"'
    return (
        f'<symbol id="i-{name}" viewBox="0 0 24 24" {paint} stroke-linecap="round" stroke-linejoin="round">'
        f"{drawn}</symbol>"
    )
