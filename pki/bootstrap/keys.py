"""Making a key of the authority, and saying so in the journal (RFC 3647 §6.1.1, §5.4.1; CP 6.1.1).

A crash may come between the key and what it is for: whoever makes it finds it again under its label.
"""

from __future__ import annotations

import hashlib

from hsm.api import Custodian, KeyRef, KeyUse
from pki.audit.events import event
from pki.bootstrap.home import Home
from trust.algorithms import ALGORITHMS, PublicKey, spki
from trust.errors import Conflict


def make_key(home: Home, custodian: Custodian, label: str, algorithm: str, *uses: KeyUse, by: str) -> PublicKey:
    """Make a key in custody, or find the one that an earlier attempt made; return its public half.

    Args:
        home: whose key it is.
        custodian: makes and keeps it.
        label: its name, for ever.
        algorithm: its name in `trust.algorithms`.
        uses: the only ones that it will serve.
        by: which of our processes makes it.

    Raises:
        Unavailable, Alarm: the journal cannot be written. The key is there, and found at the next attempt.
    """
    what = "key.created"
    try:
        public = custodian.generate(KeyRef(label), ALGORITHMS[algorithm], frozenset(uses))
    except Conflict:
        # In a token it may be another program's doing: the journal tells what nobody here saw being made.
        what, public = "key.found", custodian.public_key(KeyRef(label))
        with home.store.read() as tx:
            if tx.journal_table.tells_of_key(label):
                return public
    facts = {"label": label, "key": hashlib.sha256(spki(public)).hexdigest(), "kind": algorithm, "by": by}
    with home.store.write() as tx:
        tx.journal.append(event(what, **facts), at=home.clock.now())
    return public
