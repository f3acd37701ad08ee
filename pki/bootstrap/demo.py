"""The demonstration: an authority with somebody in it, so that every command and page has something to show.

Officers with keys, the sample register, practitioners of three ordres and a hospital with their certificates, some of them held
or revoked, requests that wait. Everybody is invented, and everything is done through the services that people use: keys are
made, requests signed, approvals given, the issuer takes the orders. Each step looks whether it was done, so that an interruption
is mended by running it again. Never for an authority that is not a demonstration.
"""

from __future__ import annotations

import hashlib
import shutil
import unicodedata
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache, cached_property

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from hsm import passphrase
from pki.adapters.publication_files import pem
from pki.bootstrap import registrar
from pki.bootstrap.home import Home, shipped
from pki.bootstrap.issuer import open_issuer
from pki.bootstrap.officers import FOLDER, Signer, make_key, open_key, open_signer
from pki.inventory.model import Certificate, Reason, State
from pki.register.entry import RegisterEntry, standing
from pki.register.invented import finess_of
from pki.register.plan import ChangeKind, ChangeReason, compare
from pki.register.sanctions import Decision, DecisionKind
from pki.register.snapshot import people
from pki.registration.applications import Application
from pki.registration.enrol import Draft
from pki.registration.grants import GrantApplication
from pki.registration.model import Batch, BatchState
from pki.revocation.service import holder_statement
from trust.algorithms import PrivateKey, algorithm_of, spki
from trust.errors import Conflict, Missing, Refused

Tell = Callable[[str], None]

SAMPLES = ("PS_LibreAcces_Personne_activite_202611200600.txt", "PS_LibreAcces_Personne_activite_202611210600.txt")
BY = "init"
PEOPLE, WAITING, GRANTED = 8, 2, 3
"""Practitioners of each ordre: with certificates, only asked for, and granted what they may obtain by themselves."""
BOARDS = ("CNOM", "ONI", "CNOP")
AUTHENTICATION, SIGNATURE, ENCRYPTION = "ps-authentification", "ps-signature", "ps-chiffrement"
HOSPITAL, PHARMACY = "1" + finess_of(1), "1" + finess_of(2)
DOMAINS = ("hopital-fictif.example", "localhost")

# What happened to whom since: (ordre, rank of the person, what).
HELD = (("CNOM", 2), ("ONI", 2))
REVOKED = (("CNOM", 3, Reason.SUPERSEDED), ("ONI", 3, Reason.AFFILIATION_CHANGED), ("CNOP", 2, Reason.CESSATION_OF_OPERATION))
COMPROMISED = ("CNOM", 4)
DECIDED = (("ONI", 4, DecisionKind.SUSPENSION), ("CNOP", 3, DecisionKind.RADIATION))


def furnish(home: Home, tell: Tell) -> bool:
    """Make the demonstration, or finish making it; return False when it was complete.

    Raises:
        Refused: this authority is not a demonstration.
        Conflict: an issuer is at work on this home: stop it first.
    """
    if home.settings.mode != "demo":
        raise Refused(f"this authority is in mode {home.settings.mode}: invented people have no place in it", citation="CP 3.1.5")
    demonstration = _Demonstration(home, tell)
    if demonstration.complete.exists():
        return False
    tell("Demonstration: everybody in it is invented, and nothing in it is official.")
    demonstration.make()
    return True


class _Demonstration:
    def __init__(self, home: Home, tell: Tell) -> None:
        self.home = home
        self.tell = tell
        self.folder = home.settings.home / "demo"
        self.complete = self.folder / "complete"
        self.enrolment = registrar.enrolment(home)
        self.grants = registrar.grants(home)
        self.decisions = registrar.decisions(home)
        self.revocation = registrar.revocation(home)
        self.lifecycle = registrar.lifecycle(home)
        self.organisations = registrar.organisations(home)
        self.mandates = registrar.mandates(home)
        self.signer = cache(self._signer)
        self._days = ("", "")

    def make(self) -> None:
        for folder in (self.folder, self.folder / "keys", self.folder / "certificates"):
            folder.mkdir(mode=0o700, exist_ok=True)
        issuer = open_issuer(self.home)
        try:
            self._officers()
            self._register()
            self._structures()
            self._enrol()
            issuer.turn_until_idle()
            self._lives()
            self._grant()
            self._pending()
            issuer.turn_until_idle()
        finally:
            issuer.close()
        self._write_certificates()
        self.complete.touch()

    # --- officers -----------------------------------------------------------------------------------------------------------

    def _officers(self) -> None:
        """Give every officer a key, under one passphrase: in a demonstration one person plays them all."""
        folder = self.home.settings.home / FOLDER
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        secret = folder / "passphrase"
        with suppress(Conflict):
            passphrase.write_new(secret, self.home.entropy)
        keys = registrar.officer_keys(self.home)
        officers = [officer for board in self.home.settings.boards.values() for officer in board.officers]
        for officer in officers:
            if keys.keys(officer):
                continue
            path = folder / f"{officer.id}.pem"
            if not path.exists():
                make_key(path, secret)
            keys.register(officer.id, self.signer(officer.id).spki, by=BY)
        self.tell(f"{len(officers)} officers of {len(self.home.settings.boards)} boards, with their keys in {folder}")

    def _signer(self, officer: str) -> Signer:
        return open_signer(self.home, officer, None, None)

    # --- the register -------------------------------------------------------------------------------------------------------

    def _register(self) -> None:
        """Apply the first day of the sample, and leave the second as a plan that waits for officers."""
        now = self.home.clock.now()
        first, _ = self._days = self._received(SAMPLES[0], now - timedelta(days=1)), self._received(SAMPLES[1], now)
        with self.home.store.read() as tx:
            if tx.register.applied() is not None:
                return
        plan = self.lifecycle.plan(first)
        for officer in ("cnom-1", "oni-1")[: plan.needed]:
            statement = self.lifecycle.plan_statement(plan, officer)
            plan = replace(plan, signed=self.lifecycle.sign(plan, self.signer(officer).sign(statement)))
        self.lifecycle.apply(plan)
        self.tell(f"sample register of {plan.summary.new} invented people applied; the next day's waits as a plan")

    def _received(self, name: str, dated: datetime) -> str:
        """Import a file of the sample under a name that gives it this date; return its SHA-256."""
        place = self.folder / "register" / name.removesuffix(".txt")
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        copy = next(place.glob("*.txt"), None)  # the one of an interrupted beginning keeps its date
        if copy is None:
            copy = place / f"{name[:-16]}{dated:%Y%m%d%H%M}.txt"
            draft = copy.with_suffix(".draft")
            shutil.copyfile(shipped("ca_config") / "dev" / "register" / name, draft)
            draft.rename(copy)
        with copy.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        with suppress(Conflict):
            self.lifecycle.receive(copy, by=BY)
        return sha256

    @cached_property
    def _chosen(self) -> dict[str, list[RegisterEntry]]:
        """The people of the demonstration, by board: the first of the register who have the right to practise.

        The last with certificates is somebody who is gone or has no right any more in the next day's extraction.
        """
        with self.home.store.read() as tx:
            first, second = (self.home.settings.snapshots / tx.register.snapshot(sha256).file for sha256 in self._days)
        losing = {
            change.idnat
            for change in compare(first, second)
            if change.kind is ChangeKind.GONE or ChangeReason.RIGHT_LOST in change.reasons()
        }
        chosen: dict[str, list[RegisterEntry]] = {code: [] for code in BOARDS}
        leaving: dict[str, RegisterEntry] = {}
        for entry in people(first):
            for code in BOARDS:
                if standing(entry, self.home.settings.board(code).professions).right_to_practise:
                    if entry.idnat in losing:
                        leaving.setdefault(code, entry)
                    else:
                        chosen[code].append(entry)
        last = PEOPLE + WAITING + GRANTED
        return {code: [*some[: PEOPLE - 1], leaving[code], *some[PEOPLE:last]] for code, some in chosen.items()}

    # --- certificates -------------------------------------------------------------------------------------------------------

    def _structures(self) -> None:
        """A hospital that the doctors' ordre answers for, and a pharmacy that waits for its approval."""
        self._declare("cnom-1", HOSPITAL, "HÔPITAL FICTIF DE VILLE-D'ESSAI", DOMAINS)
        self._declare("cnop-1", PHARMACY, "PHARMACIE FICTIVE DU MARCHÉ", ("pharmacie-fictive.example",))
        (hospital,) = (each for each in self.organisations.of_board("CNOM") if each.id == HOSPITAL)
        if hospital.approved_at is None:
            approval = self.organisations.approval_statement(HOSPITAL, "cnom-2")
            self.organisations.approve(self.signer("cnom-2").sign(approval))
            self.tell(f"{hospital.name} approved, with the domains {', '.join(hospital.domains)}")
        self._carry(self.mandates.draft("cnom-1", HOSPITAL))

    def _declare(self, officer: str, number: str, name: str, domains: Sequence[str]) -> None:
        board = self.home.settings.officer(officer).board
        if number not in {each.id for each in self.organisations.of_board(board)}:
            draft = self.organisations.draft(officer, number, name, "Essai (99)", domains)
            self.organisations.declare(draft, self.signer(officer).sign(self.organisations.declaration_statement(draft)))

    def _enrol(self) -> None:
        """Ask for everybody's certificates, and approve them as the boards demand."""
        for code in BOARDS:
            some = self._chosen[code][:PEOPLE]
            applications = [self._person(entry, AUTHENTICATION) for entry in some]
            applications += [self._person(entry, SIGNATURE) for entry in some[:2]]
            if code == "CNOM":
                applications.append(self._person(some[0], ENCRYPTION, algorithm="RSA-3072"))
            self._approve(self._submit(code, applications))
        self._approve(self._submit("CNOM", self._servers()))

    def _servers(self) -> list[Application]:
        return [
            self._structure("serveur-tls-ec", "localhost", dns_names=("localhost",)),
            self._structure("serveur-tls-ec", "www", dns_names=(f"www.{DOMAINS[0]}", f"api.{DOMAINS[0]}")),
            self._structure("org-authentification", "dossier", common_name="Dossier patient"),
            self._structure("org-cachet", "cachet", common_name="Cachet de l'hôpital fictif"),
        ]

    def _grant(self) -> None:
        """Grant some people what they then obtain from their phone (`sceau demo login praticien`)."""
        for code in BOARDS:
            asking = self._officers_of(code, "register")[0]
            applications = [
                GrantApplication(str(entry.rpps), (AUTHENTICATION, SIGNATURE), entry.family_name, entry.given_name)
                for entry in self._chosen[code][PEOPLE + WAITING :]
            ]
            self._carry(self.grants.draft(asking, applications))

    def _carry(self, draft: Draft) -> None:
        """Have a draft submitted and approved, or what was submitted of it before an interruption."""
        if draft.records:
            act = self.signer(draft.requester).sign(draft.statement(self.home.clock.now()))
            self._approve(self.enrolment.submit(draft, act))
        elif draft.known:
            with self.home.store.read() as tx:
                batch = tx.requests.batch(draft.known[0][1].batch)
            self._approve(batch)

    def _pending(self) -> None:
        """Leave requests that wait for an officer, and one that an officer refused."""
        waiting = self._chosen["CNOM"][PEOPLE : PEOPLE + WAITING]
        self._submit("CNOM", [self._person(entry, AUTHENTICATION) for entry in waiting])
        batch = self._submit("ONI", [self._person(self._chosen["ONI"][PEOPLE], AUTHENTICATION)])
        if batch is not None and batch.state is BatchState.SUBMITTED:
            refusal = self.decisions.refusal_statement(batch.id, "oni-2", "Pièce d'identité illisible")
            self.decisions.refuse(self.signer("oni-2").sign(refusal))
        self.tell("requests that wait for an approval, one that was refused")

    def _person(self, entry: RegisterEntry, profile: str, *, algorithm: str = "P-256") -> Application:
        key = self._key(f"{entry.idnat}-{profile}", algorithm)
        email = _address(entry) if profile == ENCRYPTION else None
        return Application(str(entry.rpps), profile, _request(key), entry.family_name, entry.given_name, email)

    def _structure(self, profile: str, name: str, *, dns_names: tuple[str, ...] = (), common_name: str = "") -> Application:
        key = self._key(f"{HOSPITAL}-{name}", "P-256")
        return Application(HOSPITAL, profile, _request(key), dns_names=dns_names, common_name=common_name)

    def _key(self, name: str, algorithm: str) -> PrivateKey:
        """Return a subscriber's key, made when it is missing; in clear, for whoever tries it with other software."""
        path = self.folder / "keys" / f"{name}.pem"
        with suppress(Conflict):
            return make_key(path, None, algorithm)
        return open_key(path, None)

    def _submit(self, board: str, applications: Sequence[Application]) -> Batch | None:
        """Submit what was not submitted before; return its batch, or None when nothing of it can be asked for any more."""
        asking = self._officers_of(board, "register")[0]
        draft = self.enrolment.draft(asking, applications)
        if draft.records:
            return self.enrolment.submit(draft, self.signer(asking).sign(draft.statement(self.home.clock.now())))
        with self.home.store.read() as tx:
            return tx.requests.batch(draft.known[0][1].batch) if draft.known else None

    def _approve(self, batch: Batch | None) -> None:
        if batch is None or batch.state is not BatchState.SUBMITTED:
            return
        needed = self.home.settings.board(batch.board).approvals_for(batch.size)
        able = [officer for officer in self._officers_of(batch.board, "approve") if officer != batch.requester]
        for officer in able[:needed]:
            self.decisions.approve(self.signer(officer).sign(self.decisions.approval_statement(batch.id, officer)))
        self.tell(f"{batch.size} requests of {batch.requester}, approved by {', '.join(able[:needed])}")

    def _officers_of(self, board: str, role: str) -> list[str]:
        return [officer.id for officer in self.home.settings.board(board).officers if role in officer.roles]

    # --- what happened since ------------------------------------------------------------------------------------------------

    def _lives(self) -> None:
        """Hold some certificates, revoke others: officers, a holder, and decisions of ordres."""
        for code, rank in HELD:
            self._end(code, rank, Reason.CERTIFICATE_HOLD)
        for code, rank, reason in REVOKED:
            self._end(code, rank, reason)
        self._compromise(*COMPROMISED)
        for code, rank, kind in DECIDED:
            self._decide(code, rank, kind)
        self.tell("some of them held, some revoked: by officers, by a holder, by decisions of ordres")

    def _end(self, code: str, rank: int, reason: Reason) -> None:
        certificate = self._certificate(code, rank)
        if certificate.state is State.ISSUED:
            officer = self._officers_of(code, "revoke")[0]
            statement = self.revocation.officer_statement(certificate.serial, reason, officer)
            self.revocation.by_officer(self.signer(officer).sign(statement))

    def _compromise(self, code: str, rank: int) -> None:
        """Have the holder prove that the key is out: whoever has it can."""
        certificate = self._certificate(code, rank)
        if certificate.state is State.ISSUED:
            key = open_key(self.folder / "keys" / f"{certificate.holder}-{certificate.profile}.pem", None)
            statement = holder_statement(certificate.serial, Reason.KEY_COMPROMISE, self.home.clock.now())
            algorithm = algorithm_of(key.public_key())
            assert algorithm is not None  # we made it
            self.revocation.by_holder(statement, algorithm.sign(key, statement.encode()))

    def _decide(self, code: str, rank: int, kind: DecisionKind) -> None:
        person = self._chosen[code][rank].idnat
        with self.home.store.read() as tx:
            if tx.register.sanctions_of(person):
                return
        officer = self._officers_of(code, "revoke")[0]
        decisions = (Decision(2, person, kind, self.home.clock.now().date(), f"DEMO-{code}-{rank}"),)
        act = self.signer(officer).sign(self.lifecycle.sanctions_statement(decisions, officer))
        self.lifecycle.record_sanctions(decisions, act)

    def _certificate(self, code: str, rank: int) -> Certificate:
        person = self._chosen[code][rank].idnat
        with self.home.store.read() as tx:
            found = [each for each in tx.certificates.of_holder(person) if each.profile == AUTHENTICATION and each.signature]
        if not found:
            raise Missing(f"the issuer made no certificate for {person}: `sceau ra list` says why")
        return found[-1]

    def _write_certificates(self) -> None:
        """Put every certificate beside its key, with its chain, for whoever tries them with other software."""
        known = self.home.ca_certificates()
        with self.home.store.read() as tx:
            for path in sorted((self.folder / "keys").glob("*.pem")):
                key = spki(open_key(path, None).public_key())
                for certificate in tx.certificates.of_key(hashlib.sha256(key).digest()):
                    if certificate.signature is not None:
                        chain = pem(certificate.der) + pem(known[certificate.ca].der)
                        (self.folder / "certificates" / path.name).write_text(chain, encoding="ascii")


def _request(key: PrivateKey) -> bytes:
    """Make a certification request: a key and the proof that its holder asks; the name comes from the register."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


def _address(entry: RegisterEntry) -> str:
    """Return an invented address of secure mail, in a domain that is reserved for examples."""
    plain = unicodedata.normalize("NFKD", f"{entry.given_name}.{entry.family_name}".lower().replace("œ", "oe"))
    return "".join(c for c in plain if c.isascii() and (c.isalnum() or c == ".")) + "@medecin.sceau.example.com"
