"""Passkeys of accounts: registered, shown, named, withdrawn (W3C Web Authentication; NIST SP 800-63B §5.1.9).

A challenge is stored when it is made and deleted when it is answered, whatever the answer: none serves twice. An officer's
passkey is also one of the keys that the officer signs decisions with, and stops being one in the same transaction.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from pki.audit.events import event
from pki.authenticators.entries import Entries
from pki.authenticators.model import Account, Kind, Passkey
from pki.authenticators.ports import AuthenticatorsStore, AuthenticatorsTransaction
from pki.authenticators.webauthn import Ceremonies, Registered, read_assertion, read_challenge
from pki.settings import Settings
from trust.algorithms import spki
from trust.assertion import Assertion
from trust.clock import Clock
from trust.entropy import Entropy
from trust.errors import Conflict, Missing, Refused

CHALLENGE_OCTETS = 32
CHALLENGE_LIFE = timedelta(minutes=5)
LONGEST_NAME = 60
MOST_PASSKEYS = 10
_HASHED = b"\x02" + hashlib.sha256(b"sceau: the passkey of nobody 0").digest()
NOBODY = spki(ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), _HASHED))
"""A key whose private half nobody has: its point was hashed to."""
REGISTER, SIGN_IN = "register", "sign-in"
CITATION = "CP 5.2.3"


class Passkeys:
    """Runs the ceremonies and keeps their outcome."""

    def __init__(
        self, store: AuthenticatorsStore, settings: Settings, ceremonies: Ceremonies, time: Clock, entropy: Entropy
    ) -> None:
        """Serve one home, for one relying party."""
        self._store = store
        self._settings = settings
        self.ceremonies = ceremonies
        self._clock = time
        self._entropy = entropy
        self._entries = Entries(store, time, entropy)

    # --- a new one ----------------------------------------------------------------------------------------------------------

    def registration_options(self, account: Account, name: str) -> dict[str, Any]:
        """Begin the registration of a passkey; `name` is what the device shows its owner."""
        challenge = self._entropy.octets(CHALLENGE_OCTETS)
        with self._store.write() as tx:
            self._remember(tx, challenge, REGISTER, account)
            existing = [each for each in tx.authenticators.passkeys_of(account) if each.withdrawn_at is None]
        return self.ceremonies.creation_options(challenge, _handle(account), name, existing)

    def register_by_entry(self, token: str, code: str | None, response: Any, name: str) -> Passkey:
        """Register the passkey that a one-time link allows; the link is spent by it.

        Raises:
            Malformed, Refused: the link, the code or the authenticator's answer is no good.
            Conflict: this passkey is registered already.
        """
        account = self._entries.look(token).account if code is None else self._entries.check_code(token, code).account
        challenge = self._answered(response, REGISTER, account)
        with self._store.write() as tx:
            entry = self._entries.check(tx, token, lock=True)
            if entry.code is not None and code is None:
                raise Refused("this link asks for a code", citation=CITATION)
            passkey = self._register(tx, account, response, challenge, name, by=entry.made_by)
            tx.authenticators.use_entry(entry.id, self._clock.now())
        return passkey

    def register_another(self, account: Account, response: Any, name: str) -> Passkey:
        """Register one more passkey of somebody who has just shown one.

        Raises:
            Malformed, Refused: the authenticator's answer is no good, or there are too many.
            Conflict: this passkey is registered already.
        """
        challenge = self._answered(response, REGISTER, account)
        with self._store.write() as tx:
            return self._register(tx, account, response, challenge, name, by=account.id)

    def _register(
        self, tx: AuthenticatorsTransaction, account: Account, response: Any, challenge: bytes, name: str, *, by: str
    ) -> Passkey:
        now = self._clock.now()
        found: Registered = self.ceremonies.registered(response, challenge, now)
        if sum(each.withdrawn_at is None for each in tx.authenticators.passkeys_of(account)) >= MOST_PASSKEYS:
            raise Refused(f"an account has {MOST_PASSKEYS} passkeys at most: remove one first", citation=CITATION)
        rp_id = self.ceremonies.rp_id
        title = clean_name(name)
        held = (found.aaguid, title, found.backed_up, found.counter, now, now)
        passkey = Passkey(found.id, account, found.spki, rp_id, *held, vouched=found.vouched)
        tx.authenticators.add_passkey(passkey)
        key = hashlib.sha256(found.spki).hexdigest()
        if account.kind is Kind.OFFICER:
            officer = self._settings.officer(account.id)
            tx.acts.add_key(officer.id, found.spki, now, rp_id)
            facts = {"officer": officer.id, "ordre": officer.board, "key": key, "by": by}
            tx.journal.append(event("officer.registered", role=sorted(officer.roles), **facts), at=now)
        tx.journal.append(event("passkey.registered", account=str(account), key=key, kind=found.aaguid, by=by), at=now)
        return passkey

    # --- one that is shown --------------------------------------------------------------------------------------------------

    def sign_in_options(self, account: Account | None = None) -> dict[str, Any]:
        """Begin a sign-in: any passkey of ours, or one of an account that must show it again."""
        challenge = self._entropy.octets(CHALLENGE_OCTETS)
        with self._store.write() as tx:
            self._remember(tx, challenge, SIGN_IN, account)
            allowed = [] if account is None else [k for k in tx.authenticators.passkeys_of(account) if k.withdrawn_at is None]
        return self.ceremonies.request_options(challenge, allowed)

    def sign_in(self, response: Any, kind: Kind, account: Account | None = None) -> Passkey:
        """Verify that somebody of a kind (or this very account) shows a passkey now; return it.

        Raises:
            Malformed: it is not the answer of an authenticator.
            Refused: unknown, withdrawn, of somebody else, of another challenge: the same words for each.
        """
        try:
            return self._sign_in(response, kind, account)
        except Refused:
            with self._store.write() as tx:
                tx.authenticators.note_refusal(SIGN_IN, self._clock.now())
            raise

    def _sign_in(self, response: Any, kind: Kind, account: Account | None) -> Passkey:
        challenge = self._answered(response, SIGN_IN, account)
        passkey_id, _ = read_assertion(response)
        with self._store.write() as tx:
            found = tx.authenticators.passkey(passkey_id)
            serves = (
                found is not None
                and found.withdrawn_at is None
                and found.account.kind is kind
                and (account is None or found.account == account)
            )
            # What is not known here is verified as well, under a key that nobody has: neither the words nor the work of a refusal
            # tell which passkeys are ours (ASVS 6.3.8).
            judged = found if found is not None and serves else nobody_s(passkey_id)
            assertion = self.ceremonies.shown(response, challenge, judged)
            if found is None or not serves:
                raise Refused("this passkey is not known here", citation=CITATION)
            self._note(tx, found, assertion)
            return found

    def signature(self, account: Account, response: Any) -> tuple[Passkey, Assertion]:
        """Read the assertion by which an account signs a statement; who takes the statement verifies it.

        Raises:
            Malformed: it is not the answer of an authenticator.
            Refused: the passkey is not one of this account.
        """
        passkey_id, assertion = read_assertion(response)
        with self._store.read() as tx:
            passkey = tx.authenticators.passkey(passkey_id)
        if passkey is None or passkey.withdrawn_at is not None or passkey.account != account:
            raise Refused("this passkey is not known here", citation=CITATION)
        return passkey, assertion

    def signing_options(self, account: Account, statement: str) -> dict[str, Any]:
        """Return what the browser needs to have a passkey of this account sign a statement."""
        challenge = hashlib.sha256(statement.encode()).digest()
        return self.ceremonies.request_options(challenge, self.of(account))

    # --- those that are there -----------------------------------------------------------------------------------------------

    def of(self, account: Account) -> list[Passkey]:
        """Return the passkeys of an account that serve, oldest first."""
        with self._store.read() as tx:
            return [each for each in tx.authenticators.passkeys_of(account) if each.withdrawn_at is None]

    def rename(self, account: Account, passkey_id: bytes, name: str) -> None:
        """Give a passkey another name.

        Raises:
            Missing: this account has no such passkey.
        """
        with self._store.write() as tx:
            tx.authenticators.rename(self._own(tx, account, passkey_id).id, clean_name(name))

    def withdraw(self, account: Account, passkey_id: bytes) -> None:
        """Withdraw a passkey: it signs nothing more, and the sessions that it opened end.

        Raises:
            Missing: this account has no such passkey.
            Conflict: it is the last one: who removes it could not come back.
        """
        now = self._clock.now()
        with self._store.write() as tx:
            passkey = self._own(tx, account, passkey_id)
            if sum(each.withdrawn_at is None for each in tx.authenticators.passkeys_of(account)) == 1:
                raise Conflict("this is the last passkey of the account: register another one first")
            self._withdraw(tx, passkey, by=account.id)
            tx.authenticators.end_sessions(now, passkey=passkey.id)

    def withdraw_all(self, tx: AuthenticatorsTransaction, account: Account, *, by: str) -> int:
        """Withdraw every passkey of an account, in the caller's transaction; its sessions end. Return how many there were."""
        live = [each for each in tx.authenticators.passkeys_of(account) if each.withdrawn_at is None]
        for passkey in live:
            self._withdraw(tx, passkey, by=by)
        tx.authenticators.end_sessions(self._clock.now(), account=account)
        return len(live)

    def _withdraw(self, tx: AuthenticatorsTransaction, passkey: Passkey, *, by: str) -> None:
        now = self._clock.now()
        tx.authenticators.withdraw(passkey.id, now)
        if passkey.account.kind is Kind.OFFICER:
            tx.acts.withdraw_key(passkey.account.id, passkey.spki, now)
        key = hashlib.sha256(passkey.spki).hexdigest()
        tx.journal.append(event("passkey.withdrawn", account=str(passkey.account), key=key, by=by), at=now)

    def _own(self, tx: AuthenticatorsTransaction, account: Account, passkey_id: bytes) -> Passkey:
        passkey = tx.authenticators.passkey(passkey_id)
        if passkey is None or passkey.account != account or passkey.withdrawn_at is not None:
            raise Missing("no such passkey")
        return passkey

    # --- challenges ---------------------------------------------------------------------------------------------------------

    def _remember(self, tx: AuthenticatorsTransaction, challenge: bytes, purpose: str, account: Account | None) -> None:
        now = self._clock.now()
        tx.authenticators.forget_challenges(now)
        tx.authenticators.add_challenge(hashlib.sha256(challenge).digest(), purpose, account, now + CHALLENGE_LIFE)

    def _answered(self, response: Any, purpose: str, account: Account | None) -> bytes:
        """Take the challenge that was answered: in a transaction of its own, for it is spent whatever the answer is worth."""
        challenge = read_challenge(response)
        with self._store.write() as tx:
            known = tx.authenticators.take_challenge(hashlib.sha256(challenge).digest())
        if known is None or known[:2] != (purpose, account) or self._clock.now() >= known[2]:
            raise Refused("this question was not asked, was answered before, or is too old", citation=CITATION)
        return challenge

    def _note(self, tx: AuthenticatorsTransaction, passkey: Passkey, assertion: Assertion) -> None:
        counter = assertion.counter
        if (counter or passkey.counter) and counter <= passkey.counter:
            # §6.1.1: two devices answer for one credential. Which of them is its owner's cannot be known.
            raise Refused("this passkey has been copied: another device answers for it too", citation=CITATION)
        tx.authenticators.note_use(passkey.id, counter, self._clock.now())


def nobody_s(passkey_id: bytes) -> Passkey:
    """Return a passkey that nothing is signed with: who is refused is refused after the same work."""
    never = datetime.min.replace(tzinfo=UTC)
    return Passkey(passkey_id, Account(Kind.PERSON, "nobody"), NOBODY, "", "", "", False, 0, never, never)


def clean_name(name: str) -> str:
    """Return a name as it is kept: one line, not too long."""
    words = " ".join("".join(letter for letter in name if letter.isprintable() or letter.isspace()).split())
    return words[:LONGEST_NAME] or "Clé d'accès"


def _handle(account: Account) -> bytes:
    """Return what the device keeps of an account: no name, no number (§14.6.1)."""
    return hashlib.sha256(b"sceau account " + str(account).encode()).digest()
