"""Sealing the journal of one home, and the key that auditors know it by (CP 5.4.2, CP 5.4.4).

Joins the journal, its key in custody and the repository: a checkpoint is signed, kept, and published. The one that is published
is read back first: a database that was rolled back behind it is noticed before anything is signed.
"""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from pki.adapters.publication_files import PublicationFiles
from pki.audit.seal import Sealer
from pki.bootstrap.custody import open_custodian
from pki.bootstrap.home import Home
from pki.bootstrap.keyfigures import Tally
from pki.signing.checkpoint import CheckpointSigner
from pki.signing.door import SigningDoor
from trust import clock
from trust.algorithms import PublicKey
from trust.errors import Alarm
from trust.transparency.note import VerifierKey

JOURNAL_KEY = "journal"
"""Label of the journal's key in custody."""
CHECKPOINT, KEY = "journal/checkpoint", "journal/key"
"""Where the newest checkpoint and the verifier key are published."""


def verifier_key(home: Home, public_key: PublicKey) -> VerifierKey:
    """Return the journal's key under the journal's name (the origin of its checkpoints)."""
    assert isinstance(public_key, Ed25519PublicKey)  # as `create` makes it
    # Of the first CA whose key is here: the home of an offline root has a journal of its own, under the root's name.
    first = next((ca.id for ca in home.settings.cas if not ca.offline), home.settings.cas[0].id)
    return VerifierKey(f"{first}.sceau/journal", public_key.public_bytes_raw())


def published(home: Home, name: str) -> str | None:
    """Return what is published under one of the names above; None before the first checkpoint."""
    try:
        return (root(home) / name).read_text("utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise Alarm(f"the published {name} cannot be read: {error}") from None


def root(home: Home) -> Path:
    """Return the directory that publication serves."""
    return home.settings.publication / "www"


def seal(home: Home, signer: CheckpointSigner, files: PublicationFiles) -> str | None:
    """Sign the journal as it stands and publish the checkpoint; return it, or None when there was nothing new.

    Raises:
        Alarm: entries, head and checkpoints contradict each other, or the database went back. Nothing is signed.
        Conflict: another process sealed meanwhile.
    """
    verifier = verifier_key(home, signer.key(JOURNAL_KEY).public_key)
    sealer = Sealer(verifier, lambda text: signer.sign(JOURNAL_KEY, text))
    with home.store.write() as tx:
        note = sealer.seal(tx.journal_table, at=home.clock.now(), published=published(home, CHECKPOINT))
        newest = tx.journal_table.last_checkpoint()
    if newest is not None:
        # Written even when nothing was signed: a crash may have come between the commit and the file.
        files.write(CHECKPOINT, newest.encode())
        files.write(KEY, f"{verifier}\n".encode())
    return note


def examine(home: Home) -> tuple[int, datetime | None]:
    """Look whether journal, checkpoints and what is published agree; return the entries, and since when one is not sealed.

    Raises:
        Alarm: they contradict each other.
        Missing, Refused: as the keystore says.
    """
    sealer = Sealer(verifier_in_custody(home), _never)
    with home.store.read() as tx:
        head, _ = sealer.examine(tx.journal_table, published=published(home, CHECKPOINT))
        if head is None:
            return 0, None
        waiting = next(iter(tx.journal_table.entries(head.sealed.size, head.sealed.size + 1)), None)
    return head.size, clock.parse(json.loads(waiting[1])["at"]) if waiting else None


def _never(_text: bytes) -> bytes:
    raise Alarm("whoever only looks signs nothing")


def seal_now(home: Home) -> str | None:
    """Open the journal's key, seal, and publish: for an operator; the issuer does it by itself while it runs.

    Raises:
        Alarm, Conflict: as `seal`.
        Missing, Refused: as the keystore says.
    """
    custodian = open_custodian(home)
    tally = Tally(home.settings.home, "audit", custodian.counts, home.clock)
    note = seal(home, CheckpointSigner(SigningDoor(custodian)), PublicationFiles(root(home)))
    tally.look()
    return note


def verifier_in_custody(home: Home) -> VerifierKey:
    """Return the journal's key as the custodian has it, whatever is published.

    Raises:
        Missing, Refused: as the keystore says.
    """
    return verifier_key(home, CheckpointSigner(SigningDoor(open_custodian(home))).key(JOURNAL_KEY).public_key)
