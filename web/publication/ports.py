"""What publication asks of the status room: an answer to the octets of a request, at once or after a signature made elsewhere.

`pki.status.answer.Answerer` and `pki.adapters.signer_client.SignerClient` stand behind these shapes in a running authority; an
integrator's test may put a small honest program there.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple, Protocol


class Answer(Protocol):
    """An OCSPResponse ready to be sent (RFC 6960 §4.2.1), or what to ask the signer before there is one."""

    @property
    def body(self) -> bytes:
        """The OCSPResponse, DER."""

    @property
    def kind(self) -> str:
        """What it says, for counting: ``good``, ``revoked``, ``missing``, …"""

    @property
    def cacheable(self) -> bool:
        """Anybody who asks the same may be given the same octets until `next_update`: no nonce, no error."""

    @property
    def this_update(self) -> datetime | None:
        """When what it says was known to be true; None for an error."""

    @property
    def next_update(self) -> datetime | None:
        """When it stops counting; None for an error."""

    @property
    def needs_signer(self) -> bytes | None:
        """What to ask the signer; None when the answer is ready."""

    def complete(self, reply: bytes | None) -> Answer:
        """Make the answer from the signer's reply; None says that there was none in time."""


class Frame(NamedTuple):
    """An OCSPResponse with a hole for the serial, 16 octets, and one for what follows the first four octets of the stored
    value."""

    head: bytes
    middle: bytes
    tail: bytes
    this_update: datetime
    next_update: datetime


class Answering(Protocol):
    """The status room, as a worker sees it."""

    def answer(self, body: bytes, now: datetime) -> Answer:
        """Answer the octets of a request. Never raises for what a request or the store can be."""

    def authority(self, form: bytes) -> bytes | None:
        """Return what stands for the authority of a plain question, given without its serial; None for any other question."""

    def value(self, key: bytes) -> bytes | None:
        """Return what is stored under that and a serial; None: ask `answer`."""

    def frame(self, value: bytes, now: datetime) -> Frame | None:
        """Return the answer around a stored value that says `good` and may be given to anybody; None: ask `answer`.

        It is the same for all values that begin with the same four octets and are as long.
        """

    on_change: Callable[[], None]
    """Called when what `authority` and `frame` said before is void."""

    def look(self) -> None:
        """Look whether the issuer published something new; called twice a second."""

    def readable(self) -> bool:
        """The status store is there and can be read."""


class Signer(Protocol):
    """The way to the signer of the issuer process."""

    async def ask(self, payload: bytes) -> bytes:
        """Return the signer's reply.

        Raises:
            Unavailable: none came in time.
        """

    def request(self, payload: bytes, done: Callable[[bytes | None], None]) -> object:
        """Have `done` called with the signer's reply, None when there is none in time; never before this returns."""
