"""Every sentence that pages say, found in the code; run, it brings the catalogues up to date (`make english`).

A folder of `web` has its sentences in its own ``english.po``, less those that the kit says already; the scripts have theirs in
``kit/scripts.po``. The titles of the shipped profiles are sentences of the kit: pages show them.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).parents[1]
WEB = ROOT / "web"
KEYWORDS: dict[str, Any] = {"_": None, "gettext": None, "N_": None, "ngettext": (1, 2), "pgettext": ((1, "c"), 2)}
METHODS: dict[str, Any] = {".py": "python", ".html": "jinja2.ext:babel_extract", ".js": "javascript"}
OPTIONS = {"trimmed": "true", "newstyle_gettext": "true", "trim_blocks": "true", "lstrip_blocks": "true", "silent": "false"}
WIDTH = 130
HEADER = b"""msgid ""
msgstr ""
"Content-Type: text/plain; charset=utf-8\\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\\n"

"""
Key = tuple[str, str | tuple[str, ...]]
"""Context, and the French: of a sentence with a plural, both."""


def found(*patterns: str, root: Path = WEB) -> dict[Key, list[str]]:
    """Return the sentences of files, each with the files in which it is."""
    said: dict[Key, list[str]] = {}
    for path in sorted(each for pattern in patterns for each in root.glob(pattern)):
        with path.open("rb") as file:
            for _, message, _, context in extract(METHODS[path.suffix], file, KEYWORDS, options=dict(OPTIONS)):
                said.setdefault((context or "", message), []).append(str(path.relative_to(root.parent)))
    return said


def titles() -> dict[Key, list[str]]:
    """Return the titles of the shipped profiles."""
    files = sorted(ROOT.glob("ca_config/*/profiles/*.toml"))
    return {("", tomllib.loads(each.read_text(encoding="utf-8"))["title"]): [str(each.relative_to(ROOT))] for each in files}


def catalogues() -> Iterator[tuple[Path, dict[Key, list[str]]]]:
    """Yield each catalogue's file, and the sentences that belong in it."""
    kit = titles() | found("*.py", "kit/**/*.py", "kit/**/*.html")
    yield WEB / "kit/english.po", kit
    yield WEB / "kit/scripts.po", found("*/static/*.js")
    for folder in sorted(each.parent for each in WEB.glob("*/__init__.py") if each.parent.name != "kit"):
        own = found(f"{folder.name}/**/*.py", f"{folder.name}/**/*.html")
        if own := {key: places for key, places in own.items() if key not in kit}:
            yield folder / "english.po", own


def read(path: Path) -> Catalog:
    """Read a catalogue; an empty one if there is no such file."""
    if not path.exists():
        return Catalog(locale="en")
    with path.open("rb") as file:
        return read_po(file, locale="en", abort_invalid=True)


def renew(path: Path, said: dict[Key, list[str]]) -> int:
    """Write a catalogue with these sentences and the English that it had; return how many lack theirs."""
    known = {(each.context or "", each.id): each.string for each in read(path) if each.id and not each.fuzzy}
    fresh = Catalog(locale="en", fuzzy=False)
    for (context, message), places in said.items():
        where = [(place, 0) for place in dict.fromkeys(places)]
        fresh.add(message, known.get((context, message)), locations=where, context=context or None)
    with path.open("wb") as file:
        file.write(HEADER)
        write_po(file, fresh, width=WIDTH, omit_header=True, include_lineno=False)
    return len(lacking(fresh))


def lacking(catalogue: Catalog) -> list[str]:
    """Return the sentences of a catalogue that have no English, or not all of it."""
    english = {each.id: each.string if isinstance(each.string, tuple | list) else (each.string,) for each in catalogue if each.id}
    return [str(french) for french, said in english.items() if not said or not all(said)]


if __name__ == "__main__":
    wanted = sys.argv[1:]  # names of folders; all of them when there is none
    missing = {path: renew(path, said) for path, said in catalogues() if not wanted or path.parent.name in wanted}
    for path, count in missing.items():
        print(f"{path.relative_to(ROOT)}: {f'{count} sentences lack their English' if count else 'complete'}")
    sys.exit(any(missing.values()))
