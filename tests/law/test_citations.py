"""Law: the words and the code agree (RFC 3647; CP 1.5.4).

The policy documents have the whole outline of RFC 3647; a citation, in code, configuration or prose, names a section that exists;
a number in the CP is the one of `policies/limits.toml`, and each limit is stated in the section that it cites. Whether the code
does what the section says is the business of every other test.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.law.policy_text import (
    POLICIES,
    REPOSITORY,
    cited_by_limits,
    leaves,
    limits,
    missing_citations,
    outline,
    sections,
    stated,
)

DOCUMENTS = {"CP": POLICIES / "CP.md", "CPS": POLICIES / "CPS.md"}
FOLDERS = ("trust", "hsm", "pki", "relying", "web", "ca_config", "policies", "docs", "tests", "bench", "tools", "deploy")
SUFFIXES = {".py", ".toml", ".md", ".html", ".txt", ".mako", ".cfg", ".ini", ".conf"}
PROFILES = (
    "ps-authentification",
    "ps-signature",
    "ps-chiffrement",
    "org-authentification",
    "org-cachet",
    "serveur-tls-ec",
    "serveur-tls-rsa",
    "ocsp-responder",
    "horodatage",
    "ca-racine",
    "ca-emettrice",
    "ca-croisee",
)


def read(path: Path) -> str:
    """Return the text of a file."""
    return path.read_text(encoding="utf-8")


def numbers() -> dict[str, set[str]]:
    """Return the sections of each policy document."""
    return {name: {section.number for section in sections(read(path))} for name, path in DOCUMENTS.items()}


def our_files() -> Iterator[Path]:
    """Give every text file of the repository that may cite."""
    yield from (path for path in sorted(REPOSITORY.iterdir()) if path.is_file() and path.suffix in SUFFIXES)
    for folder in FOLDERS:
        for path in sorted((REPOSITORY / folder).rglob("*")):
            if path.suffix in SUFFIXES and "__pycache__" not in path.parts:
                yield path


def refusals(path: Path) -> Iterator[str]:
    """Give the citations that a source file writes out when it refuses."""
    for node in ast.walk(ast.parse(read(path))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Refused":
            for keyword in node.keywords:
                if keyword.arg == "citation" and isinstance(keyword.value, ast.Constant):
                    yield str(keyword.value.value)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_policy_document_has_the_whole_outline_of_rfc_3647_in_order(name: str) -> None:
    """No section is missing, added, renamed or moved."""
    assert outline() == [(section.number, section.title) for section in sections(read(DOCUMENTS[name]))]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_section_without_stipulation_says_so(name: str) -> None:
    """Only a section that has sub-sections may be without text of its own."""
    known = numbers()[name]
    silent = [s.number for s in sections(read(DOCUMENTS[name])) if not s.text and f"{s.number}.1" not in known]
    assert silent == []


def test_every_citation_names_a_section_that_exists() -> None:
    """In code, configuration, tests and prose alike."""
    known = numbers()
    wrong = [
        f"{path.relative_to(REPOSITORY)}: {citation}" for path in our_files() for citation in missing_citations(read(path), known)
    ]
    assert wrong == []


def test_every_refusal_cites_the_policy_by_document_and_section() -> None:
    """A refusal that cites something else could not be looked up."""
    files = [path for path in our_files() if path.suffix == ".py" and path.parts[len(REPOSITORY.parts)] != "tests"]
    odd = [
        f"{path.relative_to(REPOSITORY)}: {c}"
        for path in files
        for c in refusals(path)
        if not re.fullmatch(r"CPS? \d+(\.\d+)*", c)
    ]
    assert odd == []


def test_a_citation_of_a_missing_section_is_found() -> None:
    """The law bites: a section that the documents do not have is reported with its document."""
    invented = "CP " + "3.2.77"
    assert [invented] == missing_citations(f"see CP 3.2.3, {invented} and CPS 4.3.1", numbers())


def test_every_limit_cites_the_section_that_states_it() -> None:
    """Next to each value of limits.toml stands the CP section in whose text the value is found."""
    found = {(key, section) for section, key, _ in stated(sections(read(DOCUMENTS["CP"])))[0]}
    found |= {("document.version", "1.2"), ("policy.arc", "1.2")}  # texts, compared below
    cited = [pair for pair in cited_by_limits(read(POLICIES / "limits.toml")) if not pair[0].endswith(".policy_leaf")]
    assert [f"{key} cites CP {section or 'nothing'}" for key, section in cited if (key, section) not in found] == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_value_in_the_text_is_the_value_of_the_limit(name: str) -> None:
    """Every marked number, list or table cell equals limits.toml, and no marker stands without a value."""
    known = dict(leaves(limits()))
    values, orphans = stated(sections(read(DOCUMENTS[name])))
    differing = [f"{name} {section}: {key} is {value}" for section, key, value in values if known.get(key) != value]
    assert differing + orphans == []


def test_every_limit_is_stated_in_the_certificate_policy() -> None:
    """A ceiling that no section promises would bind nobody."""
    said = {key for _, key, _ in stated(sections(read(DOCUMENTS["CP"])))[0]}
    elsewhere = {"document.version", "policy.arc"}
    assert [key for key, _ in leaves(limits()) if key not in said | elsewhere and not key.endswith(".policy_leaf")] == []


def test_a_number_that_differs_from_its_limit_is_read_as_it_is_written() -> None:
    """The law bites: the reader of values sees the number of the text, the list and the table cell, and a marker alone."""
    text = (
        "# 1 A\n\nAt most 1,000 odd octets (`crl.shard_max_octets`), in modes `demo` and `live` only (`custody.modes`), "
        "(`ocsp.alone`).\n\n"
        "| profile | `max_validity_days` |\n|---|---|\n| `ps-signature` | 12 |\n"
    )
    values, orphans = stated(sections(text))
    assert values == [
        ("1", "crl.shard_max_octets", 1000),
        ("1", "custody.modes", ["demo", "live"]),
        ("1", "profile.ps-signature.max_validity_days", 12),
    ]
    assert orphans == ["1: no value before (`ocsp.alone`)"]


@pytest.mark.parametrize("name", ["CP", "CPS", "disclosure"])
def test_a_policy_document_says_its_own_version_and_oid(name: str) -> None:
    """Version and OID are those of limits.toml and of the arc's table."""
    text = read(POLICIES / f"{name}.md")
    leaf = re.search(rf"^\| `([\d.]+)` \| `{name}\.md` \|$", read(POLICIES / "oid-arc.md"), re.MULTILINE)
    assert leaf is not None
    assert f"{limits()['policy']['arc']}.{leaf[1]}" in text
    assert f"Version {limits()['document']['version']}" in text


def test_the_summaries_say_the_numbers_of_the_limits() -> None:
    """The disclosure statement and the quick start for ordres repeat a few numbers, without markers: plain words for people."""
    bound = limits()
    life = {name: values["max_validity_days"] for name, values in bound["profile"].items()}
    disclosure, quick = read(POLICIES / "disclosure.md"), read(POLICIES / "LISEZMOI.md")
    for days in (life["ps-authentification"], life["org-cachet"], life["serveur-tls-ec"]):
        assert f"| {days} days |" in disclosure
        assert f"| {days} jours |" in disclosure
    ocsp, crl = bound["revocation"]["ocsp_max_delay_seconds"], bound["revocation"]["crl_max_delay_seconds"]
    assert f"OCSP within {ocsp} seconds" in disclosure
    assert f"within {crl} seconds" in disclosure
    assert f"kept for {bound['journal']['retention_years']} years" in disclosure
    assert f"{bound['register']['plan_threshold_max']} personnes" in quick
    assert f"{bound['register']['snapshot_max_age_days']} jours au plus, CP 3.2.3" in quick
    assert f"à partir de {bound['registration']['bulk_threshold_max']} demandes" in quick
    assert f"{ocsp} au plus, CP 4.9.5" in quick
    assert f"en {crl // 60} minutes au plus" in quick


def test_the_table_of_the_arc_and_the_limits_give_each_profile_one_leaf() -> None:
    """Every profile has its own policy OID, the same in both places, and no leaf is used twice."""
    table = re.findall(r"^\| `([\d.]+)` \| `([\w.\-]+)` \|", read(POLICIES / "oid-arc.md"), re.MULTILINE)
    assert f"`{limits()['policy']['arc']}`" in read(POLICIES / "oid-arc.md")
    assert len(table) == len({leaf for leaf, _ in table})
    assert {name: values["policy_leaf"] for name, values in limits()["profile"].items()} == {
        name: leaf for leaf, name in table if not name.endswith(".md")
    }


def test_every_profile_has_its_ceilings() -> None:
    """The twelve profiles, each with validity, key algorithms, reasons and leaf."""
    table = limits()["profile"]
    assert set(PROFILES) == set(table)
    wanted = {"policy_leaf", "max_validity_days", "key_algorithms", "revocation_reasons"}
    assert [name for name, values in table.items() if not wanted <= set(values)] == []
