"""Reading the script of a ceremony: every word is known, or the script is refused in words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pki.bootstrap.ceremony.script import LARGEST, Certify, Crl, Generate, SelfSign, read
from tests.builders.ceremonies import EXAMPLE, SCRIPTS
from trust.errors import Malformed

ROOT = (EXAMPLE / "ceremonies" / "racine.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", SCRIPTS)
def test_an_example_script_is_read(name: str) -> None:
    """Those that ship are whole, and have witnesses."""
    script = read((EXAMPLE / "ceremonies" / name).read_bytes())

    assert len(script.witnesses) >= 2
    assert script.steps


def test_a_script_is_read_in_its_order() -> None:
    """What is done first stands first."""
    script = read(ROOT.encode())

    assert [type(step) for step in script.steps] == [Generate, SelfSign, Crl]
    assert script.title == "Naissance de la racine"
    assert (script.witnesses[0].name, script.custody) == ("Nadia Kermarrec", "software")


@pytest.mark.parametrize(
    ("before", "after", "complaint"),
    [
        ('place = "', 'surprise = 1\nplace = "', "unknown key 'surprise'"),
        ('key = "racine"\nalgorithm', 'key = "racine"\nexportable = true\nalgorithm', "unknown key 'exportable'"),
        ('do = "generate"', 'do = "destroy"', "do is one of"),
        ('do = "generate"', "do = []", "do is one of"),
        ('algorithm = "P-384"\n', "", "lacks algorithm"),
        ("days = 7300", 'days = "7300"', "whole number"),
        ("days = 7300", "days = true", "whole number"),
        ("days = 7300", "days = 99999999999999999999", "whole number"),
        ("days = 7300", "days = 0", "whole number"),
        ("days = 7300", "days = 0.5", "whole number"),
        ('file = "racine.cer"', 'file = "../racine.cer"', "plain file name"),
        ('file = "racine.cer"', 'file = "/etc/racine.cer"', "plain file name"),
        ('file = "racine.cer"', 'file = ".cer"', "plain file name"),
        ('file = "racine.cer"', 'file = "transcript.md"', "plain file name"),
        ('key = "racine"\nalgorithm', 'key = "Racine 1"\nalgorithm', "small letters"),
        ('uses = ["certificate", "crl"]', 'uses = "crl"', "list of texts"),
        ('uses = ["certificate", "crl"]', "uses = []", "list of texts"),
        ("date = 2026-11-23", 'date = "2026-11-23"', "without quotes"),
        ("date = 2026-11-23", "date = 2026-11-23T09:00:00Z", "without quotes"),
        ("date = 2026-11-23\n", "", "lacks date"),
        ('"Nadia Kermarrec"', '"Надя"', "cannot print"),
        ('"Nadia Kermarrec"', '"Nadia\\u202eKermarrec"', "one line"),
        ('"Nadia Kermarrec"', '"Nadia\\nKermarrec"', "one line"),
        ('"Nadia Kermarrec"', '"   "', "one line"),
        ('role = "exploitant"', 'role = "exploitant"\nage = 40', "unknown key 'age'"),
        ("[ceremony]", "[other]\nx = 1\n\n[ceremony]", "unknown table 'other'"),
        ('custody = "software"', 'custody = "software"\nconfiguration = "abc"', "64 hexadecimal"),
    ],
)
def test_a_script_that_says_something_else_is_refused_in_words(before: str, after: str, complaint: str) -> None:
    """An unknown word, a missing one, one of another type, or what would be printed otherwise than it is."""
    assert before in ROOT
    with pytest.raises(Malformed, match=complaint):
        read(ROOT.replace(before, after, 1).encode())


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"\xff\xfe",
        b"[ceremony]",
        b"step = 3\n[ceremony]",
        b"[[ceremony]]\n[[step]]\ndo = 'crl'",
        b"a = " + b"[" * 3000 + b"]" * 3000,
        ROOT.encode() + b"#" * LARGEST,
        ROOT.encode() + b'\n[[step]]\ndo = "crl"\nissuer = "racine"\nhours = 1\nfile = "x.crl"\n' * 101,
        ROOT.encode().replace(b"[[step]]", b"[[steps]]"),
    ],
    ids=["empty", "not UTF-8", "no steps", "steps a number", "table a list", "deep", "huge", "too many", "renamed"],
)
def test_what_is_no_script_is_refused_in_words(octets: bytes) -> None:
    """Whatever the file is, the answer is a sentence."""
    with pytest.raises(Malformed):
        read(octets)


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_no_file_whatever_breaks_the_reader(octets: bytes) -> None:
    """It is read, or refused in words."""
    try:
        read(octets)
    except Malformed:
        pass


def test_a_certificate_of_a_responder_names_no_authority() -> None:
    """Words that a kind of step may leave out are left out."""
    text = ROOT + '\n[[step]]\ndo = "certify"\nissuer = "racine"\nprofile = "ocsp-responder"\ncommon_name = "R"\n'
    step = read((text + 'days = 9\nfile = "r.cer"\nkey = "ocsp-1"\n').encode()).steps[-1]

    assert isinstance(step, Certify)
    assert (step.ca, step.request, step.key) == (None, None, "ocsp-1")
