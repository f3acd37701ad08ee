"""The ten longest files and functions, reported at the end of the run and never failing it: is each still about one thing?"""

from __future__ import annotations

import ast
from collections.abc import Iterable

import pytest

from tests.law.tree import ROOT, product_files

Length = tuple[int, str]


def longest(lengths: Iterable[Length]) -> list[Length]:
    """Return the ten longest, longest first."""
    return sorted(lengths, reverse=True)[:10]


def functions(source: str, name: str) -> list[Length]:
    """Return the length of every function of a source, docstring included, with its place."""
    return [
        ((node.end_lineno or node.lineno) - node.lineno + 1, f"{name}:{node.lineno} {node.name}")
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


def test_the_ten_longest_files_and_functions_are_reported(request: pytest.FixtureRequest) -> None:
    """`tests/conftest.py` prints what is recorded here, whichever process ran it."""
    sources = {str(path.relative_to(ROOT)): path.read_text("utf-8") for path in product_files()}
    files = longest((source.count("\n"), name) for name, source in sources.items())
    long_functions = longest(length for name, source in sources.items() for length in functions(source, name))
    lines = ["The ten longest files:", *(f"  {n:5} {name}" for n, name in files)]
    lines += ["The ten longest functions:", *(f"  {n:5} {name}" for n, name in long_functions)]
    request.node.user_properties.append(("report", "\n".join(lines)))
    assert len(files) == len(long_functions) == 10
