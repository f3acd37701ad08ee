"""Checkpoints: the head of a log, signed (C2SP tlog-checkpoint).

Three lines under a signature (whose log, how many leaves, which root) that an auditor keeps outside the log's reach. Two
checkpoints of one log must be joined by a consistency proof (`merkle.verify_consistency`); when they cannot be, one of them
was shown to somebody and not to others.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass

from trust.errors import Alarm, Malformed
from trust.transparency.merkle import HASH_SIZE
from trust.transparency.note import Note, Sign, VerifierKey, parse_note, sign_note

_BODY = re.compile(r"([^\n]+)\n(0|[1-9][0-9]{0,18})\n([A-Za-z0-9+/]{43}=)\n((?:[^\n]+\n)*)")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log says it is: `size` leaves under `root`."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()
    """Lines that follow and that nobody can audit: ours has none."""

    def __post_init__(self) -> None:
        """Refuse what no checkpoint can carry.

        Raises:
            Malformed: empty origin, line break in a line, size or root out of form.
        """
        if len(self.root) != HASH_SIZE or not 0 <= self.size < 1 << 63:
            raise Malformed("a checkpoint has a size below 2^63 and a root of 32 octets")
        if any(not line or "\n" in line for line in (self.origin, *self.extensions)):
            raise Malformed("a line of a checkpoint is neither empty nor broken")

    def text(self) -> str:
        """Return the text under the signatures."""
        lines = (self.origin, str(self.size), base64.b64encode(self.root).decode(), *self.extensions)
        return "".join(f"{line}\n" for line in lines)

    def signed(self, key: VerifierKey, sign: Sign) -> Note:
        """Sign it: `sign` hands the octets to the custodian of the key.

        Raises:
            Alarm: what came back is not a signature by this key.
        """
        return sign_note(self.text(), key, sign)


def parse_checkpoint(text: str) -> Checkpoint:
    """Read the text of a checkpoint (not the note around it).

    Raises:
        Malformed: it is not one, or is not written in the one way to write it.
    """
    match = _BODY.fullmatch(text)
    if match is None:
        raise Malformed("a checkpoint is an origin, a size and a root of 32 octets, each on its line")
    origin, size, root, extensions = match.groups()
    checkpoint = Checkpoint(origin, int(size), base64.b64decode(root), tuple(extensions.split("\n")[:-1]))
    if checkpoint.text() != text:
        raise Malformed("the checkpoint is not written in its canonical form")
    return checkpoint


def open_checkpoint(note: str, key: VerifierKey) -> Checkpoint:
    """Read a signed checkpoint and believe it, because `key` signed it.

    Raises:
        Malformed: not a checkpoint.
        Alarm: not signed by that key, or signed in its name by somebody else.
    """
    parsed = parse_note(note)
    checkpoint = parse_checkpoint(parsed.text)
    if not parsed.verified_by((key,)):
        raise Alarm(f"this checkpoint of {checkpoint.origin} is not signed by {key.name}")
    return checkpoint


def cosigned(note: str, witnesses: tuple[VerifierKey, ...]) -> tuple[VerifierKey, ...]:
    """Return those of the witnesses who signed this checkpoint.

    Raises:
        Malformed, Alarm: as `open_checkpoint`.
    """
    return parse_note(note).verified_by(witnesses)
