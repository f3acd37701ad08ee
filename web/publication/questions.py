"""Questions like those read before: all but the serial and the nonce is the same, octet for octet.

`pki.protocols.ocsp.read_request` reads a request strictly, in 20 µs; a client's next request differs from its last in a serial of
16 octets and a nonce of a fixed length. What surrounds those two was checked the first time, lengths included, so that the next
reading only compares octets and cuts two fields out. Whatever is not of a form read before is read strictly.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

Question = tuple[str, bool, bytes, bytes, bytes, bytes | None, bool]
"""Hash, whether its parameters are spelled out, name hash, key hash, serial, nonce, unknown critical extension."""

_SERIAL = 16
_FORMS_PER_LENGTH = 8
_LENGTHS = 64


class _Form(NamedTuple):
    """A request with two holes, the serial's and the nonce's; the nonce lies after the serial."""

    before: bytes
    between: bytes
    after: bytes
    nonce_at: int
    question: Question


class QuestionReader:
    """Reads requests, and remembers their forms."""

    def __init__(self, read: Callable[[bytes], Question]) -> None:
        self._read = read
        self._forms: dict[int, list[_Form]] = {}

    def __call__(self, body: bytes) -> Question:
        """Read a request.

        Raises:
            Malformed: as the strict reader says.
        """
        for form in self._forms.get(len(body), ()):
            before, between, after, nonce_at, question = form
            at = len(before)
            # A first octet of 0x01 to 0x7F makes any 16 octets an INTEGER in its shortest form, and a positive one.
            if (
                body.startswith(before)
                and 0 < body[at] < 0x80
                and body[at + _SERIAL : nonce_at] == between
                and body.endswith(after)
            ):
                serial, nonce = body[at : at + _SERIAL], body[nonce_at : len(body) - len(after)]
                return (*question[:4], serial, nonce, False)
        question = self._read(body)
        self._learn(body, question)
        return question

    def _learn(self, body: bytes, question: Question) -> None:
        serial, nonce, critical = question[4:]
        if len(serial) != _SERIAL or nonce is None or critical:
            return
        # What a field holds may also stand elsewhere in the octets: only a form in which both are found once is remembered.
        if body.count(serial) != 1 or body.count(nonce) != 1:
            return
        at, nonce_at = body.find(serial), body.find(nonce)
        if nonce_at < at + _SERIAL:
            return
        forms = self._forms.setdefault(len(body), [])
        if len(forms) >= _FORMS_PER_LENGTH or len(self._forms) > _LENGTHS:
            self._forms = {len(body): (forms := [])}
        forms.append(_Form(body[:at], body[at + _SERIAL : nonce_at], body[nonce_at + len(nonce) :], nonce_at, question))
