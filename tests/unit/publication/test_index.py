"""The start page: complete, safe, readable, the same in both languages."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from itertools import product

import pytest

from trust.errors import Malformed
from web.publication.index import PublishedAuthority, Repository, pages, read_description

ROOT = PublishedAuthority("racine", "SCEAU DEMO RACINE", bytes(range(32)), datetime(2046, 3, 2, tzinfo=UTC))
PERSONS = replace(ROOT, ca_id="personnes", common_name="SCEAU DEMO PERSONNES", issuer="SCEAU DEMO RACINE", shards=3, delta=True)
REPOSITORY = Repository(
    name="Sceau, autorité de démonstration",
    organisation="SCEAU DEMONSTRATION",
    mode="demo",
    base_url="http://127.0.0.1:8401",
    authorities=(ROOT, PERSONS),
    documents=("zut.txt", "CPS.md", "CP.md"),
    written=datetime(2026, 8, 1, 9, 5, tzinfo=UTC),
    checkpoint="sceau.example/journal\n1284\nq83v=\n\n— sceau.example/journal AAAA==\n",
)
FILES = ("index.html", "index.en.html")
POLICIES = ("policies/index.html", "policies/index.en.html")


class Outline(HTMLParser):
    """What is in a page: tags, links, headings."""

    VOID = ("meta", "link", "br")

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.links: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.open: list[str] = []
        self.feed(page.decode())
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember it."""
        self.tags.append(tag)
        self.attributes += attrs
        self.links += [value for name, value in attrs if name == "href" and value]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Tags are closed in order."""
        assert self.open.pop() == tag


@pytest.mark.parametrize("name", FILES)
def test_the_page_leads_to_all_that_is_published(name: str) -> None:
    """Certificates, chains, lists whole, partial and delta, policies, the checkpoint, the other language."""
    outline = Outline(pages(REPOSITORY)[name])

    assert set(outline.links) >= {
        *("/aia/racine.cer", "/chain/racine.pem", "/crl/racine.crl", "/aia/personnes.cer", "/chain/personnes.pem"),
        *("/crl/personnes.crl", "/crl/personnes-delta.crl", "/crl/personnes/0.crl", "/crl/personnes/2.crl"),
        *("/policies/CP.md", "/policies/zut.txt", "/journal/checkpoint", "/journal/key", "/style.css", "#contenu"),
    }
    assert "/crl/racine-delta.crl" not in outline.links
    assert not any("://" in link for link in outline.links)


@pytest.mark.parametrize(("names", "folder"), [(FILES, "/"), (POLICIES, "/policies/")])
def test_both_languages_lead_to_the_same_things(names: tuple[str, str], folder: str) -> None:
    """Each also to the other."""
    french, english = (Outline(pages(REPOSITORY)[name]) for name in names)

    assert french.tags == english.tags
    twins = {"/index.html", "/index.en.html", folder + "index.html", folder + "index.en.html"}
    assert set(french.links) - twins == set(english.links) - twins
    assert folder + "index.en.html" in french.links and folder + "index.html" in english.links
    assert french.attributes[0] == ("lang", "fr") and english.attributes[0] == ("lang", "en")


@pytest.mark.parametrize("name", FILES)
def test_it_tells_what_is_needed_to_check_a_certificate(name: str) -> None:
    """The fingerprint as one reads it aloud, the responder's address, the commands, the checkpoint."""
    page = pages(REPOSITORY)[name].decode()

    assert "00 01 02 03 04 05 06 07 08 09 0A 0B" in page
    assert "<code>http://127.0.0.1:8401/ocsp</code>" in page
    assert "-url http://127.0.0.1:8401/ocsp</code>" in page and "sceau check " in page
    assert "<samp>sceau.example/journal\n1284\n" in page
    assert ("2 mars 2046" in page and "1 août 2026, 09:05 UTC" in page) or "2 March 2046" in page


def test_a_demonstration_says_so_and_an_authority_does_not() -> None:
    """On top of the page, in words."""
    assert b"Autorit\xc3\xa9 de d\xc3\xa9monstration. Ses certificats" in pages(REPOSITORY)["index.html"]
    assert b'class="warning"' not in pages(replace(REPOSITORY, mode="production"))["index.html"]


def test_before_the_first_checkpoint_and_without_documents_the_page_is_whole() -> None:
    """An authority on its first day."""
    young = replace(REPOSITORY, checkpoint="", documents=(), authorities=())
    for name in FILES:
        assert "/journal/checkpoint" not in Outline(pages(young)[name]).links


@pytest.mark.parametrize("name", FILES + POLICIES)
def test_names_are_text_and_never_markup(name: str) -> None:
    """Configuration is trusted, and escaped all the same; the page runs nothing and styles nothing inline."""
    hostile = '"><script>alert(1)</script>&'
    ca = replace(PERSONS, common_name=hostile, issuer=hostile)
    facts = replace(REPOSITORY, name=hostile, organisation=hostile, checkpoint=hostile, authorities=(ca,), documents=(hostile,))
    outline = Outline(pages(facts)[name])

    assert "script" not in outline.tags and "style" not in outline.tags
    assert not any(name == "style" or name.startswith("on") for name, _ in outline.attributes)


def description(**changes: object) -> bytes:
    """Write what the issuer publishes about itself."""
    root: dict[str, object] = {
        "id": "racine",
        "common_name": "SCEAU DEMO RACINE",
        "issuer": None,
        "sha256": "00:" * 31 + "FF",
        "shards": [],
        "delta": None,
        "not_after": "2046-03-02T00:00:00Z",
    }
    persons = root | {
        "id": "personnes",
        "common_name": "SCEAU DEMO PERSONNES",
        "issuer": "racine",
        "shards": ["u", "v"],
        "delta": "w",
    }
    facts = {"name": "Sceau", "organisation": "SCEAU", "mode": "demo", "ocsp": "http://pki.example/ocsp", "cas": [root, persons]}
    return json.dumps(facts | changes).encode()


def test_the_issuer_s_facts_are_read() -> None:
    """As `pki.bootstrap.repository` writes them."""
    repository = read_description(description(), ("CP.md",), "", REPOSITORY.written)

    assert (repository.base_url, repository.mode) == ("http://pki.example", "demo")
    root, persons = repository.authorities
    assert (root.issuer, root.shards, root.delta, root.fingerprint) == (None, 0, False, bytes(31) + b"\xff")
    assert (persons.issuer, persons.shards, persons.delta) == ("SCEAU DEMO RACINE", 2, True)


@pytest.mark.parametrize(
    "content",
    [
        *(
            b"",
            b"[]",
            b"{}",
            b"null",
            b"\xff",
            b"[" * 100_000,
            description(cas=3),
            description(cas=[{}]),
            description(cas=[None]),
        ),
        description().replace(b'"racine"', b'"../racine"'),
        description().replace(b"2046-03-02T", b"2046-33-02T"),
        description().replace(b":FF", b":GG"),
        description().replace(b'"issuer": "racine"', b'"issuer": "nobody"'),
    ],
)
def test_what_does_not_describe_an_authority_is_malformed(content: bytes) -> None:
    """Whatever is wrong with it."""
    with pytest.raises(Malformed):
        read_description(content, (), "", REPOSITORY.written)


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Contrast ratio (WCAG 2.2, 1.4.3)."""
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_every_text_has_enough_contrast_in_the_light_and_in_the_dark() -> None:
    """WCAG 2.2 AA: 4.5 for text, 3 for the lines that carry meaning."""
    style = pages(REPOSITORY)["style.css"].decode()
    themes = [
        dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", block)) for block in style.split("@media (prefers-color-scheme")[:2]
    ]
    assert len(themes) == 2
    for theme in themes:
        for ink, paper in product(("ink", "soft", "link"), ("paper", "card")):
            assert contrast(theme[ink], theme[paper]) >= 4.5
        assert contrast(theme["warning-ink"], theme["warning-paper"]) >= 4.5
        assert contrast(theme["warning-line"], theme["paper"]) >= 3
