"""Tables of applications as an ordre's office would hand them in, good lines and bad, and their way through the command line.

People are those of the sample register. Some requests are made by OpenSSL and GnuTLS; the bad lines of the doctors' table each
have a reason that the report must give.
"""

from __future__ import annotations

import base64
import csv
import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from tests.builders.judges import ask, openssl
from tests.builders.served import Served, until
from tests.corpus import csr as corpus
from tests.world import certification_request

REQUESTS = Path(corpus.__file__).parent
SAMPLE = "PS_LibreAcces_Personne_activite_202611200600.txt"
ORDRES = {"CNOM": ("10", 80), "ONI": ("60", 80), "CNOP": ("21", 40)}
"""The profession of each ordre, and how many of its people ask."""
SECOND = {"CNOM": ("cnom-2", "cnom-3"), "ONI": ("oni-2",), "CNOP": ("cnop-2",)}
BY_OTHERS = {
    "openssl-p256.csr": ("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"),
    "openssl-p384.csr": ("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"),
    "openssl-rsa.csr": ("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:3072"),
    "openssl-ed25519.csr": ("genpkey", "-algorithm", "ED25519"),
}
"""Requests that OpenSSL makes, by the name of their file: the first people of a table bring these."""


@dataclass(frozen=True)
class Claim:
    """A line of a table: what somebody claims to be, and a request."""

    rpps: str
    family_name: str
    given_name: str
    request: str
    wrong: str = ""
    """What the report must say of it, when it must be refused."""


@dataclass
class Table:
    """One ordre's table and what became of it."""

    board: str
    path: Path
    claims: list[Claim]
    dry_run: Any = None
    batches_after_dry_run: int = 0
    submission: Any = None
    report: list[dict[str, str]] = field(default_factory=list)
    seconds: float = 0.0
    """From the last approval's command, its start included, until `sceau ra show` sees the last certificate."""
    requests: Any = None

    @property
    def serials(self) -> list[str]:
        """What was issued, in the order of the table."""
        return [each["serial"] for each in self.requests]


def people_of_the_sample(served: Served) -> list[dict[str, str]]:
    """Read the sample as a spreadsheet would: one line for each place of work; without those whom the demonstration certified."""
    path = next((served.home / "demo" / "register" / SAMPLE.removesuffix(".txt")).glob("*.txt"))
    certified = {key.name[1:12] for key in (served.home / "demo" / "keys").glob("8*.pem")}
    with path.open(encoding="utf-8", newline="") as file:
        return [line for line in csv.DictReader(file, delimiter="|") if line["Identifiant PP"] not in certified]


def claims(known: list[dict[str, str]], board: str, folder: Path) -> list[Claim]:
    """Choose people of an ordre; for the doctors' ordre, add lines that must be refused, each for its own reason."""
    profession, count = ORDRES[board]
    able = {line["Identifiant PP"]: line for line in known if line["Code profession"] == profession and right(line)}
    lines = list(able.values())[:count]
    assert len(lines) == count
    brought = [*BY_OTHERS, "certtool.csr"] if board == "ONI" else []
    for name in brought:
        request_by_others(folder, name)
    good = [claim(line, brought.pop() if brought else new_request()) for line in lines]
    if board != "CNOM":
        return good
    nurse = next(line for line in known if line["Code profession"] == "60" and right(line))
    student = next(line for line in known if line["Code profession"] == "10" and line["Identifiant PP"] not in able)
    (folder / "truncated.csr").write_bytes((REQUESTS / "malformed-truncated.csr").read_bytes())
    (folder / "weak.csr").write_bytes((REQUESTS / "refused-weak-ed25519-small-order.csr").read_bytes())
    (folder / "unproven.csr").write_bytes((REQUESTS / "refused-signature-of-another-key.csr").read_bytes())
    spare = good.pop()
    bad = [
        Claim("99700000012", "ESSAI", "ANNE", new_request(), "key"),
        Claim(spare.rpps, "AUTRE", spare.given_name, new_request(), "family name 'AUTRE'"),
        claim(nurse, new_request(), "none of the professions of CNOM"),
        claim(student, new_request(), "student"),
        claim(lines[-1], "truncated.csr", "PKCS#10"),
        claim(lines[-1], "weak.csr", "CP 6.1.6"),
        claim(lines[-1], "unproven.csr", "CP 3.2.1"),
        claim(lines[-1], "absent.csr", "there is no file"),
        claim(lines[-1], "../../outside.csr", "beside the table"),
        claim(lines[-1], good[0].request, "CP 6.1.1"),
        Claim(good[1].rpps, good[1].family_name, good[1].given_name, good[1].request, "same request as line"),
        Claim("=1+1", "", "", "", "no certification request"),
    ]
    return [*good[:40], *bad, *good[40:], spare]


def right(line: dict[str, str]) -> bool:
    """Civilian, public or foreign: everybody but students may practise."""
    return line["Code catégorie professionnelle"] in ("C", "M", "F")


def claim(line: dict[str, str], request: str, wrong: str = "") -> Claim:
    """What a person of the register claims truthfully."""
    return Claim(line["Identifiant PP"], line["Nom d'exercice"], line["Prénom d'exercice"], request, wrong)


def new_request() -> str:
    """Return a request for a new P-256 key, as a table carries it."""
    return base64.b64encode(certification_request(ec.generate_private_key(ec.SECP256R1()))).decode()


def request_by_others(folder: Path, name: str) -> None:
    """Have OpenSSL or GnuTLS make a key and a request."""
    key, path = folder / f"{name}.key", folder / name
    if name == "certtool.csr":
        (folder / "template").write_text('cn = "Peu importe"\n')
        assert ask("certtool", "--generate-privkey", "--key-type", "ecdsa", "--curve", "secp256r1", "--outfile", key).code == 0
        options = ("--load-privkey", key, "--template", folder / "template", "--outfile", path)
        assert ask("certtool", "--generate-request", "--no-text", *options).code == 0
        return
    assert openssl(*BY_OTHERS[name], "-out", key).code == 0
    assert openssl("req", "-new", "-key", key, "-subj", "/CN=Peu importe", "-out", path).code == 0


def written(folder: Path, board: str, lines: list[Claim]) -> Table:
    """Write the table as a spreadsheet saves it in French."""
    path = folder / f"{board}.csv"
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(("RPPS", "Nom", "Prénom", "CSR"))
        writer.writerows((each.rpps, each.family_name, each.given_name, each.request) for each in lines)
    return Table(board, path, lines)


def enrol(served: Served, table: Table) -> None:
    """Try the table, submit it, have it approved by others, and wait for the certificates."""
    first = f"{table.board.lower()}-1"
    refused = 1 if any(each.wrong for each in table.claims) else 0
    line, before = ("ra", "enrol", "--csv", table.path, "--officer", first, "--json"), len(batches(served, table.board))
    tried = served.run(*line, "--dry-run")
    assert (tried.returncode, tried.stderr) == (refused, ""), refusals(tried.stdout)
    table.batches_after_dry_run = len(batches(served, table.board)) - before
    report = table.path.with_suffix(".report")
    done = served.run(*line, "--report", report)
    assert (done.returncode, done.stderr) == (refused, ""), refusals(done.stdout)
    table.dry_run, table.submission = json.loads(tried.stdout), json.loads(done.stdout)
    with report.open(encoding="utf-8-sig", newline="") as file:
        table.report = list(csv.DictReader(file, delimiter=";"))
    batch = table.submission["batch"]
    *others, last = SECOND[table.board]
    for officer in others:
        assert served.does("ra", "approve", batch, "--officer", officer)["orders"] == 0
    began = time.monotonic()
    approved = served.does("ra", "approve", batch, "--officer", last)
    assert approved["orders"] == table.submission["submitted"]

    def issued() -> bool:
        table.requests = json.loads(served.says("ra", "show", batch, "--json"))["requests"]
        return all(each["outcome"] == "issued" for each in table.requests)

    until(issued, f"{batch} issued")
    table.seconds = time.monotonic() - began


def refusals(output: str) -> list[Any]:
    """The lines that a command refused, for the words of a failure."""
    return [each for each in json.loads(output)["lines"] if each["outcome"] == "refused"]


def batches(served: Served, board: str) -> list[Any]:
    """What `sceau ra list` lists of a board."""
    found: list[Any] = json.loads(served.says("ra", "list", "--board", board, "--json"))
    return found
