"""The OCSP signer of the issuer process: what no stored signature can answer (RFC 9654 nonces, SHA-256 CertIDs; CP 4.10).

One question in, one reply out. The status comes from the database through `fact`, not from the store that publication reads: what
is signed here is the truth of this moment (invariant I9). It signs nothing but OCSP responses, and chooses the key itself.
Queues, threads and sockets are in `pki.adapters.signer_socket`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from pki.status.model import Status, StatusFact, archive_cutoff, window
from pki.status.presign import ResponseSigner
from pki.status.wire import Asked, Outcome, Reply, read_asked, write_reply
from trust.clock import Clock
from trust.errors import Malformed, SceauError

FindFact = Callable[[str, bytes], StatusFact | None]
"""(CA, serial) → what the database says now; None when no such certificate was surely issued."""

UNKNOWN_VALIDITY = timedelta(seconds=60)
"""A certificate may be issued the moment after: nobody should remember `unknown` for longer (failure case O02)."""

_OUTCOMES = {Status.GOOD: Outcome.GOOD, Status.REVOKED: Outcome.REVOKED}


@dataclass(frozen=True)
class LivePolicy:
    """How the signer answers."""

    validity: timedelta
    """From thisUpdate to nextUpdate."""
    sign_unknown: bool = False
    """Say `unknown`, signed, of a serial that was never issued; else the answer is the unsigned `unauthorized`."""
    retention: timedelta | None = None
    """How long status outlives a certificate: gives the archive cutoff (RFC 6960 §4.4.4). None leaves the extension out."""


class SignerService:
    """Answers the questions of publication. Called from several threads at once."""

    def __init__(self, fact: FindFact, clock: Clock, policy: LivePolicy) -> None:
        self._fact, self._clock, self._policy = fact, clock, policy
        self._signers: dict[str, ResponseSigner] = {}

    def use(self, signer: ResponseSigner) -> None:
        """Sign for its CA with this responder from now on: at start, and at each renewal."""
        self._signers[signer.authority.ca_id] = signer

    def reply(self, payload: bytes) -> bytes:
        """Answer one encoded question. Never raises for what a question, the database or the custodian can do."""
        try:
            return write_reply(self.answer(read_asked(payload)))
        except SceauError:
            return TRY_LATER

    def answer(self, asked: Asked) -> Reply:
        """Answer one question.

        Raises:
            Malformed: it names a CA that we have no responder for.
            Unavailable: the database or the custodian does not answer, or the responder has expired.
        """
        signer = self._signers.get(asked.ca_id)
        if signer is None:
            raise Malformed(f"no OCSP responder for {asked.ca_id}")
        policy = self._policy
        # The moment before the fact: a revocation that commits between the two is after thisUpdate (invariant I8).
        this_update = self._clock.now()
        fact = self._fact(asked.ca_id, asked.serial)
        if fact is None and not policy.sign_unknown:
            return Reply(Outcome.NO_RECORD)
        dates = window(this_update, UNKNOWN_VALIDITY if fact is None else policy.validity, signer.responder)
        cutoff = archive_cutoff(this_update, policy.retention, signer.authority)
        body = signer.respond(asked.serial, fact, asked.form, asked.nonce, dates, cutoff)
        return Reply(Outcome.UNKNOWN if fact is None else _OUTCOMES[fact.status], body, *dates)


TRY_LATER = write_reply(Reply(Outcome.TRY_LATER))
"""The encoded reply of a signer that has no time or no key."""
