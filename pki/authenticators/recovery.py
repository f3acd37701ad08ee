"""Recovery codes: how somebody who lost the device proves who they are, to end everything (NIST SP 800-63B §6.2; CP 4.9.2).

A sheet of codes is made at activation, shown once, printed, and kept as hashes. A code opens no session and registers no passkey:
it only ends what there is; who comes back is let in by the ordre. A code has 80 bits, and nobody finds one by trying: the right
one is taken however many wrong ones came before it, for anybody can send those, and would keep who lost the phone from saying so.
After five wrong codes for one person within an hour, known here or not, the next are refused without being written down.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

from pki.audit.events import event
from pki.audit.journal import Journal
from pki.authenticators.entries import CODE_LETTERS, tidy
from pki.authenticators.model import Account
from trust.clock import Clock
from trust.entropy import Entropy
from trust.errors import Refused, Unavailable

CODES = 3
"""On a sheet."""
CODE_LENGTH = 16
"""Letters of 5 bits: whoever reads the database finds none of them by trying."""
MOST_FAILURES = 5
FAILURES_WITHIN = timedelta(hours=1)
CITATION = "CP 4.9.2"


class RecoveryPort(Protocol):
    """What this module needs of a database: filled by `pki.adapters.store.recovery`."""

    def replace(self, account: Account, codes: Sequence[bytes], at: datetime) -> None: ...
    def made_at(self, account: Account) -> datetime | None: ...
    def is_open(self, account: Account, code: bytes) -> bool: ...
    def use(self, account: Account, code: bytes, at: datetime) -> bool: ...
    def end(self, account: Account, at: datetime) -> None: ...
    def add_failure(self, claimed: bytes, at: datetime) -> None: ...
    def failures(self, claimed: bytes, since: datetime) -> int: ...


class RecoveryTransaction(Protocol):
    """One transaction, with what this module reads and writes."""

    @property
    def recovery(self) -> RecoveryPort: ...
    @property
    def journal(self) -> Journal: ...


class Recovery:
    """Makes sheets of codes, and takes a code back."""

    def __init__(self, time: Clock, entropy: Entropy) -> None:
        """Serve one home; the caller brings the transaction."""
        self._clock = time
        self._entropy = entropy

    def make(self, tx: RecoveryTransaction, account: Account) -> list[str]:
        """Make a sheet for an account; the codes of an earlier one end. They are readable here and nowhere else."""
        codes = [self._code() for _ in range(CODES)]
        now = self._clock.now()
        tx.recovery.replace(account, [sealed(account, code) for code in codes], now)
        tx.journal.append(event("recovery.made", account=str(account)), at=now)
        return [grouped(code) for code in codes]

    def check(self, tx: RecoveryTransaction, account: Account, code: str) -> bool:
        """Tell whether a code is one of an account's; a wrong one is counted, so the caller commits whatever the answer.

        Raises:
            Unavailable: it is wrong, and so were too many within the hour.
        """
        now = self._clock.now()
        claimed = hashlib.sha256(str(account).encode()).digest()
        if tx.recovery.is_open(account, sealed(account, tidy(code))):
            return True
        failures = tx.recovery.failures(claimed, now - FAILURES_WITHIN)
        if failures >= MOST_FAILURES:
            raise Unavailable("too many wrong codes for this person: wait an hour", retry_after=FAILURES_WITHIN.total_seconds())
        tx.recovery.add_failure(claimed, now)
        if failures + 1 == MOST_FAILURES:  # for whoever it is claimed to be: a guesser cannot tell by the time that it takes
            tx.journal.append(event("recovery.closed", account=str(account)), at=now)
        return False

    def spend(self, tx: RecoveryTransaction, account: Account, code: str) -> None:
        """Take a code back, in the transaction that ends everything; the other codes of the sheet end with it.

        Raises:
            Refused: it is not, or no longer, one of this account's.
        """
        now = self._clock.now()
        if not tx.recovery.use(account, sealed(account, tidy(code)), now):
            raise wrong()
        tx.recovery.end(account, now)

    def _code(self) -> str:
        return "".join(CODE_LETTERS[octet % len(CODE_LETTERS)] for octet in self._entropy.octets(CODE_LENGTH))


def wrong() -> Refused:
    """Return the refusal of a code: the same for a person who is unknown, who has no codes, and for a wrong code."""
    return Refused("this number and this code do not go together", citation=CITATION)


def grouped(code: str) -> str:
    """Write a code for people: in groups of four."""
    return "-".join(code[start : start + 4] for start in range(0, len(code), 4))


def sealed(account: Account, code: str) -> bytes:
    """Return how a code is kept."""
    return hmac.digest(str(account).encode(), code.encode(), "sha256")
