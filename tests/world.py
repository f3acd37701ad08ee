"""A whole authority for a test: real configuration, real keys, real database, a clock that the test moves.

Everything goes through the services that people and programs use; nothing is patched. A world begins with the boards'
officers, each with a registered key, and an empty register.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from hsm import passphrase
from hsm.api import Custodian
from pki.adapters.store.store import Store
from pki.bootstrap import registrar
from pki.bootstrap.create import create
from pki.bootstrap.custody import open_custodian
from pki.bootstrap.home import Home, open_home
from pki.bootstrap.issuer import Issuer
from pki.faults import Faults
from pki.inventory.model import Certificate, Reason
from pki.issuance.approvals import Act
from pki.register.layout import COLUMNS
from pki.register.sanctions import Decision, DecisionKind
from pki.registration.applications import Application
from pki.registration.lifecycle import Applied, Lifecycle
from pki.revocation.service import Revoked
from pki.settings import CustodySettings
from tests.builders.keystore import make_keystore
from tests.tokens import PIN
from trust.algorithms import ALGORITHMS, PrivateKey, algorithm_of, spki
from trust.entropy import Entropy
from trust.identity import luhn_key
from trust.testing import FixedClock

BASE_URL = "http://pki.exemple-sante.fr"

_MADE: dict[tuple[str | None, str, str | None], tuple[TemporaryDirectory[str], dict[str, ec.EllipticCurvePrivateKey]]] = {}
"""Homes made so far in this process, by algorithm and address."""


@dataclass(frozen=True)
class Made:
    """A home that was made once, to begin other worlds from (`World.keep`)."""

    home: Path
    officer_keys: dict[str, ec.EllipticCurvePrivateKey]


@dataclass(frozen=True)
class Person:
    """An invented practitioner."""

    rpps: str
    family_name: str
    given_name: str = "Camille"
    profession: str = "60"
    category: str = "C"
    authority: str = "ONI/ONI/ONI"

    @property
    def idnat(self) -> str:
        """The national identifier."""
        return "8" + self.rpps


def rpps(rank: int) -> str:
    """Return the test RPPS of that rank."""
    digits = f"997{rank:07d}"
    return digits + str(luhn_key(digits))


def nurse(rank: int, family_name: str = "EXEMPLE") -> Person:
    """Return an invented nurse."""
    return Person(rpps(rank), family_name)


def doctor(rank: int, family_name: str = "ESSAI") -> Person:
    """Return an invented doctor."""
    return Person(rpps(rank), family_name, profession="10", authority="CNOM/CNOM/CNOM")


def extraction(people: Iterable[Person]) -> str:
    """Write people as the national directory's extraction does."""
    lines = ["|".join(COLUMNS) + "|"]
    for person in people:
        values = dict.fromkeys(COLUMNS, "")
        values |= {
            "Type d'identifiant PP": "8",
            "Identifiant PP": person.rpps,
            "Identification nationale PP": person.idnat,
            "Nom d'exercice": person.family_name,
            "Prénom d'exercice": person.given_name,
            "Code profession": person.profession,
            "Code catégorie professionnelle": person.category,
            "Autorité d'enregistrement": person.authority,
        }
        lines.append("|".join(values.values()) + "|")
    return "\n".join(lines) + "\n"


def certification_request(key: PrivateKey) -> bytes:
    """Make a PKCS#10 request for a key, DER."""
    algorithm = algorithm_of(key.public_key())
    assert algorithm is not None
    digest = hashes.SHA256() if algorithm.name.startswith(("RSA", "P-")) else None
    return x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, digest).public_bytes(Encoding.DER)


def _set_database(authority: Path, url: str) -> None:
    text = re.sub(r'(?m)^\[database\]\nurl = ".*"\n+', "", authority.read_text(encoding="utf-8"))
    authority.write_text(f'[database]\nurl = "{url}"\n\n' + text, encoding="utf-8")


class World:
    """One authority and the people around it."""

    def __init__(
        self,
        directory: Path,
        *,
        algorithm: str | None = None,
        database_url: str | None = None,
        clock: FixedClock | None = None,
        entropy: Entropy | None = None,
        base_url: str = BASE_URL,
        token: str | None = None,
        made: Made | None = None,
    ) -> None:
        """Make an authority, or begin from a copy of one that was `made`, over the database of that URL if one is given.

        `token` is the label of the PKCS#11 token that holds the keys: one authority's, shared by all the copies of it.
        """
        self.directory = directory
        self.clock = clock or FixedClock()
        self.officer_keys: dict[str, ec.EllipticCurvePrivateKey] = {}
        self.keys: dict[bytes, PrivateKey] = {}
        usual = database_url is None and clock is None and entropy is None
        if made is None and usual and (kept := _MADE.get((algorithm, base_url, token))):
            made = Made(Path(kept[0].name), kept[1])
        if made is not None:
            # Keys and CAs are made once a process; each test gets its own copy of the home.
            shutil.copytree(made.home, directory, symlinks=True)
            self.officer_keys = dict(made.officer_keys)
            if database_url is not None:
                _set_database(directory / "config" / "authority.toml", database_url)
            self.home: Home = open_home(directory, clock=self.clock, entropy=entropy)
        else:
            custody = None
            if token is None:
                make_keystore(directory)
            else:
                custody = CustodySettings(kind="pkcs11", token=f"pkcs11:token={token}")
                (directory / "secrets").mkdir(mode=0o700, parents=True)
                passphrase.keep(directory / "secrets" / custody.pin, PIN.encode())
            self.home = create(
                directory,
                "dev",
                base_url,
                algorithm=algorithm,
                database_url=database_url,
                custody=custody,
                clock=self.clock,
                entropy=entropy,
            )
            self._register_officers()
            if usual:
                self._keep_copy((algorithm, base_url, token))
        self.enrolment = registrar.enrolment(self.home)
        self.decisions = registrar.decisions(self.home)
        self.revocation = registrar.revocation(self.home)
        self.lifecycle = Lifecycle(self.store, self.home.settings, self.clock, self.home.entropy)
        self._files = 0

    def _register_officers(self) -> None:
        with self.store.write() as tx:
            for board in self.home.settings.boards.values():
                for officer in board.officers:
                    key = self.officer_keys[officer.id] = ec.generate_private_key(ec.SECP256R1())
                    tx.acts.add_key(officer.id, spki(key.public_key()), self.clock.now())

    def _keep_copy(self, kind: tuple[str | None, str, str | None]) -> None:
        kept = TemporaryDirectory(prefix="sceau-world-")
        _MADE[kind] = (kept, self.keep(Path(kept.name)).officer_keys)

    def keep(self, directory: Path) -> Made:
        """Copy this home as it stands into a directory, for other worlds to begin from (the database only if it is SQLite)."""
        self.close()
        self.store.engine.dispose()  # The last connection closed folds SQLite's log into the file that is copied.
        shutil.copytree(self.directory, directory, symlinks=True, dirs_exist_ok=True)
        return Made(directory, dict(self.officer_keys))

    @property
    def store(self) -> Store:
        """The database."""
        return self.home.store

    @cached_property
    def custodian(self) -> Custodian:
        """What holds the keys, opened once."""
        return open_custodian(self.home)

    @cached_property
    def issuer(self) -> Issuer:
        """The issuer at work."""
        return self.open_issuer()

    def open_issuer(self, faults: Faults | None = None) -> Issuer:
        """Open an issuer (once `issuer` is closed, if it was opened)."""
        return Issuer(self.home, self.custodian, faults=faults)

    def reopen(self) -> None:
        """Forget everything in memory and open the home again, as a restart does."""
        self.close()
        self.home = replace(open_home(self.directory, clock=self.clock, entropy=self.home.entropy))
        self.enrolment = registrar.enrolment(self.home)
        self.decisions = registrar.decisions(self.home)
        self.revocation = registrar.revocation(self.home)
        self.lifecycle = Lifecycle(self.store, self.home.settings, self.clock, self.home.entropy)

    def close(self) -> None:
        """Close the issuer, if one was opened, and let go of the keys: whoever asks again opens them again."""
        if "issuer" in self.__dict__:
            self.issuer.close()
            del self.__dict__["issuer"]
        self.__dict__.pop("custodian", None)

    # --- officers -----------------------------------------------------------------------------------------------------------

    def act(self, officer: str, statement: str) -> Act:
        """Have an officer sign a statement."""
        said = json.loads(statement)
        signature = self.officer_keys[officer].sign(statement.encode(), ec.ECDSA(hashes.SHA256()))
        return Act(officer, said["type"], said["target"], statement, signature)

    # --- the register -------------------------------------------------------------------------------------------------------

    def import_register(self, people: Iterable[Person], *, date: datetime | None = None) -> str:
        """Import an extraction of these people, dated now unless said; return the snapshot's SHA-256."""
        self._files += 1
        path = self.directory / f"extraction-{self._files}.txt"
        path.write_text(extraction(people), encoding="utf-8")
        result = self.lifecycle.receive(path, by="test", register_date=date or self.clock.now())
        return result.snapshot.sha256

    def apply_register(self, people: Iterable[Person], *, officers: Sequence[str] = ("cnom-1", "oni-1")) -> Applied:
        """Import an extraction of these people, have its plan signed and apply it."""
        plan = self.lifecycle.plan(self.import_register(people))
        for officer in officers[: plan.needed]:
            self.lifecycle.sign(plan, self.act(officer, self.lifecycle.plan_statement(plan, officer)))
        return self.lifecycle.apply(plan)

    def sanction(self, person: Person, kind: DecisionKind, *, officer: str = "oni-1", reference: str = "D-1") -> Applied:
        """Record one decision of an ordre, effective today."""
        decisions = (Decision(2, person.idnat, kind, self.clock.now().date(), reference),)
        statement = self.lifecycle.sanctions_statement(decisions, officer)
        return self.lifecycle.record_sanctions(decisions, self.act(officer, statement))

    # --- certificates -------------------------------------------------------------------------------------------------------

    def application(self, person: Person, profile: str = "ps-authentification", *, key: PrivateKey | None = None) -> Application:
        """Return a truthful application, with a new P-256 key (RSA-3072 for encryption) unless one is given."""
        if key is None:
            key = ALGORITHMS["RSA-3072" if profile == "ps-chiffrement" else "P-256"].generate()
        self.keys[spki(key.public_key())] = key
        return Application(person.rpps, profile, certification_request(key), person.family_name, person.given_name)

    def order(self, applications: Sequence[Application], *, board: str = "oni") -> str:
        """Submit applications and have them approved; return the batch."""
        asking, deciding = f"{board}-1", f"{board}-2"
        draft = self.enrolment.draft(asking, applications)
        assert not draft.refused, draft.refused
        batch = self.enrolment.submit(draft, self.act(asking, draft.statement(self.clock.now())))
        decided = self.decisions.approve(self.act(deciding, self.decisions.approval_statement(batch.id, deciding)))
        if decided.approvals < decided.needed:
            third = f"{board}-3"
            self.decisions.approve(self.act(third, self.decisions.approval_statement(batch.id, third)))
        return batch.id

    def enrol(self, person: Person, profile: str = "ps-authentification", *, key: PrivateKey | None = None) -> Certificate:
        """Bring a person from application to certificate, published."""
        batch = self.order([self.application(person, profile, key=key)], board="cnom" if person.profession == "10" else "oni")
        self.issuer.turn_until_idle()
        return self.certificates_of_batch(batch)[0]

    def certificates_of_batch(self, batch: str) -> list[Certificate]:
        """Return what was issued for a batch."""
        with self.store.read() as tx:
            orders = tx.orders.of_batch(batch)
            assert all(order.serial is not None for order in orders), [order.failure for order in orders]
            return [tx.certificates.get(order.serial) for order in orders if order.serial is not None]

    def certificate(self, serial: bytes) -> Certificate:
        """Return a certificate as it stands now."""
        with self.store.read() as tx:
            return tx.certificates.get(serial)

    def key_of(self, certificate: Certificate) -> PrivateKey:
        """Return the private key of a certificate that this world enrolled."""
        public = x509.load_der_x509_certificate(certificate.der).public_key()
        return self.keys[spki(public)]

    def revoke(self, certificate: Certificate, reason: Reason = Reason.SUPERSEDED, *, officer: str | None = None) -> Revoked:
        """Have an officer of the certificate's board revoke (or hold) it."""
        who = officer or f"{certificate.board.lower()}-1"
        return self.revocation.by_officer(self.act(who, self.revocation.officer_statement(certificate.serial, reason, who)))

    def release(self, certificate: Certificate, *, officer: str | None = None) -> Certificate:
        """Have an officer of the certificate's board take it off hold."""
        who = officer or f"{certificate.board.lower()}-1"
        return self.revocation.release_by_officer(self.act(who, self.revocation.release_statement(certificate.serial, who)))
