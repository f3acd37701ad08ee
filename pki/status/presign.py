"""Signing status, in bulk and one at a time (RFC 6960 §4.2.1; CP 4.10).

`presign` signs a batch for the store: the octets that certificates have in common are joined once, so that each costs its
signature and little else. `respond` signs one whole response for a question that no stored signature answers (a nonce, SHA-256).
The key stays behind `sign`, which the caller takes from the custodian's door. Nothing here reads the database or the store.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice

from pki.status import response
from pki.status.model import SERIAL_SIZE, SHA1, Authority, Batch, HashForm, Responder, Status, StatusFact
from pki.status.records import revoked_fields
from trust.errors import Alarm

Sign = Callable[[bytes], bytes]
"""Signs with the key of one responder: octets in, signature out; raises Unavailable when the custodian does not answer."""
SignMany = Callable[[Sequence[bytes]], list[bytes]]
"""The same for many at once: what a token that is far away takes its time for is then asked in one breath."""
TOGETHER = 250
"""Statuses that are signed at once."""

TEMPLATES = 64
"""Compiled answers kept: those of the last seconds, by form and length of nonce."""


class ResponseSigner:
    """One responder of one CA, at work."""

    def __init__(
        self,
        authority: Authority,
        responder: Responder,
        sign: Sign,
        *,
        sign_many: SignMany | None = None,
        verify_every: int = 1000,
    ) -> None:
        """Join a CA, a responder's certificate, and the signature of its key; `sign_many` is the same key's.

        `verify_every`: the first signature of a batch and every so many after it are verified. All of them would triple the cost.

        Raises:
            ValueError: the responder is another CA's.
        """
        if responder.ca_id != authority.ca_id:
            raise ValueError(f"a responder of {responder.ca_id} does not speak for {authority.ca_id}")
        self.authority, self.responder, self._sign = authority, responder, sign
        self._sign_many: SignMany = sign_many or (lambda many: [sign(data) for data in many])
        self._verify_every = verify_every
        # Written by several threads: each entry is a function of its key, so it does not matter whose stays.
        self._templates: dict[tuple[HashForm, int | None, tuple[datetime, datetime], datetime | None], list[bytes]] = {}
        self._envelopes: dict[tuple[int, int], list[bytes]] = {}

    def presign(self, facts: Iterable[StatusFact], batch: Batch) -> Iterator[tuple[bytes, bytes]]:
        """Sign the statuses of a batch under SHA-1 CertIDs; yield (serial, stored value).

        Raises:
            Alarm: a signature does not verify under the responder's certificate.
            Unavailable: the custodian does not answer.
            ValueError: the batch is another responder's, a serial is not 16 octets, or a fact says neither good nor revoked.
        """
        if batch.responder != self.responder:
            raise ValueError("a batch is signed by its own responder")
        every, waits = self._verify_every, iter(facts)
        head, tail = self._around_good(batch)
        good, count = batch.good_prefix, 0
        while some := list(islice(waits, TOGETHER)):
            many, prefixes = [], []
            for fact in some:
                if len(fact.serial) != SERIAL_SIZE:
                    raise ValueError("a serial of ours has 16 octets")
                if fact.status is Status.GOOD:
                    many.append(head + fact.serial + tail)
                    prefixes.append(good)
                else:
                    data, fields = self._revoked(fact, batch)
                    many.append(data)
                    prefixes.append(batch.revoked_prefix + fields)
            signatures = self._sign_many(many)
            for place in range(-count % every, len(some), every):
                self._verify(signatures[place], many[place])
            count += len(some)
            for fact, prefix, signature in zip(some, prefixes, signatures, strict=True):
                yield fact.serial, prefix + signature

    def respond(
        self,
        serial: bytes,
        fact: StatusFact | None,
        form: HashForm,
        nonce: bytes | None,
        window: tuple[datetime, datetime],
        archive_cutoff: datetime | None = None,
    ) -> bytes:
        """Sign one whole OCSPResponse; a fact of None says `unknown`. `window` is (thisUpdate, nextUpdate); producedAt is the
        first.

        Raises:
            Unavailable: the custodian does not answer.
        """
        data = self._data(serial, fact, form, nonce, window, archive_cutoff)
        signature = self._sign(data)
        before, between, after = self._envelope(len(data), len(signature))
        return before + data + between + signature + after

    def _data(
        self,
        serial: bytes,
        fact: StatusFact | None,
        form: HashForm,
        nonce: bytes | None,
        window: tuple[datetime, datetime],
        archive_cutoff: datetime | None,
    ) -> bytes:
        status = response.UNKNOWN if fact is None else _status(fact)

        def build(serial: bytes, nonce: bytes | None = None) -> bytes:
            identifier = response.cert_id(self.authority, form, serial)
            single = response.single_response(identifier, status, *window, archive_cutoff)
            return response.response_data(self.responder.key_hash, window[0], single, nonce)

        if status is not response.GOOD:
            return build(serial, nonce)
        # Nearly every answer is good, and those of one second differ in serial and nonce alone.
        size = None if nonce is None else len(nonce)
        parts = self._templates.get((form, size, window, archive_cutoff))
        if parts is None:
            if len(self._templates) >= TEMPLATES:
                self._templates.clear()
            parts = response.cut(build, SERIAL_SIZE) if size is None else response.cut(build, SERIAL_SIZE, size)
            self._templates[form, size, window, archive_cutoff] = parts
        return parts[0] + serial + parts[1] + (nonce + parts[2] if nonce is not None else b"")

    def _envelope(self, data_size: int, signature_size: int) -> list[bytes]:
        parts = self._envelopes.get((data_size, signature_size))
        if parts is None:

            def build(data: bytes, signature: bytes) -> bytes:
                return response.successful(data, self.responder.algorithm, signature, self.responder.certificate_der)

            parts = self._envelopes[data_size, signature_size] = response.cut(build, data_size, signature_size)
        return parts

    def _around_good(self, batch: Batch) -> list[bytes]:
        def build(serial: bytes) -> bytes:
            return response.batch_data(self.authority, batch, SHA1, serial, response.GOOD)

        return response.cut(build, SERIAL_SIZE)

    def _revoked(self, fact: StatusFact, batch: Batch) -> tuple[bytes, bytes]:
        status = _status(fact)
        assert fact.revoked_at is not None
        return response.batch_data(self.authority, batch, SHA1, fact.serial, status), revoked_fields(fact.revoked_at, fact.reason)

    def _verify(self, signature: bytes, data: bytes) -> None:
        if not self.responder.algorithm.verifies(self.responder.public_key, signature, data):
            raise Alarm(f"the key {self.responder.key_label} does not sign as the responder's certificate says it does")


def _status(fact: StatusFact) -> bytes:
    if fact.status is Status.GOOD:
        return response.GOOD
    if fact.status is not Status.REVOKED or fact.revoked_at is None:
        raise ValueError("a fact is good, or revoked since a moment")
    return response.revoked(response.time_text(fact.revoked_at), fact.reason or None)
