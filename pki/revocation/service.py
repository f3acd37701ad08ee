"""Who may revoke what (RFC 3647 §4.9.2, §4.9.3; CP 4.9).

An officer of the certificate's own board, by a signed act; the holder, by a signature with the certified key, which
proves control and, for `keyCompromise`, blocks the key and takes every certificate with it; the holder who lost the key, by
a recovery code, which `pki.registration.loss` checks; the register, through `pki.registration.lifecycle`. Reasons are an
allow-list per profile, for people and for programs alike.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509

from pki.audit.events import event
from pki.faults import Faults
from pki.inventory.model import REASONS_BY_NAME, Certificate, Reason, State
from pki.issuance.approvals import Act, statement_of, verify_act
from pki.issuance.grants import account_of, check_signed_by
from pki.register.entry import RegisterEntry, standing
from pki.revocation.changes import end, release
from pki.revocation.ports import LossTransaction, RevocationStore, RevocationTransaction
from pki.settings import Settings
from trust import clock
from trust.algorithms import algorithm_of
from trust.canonical import canonical
from trust.clock import Clock
from trust.entropy import Entropy
from trust.errors import Conflict, Malformed, Missing, Refused, Unavailable, shown

ATTEMPTS = 5
"""At a demand that another certificate of the same key overtakes."""
LONGEST_DEMAND = 4096
"""Characters."""
REVOCATION = "revocation/1"
RELEASE = "release/1"
HOLDER_REVOCATION = "holder-revocation/1"
"""A demand signed with the certified key."""
OWN_REVOCATION = "own-revocation/1"
"""A demand signed with a passkey of the holder."""


class _Overtaken(Exception):
    """Another certificate of the key was prepared meanwhile."""


@dataclass(frozen=True)
class Revoked:
    """What a revocation did."""

    certificate: Certificate
    already: bool
    """It was revoked before; its date and reason stand (failure case R01)."""
    cascade: int = 0
    """Other certificates of the same key that went with it."""


def reason_named(name: str) -> Reason:
    """Return the CRLReason of that standard name.

    Raises:
        Malformed: no such reason, or one that nobody may ask for (`removeFromCRL`).
    """
    try:
        return REASONS_BY_NAME[name]
    except KeyError:
        raise Malformed(f"no revocation reason is called {shown(name)}; known: {', '.join(REASONS_BY_NAME)}") from None


def holder_statement(serial: bytes, reason: Reason, at: datetime) -> str:
    """Return what a holder signs with the certified key to revoke a certificate."""
    return canonical(
        {"type": HOLDER_REVOCATION, "serial": serial.hex(), "reason": reason.standard_name, "at": clock.text(at)}
    ).decode()


class Revocation:
    """Receives demands to revoke, hold and release."""

    def __init__(
        self,
        store: RevocationStore,
        settings: Settings,
        reasons: Mapping[str, frozenset[Reason]],
        time: Clock,
        entropy: Entropy,
        *,
        faults: Faults | None = None,
    ) -> None:
        """Serve one home; `reasons` are those that each profile allows."""
        self._store = store
        self._settings = settings
        self._reasons = reasons
        self._clock = time
        self._entropy = entropy
        self._faults = faults or Faults()

    def officer_statement(self, serial: bytes, reason: Reason, officer_id: str) -> str:
        """Return what an officer signs to revoke (or hold) a certificate of the officer's board.

        Raises:
            Missing: no such certificate, or not this officer's to see.
        """
        certificate = self._visible(serial, officer_id)
        facts = {"ca": certificate.ca, "reason": reason.standard_name}
        return statement_of(REVOCATION, officer_id, serial.hex(), self._clock.now(), facts)

    def release_statement(self, serial: bytes, officer_id: str) -> str:
        """Return what an officer signs to take a certificate off hold.

        Raises:
            Missing: no such certificate, or not this officer's to see.
        """
        certificate = self._visible(serial, officer_id)
        return statement_of(RELEASE, officer_id, serial.hex(), self._clock.now(), {"ca": certificate.ca})

    def by_officer(self, act: Act) -> Revoked:
        """Revoke or hold on an officer's signed act.

        Raises:
            Refused: no mandate over this certificate, or a reason that its profile does not allow.
            Missing: no such certificate for this officer.
            Conflict: this act served before.
        """
        now = self._clock.now()
        with self._store.write() as tx:
            certificate, said = self._of_act(tx, act, REVOCATION)
            reason = reason_named(str(said.get("reason")))
            self._check_reason(certificate, reason)
            changed = end(tx, [certificate], reason, now, act.officer)
            if changed:
                self._record_once(tx, act, now)
            if reason is Reason.KEY_COMPROMISE:
                # Claimed, not proven: this key is refused from now on, but its other certificates wait for proof.
                self._block(tx, certificate, "claimed", 1, act.officer)
        self._faults.at("revoke.committed")
        return Revoked(changed[0] if changed else certificate, already=not changed)

    def release_by_officer(self, act: Act) -> Certificate:
        """Take a certificate off hold on an officer's signed act.

        Raises:
            Refused: not on hold, or the register or a sanction is against it: what placed the hold must end it; or the act is
                older than the hold.
            Missing: no such certificate for this officer.
            Conflict: this act served before.
        """
        now = self._clock.now()
        with self._store.write() as tx:
            certificate, said = self._of_act(tx, act, RELEASE)
            if certificate.state is not State.HELD:
                certificate.released()  # raises, with the rule
            if certificate.is_held_by_a_cause:
                raise Refused(
                    f"this hold was placed by the {certificate.held_by}: only its end releases it", citation="CP 4.9.16"
                )
            self._record_once(tx, act, now)
            if certificate.revoked_at is not None and clock.parse(str(said["at"])) < certificate.revoked_at:
                raise Refused("the signature is older than this hold", citation="CP 4.9.16")
            self._refuse_while_barred(tx, certificate, now)
            released = release(tx, [certificate], now, act.officer, "released-by-officer")[0]
        self._faults.at("revoke.committed")
        return released

    def by_holder(self, statement: str, signature: bytes) -> Revoked:
        """Revoke on a signature made with the certified key: proof of control of it (CP 4.9.2).

        Raises:
            Malformed: the statement is not one.
            Refused: the signature is not by the certified key, or the reason is not allowed.
            Missing: no such certificate.
        """
        now = self._clock.now()
        if len(statement) > LONGEST_DEMAND:
            raise Malformed(f"a demand for revocation has {LONGEST_DEMAND} characters at most")
        try:
            said = json.loads(statement)
            if said["type"] != HOLDER_REVOCATION:
                raise Malformed("this is not a holder's demand for revocation")
            serial, reason = bytes.fromhex(said["serial"]), reason_named(said["reason"])
            statement.encode()  # half a character outside the basic plane has no octets that anybody signed
        except (ValueError, KeyError, TypeError, RecursionError):
            raise Malformed("this demand for revocation cannot be read") from None
        with self._store.read() as tx:  # whoever has no key holds up nobody: writing waits for a signature that is right
            found = tx.certificates.get(serial)
        if found.signature is None or not _signed_by_holder(found, statement, signature):
            raise Refused("the signature is not made with the certified key", citation="CP 4.9.2")
        for _ in range(ATTEMPTS):
            try:
                done = self._take_demand(serial, reason, statement, signature, now)
            except _Overtaken:
                continue
            self._faults.at("revoke.committed")
            return done
        raise Unavailable("certificates of this key are being made all the time: try again")

    def own_statement(self, serial: bytes, reason: Reason, holder: str) -> str:
        """Return what a holder signs with a passkey to revoke one of their own certificates.

        Raises:
            Missing: the holder has no such certificate.
        """
        with self._store.read() as tx:
            certificate = _own(tx.certificates.get(serial), holder)
        facts = {"ca": certificate.ca, "reason": reason.standard_name}
        return statement_of(OWN_REVOCATION, account_of(holder), serial.hex(), self._clock.now(), facts)

    def by_passkey(self, act: Act) -> Revoked:
        """Revoke on an act that the holder signed with a passkey just now (CP 4.9.2).

        Raises:
            Refused: somebody else's signature, or a reason that is not the holder's to give.
            Missing: the holder has no such certificate.
            Malformed: the act is not such a demand.
        """
        now = self._clock.now()
        if act.type != OWN_REVOCATION:
            raise Refused("this act asks for something else", citation="CP 4.9.2")
        said, serial = act.record(), _serial(act.target)
        reason = reason_named(str(said.get("reason")))
        if reason is Reason.CERTIFICATE_HOLD:
            raise Refused("a hold is asked of the ordre", citation="CP 4.9.14")
        with self._store.write() as tx:
            certificate = _own(tx.certificates.get(serial, lock=True), act.officer.partition(":")[2])
            check_signed_by(act, account_of(certificate.holder), tx.authenticators.keys_of(act.officer), now)
            if said.get("ca") != certificate.ca:
                raise Refused("the act names another certification authority", citation="CP 4.9.2")
            self._check_reason(certificate, reason)
            changed = end(tx, [certificate], reason, now, act.officer)
            tx.acts.add(act, self._entropy.octets(16).hex(), now)
            if reason is Reason.KEY_COMPROMISE:
                self._block(tx, certificate, "claimed", 1, act.officer)
        self._faults.at("revoke.committed")
        return Revoked(changed[0] if changed else certificate, already=not changed)

    def by_loss(self, tx: LossTransaction, holder: str, by: str, *, intents: bool = False) -> list[Certificate]:
        """Revoke what a person has, whose devices are lost or stolen, in the transaction of who proved that this is the person.

        The keys are claimed to be in other hands: they are never certified again. What the issuer is signing at this very
        moment is left alone, unless `intents` says otherwise: the issuer then raises an alarm and makes the others of its batch
        anew. The caller waits first, and comes back.

        Returns:
            What was revoked.
        """
        now = self._clock.now()
        states = (State.ISSUED, State.HELD, State.PREPARED) if intents else (State.ISSUED, State.HELD)
        live = [each for each in tx.certificates.of_holder(holder, lock=True) if each.state in states and each.not_after >= now]
        for certificate in live:
            self._check_reason(certificate, Reason.KEY_COMPROMISE)
        changed = end(tx, live, Reason.KEY_COMPROMISE, now, by)
        for certificate in changed:
            self._block(tx, certificate, "claimed", 1, by)
        return changed

    def _take_demand(self, serial: bytes, reason: Reason, statement: str, signature: bytes, now: datetime) -> Revoked:
        with self._store.write() as tx:
            certificate = tx.certificates.get(serial)
            # All rows first, in one order, then the journal: issuance does the same, and nobody waits in a circle.
            same = tx.certificates.of_key(certificate.spki_hash, lock=True)
            (certificate,) = (each for each in same if each.serial == serial)
            if reason is Reason.CERTIFICATE_HOLD:
                raise Refused("a hold is asked of the ordre", citation="CP 4.9.14")
            self._check_reason(certificate, reason)
            by = f"holder:{certificate.holder}"
            changed = end(tx, [certificate], reason, now, by)
            # What was signed is kept: whoever asks later why this certificate ended is shown it (CP 5.4.1).
            tx.acts.add(Act(by, HOLDER_REVOCATION, serial.hex(), statement, signature), self._entropy.octets(16).hex(), now)
            cascade = 0
            if reason is Reason.KEY_COMPROMISE:
                cascade = self._compromise(tx, certificate, same, by)
        return Revoked(changed[0] if changed else certificate, already=not changed, cascade=cascade)

    def _record_once(self, tx: RevocationTransaction, act: Act, now: datetime) -> None:
        # A certificate may be held and released again and again: an act of last year must not lift a hold of today.
        if not tx.acts.add(act, self._entropy.octets(16).hex(), now):
            raise Conflict("this act was recorded before: sign a new one")

    def _refuse_while_barred(self, tx: RevocationTransaction, certificate: Certificate, now: datetime) -> None:
        """Refuse to release what the register or the ordre would hold, had the officer not held it before."""
        if not certificate.holder.startswith("8"):
            return  # structures are not held
        found = tx.register.standings([certificate.holder], now).get(certificate.holder)
        why = "no longer in the register" if found is None else found.barred_for(certificate.board)
        if why is None and found is not None:
            professions = self._settings.board(certificate.board).professions
            if not standing(RegisterEntry.parse(found.entry), professions).right_to_practise:
                why = "the register shows no right to practise"
        if why is not None:
            raise Refused(f"{certificate.holder}: {why}; only the end of that releases it", citation="CP 4.9.16")

    def _compromise(self, tx: RevocationTransaction, certificate: Certificate, same: Sequence[Certificate], by: str) -> int:
        """Proven compromise: every certificate of the key ends now, and the key is never certified again (invariant I6)."""
        now = self._clock.now()
        others = [other for other in same if other.serial != certificate.serial and other.not_after >= now]
        changed = end(tx, others, Reason.KEY_COMPROMISE, now, by)
        self._block(tx, certificate, "proven", len(changed) + 1, by)
        # The journal is ours by now: an intent that was committed meanwhile is seen, one that comes later sees the block.
        if {each.serial for each in tx.certificates.of_key(certificate.spki_hash)} != {each.serial for each in same}:
            raise _Overtaken
        return len(changed)

    def _block(self, tx: LossTransaction, certificate: Certificate, how: str, certificates: int, by: str) -> None:
        now = self._clock.now()
        if tx.blocked_keys.block(certificate.spki_hash, how, now):
            facts = {"key": certificate.spki_hash.hex(), "reason": f"compromise-{how}", "by": by}
            tx.journal.append(event("key.blocked", certificates=certificates, **facts), at=now)

    def _of_act(self, tx: RevocationTransaction, act: Act, act_type: str) -> tuple[Certificate, dict[str, object]]:
        if act.type != act_type:
            raise Refused("this act asks for something else", citation="CP 4.9.2")
        officer, said = verify_act(act, tx.acts.keys(act.officer), self._settings, role="revoke", now=self._clock.now())
        certificate = tx.certificates.get(_serial(act.target), lock=True)
        if certificate.board != officer.board or certificate.state is State.PREPARED:
            raise Missing(f"no certificate has the serial number {act.target}")
        if said.get("ca") != certificate.ca:
            raise Refused("the act names another certification authority", citation="CP 4.9.2")
        return certificate, said

    def _visible(self, serial: bytes, officer_id: str) -> Certificate:
        officer = self._settings.officer(officer_id)
        with self._store.read() as tx:
            certificate = tx.certificates.get(serial)
        if certificate.board != officer.board or certificate.state is State.PREPARED:
            raise Missing(f"no certificate has the serial number {serial.hex()}")
        return certificate

    def _check_reason(self, certificate: Certificate, reason: Reason) -> None:
        allowed = self._reasons.get(certificate.profile, frozenset())
        if reason not in allowed:
            names = ", ".join(sorted(r.standard_name for r in allowed)) or "none"
            raise Refused(
                f"{reason.standard_name} is not a reason for {certificate.profile} (allowed: {names})", citation="CP 4.9.1"
            )


def _own(certificate: Certificate, holder: str) -> Certificate:
    if certificate.holder != holder or certificate.state is State.PREPARED or certificate.order_id.startswith("own:"):
        raise Missing(f"no certificate has the serial number {certificate.serial.hex()}")
    return certificate


def _serial(target: str) -> bytes:
    try:
        return bytes.fromhex(target)
    except ValueError:
        raise Malformed("this act names no serial number") from None


def _signed_by_holder(certificate: Certificate, statement: str, signature: bytes) -> bool:
    public_key = x509.load_der_x509_certificate(certificate.der).public_key()
    algorithm = algorithm_of(public_key)
    return algorithm is not None and algorithm.verifies(public_key, signature, statement.encode())
