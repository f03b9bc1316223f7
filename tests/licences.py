"""The licences of what is installed: each must be one that an Apache-2.0 product may stand on."""

import re
from importlib.metadata import Distribution, distributions
from pathlib import Path

ROOT = Path(__file__).parents[1]
ALLOWED = re.compile(
    r"apache|\bmit\b|bsd|\bisc\b|python software|\bpsf|mozilla|\bmpl|lgpl|lesser general|unlicense|zlib|"
    r"public domain|\bcc0|expat|\bzpl|historical permission|postgresql",
    re.IGNORECASE,
)
# Whatever else is named beside it.
REFUSED = re.compile(
    r"(?<!lesser )general public|(?<!l)gpl|affero|sspl|server side public|busl", re.IGNORECASE
)
# Their metadata names no licence that can be read by a program; read by a person.
KNOWN = {
    "djlint": "GPL-3.0-or-later: a tool of ours, run and not shipped",
    "qemu.qmp": "LGPL-2.0-or-later but for qemu.qmp.legacy, which is GPL-2.0 and which nothing here imports",
}
_LEGACY = "qemu.qmp." + "legacy"


def licences_wrong() -> list[str]:
    """Return a line for each package with another licence and each import of what may not be shipped."""
    wrong = [
        f"{found.metadata['Name']}: {_licence(found) or 'none named'}"
        for found in distributions()
        if found.metadata["Name"].lower() not in KNOWN and not fits(_licence(found))
    ]
    return sorted(set(wrong)) + _legacy_imports()


def fits(licence: str) -> bool:
    """Return whether an Apache-2.0 product may stand on what has this licence."""
    return bool(ALLOWED.search(licence)) and not REFUSED.search(licence)


def _licence(found: Distribution) -> str:
    metadata = found.metadata
    classifiers = [text for text in metadata.get_all("Classifier") or [] if text.startswith("License")]
    named = [*metadata.get_all("License-Expression", []), *metadata.get_all("License", [])]
    named = [*(text[:200] for text in named), *classifiers]
    return " ".join(part for part in named if part)


def _legacy_imports() -> list[str]:
    sources = [path for folder in ("agents", "lab", "portal") for path in (ROOT / folder).rglob("*.py")]
    return [f"{path.relative_to(ROOT)} imports {_LEGACY}" for path in sources if _LEGACY in path.read_text()]
