"""The shape of the code: no file is long, functions are short, and there is as much test as source.

Counted are the Python files that git knows, but for schema migrations, which Django writes.
"""

import ast
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
FILE_MAX = 400
FUNCTION_P90_MAX = 32
TESTS = "tests"


def shape_wrong() -> list[str]:
    """What is not as it must be, in words; nothing when all is."""
    files = {path: (ROOT / path).read_text() for path in _files()}
    lengths = {path: len(text.splitlines()) for path, text in files.items()}
    tests = sum(length for path, length in lengths.items() if path.parts[0] == TESTS)
    source = sum(lengths.values()) - tests
    functions = sorted(length for path, text in files.items() for length in functions_lengths(text))
    p90 = functions[len(functions) * 9 // 10]
    wrong = [f"{path} has {length} lines" for path, length in lengths.items() if length > FILE_MAX]
    if p90 > FUNCTION_P90_MAX:
        wrong.append(f"a tenth of the functions has more than {p90} lines")
    if tests < source:
        wrong.append(f"{tests} lines of test for {source} of source")
    return wrong


def functions_lengths(text: str) -> Iterator[int]:
    """The lines of every function in a module."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno is not None:
            yield node.end_lineno - node.lineno + 1


def _files() -> Iterable[Path]:
    named = subprocess.run(["git", "ls-files", "*.py"], cwd=ROOT, capture_output=True, text=True, check=True)
    for name in named.stdout.splitlines():
        path = Path(name)
        if path.parent.name != "migrations" and (ROOT / path).is_file():
            yield path
