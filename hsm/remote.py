"""A `Custodian` that is another process (`hsm.daemon`): what the issuer has when the keys are opened under another user.

Each thread has a connection of its own. A connection that breaks is made again once, for the same octets; a custody
process that does not answer in time is `Unavailable`, and is asked again by whoever comes next.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from pathlib import Path
from threading import local

from cryptography.hazmat.primitives.serialization import load_der_public_key

from hsm import wire
from hsm.api import KeyDescription, KeyRef, KeyUse
from hsm.uses import SignatureCounts
from trust.algorithms import Algorithm, PublicKey
from trust.errors import Alarm, Malformed, Unavailable

_GENERATION_SECONDS = 240.0


class RemoteCustodian:
    """Keys behind a socket. Safe between threads."""

    def __init__(self, path: Path, *, patience: float = 20.0) -> None:
        """Prepare; nobody is asked yet. `patience` is in seconds, and longer than the custody process's own."""
        self._path, self._patience = path, patience
        self._mine = local()
        self._public: dict[str, PublicKey] = {}
        self._counts = SignatureCounts()

    def describe(self) -> str:
        """Say what the custody process holds keys in."""
        return f"custody process at {self._path}: {self._ask(wire.Ask('describe')).words[0]}"

    def generate(self, ref: KeyRef, algorithm: Algorithm, uses: frozenset[KeyUse]) -> PublicKey:
        """Have a key made; return its public half.

        Raises:
            Conflict, Refused, Malformed, Unavailable: as the custodian there says.
        """
        ask = wire.Ask("generate", label=ref.label, algorithm=algorithm.name, uses=[use.value for use in uses])
        return self._key(self._ask(ask, patience=_GENERATION_SECONDS, again=False))

    def public_key(self, ref: KeyRef) -> PublicKey:
        """Return the public half.

        Raises:
            Missing, Conflict, Alarm, Unavailable: as the custodian there says.
        """
        if ref.label not in self._public:
            self._public[ref.label] = self._key(self._ask(wire.Ask("public_key", label=ref.label)))
        return self._public[ref.label]

    def sign(self, ref: KeyRef, use: KeyUse, data: bytes) -> bytes:
        """Sign `data`.

        Raises:
            Missing, Refused, Alarm, Unavailable: as the custodian there says.
        """
        return self.sign_many(ref, use, (data,))[0]

    def sign_many(self, ref: KeyRef, use: KeyUse, many: Sequence[bytes]) -> list[bytes]:
        """Sign each of `many`; return the signatures in their order.

        Raises:
            Missing, Refused, Alarm, Unavailable: as `sign`. How many were signed is then not known.
        """
        signatures = self._ask(wire.Ask("sign", label=ref.label, use=use.value, many=list(many))).many
        if len(signatures) != len(many):
            raise Alarm(f"the custody process returned {len(signatures)} signatures where {len(many)} were asked")
        self._counts.add(ref.label, use, len(signatures))
        return signatures

    def labels(self) -> list[str]:
        """List the names of the keys held, sorted."""
        return self._ask(wire.Ask("labels")).words

    def description(self, ref: KeyRef) -> KeyDescription:
        """Describe a key.

        Raises:
            Missing, Conflict, Alarm, Unavailable: as the custodian there says.
        """
        label, algorithm, fingerprint, where, *uses = self._ask(wire.Ask("description", label=ref.label)).words
        return KeyDescription(label, algorithm, tuple(uses), fingerprint, where)

    def counts(self) -> dict[tuple[str, KeyUse], int]:
        """Return the signatures that this process was given, by (label, use)."""
        return self._counts.taken()

    def _key(self, reply: wire.Reply) -> PublicKey:
        try:
            return load_der_public_key(reply.many[0])
        except (ValueError, IndexError):
            raise Alarm("the custody process returned no public key") from None

    def _ask(self, ask: wire.Ask, *, patience: float | None = None, again: bool = True) -> wire.Reply:
        for attempt in (again, False):
            try:
                connection = self._connection(patience or self._patience)
                wire.send(connection, ask)
                reply = wire.receive(connection, wire.Reply)
            except Malformed:
                self._end()
                raise Alarm("the custody process answers what is no answer") from None
            except TimeoutError:
                self._end()
                raise Unavailable(f"the custody process at {self._path} did not answer in time") from None
            except OSError as error:
                self._end()
                if not attempt:
                    raise Unavailable(f"the custody process at {self._path} does not answer: {error.strerror}") from None
                continue
            if reply is not None:
                wire.raise_refusal(reply)
                return reply
            self._end()  # It ended the connection: it restarted, or does not know us.
        raise Unavailable(f"the custody process at {self._path} does not answer this user")

    def _connection(self, patience: float) -> socket.socket:
        connection: socket.socket | None = getattr(self._mine, "connection", None)
        if connection is None or self._mine.process != os.getpid():  # the child of a fork does not speak for its parent
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            connection.settimeout(min(patience, 5.0))
            try:
                connection.connect(str(self._path))
            except OSError:
                connection.close()
                raise
            self._mine.connection, self._mine.process = connection, os.getpid()
        connection.settimeout(patience)
        return connection

    def _end(self) -> None:
        connection: socket.socket | None = getattr(self._mine, "connection", None)
        if connection is not None:
            connection.close()
            self._mine.connection = None
