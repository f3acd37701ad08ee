"""The issuer process: the only one that opens the authority's keys (design: no network face but a local signer's socket).

One loop: renew responders before they end; publish what changed (OCSP first, then CRLs); sign the population again when
half of its validity is over; seal the journal; take orders and issue. Each turn is short, so that a revocation never waits
behind a crowd. What fails is logged and tried again with growing patience. What is out of integrity (an `Alarm`) is written
in the journal and stops issuance, nothing else: revocations go on being published. Issuance is tried again from time to time,
on one order, once the intents that it left open are revoked.
"""

from __future__ import annotations

import fcntl
import gc
import hashlib
import logging
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from time import monotonic

from hsm.api import Custodian, KeyUse
from pki.adapters.publication_files import PublicationFiles
from pki.adapters.signer_socket import SignerServer
from pki.adapters.store.publication import ResponderRecord
from pki.audit.events import event
from pki.bootstrap import quarantine
from pki.bootstrap.chronicle import Chronicle
from pki.bootstrap.custody import RESPONDER, check_keys, issuance, open_authority, open_custodian
from pki.bootstrap.demand import Demand
from pki.bootstrap.home import Home, open_home
from pki.bootstrap.keys import make_key
from pki.bootstrap.keywatch import KeyWatch
from pki.bootstrap.lists import crl_publisher
from pki.bootstrap.reconciliation import Reconciliation
from pki.bootstrap.repository import publish_authority
from pki.bootstrap.sealing import seal
from pki.bootstrap.trial import try_authority
from pki.faults import Faults
from pki.inventory.model import State
from pki.issuance.authority import Authority
from pki.issuance.service import MAX_BATCH
from pki.revocation.renewals import supersede_due
from pki.signing.checkpoint import CheckpointSigner
from pki.signing.door import SigningDoor
from pki.signing.ocsp import OcspSigner
from pki.status.model import Authority as StatusCa
from pki.status.model import Responder, StatusFact
from pki.status.presign import ResponseSigner
from pki.status.producer import OcspProducer, StatusAuthority, fact
from pki.status.signer import LivePolicy, SignerService
from pki.status.store import StatusWriter
from trust import clock as times
from trust.algorithms import spki
from trust.errors import Alarm, Conflict, Missing, SceauError, Unavailable
from trust.naming import ServiceSubject

LOG = logging.getLogger("sceau.issuer")
RETENTION = timedelta(days=366)
"""How long status outlives a certificate (CP 4.10.2): gives the archive cutoff."""
IDLE_SECONDS = 0.25
ALARM_SECONDS = 1.0
"""Between two turns while an alarm lasts: what can be published still is."""
HOLD_BACK_SECONDS = (30.0, 600.0)
"""How long issuance and upkeep wait after an alarm of theirs: at first, doubled at each that follows, at most."""
PATIENCE_SECONDS = 30.0
"""At most, between two turns while something does not answer."""
CHECKPOINT_SECONDS = 30.0
UPKEEP_SECONDS = 60.0
SUPERSESSION_SECONDS = 60.0


class Issuer:
    """The authority at work on one home. `turn` does what is due; `close` lets go of everything."""

    def __init__(
        self,
        home: Home,
        custodian: Custodian,
        *,
        instance: str = "issuer",
        faults: Faults | None = None,
        ticks: Callable[[], float] = monotonic,
    ) -> None:
        """Take the home: one issuer of a name at a time. `ticks` counts seconds, for what is done every so often.

        Raises:
            Conflict: an issuer of this name is at work on this home.
            Refused: a profile fails its trial (`pki.bootstrap.trial`).
        """
        self.home = home
        self._instance = _InstanceLock(home.settings.home / "run" / f"{instance}.lock")
        self._faults = faults or Faults.from_environment(home.settings.mode)
        self._custodian = custodian
        check_keys(home, custodian)
        self._door = SigningDoor(custodian)
        self.authority: Authority = open_authority(home)
        if not self.authority.cas:
            raise Missing("no authority of this home has a certificate yet: `sceau init` says what is lacking")
        try_authority(home.settings.home, self.authority, LOG.info)
        self._service = issuance(home, self.authority, self._door, instance=instance, faults=self._faults)
        self._ocsp = OcspSigner(self._door)
        self._files = PublicationFiles(home.settings.publication / "www")
        self._status = StatusWriter(home.settings.publication / "status")
        self._signer = SignerService(self._find_fact, home.clock, self._live_policy())
        self._producer = self._make_producer()
        self.crls = crl_publisher(home, self.authority, self._door, self._files, self._faults)
        self._demand = Demand(home.settings.home)
        self._checkpoints = CheckpointSigner(self._door)
        self._ticks = ticks
        self._reconciliation = Reconciliation(home, ticks)
        self._next_seal = self._next_upkeep = self._next_issue = self._next_supersession = 0.0
        self._kept_up_at = home.clock.now()
        self._hold_back = HOLD_BACK_SECONDS[0]
        self._batch = MAX_BATCH
        self.chronicle = Chronicle(home, instance)
        self.key_watch = KeyWatch(home, custodian, instance)
        self._server: SignerServer | None = None
        self._recovered = False
        for ca_id in self.authority.cas:
            self._load_responders(ca_id)

    def begin(self) -> None:
        """Say in the journal under which configuration this process works.

        Raises:
            Unavailable, Alarm: the journal cannot be written.
        """
        self.chronicle.begins()

    def recover(self) -> int:
        """Judge what was left between intent and certificate: open intents are revoked, their orders taken again.

        Return how many there were.

        Raises:
            Alarm: the clock is behind the journal: it is too early to judge.
            Unavailable: the database does not answer.
        """
        count = self._service.recover()
        self._recovered = True
        if count:
            LOG.warning("%d intents were left open: revoked, their orders are taken again", count)
        return count

    def recover_first(self) -> None:
        """Have the next turn begin with `recover`: something failed, perhaps between an intent and its certificate."""
        self._recovered = False

    @property
    def holds_back(self) -> bool:
        """Whether issuance waits, because it raised an alarm not long ago."""
        return self._ticks() < self._next_issue

    def turn(self) -> bool:
        """Do one round of everything that is due; return whether more waits.

        Raises:
            Alarm: integrity is in doubt somewhere; what could be published was.
            Unavailable, Conflict: what could not be done; what was done before it stands.
        """
        if quarantine.stands(self.home.settings.home):
            return False  # What was revoked since the backup would be called good, and numbers given twice.
        if not self._recovered:
            self.recover()
        busy = False
        troubles: list[SceauError] = []
        for part in (self._upkeep, self._supersede, self._publish, self._reconciliation.turn, self._seal):
            try:
                busy |= part()
            except SceauError as trouble:
                troubles.append(trouble)  # One part's trouble stops neither the others nor what they publish.
        if troubles:
            raise next((trouble for trouble in troubles if isinstance(trouble, Alarm)), troubles[0])  # Nothing is issued.
        return self._issue() or busy

    def turn_until_idle(self, limit: int = 10_000) -> None:
        """Take turns until nothing waits: for commands and tests that do not run a server."""
        for _ in range(limit):
            if not self.turn():
                break
        if quarantine.stands(self.home.settings.home):
            return
        self.crls.publish_due(now=True)
        self._next_seal = 0.0
        self._seal()

    def listen(self) -> None:
        """Open the signer's socket, if it is not open: what is not signed ahead is signed on the spot, for publication.

        Raises:
            Conflict: another signer listens there.
        """
        if self._server is not None or quarantine.stands(self.home.settings.home):
            return
        path = self.home.settings.signer_socket
        path.parent.mkdir(mode=0o700, exist_ok=True)
        self._server = SignerServer(path, self._signer.reply)
        self._server.start()

    def close(self) -> None:
        """Let go of the socket, the status store and the instance's name."""
        if self._server is not None:
            self._server.stop()
        self._status.close()
        self.key_watch.close()
        self._instance.release()

    # --- the parts of a turn: each returns whether it did something ---------------------------------------------------------

    def _publish(self) -> bool:
        drained = self._producer.drain()
        published = self.crls.publish_due() + self._demand.serve(self.crls.publish_all)
        return bool(drained or published or self._producer.refresh())

    def _issue(self) -> bool:
        if self.holds_back:
            return False
        try:
            outcome = self._service.run_once(self._batch)
        except Alarm:
            # A key that signs wrongly would turn a queue into revoked intents: one order is enough to see whether it is mended.
            self._batch, self._next_issue = 1, self._ticks() + self._hold_back
            self._hold_back = min(2 * self._hold_back, HOLD_BACK_SECONDS[1])
            raise
        if outcome.issued:
            self._batch, self._hold_back = MAX_BATCH, HOLD_BACK_SECONDS[0]
        return bool(outcome.issued or outcome.refused)

    def _upkeep(self) -> bool:
        # By both clocks: a machine that slept a month wakes with responders that ended, and with ticks that did not pass.
        now = self.home.clock.now()
        if self._ticks() < self._next_upkeep and abs(now - self._kept_up_at) < timedelta(seconds=UPKEEP_SECONDS):
            return False
        self._kept_up_at = now
        for ca_id, found in self.home.cas_here().items():  # an offline root's list, brought meanwhile, may have revoked one
            if found.state is not State.ISSUED and ca_id in self.authority.cas:
                self.authority.note_revoked(ca_id)
        try:
            for ca_id in self.authority.cas:
                self._renew_responder(ca_id)
        except Alarm:
            self._next_upkeep = self._ticks() + HOLD_BACK_SECONDS[0]
            raise
        publish_authority(self.home, self._files)
        self._status.tidy()
        self.key_watch.look()
        self._next_upkeep = self._ticks() + UPKEEP_SECONDS
        return False

    def _supersede(self) -> bool:
        if self._ticks() < self._next_supersession:
            return False
        ended = supersede_due(self.home.store, self.home.clock)
        if not ended:
            self._next_supersession = self._ticks() + SUPERSESSION_SECONDS
        return bool(ended)

    def _seal(self) -> bool:
        if self._ticks() < self._next_seal:
            return False
        note = seal(self.home, self._checkpoints, self._files)
        self._next_seal = self._ticks() + CHECKPOINT_SECONDS
        return note is not None

    # --- responders ---------------------------------------------------------------------------------------------------------

    def _make_producer(self) -> OcspProducer:
        served = [
            StatusAuthority(
                StatusCa.of(ca.id, ca.certificate), timedelta(hours=self.home.settings.ca(ca.id).ocsp_hours), ca.view.not_after
            )
            for ca in self.authority.cas.values()
        ]
        return OcspProducer(
            self.home.store,
            self._status,
            served,
            self._ocsp.sign,
            self.home.clock,
            sign_many=self._ocsp.sign_many,
            retention=RETENTION,
            faults=self._faults,
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
        if self.authority.ca(ca_id).revoked:
            return  # It signs nothing more; the responders that it has speak until they end.
        settings = self.home.settings.ca(ca_id)
        now = self.home.clock.now()
        with self.home.store.read() as tx:
            known = tx.responders.of_ca(ca_id)
        if known and known[-1].not_after - now > timedelta(days=settings.responder_days) / 2:
            return
        end = self.authority.ca(ca_id).view.not_after
        days = min(settings.responder_days, (end - now).days)
        if days < 1 or (known and known[-1].not_after > end - timedelta(days=1)):
            return  # The CA ends before: its last responder has been made.
        number = known[-1].number + 1 if known else 1
        label = f"ocsp-{ca_id}-{number}"
        public = make_key(self.home, self._custodian, label, settings.responder_algorithm, KeyUse.OCSP, by=self.chronicle.process)
        subject = ServiceSubject(
            common_name=f"{settings.common_name} OCSP {number}", organisation=self.home.settings.organisation
        )
        issued = self._service.issue_own(ca_id, RESPONDER, subject, f"ocsp:{ca_id}", spki(public), days=days)
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
    settle()
    try:
        issuer.begin()
        work(issuer, stop)
    finally:
        issuer.close()
    return 0


def settle() -> None:
    """Have the collector of cycles leave alone what is loaded by now, for it lives as long as the process, and come seldom.

    A collector that walks over everything at each full pass takes some 80 µs of each certificate; a round of orders makes tens
    of thousands of objects, and hardly a cycle.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def work(issuer: Issuer, stop: threading.Event, wait: Callable[[float], object] | None = None) -> None:
    """Take turns until `stop` is set; `wait` passes the time between two of them."""
    pause = wait or stop.wait
    patience = IDLE_SECONDS
    while not stop.is_set():
        try:
            delay = 0.0 if issuer.turn() else IDLE_SECONDS
            patience = IDLE_SECONDS
            if not issuer.holds_back:
                issuer.chronicle.all_is_well()
        except Unavailable as error:
            LOG.error("something we depend on does not answer: %s", error)
            patience = min(patience * 2, PATIENCE_SECONDS)
            delay = max(patience, error.retry_after)
            issuer.recover_first()
        except Alarm as error:
            issuer.chronicle.alarm(error)
            delay = ALARM_SECONDS
            issuer.recover_first()
        except Conflict as error:
            LOG.warning("%s; trying again", error)
            delay = IDLE_SECONDS
        except SceauError as error:
            LOG.error("one part of the work is refused; the others go on: %s", error)
            delay = ALARM_SECONDS
        # After the first turn, however it went: by then there is a responder to sign with, and others wait for its answers.
        issuer.listen()
        if delay:
            pause(delay)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
