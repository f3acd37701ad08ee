"""Answering status requests without a key (RFC 6960 §2, RFC 5019, RFC 9654; CP 4.9.9).

The common question is a constant prefix and a serial: it is recognised as octets, its record is read, and the response is joined
around the stored signature. Everything else is parsed, and what no stored signature answers is handed to the signer. `good` is
said only of a serial that has a record, or that the signer vouches for (invariant I9); nothing is said past its nextUpdate (P8).
This module never signs, and does no I/O but the store's: the caller awaits the signer.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from time import monotonic
from typing import Literal, NamedTuple, Protocol

from pki.status import records, response, wire
from pki.status.model import SERIAL_SIZE, SHA1, Authority, HashForm
from pki.status.reader import StatusReader
from pki.status.wire import Outcome
from trust import der
from trust.errors import Alarm, Malformed, SceauError

LOOK_EVERY = 0.5
"""Seconds between two looks for a new generation or a new authority."""
SHAPES = 16_384
"""Compiled responses kept; a batch takes three or four (one per signature length and reason); what they share is kept once."""
CERTIFICATE_HOLD = 6


class Kind(StrEnum):
    """What an answer was, for the counters."""

    GOOD = "good"
    REVOKED = "revoked"
    UNKNOWN = "unknown"
    MALFORMED = "malformed"
    FOREIGN = "foreign"
    """An issuer that is not ours, or a hash that we do not speak: unauthorized."""
    MISSING = "missing"
    """A serial of ours that was never issued: unauthorized."""
    CRITICAL = "critical"
    """A critical extension that we do not know: unauthorized."""
    STALE = "stale"
    """A record past its nextUpdate: tryLater. Someone must look at the issuer."""
    UNAVAILABLE = "unavailable"
    """The store cannot be read: tryLater."""
    PENDING = "pending"
    """The signer must be asked."""
    UNSIGNED = "unsigned"
    """The signer did not answer in time: tryLater."""
    DISAGREEMENT = "disagreement"
    """The store says revoked and the signer good: tryLater. Someone must look."""


class Answer(NamedTuple):
    """An answer, or what to do until there is one.

    With `needs_signer` set, ask the signer and call `complete`; `body` is what to send meanwhile if it cannot be asked.
    """

    body: bytes
    """A complete OCSPResponse, DER."""
    kind: Kind
    cacheable: bool = False
    """Whether another client may be given the same octets until `next_update`. Errors and nonces never are."""
    this_update: datetime | None = None
    next_update: datetime | None = None
    produced: datetime | None = None
    needs_signer: bytes | None = None
    """The question to the signer, encoded (`pki.status.wire`)."""
    context: Pending | None = None
    """What the answerer remembers of the question until then."""

    def complete(self, reply: bytes | None) -> Answer:
        """Make the answer from the signer's reply (None: none came in time). An answer that waits for nobody is itself."""
        return self if self.context is None else self.context.answerer.complete(self.context, reply)


class Pending(NamedTuple):
    """A question that waits for the signer."""

    answerer: Answerer
    asked_at: datetime
    form: HashForm
    key: bytes
    """Its key in the store."""
    stored: bytes | None
    """What the store held when the signer was asked."""
    nonce: bool
    fallback: Answer
    """The answer if the signer gives none."""


@dataclass(frozen=True)
class Policy:
    """What the operator decides about answers (CPS 4.10)."""

    nonce: Literal["ignore", "sign"] = "sign"
    """Answer a nonce with a fresh signature, or as if it were absent (RFC 9654 §2.1 allows both)."""
    missing: Literal["unauthorized", "ask"] = "unauthorized"
    """A serial without a record: say `unauthorized`, or let the signer look in the database (it may sign `unknown`)."""
    remembered: int = 4096
    """Signed answers without nonce kept for the next one who asks; 0 for none."""


class Signer(Protocol):
    """The way to the signer, as `pki.adapters.signer_client` makes it."""

    async def ask(self, payload: bytes) -> bytes:
        """Return the signer's reply.

        Raises:
            Unavailable: none came in time.
        """
        ...


Question = tuple[str, bool, bytes, bytes, bytes, bytes | None, bool]
"""A parsed request, field by field as `pki.protocols.ocsp.Question` has them: hash, whether its parameters are spelled out, name
hash, key hash, serial, nonce, and whether an unknown extension is critical."""


class _Shape(NamedTuple):
    """A response with holes for the serial, the revocation time (if revoked) and the signature."""

    parts: list[bytes]
    this_update: datetime
    next_update: datetime
    produced: datetime


_MALFORMED = Answer(response.MALFORMED_REQUEST, Kind.MALFORMED)
_FOREIGN = Answer(response.UNAUTHORIZED, Kind.FOREIGN)
_MISSING = Answer(response.UNAUTHORIZED, Kind.MISSING)
_CRITICAL = Answer(response.UNAUTHORIZED, Kind.CRITICAL)
_STALE = Answer(response.TRY_LATER, Kind.STALE)
_UNAVAILABLE = Answer(response.TRY_LATER, Kind.UNAVAILABLE)
_UNSIGNED = Answer(response.TRY_LATER, Kind.UNSIGNED)
_DISAGREEMENT = Answer(response.TRY_LATER, Kind.DISAGREEMENT)
_KINDS = {Outcome.GOOD: Kind.GOOD, Outcome.REVOKED: Kind.REVOKED, Outcome.UNKNOWN: Kind.UNKNOWN}


class Answerer:
    """Answers from one store. One per thread of one process, made after fork."""

    def __init__(self, store: Path, signer: Signer | None, policy: Policy, read_request: Callable[[bytes], Question]) -> None:
        """Open a store, which may still be missing: answers are `tryLater` until it is there.

        `read_request` is `pki.protocols.ocsp.read_request`, handed in because codecs live above this room.
        """
        self.signer, self.policy, self._read = signer, policy, read_request
        self.reader = StatusReader(store)
        self._prefixes: dict[bytes, bytes] = {}
        """Everything of a plain SHA-1 request but its serial → first octet of the store key."""
        self._issuers: dict[tuple[bytes, bytes], bytes] = {}
        """(name hash, key hash) → first octet of the store key."""
        self._authorities: dict[int, Authority] = {}
        self._shapes: dict[tuple[bytes, int, int], _Shape] = {}
        """(first octets of the value, its length, reason or -1) → the response around it."""
        self._shared: dict[bytes, bytes] = {}
        self._signed: OrderedDict[tuple[HashForm, bytes], tuple[bytes, Answer]] = OrderedDict()
        self._look_at = 0.0

    def answer(self, body: bytes, now: datetime) -> Answer:
        """Answer a request. Never raises for what a request or the store can be."""
        if monotonic() >= self._look_at:
            self.look()
        authority = self._prefixes.get(body[:-SERIAL_SIZE])
        try:
            if authority is None:
                return self._parsed(body, now)
            key = authority + body[-SERIAL_SIZE:]
            value = self.reader.get(key)
            return self._stored(key, value, now) if value is not None else self._missing(SHA1, key, None, now)
        except Malformed:
            return _MALFORMED
        except (SceauError, IndexError):  # IndexError: a stored value too short to be one
            return _UNAVAILABLE

    async def respond(self, body: bytes, now: datetime) -> Answer:
        """Answer a request, asking the signer if it must be."""
        answer = self.answer(body, now)
        if answer.needs_signer is None or self.signer is None:
            return answer
        try:
            reply = await self.signer.ask(answer.needs_signer)
        except SceauError:
            return answer.complete(None)
        return answer.complete(reply)

    def complete(self, waiting: Pending, reply: bytes | None) -> Answer:
        """Turn the signer's reply (None: there was none in time) to a pending question into the answer."""
        try:
            signed = wire.read_reply(reply) if reply is not None else wire.Reply(Outcome.TRY_LATER)
        except Malformed:
            return waiting.fallback
        if signed.outcome is Outcome.NO_RECORD:
            return _MISSING
        kind = _KINDS.get(signed.outcome)
        if kind is None or signed.next_update is None or signed.next_update <= waiting.asked_at:
            return waiting.fallback
        if kind is not Kind.REVOKED and waiting.stored is not None and _revoked_for_good(waiting.stored):
            return _DISAGREEMENT
        cacheable = not waiting.nonce and kind is not Kind.UNKNOWN
        answer = Answer(signed.body, kind, cacheable, signed.this_update, signed.next_update, signed.this_update)
        if cacheable and waiting.stored is not None:
            self._remember((waiting.form, waiting.key), waiting.stored, answer)
        return answer

    def close(self) -> None:
        """Let go of the store."""
        self.reader.close()

    def look(self) -> None:
        """Look for a new generation or a new authority. `answer` does, twice a second; a server may when it is idle."""
        self._look_at = monotonic() + LOOK_EVERY
        if not self.reader.refresh():
            return
        self._forget_shapes()  # batches are numbered within a generation
        try:
            authorities = self.reader.authorities()
        except SceauError:
            return
        self._authorities = authorities
        self._prefixes = {_prefix(authority): bytes((index,)) for index, authority in authorities.items()}
        self._issuers = {
            authority.hashes(name): bytes((index,)) for index, authority in authorities.items() for name in ("sha1", "sha256")
        }

    # -- The common question -----------------------------------------------------------------------------------------------------

    def _stored(self, key: bytes, value: bytes, now: datetime) -> Answer:
        if value[0] < 0x80:
            shape = self._shapes.get((value[:4], len(value), -1)) or self._compile(key[0], value)
            if now >= shape.next_update:
                return _STALE
            head, middle, tail = shape.parts
            body = b"".join((head, key[1:], middle, value[4:], tail))
            # As Answer(…), at a third of its price: this line is every answer's.
            return tuple.__new__(
                Answer, (body, Kind.GOOD, True, shape.this_update, shape.next_update, shape.produced, None, None)
            )
        shape = self._shapes.get((value[:4], len(value), value[8])) or self._compile(key[0], value)
        if now >= shape.next_update:
            return _STALE
        head, before, after, tail = shape.parts
        since = response.time_text(records.moment(int.from_bytes(value[4:8], "big")))
        body = b"".join((head, key[1:], before, since, after, value[9:], tail))
        return Answer(body, Kind.REVOKED, True, shape.this_update, shape.next_update, shape.produced)

    def _compile(self, index: int, value: bytes) -> _Shape:
        stored = records.read_value(value)
        batch = self.reader.batch(stored.batch)
        authority = self._authorities[index]
        if authority.ca_id != batch.responder.ca_id:
            raise Alarm(f"batch {batch.number} of the status store is not of {authority.ca_id}")
        signature_size = len(stored.signature)
        if stored.revoked_at is None:

            def good(serial: bytes, signature: bytes) -> bytes:
                return response.batch_response(authority, batch, SHA1, serial, response.GOOD, signature)

            parts, reason = response.cut(good, SERIAL_SIZE, signature_size), -1
        else:

            def revoked(serial: bytes, since: bytes, signature: bytes) -> bytes:
                status = response.revoked(since, stored.reason)
                return response.batch_response(authority, batch, SHA1, serial, status, signature)

            parts, reason = response.cut(revoked, SERIAL_SIZE, 15, signature_size), value[8]
        if len(self._shapes) >= SHAPES:
            self._forget_shapes()
        shape = _Shape(
            [self._shared.setdefault(part, part) for part in parts], batch.this_update, batch.next_update, batch.produced_at
        )
        self._shapes[value[:4], len(value), reason] = shape
        return shape

    def _forget_shapes(self) -> None:
        self._shapes.clear()
        self._shared.clear()

    # -- The other questions -----------------------------------------------------------------------------------------------------

    def _parsed(self, body: bytes, now: datetime) -> Answer:
        hash_name, null_parameters, name_hash, key_hash, serial, nonce, unknown_critical = self._read(body)
        if not self._issuers:
            return _UNAVAILABLE
        if unknown_critical:
            return _CRITICAL
        authority = self._issuers.get((name_hash, key_hash))
        if authority is None or not hash_name:
            return _FOREIGN
        if len(serial) != SERIAL_SIZE:
            return _MISSING
        if self.signer is None or self.policy.nonce == "ignore":
            nonce = None
        form, key = HashForm(hash_name, null_parameters), authority + serial
        value = self.reader.get(key)
        if value is None:
            return self._missing(form, key, nonce, now)
        if nonce is not None:
            return self._ask(Pending(self, now, form, key, value, True, _UNSIGNED), nonce)
        stored = self._stored(key, value, now)
        if form == SHA1 or stored is _STALE:
            return stored
        remembered = self._recall((form, key), value, now)
        if remembered is not None:
            return remembered
        # A SHA-1 CertID that only leaves the NULL out: the stored answer names the same certificate, and is better than none.
        fallback = stored if form.name == "sha1" else _UNSIGNED
        return self._ask(Pending(self, now, form, key, value, False, fallback), None)

    def _missing(self, form: HashForm, key: bytes, nonce: bytes | None, now: datetime) -> Answer:
        if self.policy.missing != "ask" or self.signer is None:
            return _MISSING
        return self._ask(Pending(self, now, form, key, None, nonce is not None, _UNSIGNED), nonce)

    def _ask(self, waiting: Pending, nonce: bytes | None) -> Answer:
        if self.signer is None:
            return waiting.fallback if waiting.fallback is not _UNSIGNED else _FOREIGN
        ca_id = self._authorities[waiting.key[0]].ca_id
        asked = wire.write_asked(wire.Asked(ca_id, waiting.form, waiting.key[1:], nonce))
        return Answer(waiting.fallback.body, Kind.PENDING, needs_signer=asked, context=waiting)

    def _remember(self, name: tuple[HashForm, bytes], stored: bytes, answer: Answer) -> None:
        if self.policy.remembered:
            self._signed[name] = (stored, answer)
            if len(self._signed) > self.policy.remembered:
                self._signed.popitem(last=False)

    def _recall(self, name: tuple[HashForm, bytes], stored: bytes, now: datetime) -> Answer | None:
        found = self._signed.get(name)
        if found is None:
            return None
        known, answer = found
        # The stored value is new whenever the status is: an answer signed before that is not repeated.
        if known != stored or answer.next_update is None or answer.next_update <= now:
            del self._signed[name]
            return None
        self._signed.move_to_end(name)
        return answer


def _prefix(authority: Authority) -> bytes:
    """Everything of a request without extensions but the serial: DER makes it constant for an issuer and 16 octets of serial."""
    identifier = response.cert_id(authority, SHA1, bytes(SERIAL_SIZE))
    return der.sequence(der.sequence(der.sequence(der.sequence(identifier))))[:-SERIAL_SIZE]


def _revoked_for_good(value: bytes) -> bool:
    stored = records.read_value(value)
    return stored.revoked_at is not None and stored.reason != CERTIFICATE_HOLD
