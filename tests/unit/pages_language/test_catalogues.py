"""The English is complete: every sentence that pages and scripts say has it, with the same values; and nothing else is kept."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from jinja2 import Environment, nodes

from tests.sentences import WEB, Key, catalogues, lacking, read
from web.kit.language import english, typeset

FILES = dict(catalogues())
PAGES = Environment(extensions=["jinja2.ext.i18n"], autoescape=True)
VALUES = re.compile(r"%\(\w+\)s|%%|</?\w[^>]*>")
"""What a translation keeps as it is: values, and marks of HTML."""


def entries(path: Path) -> dict[Key, Any]:
    """Return what a file holds, by context and French."""
    ids = ((each, each.id if isinstance(each.id, str) else tuple(each.id)) for each in read(path) if each.id)
    return {(each.context or "", french): each.string for each, french in ids}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(WEB)))
def test_every_sentence_has_its_english_and_no_other_is_kept(path: Path) -> None:
    """`make english` finds them; a person translates."""
    assert sorted(map(str, entries(path))) == sorted(map(str, FILES[path]))
    assert lacking(read(path)) == []


def test_no_catalogue_is_kept_of_a_folder_that_says_nothing() -> None:
    """Each file is one that `make english` writes."""
    assert set(WEB.rglob("*.po")) == set(FILES)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(WEB)))
def test_a_translation_has_the_values_and_the_marks_of_its_sentence(path: Path) -> None:
    """Of a plural: what either form names; a singular may leave the count out."""
    for (_, french), said in entries(path).items():
        ours = [french] if isinstance(french, str) else list(french)
        theirs = [said] if isinstance(said, str) else list(said)
        wanted = sorted(VALUES.findall(ours[-1]))
        assert sorted(VALUES.findall(theirs[-1])) == wanted, french
        assert set(VALUES.findall(theirs[0])) <= set(wanted), french


def test_two_folders_do_not_translate_a_sentence_in_two_ways() -> None:
    """They are one catalogue at work; a sentence with two meanings has a context."""
    known: dict[Key, tuple[Any, Path]] = {}
    for path in FILES:
        if path.name != "scripts.po":
            for key, said in entries(path).items():
                assert known.setdefault(key, (said, path))[0] == said, (key, path, known[key][1])


def test_the_pages_read_what_the_files_hold() -> None:
    """All of them, when the process starts."""
    held = [key for path in FILES if path.name != "scripts.po" for key in entries(path)]
    first = {(context, french if isinstance(french, str) else french[0]) for context, french in held}
    assert set(english()) == first
    assert len(first) > 250


@pytest.mark.parametrize("path", sorted(WEB.rglob("*.html")), ids=lambda path: str(path.relative_to(WEB)))
def test_a_template_translates_only_what_is_written_in_it(path: Path) -> None:
    """What `_` returns there is markup: of a variable, it would be what somebody typed. Values go through the filter `said`."""
    tree = PAGES.parse(path.read_text(encoding="utf-8"))
    for call in tree.find_all(nodes.Call):
        if isinstance(call.node, nodes.Name) and call.node.name in ("_", "gettext", "ngettext", "pgettext", "npgettext"):
            sentences = call.args if "n" not in call.node.name[:1] else call.args[:2]
            assert all(isinstance(each, nodes.Const) for each in sentences), call.lineno


def test_a_french_sentence_is_not_cut_before_its_marks() -> None:
    """Sentences are written with plain spaces."""
    assert typeset("Est-ce « lui » ? Oui : c'est lui ; voilà !") == (
        "Est-ce «\u00a0lui\u00a0»\u00a0? Oui\u00a0: c'est lui\u00a0; voilà\u00a0!"
    )
