"""Signing a checkpoint of the journal (C2SP tlog-checkpoint; CP 5.4.5). The one permitted caller is the seal of `pki.audit`.

Signs the text of a note with the journal's own key. It knows the shape of a note (lines of text), not the tree behind it.
"""

from __future__ import annotations

from pki.signing.door import KeyUse, SigningDoor, SigningKey
from trust.errors import Alarm

_FEWEST_LINES = 3
"""Origin, tree size, root hash."""


class CheckpointSigner:
    """Signs the checkpoints of the journal."""

    def __init__(self, door: SigningDoor) -> None:
        self._door = door

    def key(self, label: str) -> SigningKey:
        """Return the journal's key: auditors hold its public half.

        Raises:
            Missing: there is no such key.
        """
        return self._door.key(label, KeyUse.CHECKPOINT)

    def sign(self, label: str, note: bytes) -> bytes:
        """Return the signature by key `label` over the text of a note, already verified.

        Raises:
            Alarm: it is not the text of a note, or the signature does not verify.
            Unavailable: the custodian does not answer.
        """
        try:
            lines = note.decode().split("\n")
        except UnicodeDecodeError:
            lines = []
        # A note ends with a new line, so the last piece is empty; control characters could show a reader another text
        # than was signed.
        if len(lines) <= _FEWEST_LINES or lines[-1] or not all(line.isprintable() for line in lines):
            raise Alarm(f"what is to be signed is not the text of a checkpoint (key {label})")
        return self._door.sign(self.key(label), note, subject=lines[0])
