"""An ordre enrols from a file, up to the ten thousand lines that a list may have: what officers wait for, and when all is done.

First the officers, in the process of the pages: the list is read and judged line by line (the preview), signed, approved by
two others; the links and the letters are made. Then the people, one after the other: each enters by the link and the code,
registers a passkey and asks for a certificate. Last the issuer, from its first look at the queue until every certificate is in
force. The keys and signatures of people are made here, and counted with what they ask.
"""

from __future__ import annotations

import io
import tempfile
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from openpyxl import Workbook

from bench.apart import Cost, apart, timed
from bench.sizes import Size, chosen
from bench.table import Row, peak_mib, within
from pki.authenticators.model import Account, Kind
from pki.bootstrap.custody import open_custodian
from pki.bootstrap.home import open_home
from pki.bootstrap.issuer import Issuer
from pki.bootstrap.office import Office
from pki.issuance.approvals import Act
from pki.registration.lists import read_list
from pki.registration.selfservice import Asked
from tests.builders.authenticator import Authenticator
from tests.world import Person, World, certification_request, doctor
from trust.testing import FixedClock
from web.board.letter_paper import Letter, write
from web.board.listing import NEW, Listing, judged

PROFILE = "ps-authentification"
GOAL = 10_000
MEMORY = 300
"""MiB, as the import of a whole register has them (W3)."""
TOGETHER = 100
"""Links in one transaction, as the pages make them."""
LIFETIME = timedelta(days=15)
URL = "http://localhost:8400"


@dataclass(frozen=True)
class Officers:
    """What the steps of officers took."""

    csv: Cost
    preview: Cost
    submission: Cost
    approvals: Cost
    letters: Cost
    peak: float
    """MiB, before the letters."""
    links: list[tuple[str, str]]
    """Link and code of each person."""


def main(size: Size) -> None:
    """Measure and print."""
    count = size.of(tiny=100, usual=1_000, full=GOAL)
    with tempfile.TemporaryDirectory(prefix="sceau-bench-") as folder:
        home = Path(folder) / "home"
        done, peak = apart(officers, home, count)
        lines = f"a list of {count:,} lines"
        Row("bulk", f"{lines}: preview of a CSV", "s wall", done.csv.wall).emit()
        Row("bulk", f"{lines}: preview of a spreadsheet (XLSX)", "s wall", done.preview.wall).emit()
        Row("bulk", f"{lines}: signed by who asks", "s wall", done.submission.wall).emit()
        Row("bulk", f"{lines}: two approvals; the rights are in force", "s wall", done.approvals.wall).emit()
        Row("bulk", f"{lines}: links, codes and letters (PDF)", "s wall", done.letters.wall).emit()
        within("bulk", f"{lines}, from the file to the rights: peak memory", "MiB", done.peak, MEMORY).emit()
        Row("bulk", f"{lines}, with the letters: peak memory", "MiB", peak).emit()
        (asked, issued), peak = apart(people, home, done.links)
        Row("bulk", f"{count:,} people enter and ask, one by one", "s wall", asked.wall).emit()
        Row("bulk", f"{count:,} certificates, from the queue until all are in force", "s wall", issued.wall).emit()
        Row("bulk", f"{count:,} people and the issuer: peak memory", "MiB", peak).emit()
        steps = (done.preview, done.submission, done.approvals, issued)
        Row(
            "bulk", f"{lines}: preview, signature, approvals and issuance together", "s wall", sum(step.wall for step in steps)
        ).emit()


def officers(directory: Path, count: int) -> Officers:
    """Have three officers enrol everybody from a file."""
    world = World(directory)
    everybody = [doctor(rank) for rank in range(1, count + 1)]
    world.apply_register(everybody)
    office = Office(world.home, URL)

    def preview(content: bytes) -> Listing:
        return judged(office, "cnom-1", read_list(content, (PROFILE,)), (PROFILE,))

    _, csv = timed(lambda: preview(_csv(everybody)))
    book = _book(everybody)
    listing, read = timed(lambda: preview(book))
    assert listing.counts()[NEW] == count, listing.counts()
    batch, submission = timed(
        lambda: office.grants.submit(listing.draft, world.act("cnom-1", listing.draft.statement(world.clock.now())))
    )

    def approve() -> None:
        for officer in ("cnom-2", "cnom-3"):
            office.decisions.approve(world.act(officer, office.decisions.approval_statement(batch.id, officer)))

    _, approvals = timed(approve)
    assert len(office.grants.of_board("CNOM", limit=count + 1, waiting_only=True)) == count
    peak = peak_mib()
    links, letters = timed(lambda: _letters(office, everybody, directory / "letters.pdf"))
    world.close()
    return Officers(csv, read, submission, approvals, letters, peak, links)


def people(directory: Path, links: list[tuple[str, str]]) -> tuple[Cost, Cost]:
    """Have everybody enter by their link and ask; then let the issuer work until nothing waits."""
    home = open_home(directory, clock=FixedClock())
    office = Office(home, URL)
    issuer = Issuer(home, open_custodian(home))
    issuer.turn_until_idle()  # its own certificates and lists are there before the first request
    _, asked = timed(lambda: [_activate(office, *link, number) for number, link in enumerate(links)])
    _, issued = timed(issuer.turn_until_idle)
    with home.store.read() as tx:
        made = sum(len(tx.certificates.of_holder(doctor(rank).idnat)) for rank in range(1, len(links) + 1))
    issuer.close()
    assert made == len(links), f"{made} of {len(links)} issued"
    return asked, issued


def _activate(office: Office, token: str, code: str, number: int) -> None:
    entry = office.entries.check_code(token, code)
    device = Authenticator(origin=URL, credential_id=b"passkey %d" % number)
    answer = device.make(office.passkeys.registration_options(entry.account, "Camille"))
    office.passkeys.register_by_entry(token, code, answer, "Téléphone")
    csr = certification_request(ec.generate_private_key(ec.SECP256R1()))
    draft = office.selfservice.prepare(entry.account.id, [Asked(PROFILE, csr)])
    act = Act.of(draft.statement, device.sign(draft.statement).pack(), officer=str(entry.account))
    office.selfservice.submit(act, draft.requests, [csr])


def _letters(office: Office, everybody: list[Person], path: Path) -> list[tuple[str, str]]:
    links = []
    for start in range(0, len(everybody), TOGETHER):
        with office.home.store.write() as tx:
            for each in everybody[start : start + TOGETHER]:
                account = Account(Kind.PERSON, each.idnat)
                made = office.entries.make(tx, account, LIFETIME, by="cnom-1", with_code=True)
                links.append((made.token, made.code or ""))
    letters = [
        Letter(f"{each.given_name} {each.family_name}", "Médecin", each.rpps, f"{URL}/moi/entree/{token}", code)
        for each, (token, code) in zip(everybody, links, strict=True)
    ]
    write(letters, path, "Ordre national des médecins", office.home.clock.now() + LIFETIME, lambda done: None)
    return links


def _csv(everybody: list[Person]) -> bytes:
    rows = [f"{person.rpps};{person.family_name};{person.given_name}" for person in everybody]
    return "\n".join(["RPPS;Nom;Prénom", *rows]).encode("cp1252")


def _book(everybody: list[Person]) -> bytes:
    book = Workbook()
    for row in (("RPPS", "Nom", "Prénom"), *[(int(p.rpps), p.family_name, p.given_name) for p in everybody]):
        book.active.append(row)
    octets = io.BytesIO()
    book.save(octets)
    return octets.getvalue()


if __name__ == "__main__":
    main(chosen("enrolment"))
