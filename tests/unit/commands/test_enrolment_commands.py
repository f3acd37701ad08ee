"""`sceau ra`: requests of one and of many, decisions, structures (CP 4.1, CP 4.2, CP 3.2.2)."""

from __future__ import annotations

import base64
import csv
from pathlib import Path
from typing import Any

import pytest

from pki.register.invented import finess_of
from tests.unit.commands.conftest import Said, Sceau
from tests.world import certification_request
from trust.algorithms import ALGORITHMS


def request(path: Path, algorithm: str = "P-256") -> Path:
    """Write a certification request with a new key."""
    path.write_bytes(certification_request(ALGORITHMS[algorithm].generate()))
    return path


def somebody(sceau: Sceau, board: str = "CNOM") -> dict[str, Any]:
    """Return a practitioner of the demonstration who may have another certificate."""
    found = sceau("cert", "list", "--board", board, "--state", "issued", "--profile", "ps-signature", "--json").data[0]
    person: dict[str, Any] = sceau("register", "show", found["holder"], "--json").data
    return person


def one(person: dict[str, Any], *more: object) -> tuple[object, ...]:
    """Return the options of an application for a person."""
    names = ("--family-name", person["family_name"].lower(), "--given-name", person["given_name"].lower())
    return ("ra", "enrol", "--rpps", person["rpps"], *names, *more)


def asked(sceau: Sceau, tmp_path: Path) -> str:
    """Ask for one more certificate for a doctor; return the batch."""
    csr = request(tmp_path / "one.csr")
    said = sceau(*one(somebody(sceau), "--profile", "ps-signature", "--csr", csr, "--officer", "cnom-1", "--json"))
    assert said.code == 0, said.err
    return str(said.data["batch"])


def table(tmp_path: Path, people: list[dict[str, Any]], *extra: str) -> Path:
    """Write a table of applications, one new key each."""
    rows = ["rpps;nom;prenom;csr"]
    for person in people:
        csr = base64.b64encode(certification_request(ALGORITHMS["P-256"].generate())).decode()
        rows.append(f"{person['rpps']};{person['family_name']};{person['given_name']};{csr}")
    path = tmp_path / "people.csv"
    path.write_text("\n".join([*rows, *extra]) + "\n", encoding="utf-8")
    return path


def test_one_person_is_asked_for_by_one_officer_and_approved_by_another(sceau: Sceau, tmp_path: Path) -> None:
    """The words that are signed name the person, the profile and the board; then the order waits for the issuer."""
    person = somebody(sceau)
    said = sceau(*one(person, "--profile", "ps-signature", "--csr", request(tmp_path / "a.csr"), "--officer", "cnom-1"))
    assert said.code == 0
    assert said.err.startswith("Claire Dubreuil (cnom-1, CNOM) signs: ask for 1 certificate (1 ps-signature) for CNOM: ")
    assert person["family_name"] in said.err
    batch = next(line for line in said.out.splitlines() if line.startswith("Batch ")).split()[1]
    own = sceau("ra", "approve", batch[:8], "--officer", "cnom-1", "--json")
    assert (own.code, own.error["citation"]) == (1, "CP 5.2.2")
    said = sceau("ra", "approve", batch[:8], "--officer", "cnom-2", "--json")
    assert (said.code, said.data["orders"]) == (0, 1)
    assert sceau("ra", "show", batch, "--json").data["requests"][0]["outcome"] == "ordered"
    late = sceau("ra", "approve", batch, "--officer", "cnom-3", "--json")
    assert (late.code, late.error["error"]) == (1, "conflict")


def test_a_dry_run_reports_every_line_and_keeps_nothing(sceau: Sceau, tmp_path: Path) -> None:
    """Good and bad lines, each with its number; it needs no key."""
    path = table(tmp_path, [somebody(sceau), somebody(sceau, "ONI")], "99700000014;X;Y;MIIB", ";;;")
    before = sceau("ra", "list", "--json").data
    said = sceau("ra", "enrol", "--csv", path, "--officer", "cnom-1", "--dry-run")
    assert said.code == 1
    lines = {line.split()[0]: line for line in said.out.splitlines() if line.strip()[:1].isdigit()}
    assert "acceptable" in lines["2"]
    assert "[CP 3.2.5]" in lines["3"]
    assert "refused" in lines["4"]
    assert said.out.endswith("This was a dry run: nothing was kept.\n")
    assert sceau("ra", "list", "--json").data == before


def test_a_refused_line_does_not_stop_the_others(sceau: Sceau, tmp_path: Path) -> None:
    """The report has them all, and exit code 1 says that something was refused; a second time, they are known."""
    path = table(tmp_path, [somebody(sceau)], "99700000014;X;Y;MIIB")
    report = tmp_path / "report.csv"
    said = sceau("ra", "enrol", "--csv", path, "--officer", "cnom-1", "--report", report, "--json")
    assert (said.code, said.data["submitted"], said.data["refused"]) == (1, 1, 1)
    rows = list(csv.DictReader(report.read_text("utf-8-sig").splitlines(), delimiter=";"))
    assert [(row["line"], row["outcome"]) for row in rows] == [("2", "submitted"), ("3", "refused")]
    again = sceau("ra", "enrol", "--csv", path, "--officer", "cnom-1", "--json")
    assert (again.data["submitted"], again.data["known"], again.data["batch"]) == (0, 1, None)


def test_a_strangers_text_is_no_formula_in_the_report(sceau: Sceau, tmp_path: Path) -> None:
    """A spreadsheet would run it."""
    path = table(tmp_path, [], "=HYPERLINK(1);X;Y;MIIB")
    report = tmp_path / "report.csv"
    sceau("ra", "enrol", "--csv", path, "--officer", "cnom-1", "--dry-run", "--report", report)
    assert "'=HYPERLINK(1)" in report.read_text("utf-8-sig")


@pytest.mark.parametrize("name", ["../secret.csr", "/etc/hostname", "nowhere.csr", "."])
def test_a_table_opens_only_files_beside_it(sceau: Sceau, tmp_path: Path, name: str) -> None:
    """Its author may be a stranger to this machine."""
    (tmp_path / "in").mkdir()
    (tmp_path / "secret.csr").write_bytes(b"secret")
    person = somebody(sceau)
    row = f"{person['rpps']};{person['family_name']};{person['given_name']};{name}"
    said = sceau("ra", "enrol", "--csv", table(tmp_path / "in", [], row), "--officer", "cnom-1", "--dry-run", "--json")
    assert said.code == 1
    assert said.data["lines"][0]["outcome"] == "refused"


def test_a_request_in_a_file_beside_the_table_is_read(sceau: Sceau, tmp_path: Path) -> None:
    """By its name."""
    request(tmp_path / "anne.csr")
    person = somebody(sceau)
    path = table(tmp_path, [], f"{person['rpps']};{person['family_name']};{person['given_name']};anne.csr")
    assert sceau("ra", "enrol", "--csv", path, "--officer", "cnom-1", "--dry-run").code == 0


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", "empty"), (b"a;b\n1;2\n", "no column"), (b"\xff\xfe", "UTF-8"), (b"rpps;csr\n" + b"1;2\n" * 10_002, "10000")],
)
def test_what_is_no_table_is_refused_whole(looking: Sceau, tmp_path: Path, content: bytes, words: str) -> None:
    """Encoding, header, size."""
    (tmp_path / "bad.csv").write_bytes(content)
    said = looking("ra", "enrol", "--csv", tmp_path / "bad.csv", "--officer", "cnom-1", "--dry-run", "--json")
    assert (said.code, said.error["error"]) == (1, "malformed")
    assert words in said.error["reason"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("--csr", "x.csr"),
        ("--rpps", "99700000013"),
        ("--csv", "x.csv", "--rpps", "99700000013"),
        ("--rpps", "99700000013", "--csr", "nowhere.csr"),
    ],
)
def test_an_incomplete_application_says_what_lacks(looking: Sceau, arguments: tuple[str, ...]) -> None:
    """In one line."""
    said = looking("ra", "enrol", *arguments, "--officer", "cnom-1")
    assert said.code == 1
    assert said.err.count("\n") == 1


def test_the_wrong_name_is_refused_with_its_rule(sceau: Sceau, tmp_path: Path) -> None:
    """A number alone does not identify a person."""
    person = somebody(sceau) | {"family_name": "AUTRE"}
    said = sceau(*one(person, "--csr", request(tmp_path / "a.csr"), "--officer", "cnom-1", "--json"))
    assert said.code == 1
    assert "[CP 3.2.3]" in said.data["lines"][0]["reason"]


def test_positions_set_aside_are_not_ordered(sceau: Sceau, tmp_path: Path) -> None:
    """And a position that does not exist is named."""
    path = table(tmp_path, [somebody(sceau), somebody(sceau)])
    batch = sceau("ra", "enrol", "--csv", path, "--officer", "cnom-1", "--json").data["batch"]
    assert sceau("ra", "approve", batch, "--except", 2, "--officer", "cnom-2", "--json").error["error"] == "malformed"
    said = sceau("ra", "approve", batch, "--except", 1, "--officer", "cnom-2")
    assert "set aside: 1 (" in said.err
    assert [each["outcome"] for each in sceau("ra", "show", batch, "--json").data["requests"]] == ["ordered", "set aside"]


def test_a_refusal_ends_a_batch_and_keeps_its_reason(sceau: Sceau, tmp_path: Path) -> None:
    """Part of what the officer signed."""
    batch = asked(sceau, tmp_path)
    assert sceau("ra", "refuse", batch, "--reason", "Pièces manquantes", "--officer", "cnom-3").code == 0
    data = sceau("ra", "show", batch, "--json").data
    assert (data["state"], data["refusal"]) == ("refused", {"officer": "cnom-3", "reason": "Pièces manquantes"})
    assert sceau("ra", "approve", batch, "--officer", "cnom-2", "--json").error["error"] == "conflict"


def test_another_board_decides_nothing(sceau: Sceau, tmp_path: Path) -> None:
    """And does not see the batch."""
    batch = asked(sceau, tmp_path)
    assert sceau("ra", "approve", batch, "--officer", "oni-1", "--json").error["error"] == "missing"


def test_the_batches_are_listed_by_board_and_state(looking: Sceau) -> None:
    """The demonstration has one that waits and one refused."""
    waiting = looking("ra", "list", "--state", "submitted", "--json").data
    assert [(each["board"], each["size"], each["approvals_needed"]) for each in waiting] == [("CNOM", 2, 1)]
    assert {each["board"] for each in looking("ra", "list", "--board", "ONI", "--json").data} == {"ONI"}
    assert looking("ra", "list", "--board", "XXX").code == 1
    assert "submitted" in looking("ra", "list").out


def test_a_batch_is_named_by_its_beginning_only_if_that_is_one(looking: Sceau) -> None:
    """None, or several: the message says which."""
    assert "no batch begins" in looking("ra", "show", "xyz").err
    assert "several batches begin" in looking("ra", "show", "").err
    assert looking("ra", "show", "%").code == 1


def declared(sceau: Sceau, number: str) -> Said:
    """Declare a structure."""
    options = ("--name", "CLINIQUE FICTIVE", "--department", "Essai (99)", "--domain", "clinique-fictive.example")
    return sceau("ra", "organisation", "declare", number, *options, "--officer", "cnom-1", "--json")


def test_a_structure_goes_from_declaration_to_withdrawal(sceau: Sceau, tmp_path: Path) -> None:
    """Two officers declare and approve; its server is asked for; its end is everything's end."""
    number = finess_of(40)
    assert declared(sceau, number).data["approved_at"] is None
    own = sceau("ra", "organisation", "approve", number, "--officer", "cnom-1", "--json")
    assert own.error["citation"] == "CP 5.2.2"
    said = sceau("ra", "organisation", "approve", number, "--officer", "cnom-2")
    assert "approve the structure 1" in said.err
    assert "clinique-fictive.example" in said.err
    server = ("--structure", number, "--profile", "serveur-tls-ec", "--csr", request(tmp_path / "s.csr"), "--officer", "cnom-1")
    assert sceau("ra", "enrol", *server, "--dns-name", "www.clinique-fictive.example", "--dry-run").code == 0
    elsewhere = sceau("ra", "enrol", *server, "--dns-name", "www.autre.example", "--dry-run", "--json")
    assert "[CP 3.2.2]" in elsewhere.data["lines"][0]["reason"]
    withdrawn = sceau("ra", "organisation", "withdraw", number, "--reason", "Fermeture", "--officer", "cnom-3", "--json")
    assert (withdrawn.code, withdrawn.data["revoked"]) == (0, 0)
    assert sceau("ra", "enrol", *server, "--dns-name", "www.clinique-fictive.example", "--dry-run").code == 1


def test_the_hospitals_certificates_end_with_it(sceau: Sceau) -> None:
    """Four of them in the demonstration."""
    (hospital,) = sceau("ra", "organisation", "list", "--board", "CNOM", "--json").data
    said = sceau("ra", "organisation", "withdraw", hospital["id"], "--reason", "Fermeture", "--officer", "cnom-1", "--json")
    assert said.data["revoked"] == 4
    ended = sceau("cert", "list", "--holder", hospital["id"], "--json").data
    assert {(each["status"], each["reason"]) for each in ended} == {("revoked", "cessationOfOperation")}


def test_the_structures_are_listed_with_their_state(looking: Sceau) -> None:
    """Approved, and one that waits."""
    out = looking("ra", "organisation", "list").out
    assert "HÔPITAL FICTIF" in out
    assert "declared by cnop-1, waits" in out


def test_what_was_granted_is_said_to_be_granted(looking: Sceau) -> None:
    """A grant is no order: nobody set it aside, and it has no serial number."""
    batches = looking("ra", "list", "--board", "CNOM", "--json").data
    granted = next(each["batch"] for each in batches if each["size"] == 3)
    requests = looking("ra", "show", granted, "--json").data["requests"]
    assert {(each["profile"], each["outcome"], each["serial"]) for each in requests} == {("enrolment", "granted", None)}
