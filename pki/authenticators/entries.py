"""One-time links: how somebody who has no passkey yet gets in, once (NIST SP 800-63B §6.1.2: a binding code).

A link holds 128 random bits and is kept as a hash; it names one account, ends after its time, and is spent by the passkey that it
lets register, in the same transaction. A link may ask for a code that came by another channel: three wrong ones end it, so that
who only reads the mail gets nowhere.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import timedelta

from pki.audit.events import event
from pki.authenticators.model import Account, Entry
from pki.authenticators.ports import AuthenticatorsStore, AuthenticatorsTransaction
from trust.clock import Clock
from trust.entropy import Entropy
from trust.errors import Refused

TOKEN_OCTETS = 16
CODE_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""Without those that are read for others. 32 of them: 5 bits each."""
CODE_LENGTH = 8
MOST_FAILURES = 3
CODE = "code"
"""What was refused, as it is counted."""
CITATION = "CP 5.2.3"


@dataclass(frozen=True, slots=True)
class Made:
    """A new entry: what goes into the link, and what comes by the other channel."""

    token: str
    code: str | None
    entry: Entry


class Entries:
    """Makes entries, and tells whose they are."""

    def __init__(self, store: AuthenticatorsStore, time: Clock, entropy: Entropy) -> None:
        """Serve one home."""
        self._store = store
        self._clock = time
        self._entropy = entropy

    def invite(self, account: Account, lifetime: timedelta, *, by: str, with_code: bool = False) -> Made:
        """Make an entry for an account; earlier ones of it end. Nothing is sent."""
        with self._store.write() as tx:
            return self.make(tx, account, lifetime, by=by, with_code=with_code)

    def make(
        self, tx: AuthenticatorsTransaction, account: Account, lifetime: timedelta, *, by: str, with_code: bool = False
    ) -> Made:
        """Do the same in the caller's transaction."""
        now = self._clock.now()
        token = urlsafe_b64encode(self._entropy.octets(TOKEN_OCTETS)).rstrip(b"=").decode()
        code = self._code() if with_code else None
        entry = Entry(digest(token), account, None if code is None else _sealed(token, code), 0, by, now, now + lifetime)
        tx.authenticators.end_entries(account, now)
        tx.authenticators.add_entry(entry)
        tx.journal.append(event("entry.made", account=str(account), by=by), at=now)
        return Made(token, code, entry)

    def look(self, token: str) -> Entry:
        """Return the entry that a link opens.

        Raises:
            Refused: it is unknown, spent or too old; the same words for each.
        """
        with self._store.read() as tx:
            return self.check(tx, token)

    def check(self, tx: AuthenticatorsTransaction, token: str, *, lock: bool = False) -> Entry:
        """Do the same in the caller's transaction."""
        entry = tx.authenticators.entry(digest(token), lock=lock) if len(token) <= 64 and token.isascii() else None
        if entry is None or entry.used_at is not None or self._clock.now() >= entry.ends_at or entry.failures >= MOST_FAILURES:
            raise Refused("this link is unknown, was used before or is too old", citation=CITATION)
        return entry

    def check_code(self, token: str, code: str) -> Entry:
        """Check the code that goes with a link; a wrong one is counted, and the third ends the link.

        Raises:
            Refused: the link is no good, or the code is wrong.
        """
        with self._store.write() as tx:
            entry = self.check(tx, token, lock=True)
            if entry.code is None or hmac.compare_digest(entry.code, _sealed(token, tidy(code))):
                return entry
            tx.authenticators.fail_entry(entry.id)
            tx.authenticators.note_refusal(CODE, self._clock.now())
            tx.journal.append(event("entry.failed", account=str(entry.account)), at=self._clock.now())
        raise Refused("this code is not the one that goes with this link", citation=CITATION)

    def _code(self) -> str:
        return "".join(CODE_LETTERS[octet % len(CODE_LETTERS)] for octet in self._entropy.octets(CODE_LENGTH))


def digest(token: str) -> bytes:
    """Return how a token is kept: whoever reads the database cannot use it."""
    return hashlib.sha256(token.encode()).digest()


def tidy(code: str) -> str:
    """Read a code as people type it: small letters, spaces and hyphens do not count."""
    return "".join(letter for letter in code.upper() if letter not in " -\u00a0\t")[:64]


def _sealed(token: str, code: str) -> bytes:
    # The token is the key: without it, 40 bits could be tried one after the other by who has read the database.
    return hmac.digest(token.encode(), code.encode(), "sha256")
