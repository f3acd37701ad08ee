"""Where publication meets the status room: the home's status store, its policy on nonces, and the way to the signer.

Made inside the worker, after the fork: a mapped store and a connection belong to one process.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from pki.adapters.signer_client import SignerClient
from pki.protocols.ocsp import read_request
from pki.status.answer import Answerer, Policy
from trust.errors import SceauError
from web.publication.ports import Frame, Signer
from web.publication.questions import QuestionReader
from web.publication.settings import Settings


class StoredStatus(Answerer):
    """Answers from the compact status store of a home, the most common one in pieces.

    `authority`, `value` and `frame` say together what `answer` says about a good certificate, and nothing about any other. What
    they save is the making of an `Answer`, and a second look at what the caller has recognised already: half of what an answer
    costs.
    """

    def __init__(self, store: Path, signer: Signer | None, policy: Policy) -> None:
        super().__init__(store, signer, policy, QuestionReader(read_request))
        self.on_change: Callable[[], None] = lambda: None
        """Called when another store, or another authority in it, was published: what was learnt of the one before is void."""

    def look(self) -> None:
        """Look whether the issuer published something new."""
        before = self._prefixes
        super().look()
        if self._prefixes is not before:
            self.on_change()

    def authority(self, form: bytes) -> bytes | None:
        """Return what stands for the authority of a plain question, given without its serial; None for any other question."""
        return self._prefixes.get(form)

    def value(self, key: bytes) -> bytes | None:
        """Return what is stored about a certificate (`key`: its authority, its serial); None for nothing, or when the store is
        away."""
        try:
            return self.reader.get(key)
        except SceauError:
            return None

    def frame(self, value: bytes, now: datetime) -> Frame | None:
        """Return the answer around a stored value that says `good`; None for another status, an expired batch, or one not met
        before."""
        shape = self._shapes.get((value[:4], len(value), -1))
        if shape is None or now >= shape.next_update:
            return None
        head, middle, tail = shape.parts
        return Frame(head, middle, tail, shape.this_update, shape.next_update)

    def readable(self) -> bool:
        """The store is there, can be read, and knows at least one authority."""
        try:
            self.reader.refresh()
            return bool(self.reader.authorities())
        except SceauError:
            return False


def connect(settings: Settings) -> tuple[StoredStatus, Signer]:
    """Open the status store of a home, which may not be there yet, and the way to its signer, which may be away."""
    limits = settings.limits
    signer = SignerClient(settings.signer, deadline=limits.signer_seconds, waiting=limits.signer_requests)
    return StoredStatus(settings.store, signer, Policy(nonce=settings.nonce)), signer
