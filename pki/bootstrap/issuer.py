"""The issuer process: the only one that opens the authority's keys (design: no network face but a local signer's socket).

One loop: take orders and issue; publish what changed (OCSP first, then CRLs); sign the population again when half of
its validity is over; renew responders before they end; seal the journal. Each turn is short, so that a revocation never
waits behind a crowd. What fails is logged and tried again with growing patience; what is out of integrity (an `Alarm`)
stops issuance until someone has looked, while what is already published goes on being served.
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from time import monotonic

from hsm.api import KeyRef, KeyUse
from hsm.software import SoftwareKeystore
from pki.adapters.publication_files import PublicationFiles
from pki.adapters.signer_socket import SignerServer
from pki.adapters.store.publication import ResponderRecord
from pki.audit.events import event
from pki.bootstrap.demand import Demand
from pki.bootstrap.home import RESPONDER, Home, issuance, open_authority, open_custodian, open_home, witness_file
from pki.bootstrap.repository import publish_authority
from pki.bootstrap.sealing import seal
from pki.faults import Faults
from pki.inventory.model import State
from pki.issuance.authority import Authority, IssuingCa
from pki.signing.checkpoint import CheckpointSigner
from pki.signing.crl import CrlSigner
from pki.signing.door import SigningDoor
from pki.signing.ocsp import OcspSigner
from pki.status.model import Authority as StatusCa
from pki.status.model import Responder, StatusFact
from pki.status.presign import ResponseSigner
from pki.status.producer import OcspProducer, StatusAuthority, fact
from pki.status.publish import CrlIssuer, CrlPublisher
from pki.status.signer import LivePolicy, SignerService
from pki.status.store import StatusWriter
from trust import clock as times
from trust.algorithms import ALGORITHMS, spki
from trust.errors import Alarm, Conflict, SceauError, Unavailable
from trust.naming import ServiceSubject

LOG = logging.getLogger("sceau.issuer")
RETENTION = timedelta(days=366)
"""How long status outlives a certificate (CP 4.10.2): gives the archive cutoff."""
IDLE_SECONDS = 0.25
CHECKPOINT_SECONDS = 30.0
UPKEEP_SECONDS = 60.0


class Issuer:
    """The authority at work on one home. `turn` does what is due; `close` lets go of everything."""

    def __init__(
        self, home: Home, custodian: SoftwareKeystore, *, instance: str = "issuer", faults: Faults | None = None
    ) -> None:
        """Take the home: one issuer of a name at a time.

        Raises:
            Conflict: an issuer of this name is at work on this home.
        """
        self.home = home
        self._instance = _InstanceLock(home.settings.home / "run" / f"{instance}.lock")
        self._faults = faults or Faults.from_environment(home.settings.mode)
        self._custodian = custodian
        witness = os.environ.get("SCEAU_WITNESS") if home.settings.mode != "production" else None
        self._door = SigningDoor(custodian, witness=witness_file(Path(witness)) if witness else None)
        self.authority: Authority = open_authority(home)
        self._service = issuance(home, self.authority, self._door, instance=instance, faults=self._faults)
        self._ocsp = OcspSigner(self._door)
        self._files = PublicationFiles(home.settings.publication / "www")
        self._status = StatusWriter(home.settings.publication / "status")
        self._signer = SignerService(self._find_fact, home.clock, self._live_policy())
        self._producer = self._make_producer()
        self.crls = self._make_crl_publisher()
        self._demand = Demand(home.settings.home)
        self._checkpoints = CheckpointSigner(self._door)
        self._next_seal = self._next_upkeep = 0.0
        self._server: SignerServer | None = None
        self._recovered = False
        for ca_id in self.authority.cas:
            self._load_responders(ca_id)

    def recover(self) -> int:
        """Judge what a crash left: open intents are revoked, their orders taken again. Return how many there were."""
        count = self._service.recover()
        self._recovered = True
        if count:
            LOG.warning("%d intents were left open by a crash: revoked, their orders are taken again", count)
        return count

    def turn(self) -> bool:
        """Do one round of everything that is due; return whether more waits.

        Raises:
            SceauError: what could not be done; what was done before it stands.
        """
        if not self._recovered:
            self.recover()
        self._upkeep()
        outcome = self._service.run_once()
        drained = self._producer.drain()
        published = self.crls.publish_due() + self._demand.serve(self.crls.publish_all)
        refreshing = self._producer.refresh()
        sealed = self._seal()
        return bool(outcome.issued or outcome.refused or drained or published or refreshing or sealed)

    def turn_until_idle(self, limit: int = 10_000) -> None:
        """Take turns until nothing waits: for commands and tests that do not run a server."""
        for _ in range(limit):
            if not self.turn():
                break
        self.crls.publish_due(now=True)
        self._next_seal = 0.0
        self._seal()

    def listen(self) -> None:
        """Open the signer's socket: what is not signed ahead is signed on the spot, for publication.

        Raises:
            Conflict: another signer listens there.
        """
        path = self.home.settings.signer_socket
        path.parent.mkdir(mode=0o700, exist_ok=True)
        self._server = SignerServer(path, self._signer.reply)
        self._server.start()

    def close(self) -> None:
        """Let go of the socket, the status store and the instance's name."""
        if self._server is not None:
            self._server.stop()
        self._status.close()
        self._instance.release()

    # --- responders ---------------------------------------------------------------------------------------------------------

    def _upkeep(self) -> None:
        if monotonic() < self._next_upkeep:
            return
        for ca_id in self.authority.cas:
            self._renew_responder(ca_id)
        publish_authority(self.home, self.authority, self._files)
        self._status.tidy()
        self._next_upkeep = monotonic() + UPKEEP_SECONDS

    def _make_producer(self) -> OcspProducer:
        served = [
            StatusAuthority(StatusCa.of(ca.id, ca.certificate), timedelta(hours=self.home.settings.ca(ca.id).ocsp_hours))
            for ca in self.authority.cas.values()
        ]
        return OcspProducer(
            self.home.store, self._status, served, self._ocsp.sign, self.home.clock, retention=RETENTION, faults=self._faults
        )

    def _make_crl_publisher(self) -> CrlPublisher:
        signer = CrlSigner(self._door)
        return CrlPublisher(
            self.home.store,
            [self._crl_issuer(ca, signer) for ca in self.authority.cas.values()],
            self._files,
            self.home.clock,
            faults=self._faults,
        )

    def _crl_issuer(self, ca: IssuingCa, signer: CrlSigner) -> CrlIssuer:
        settings = self.home.settings.ca(ca.id)
        return CrlIssuer(
            ca=ca.id,
            name_der=ca.view.name_der,
            key_id=ca.view.key_id,
            algorithm=ca.view.algorithm,
            base_url=ca.view.base_url,
            shards=ca.view.shards if settings.issues else 0,
            delta=ca.view.delta,
            validity=timedelta(hours=settings.crl_hours),
            delay=timedelta(seconds=settings.crl_delay_seconds),
            sign=lambda tbs, subject: signer.sign(ca.key, tbs, subject=subject),
        )

    def _load_responders(self, ca_id: str) -> None:
        now = self.home.clock.now()
        with self.home.store.read() as tx:
            for record in tx.responders.of_ca(ca_id):
                if record.not_after > now:
                    certificate = tx.certificates.get(record.serial)
                    if certificate.state is State.ISSUED:
                        self._use_responder(Responder(ca_id, record.number, certificate.der, record.key, record.not_after))

    def _use_responder(self, responder: Responder) -> None:
        self._producer.add_responder(responder)
        ca = self.authority.ca(responder.ca_id)
        label = responder.key_label
        signer = ResponseSigner(
            StatusCa.of(ca.id, ca.certificate), responder, lambda data: self._ocsp.sign(label, data), verify_every=64
        )
        self._signer.use(signer)

    def _renew_responder(self, ca_id: str) -> None:
        """Give a CA a new responder when the one it has is past half of its life (CP 4.9.9)."""
        settings = self.home.settings.ca(ca_id)
        now = self.home.clock.now()
        with self.home.store.read() as tx:
            known = tx.responders.of_ca(ca_id)
        if known and known[-1].not_after - now > timedelta(days=settings.responder_days) / 2:
            return
        number = known[-1].number + 1 if known else 1
        label = f"ocsp-{ca_id}-{number}"
        try:
            public = self._custodian.generate(KeyRef(label), ALGORITHMS[settings.responder_algorithm], frozenset({KeyUse.OCSP}))
        except Conflict:
            public = self._custodian.public_key(KeyRef(label))  # A crash came between the key and its certificate.
        subject = ServiceSubject(
            common_name=f"{settings.common_name} OCSP {number}", organisation=self.home.settings.organisation
        )
        issued = self._service.issue_own(ca_id, RESPONDER, subject, f"ocsp:{ca_id}", spki(public), days=settings.responder_days)
        record = ResponderRecord(ca_id, number, issued.serial, label, issued.not_before, issued.not_after)
        with self.home.store.write() as tx:
            tx.responders.add(record)
            tx.journal.append(
                event(
                    "responder.renewed",
                    ca=ca_id,
                    responder=issued.serial.hex(),
                    sha256=_sha256(issued.der),
                    key=issued.spki_hash.hex(),
                    not_after=times.text(issued.not_after),
                ),
                at=self.home.clock.now(),
            )
        self._use_responder(Responder(ca_id, number, issued.der, label, issued.not_after))

    # --- the signer's truth -------------------------------------------------------------------------------------------------

    def _live_policy(self) -> LivePolicy:
        hours = min(ca.ocsp_hours for ca in self.home.settings.cas)
        return LivePolicy(timedelta(hours=hours), retention=RETENTION)

    def _find_fact(self, ca_id: str, serial: bytes) -> StatusFact | None:
        with self.home.store.read() as tx:
            rows = tx.certificates.statuses([serial], ca=ca_id)
        return fact(rows[0]) if rows and rows[0][1] != State.PREPARED else None

    # --- the journal --------------------------------------------------------------------------------------------------------

    def _seal(self) -> bool:
        if monotonic() < self._next_seal:
            return False
        note = seal(self.home, self._checkpoints, self._files)
        self._next_seal = monotonic() + CHECKPOINT_SECONDS
        return note is not None


class _InstanceLock:
    """One issuer of a name per home: its open intents are its own to judge."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file = path.open("w")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.close()
            raise Conflict("the issuer of this home is already at work") from None

    def release(self) -> None:
        self._file.close()


def open_issuer(home: Home, *, instance: str = "issuer") -> Issuer:
    """Open the keys of a home and take its issuer's place.

    Raises:
        Conflict: an issuer is at work there.
        Missing, Refused: no keystore, or its passphrase is not the right one.
    """
    return Issuer(home, open_custodian(home), instance=instance)


def serve(home_path: Path, stop: threading.Event) -> int:
    """Be the issuer process until `stop` is set; return the exit code."""
    issuer = open_issuer(open_home(home_path))
    try:
        issuer.recover()
        issuer.turn()
        issuer.listen()
        _loop(issuer, stop)
    finally:
        issuer.close()
    return 0


def _loop(issuer: Issuer, stop: threading.Event, wait: Callable[[float], bool] | None = None) -> None:
    patience = IDLE_SECONDS
    pause = wait or stop.wait
    while not stop.is_set():
        try:
            busy = issuer.turn()
            patience = IDLE_SECONDS
            if not busy:
                pause(IDLE_SECONDS)
        except Unavailable as error:
            LOG.error("something we depend on does not answer: %s", error)
            patience = min(patience * 2, 30.0)
            pause(max(patience, error.retry_after))
            with suppress(SceauError):
                issuer.recover()
        except Alarm as error:
            LOG.critical("ALARM: %s", error)
            pause(30.0)
        except Conflict as error:
            LOG.warning("%s; trying again", error)
            pause(IDLE_SECONDS)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
