"""What the documents point at is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")
SOURCE = re.compile(
    r"`((?:agents|billing|docs|lab|migrations_app|portal|tenants|tests)/[\w/.]+\.\w+)(?:::\w+)?`"
)

LINKS = [(path.relative_to(ROOT), target) for path in DOCUMENTS for target in LINK.findall(path.read_text())]
SOURCES = [
    (path.relative_to(ROOT), target) for path in DOCUMENTS for target in SOURCE.findall(path.read_text())
]


@pytest.mark.parametrize(("document", "target"), LINKS)
def test_a_link_leads_somewhere(document: Path, target: str) -> None:
    assert (ROOT / document.parent / target).exists()


@pytest.mark.parametrize(("document", "target"), SOURCES)
def test_a_source_that_is_named_exists(document: Path, target: str) -> None:
    assert (ROOT / target).exists()


def test_every_document_is_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text()
    assert [path.name for path in (ROOT / "docs").glob("*.md") if f"docs/{path.name}" not in readme] == []


def test_every_command_of_the_entry_is_in_the_readme() -> None:
    commands = re.findall(r"^  (\w+)\)", (ROOT / "landfall").read_text(), re.MULTILINE)
    readme = (ROOT / "README.md").read_text()
    assert [name for name in commands if f"./landfall {name}" not in readme] == []
