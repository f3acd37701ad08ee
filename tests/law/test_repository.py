"""What the repository must not hold: places of somebody's machine, addresses of a package index, unnamed packages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.law.tree import PACKAGES, ROOT, product_files, tracked_files

# Written in two halves, so that this file is not its own finding.
FORBIDDEN = {
    "a path of somebody's machine": r"(?<![\w./-])/(wo" r"rk|ro" r"ot|ho" r"me/[a-z]+|Us" r"ers/[a-z]+)/\w",
    "a temporary folder": r"(?<![\w./-])/tm" r"p/\w",
    "the address of a package index": r"--(extra-)?index" r"-url|https?://(files|registry|deb)\.|https?://[^\s\"]*/sim" r"ple\b",
    "a private key": r"-----BEGIN (EC |RSA |ENCRYPTED )?PRI" r"VATE KEY-----",
}
TEXT_LIMIT = 5_000_000


def lines_that_say(pattern: str, path: Path) -> list[str]:
    """Return the lines of a text file that match."""
    try:
        text = path.read_text("utf-8")
    except UnicodeDecodeError:
        return []
    return [
        f"{path.relative_to(ROOT)}:{n}: {line.strip()[:100]}"
        for n, line in enumerate(text.splitlines(), 1)
        if re.search(pattern, line)
    ]


@pytest.mark.parametrize("pattern", FORBIDDEN.values(), ids=FORBIDDEN)
def test_no_tracked_file_holds(pattern: str) -> None:
    """It would be wrong on every other machine, or belong to nobody's repository."""
    found = [line for path in tracked_files() if path.stat().st_size < TEXT_LIMIT for line in lines_that_say(pattern, path)]
    assert found == []


def test_every_folder_with_python_in_it_is_a_package() -> None:
    """A folder without ``__init__.py`` is an open namespace, which somebody else's distribution can add to."""
    folders = {path.parent for path in tracked_files() if path.suffix == ".py" and path.parent.name != "tools"}
    assert sorted(folder for folder in folders if not (folder / "__init__.py").is_file()) == []


def test_no_folder_of_tests_bears_the_name_of_a_package() -> None:
    """``tests/.../pki`` would be what ``import pki`` finds, in some ways of running the tests."""
    inside = [path.relative_to(ROOT).parent.parts for path in tracked_files()]
    assert [parts for parts in inside if parts[:1] == ("tests",) and set(PACKAGES) & set(parts)] == []


def test_every_module_says_what_it_is_for() -> None:
    """The first thing in a file is a paragraph for the colleague who arrives."""
    silent = [path for path in product_files() if not path.read_text("utf-8").lstrip().startswith(('"""', 'r"""'))]
    assert silent == []
