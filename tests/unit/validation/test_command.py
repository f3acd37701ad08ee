"""`sceau check`, as a relying party types it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from pki import settings
from pki.cli import main as frame
from tests.unit.validation.hierarchy import (
    LEAF,
    NOW,
    PEOPLE,
    POLICY,
    ROOT,
    Draft,
    authority,
    make,
    response,
    revocation_list,
    uri,
)
from tests.unit.validation.servers import serving

AT = NOW.isoformat()
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def sceau(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command line: exit code, standard output, standard error."""

    def run(*arguments: object) -> tuple[int, str, str]:
        code = frame.main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder with the certificates and lists of the toy hierarchy."""
    for file, made in (("leaf", LEAF), ("personnes", PEOPLE), ("racine", ROOT)):
        (tmp_path / f"{file}.cer").write_bytes(made.der)
        (tmp_path / f"{file}.pem").write_bytes(made.parsed.public_bytes(Encoding.PEM))
    (tmp_path / "racine.crl").write_bytes(revocation_list(ROOT))
    (tmp_path / "personnes.crl").write_bytes(revocation_list(PEOPLE))
    (tmp_path / "revoked.crl").write_bytes(revocation_list(PEOPLE, [(LEAF.read.serial, None)]))
    return tmp_path


def command(files: Path, *others: object, leaf: str = "leaf.pem", crl: str = "personnes.crl") -> list[object]:
    """The command line of a relying party with everything in hand."""
    trusted = ["--anchor", files / "racine.cer", "--chain", files / "personnes.pem"]
    lists = ["--offline", files / crl, "--offline", files / "racine.crl"]
    return ["check", files / leaf, *trusted, *lists, "--at", AT, *others]


def test_a_valid_certificate_exits_with_0_and_shows_its_path(sceau: Run, files: Path) -> None:
    """Name, serial, verdict, path, the status of each and where it comes from."""
    code, output, error = sceau(*command(files, "--purpose", "tls-client", "--policy", POLICY))

    assert (code, error) == (0, "")
    assert "VALID for tls-client on 2026-03-02T08:00:00Z" in output
    assert "1. CN=Praticien,C=FR\n   until 2027-03-02T08:00:00Z; good according to CRL 12, 2026-03-02T07:00:00Z to" in output
    assert "3. CN=Racine,C=FR\n   until 2034-05-19T08:00:00Z; trust anchor" in output
    assert f"{LEAF.read.serial:x}" in output


def test_a_revoked_certificate_exits_with_1_and_says_since_when(sceau: Run, files: Path) -> None:
    """With the rule."""
    code, output, _ = sceau(*command(files, crl="revoked.crl"))

    assert code == 1
    assert "INVALID on" in output
    assert (
        "- CN=Praticien,C=FR: revoked on 2026-03-01T08:00:00Z, reason unspecified, according to CRL 12 [RFC 5280 §6.3]" in output
    )


def test_a_wrong_purpose_and_a_wrong_policy_are_told(sceau: Run, files: Path) -> None:
    """Each with what was found instead."""
    code, output, _ = sceau(*command(files, "--purpose", "tls-server", "--policy", "2.25.5"))

    assert code == 1
    assert "not for authenticating a TLS server: its extended key usages are 1.3.6.1.5.5.7.3.2" in output
    assert f"does not assert a wanted policy (2.25.5); it asserts {POLICY}" in output


def test_json_holds_the_same(sceau: Run, files: Path) -> None:
    """For machines."""
    code, output, _ = sceau(*command(files, "--json", crl="revoked.crl"))
    record = json.loads(output)

    assert (code, record["outcome"], record["reasons"][0]["code"]) == (1, "invalid", "revoked")


def test_a_certificate_may_bring_its_chain(sceau: Run, files: Path) -> None:
    """In one PEM file, leaf first."""
    (files / "both.pem").write_bytes((files / "leaf.pem").read_bytes() + (files / "personnes.pem").read_bytes())
    line = ["check", files / "both.pem", "--anchor", files / "racine.pem", "--at", AT]

    assert sceau(*line, "--offline", files / "personnes.crl", "--offline", files / "racine.crl")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["check", "absent.pem", "--anchor", "absent.cer"], 1, "absent.pem cannot be read"),
        (["check"], 2, "usage"),
        (["check", "x", "--purpose", "everything"], 2, "everything"),
    ],
)
def test_a_wrong_command_line_says_what_is_wrong(sceau: Run, arguments: list[str], code: int, said: str) -> None:
    """2 for the line itself, 1 for what it names."""
    result = sceau(*arguments)

    assert result[0] == code
    assert said in result[2]


def test_what_is_not_a_certificate_is_malformed(sceau: Run, files: Path) -> None:
    """One line, no traceback; and so is a moment that is none, or a file that is too large."""
    (files / "noise").write_bytes(b"noise")
    (files / "giant").write_bytes(bytes(1024 * 1024 + 1))
    for line in (
        command(files, leaf="noise"),
        command(files, leaf="giant"),
        command(files, crl="noise"),
        command(files, "--at", "yesterday"),
        command(files, "--at", "2026-03-02T08:00:00"),
    ):
        code, _, error = sceau(*line)
        assert (code, error.count("\n")) == (1, 1)
        assert error.startswith("sceau: malformed: ")


def test_without_anchor_trust_begins_at_the_roots_of_the_home(sceau: Run, tmp_path: Path, files: Path) -> None:
    """And its lists are read from its files when nothing is served."""
    home = tmp_path / "home"
    shutil.copytree(Path(settings.__file__).parents[2] / "ca_config" / "dev", home / "config")
    base, published = settings.load(home).base_url, home / "publication" / "www"
    people = authority("Personnes", issuer=ROOT, points=(f"{base}/crl/racine.crl",))
    point = f"{base}/crl/personnes/003.crl"
    leaf = make(Draft(points=(point,), responders=()), people)
    for path, octets in (
        ("aia/racine.cer", ROOT.der),
        ("aia/personnes.cer", people.der),
        ("crl/racine.crl", revocation_list(ROOT)),
        ("crl/personnes/003.crl", revocation_list(people, point={"full_name": [uri(point)]})),
    ):
        (published / path).parent.mkdir(parents=True, exist_ok=True)
        (published / path).write_bytes(octets)
    (files / "here.pem").write_bytes(leaf.parsed.public_bytes(Encoding.PEM))
    code, output, _ = sceau("check", files / "here.pem", "--home", home, "--at", AT, "--json")

    assert (code, json.loads(output)["outcome"]) == (0, "valid")


def test_without_anchor_and_without_home_it_says_what_to_give(sceau: Run, tmp_path: Path, files: Path) -> None:
    """Nothing is trusted by default, the operating system's roots least of all."""
    code, _, error = sceau("check", files / "leaf.pem", "--home", tmp_path / "nothing")

    assert code == 1
    assert "--anchor" in error


def test_status_is_asked_where_the_certificate_says(sceau: Run, files: Path) -> None:
    """OCSP first, then the list."""
    with serving() as served:
        leaf = make(Draft(points=(), responders=(served.url + "/ocsp",)), PEOPLE)
        served.responder = lambda body: response(leaf)
        (files / "online.pem").write_bytes(leaf.parsed.public_bytes(Encoding.PEM))
        line = ["check", files / "online.pem", "--anchor", files / "personnes.cer", "--at", AT]
        code, output, _ = sceau(*line)

    assert code == 0
    assert f"good according to OCSP at {served.url}/ocsp" in output
