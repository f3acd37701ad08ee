"""How long a decision takes to be seen outside: by an officer, by an ordre, by the register, by the holder (CP 4.9.5).

Commands decide, the running issuer signs, every worker of publication answers; OpenSSL or pyca reads the answers. The promised
bounds are asserted, what was measured is reported.
"""

from __future__ import annotations

import csv
import http.client
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.x509 import ocsp

from pki.bootstrap.lock import holder
from tests.builders.judges import Chain, fetched_chain, openssl
from tests.builders.served import Served, report, serving
from trust.clock import SystemClock, text

pytestmark = pytest.mark.xdist_group("delays")

BOUND = 60.0
"""Seconds from a decision to OCSP, at most (CP 4.9.5)."""
TARGET = 5.0
"""Seconds that are aimed at, and kept when an officer revokes."""
CONNECTIONS = 20
SAMPLE = "PS_LibreAcces_Personne_activite_202611200600.txt"


@dataclass(frozen=True)
class Watched:
    """A certificate whose status is asked for."""

    serial: str
    holder: str
    board: str
    question: bytes
    """An OCSP request about it, as OpenSSL writes one."""

    @property
    def rpps(self) -> str:
        """Its holder's number in the register."""
        return self.holder[1:]


@dataclass
class Authority:
    """The authority at work, and what OpenSSL needs to ask it."""

    served: Served
    chain: Chain
    folder: Path
    untouched: list[Watched]

    def somebody(self, board: str) -> Watched:
        """Return a practitioner whom no test has touched yet."""
        found = next(each for each in self.untouched if each.board == board)
        self.untouched.remove(found)
        return found

    def status(self, who: Watched) -> str:
        """What OpenSSL is told and verifies, in one line: ``good`` or ``revoked certificateHold``.

        The reason is read by pyca: OpenSSL 3.0 has no name for *privilegeWithdrawn*.
        """
        about, answer = ("-issuer", self.chain.issuing, "-serial", f"0x{who.serial}"), self.folder / "answer"
        url = f"{self.served.publication}/ocsp"
        said = openssl("ocsp", "-CAfile", self.chain.root, *about, "-url", url, "-respout", answer).words
        assert "Response verify OK" in said
        status = next(line for line in said.splitlines() if line.startswith("0x")).partition(": ")[2]
        reason = ocsp.load_der_ocsp_response(answer.read_bytes()).revocation_reason
        return f"{status} {reason.value}" if reason else status

    def seen(self, who: Watched, status: str, since: float) -> float:
        """Wait for OpenSSL to be told so; return the seconds since a moment, of which there are not more than promised."""
        return waited(lambda: self.status(who) == status, since, f"{who.serial} {status}, not {self.status(who)}")

    def decide(self, *command: object) -> float:
        """Run a command that decides; return the moment when it said that it is done."""
        self.served.does(*command)
        return time.monotonic()


def waited(condition: Callable[[], bool], since: float, what: str) -> float:
    """Wait for something at most as long as is promised, and return how long it took."""
    while not condition():
        assert time.monotonic() - since < BOUND, f"not within {BOUND:g} s: {what}"
        time.sleep(0.05)
    return time.monotonic() - since


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authority]:
    """The demonstration, served, with those of its practitioners who have a good certificate."""
    folder = tmp_path_factory.mktemp("delays")
    with serving(folder) as served:
        chain = fetched_chain(served.publication, "personnes", folder / "chain")
        listed = json.loads(served.says("cert", "list", "--profile", "ps-authentification", "--state", "issued", "--json"))
        watched = [
            Watched(each["serial"], each["holder"], each["board"], question(chain, each["serial"], folder)) for each in listed
        ]
        yield Authority(served, chain, folder, [each for each in watched if each.rpps not in leaving(served)])


def question(chain: Chain, serial: str, folder: Path) -> bytes:
    """Have OpenSSL write the request for a serial."""
    about = ("-issuer", chain.issuing, "-serial", f"0x{serial}")
    assert openssl("ocsp", *about, "-no_nonce", "-reqout", folder / "request").code == 0
    return (folder / "request").read_bytes()


def first_day(served: Served) -> Path:
    """The extraction in force in the demonstration."""
    return next((served.home / "demo" / "register" / SAMPLE.removesuffix(".txt")).glob("*.txt"))


def leaving(served: Served) -> set[str]:
    """Who is in the first day's extraction and not in the second's."""
    numbers = []
    for day in sorted((served.home / "demo" / "register").iterdir()):
        with next(day.glob("*.txt")).open(encoding="utf-8", newline="") as file:
            numbers.append({line["Identifiant PP"] for line in csv.DictReader(file, delimiter="|")})
    return numbers[0] - numbers[1]


def next_extraction(authority: Authority, name: str, without: str | None) -> None:
    """Hand in the register in force, as of now, without one person: imported, planned, signed and applied on the command line."""
    lines = first_day(authority.served).read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in lines if without is None or f"8|{without}|" not in line]
    path = authority.folder / name
    path.write_text("".join(kept) + "\n" * (without is None), encoding="utf-8")
    does = authority.served.does
    snapshot = does("register", "import", path, "--date", text(SystemClock().now()))["snapshot"]
    plan = does("register", "plan", snapshot)
    assert (plan["gone"], plan["back"]) == ((1, 0) if without else (0, 1))
    assert does("register", "sign", snapshot, "--officer", "cnom-2")["signed"] == ["cnom-2"]
    done = does("register", "apply", snapshot, "--plan", plan["plan"])
    assert (done["held"] > 0, done["released"] > 0) == (bool(without), not without)


def test_an_officers_revocation_is_seen_within_five_seconds_by_every_worker(
    authority: Authority, request: pytest.FixtureRequest
) -> None:
    """On twenty new connections, which reach all the workers, nobody says *good* any more."""
    who = authority.somebody("CNOM")
    workers = workers_of(authority.served)
    assert {asked(authority.served, who)[1] for _ in range(CONNECTIONS)} == {"good"}
    done = authority.decide("ra", "revoke", who.serial, "--reason", "superseded", "--officer", "cnom-2")

    answers: list[tuple[int, str]] = []

    def everywhere() -> bool:
        answers[:] = [asked(authority.served, who) for _ in range(CONNECTIONS)]
        return {status for _, status in answers} == {"revoked"} and {worker for worker, _ in answers} == workers

    took = waited(everywhere, done, f"{answers}")
    assert took <= TARGET
    assert authority.status(who) == "revoked superseded"
    report(request, f"revoked by an officer: seen on {CONNECTIONS} connections, {len(workers)} workers, {took:.2f} s after")


def workers_of(served: Served) -> set[int]:
    """The worker processes of publication: the children of the process that holds its lock."""
    found = holder(served.home, "publication")
    assert found is not None
    children = set()
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text().rsplit(")", 1)[1].split()[1])
        except (OSError, ValueError):
            continue  # a process that has just ended
        if parent == found.pid:
            children.add(int(path.parent.name))
    assert children
    return children


def asked(served: Served, who: Watched) -> tuple[int, str]:
    """Ask on a new connection which worker it is, and what the status is: pyca reads the answer."""
    connection = http.client.HTTPConnection("127.0.0.1", served.base_port + 1, timeout=10)
    try:
        connection.request("GET", "/healthz")
        worker = json.loads(connection.getresponse().read())["worker"]
        connection.request("POST", "/ocsp", who.question, {"Content-Type": "application/ocsp-request"})
        answer = ocsp.load_der_ocsp_response(connection.getresponse().read())
        return worker, answer.certificate_status.name.lower()
    finally:
        connection.close()


def test_a_strike_off_in_the_register_is_seen_within_a_minute_and_so_is_a_return(
    authority: Authority, request: pytest.FixtureRequest
) -> None:
    """The next extraction lacks a nurse: on hold. The one after has her again: good."""
    who = authority.somebody("ONI")
    assert authority.status(who) == "good"
    began = time.monotonic()
    next_extraction(authority, "next-day.txt", who.rpps)
    applied = time.monotonic()
    gone = authority.seen(who, "revoked certificateHold", applied)
    whole = time.monotonic() - began
    assert whole <= BOUND, "from the file to OCSP, the officers' commands included"
    next_extraction(authority, "day-after.txt", None)
    back = authority.seen(who, "good", time.monotonic())
    report(
        request,
        f"struck off in an extraction: on hold {gone:.2f} s after it was applied ({whole:.1f} s after the file came, with four "
        f"commands); back in the next: good {back:.2f} s after",
    )


@pytest.mark.parametrize(
    ("decision", "status"),
    [
        ("radiation", "revoked privilegeWithdrawn"),
        ("opposition", "revoked privilegeWithdrawn"),
        ("suspension", "revoked certificateHold"),
    ],
)
def test_an_ordres_decision_is_seen_within_a_minute(
    authority: Authority, decision: str, status: str, request: pytest.FixtureRequest
) -> None:
    """A file of decisions, signed by an officer: radiation and opposition revoke, a suspension holds, and a levée ends it."""
    who = authority.somebody("CNOP" if decision == "radiation" else "CNOM")
    officer = f"{who.board.lower()}-2"
    done = authority.decide("register", "sanctions", decisions(authority, who, decision), "--officer", officer)
    took = authority.seen(who, status, done)
    report(request, f"{decision} by {who.board}: {status} {took:.2f} s after")
    if decision == "suspension":
        done = authority.decide("register", "sanctions", decisions(authority, who, "levée"), "--officer", officer)
        took = authority.seen(who, "good", done)
        report(request, f"levée by {who.board}: good {took:.2f} s after")


def decisions(authority: Authority, who: Watched, decision: str) -> Path:
    """Write an ordre's file of one decision, effective today."""
    path = authority.folder / f"{decision}.csv"
    today = text(SystemClock().now())[:10]
    path.write_text(f"RPPS;Décision;Date;Référence\n{who.rpps};{decision};{today};ESSAI-{decision}\n", encoding="utf-8")
    return path


def test_a_holders_proof_of_compromise_is_seen_within_a_minute_and_takes_the_whole_key(
    authority: Authority, request: pytest.FixtureRequest
) -> None:
    """Whoever has the private key revokes with it; the key gets no certificate again, by whoever's request."""
    who = authority.somebody("CNOM")
    key = authority.served.home / "demo" / "keys" / f"{who.holder}-ps-authentification.pem"
    done = authority.decide("cert", "revoke-with-key", who.serial, "--key", key, "--reason", "keyCompromise")
    took = authority.seen(who, "revoked keyCompromise", done)
    report(request, f"proven compromise: revoked {took:.2f} s after")

    again = authority.folder / "again.csr"
    assert openssl("req", "-new", "-key", key, "-subj", "/CN=encore", "-out", again).code == 0
    person = person_of(authority.served, who)
    named = ("--rpps", who.rpps, "--family-name", person["Nom d'exercice"], "--given-name", person["Prénom d'exercice"])
    refused = authority.served.run("ra", "enrol", *named, "--csr", again, "--officer", "cnom-1", "--dry-run")
    assert refused.returncode == 1
    assert "compromised" in refused.stdout


def person_of(served: Served, who: Watched) -> dict[str, str]:
    """Read somebody's line of the extraction."""
    with first_day(served).open(encoding="utf-8", newline="") as file:
        return next(line for line in csv.DictReader(file, delimiter="|") if line["Identifiant PP"] == who.rpps)
