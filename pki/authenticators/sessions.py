"""Sessions: short, bound to the passkey that opened them, ended everywhere at once (NIST SP 800-63B §4.2.3, §7).

Twelve hours at most, half an hour of silence, and five minutes for what asks for a fresh proof. Each request asks whether the
account still has a place here: a mandate that is gone ends its sessions at the next click.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Callable
from datetime import timedelta

from pki.authenticators.entries import digest
from pki.authenticators.model import Account, Passkey, Session
from pki.authenticators.ports import AuthenticatorsStore
from trust.clock import Clock
from trust.entropy import Entropy

LONGEST = timedelta(hours=12)
LONGEST_SILENCE = timedelta(minutes=30)
FRESH = timedelta(minutes=5)
_SEEN_EVERY = timedelta(minutes=1)
"""How exactly a session's last use is known: one write a minute, not one a click."""
TOKEN_OCTETS = 32


class Sessions:
    """Opens, finds and ends sessions."""

    def __init__(self, store: AuthenticatorsStore, welcome: Callable[[Account], bool], time: Clock, entropy: Entropy) -> None:
        """Serve one home; `welcome` tells whether an account has a place here now."""
        self._store = store
        self._welcome = welcome
        self._clock = time
        self._entropy = entropy

    def open(self, passkey: Passkey) -> str:
        """Open a session for who has just shown a passkey; return the token for the browser."""
        now = self._clock.now()
        token = urlsafe_b64encode(self._entropy.octets(TOKEN_OCTETS)).rstrip(b"=").decode()
        session = Session(digest(token), passkey.account, passkey.id, now, now, now)
        with self._store.write() as tx:
            tx.authenticators.add_session(session)
        return token

    def find(self, token: str) -> Session | None:
        """Return the session that a token opens, or None when there is none (any more)."""
        if not token.isascii() or len(token) > 64:
            return None
        now = self._clock.now()
        with self._store.read() as tx:
            session = tx.authenticators.session(digest(token))
        if (
            session is None
            or session.ended_at is not None
            or now - session.opened_at >= LONGEST
            or now - session.seen_at >= LONGEST_SILENCE
            or not self._welcome(session.account)
        ):
            return None
        if now - session.seen_at >= _SEEN_EVERY:
            with self._store.write() as tx:
                tx.authenticators.see_session(session.id, now, verified=False)
        return session

    def is_fresh(self, session: Session) -> bool:
        """Tell whether the passkey was shown so recently that it need not be shown again."""
        return self._clock.now() - session.verified_at < FRESH

    def note_proof(self, session: Session) -> None:
        """Record that the passkey was just shown again."""
        with self._store.write() as tx:
            tx.authenticators.see_session(session.id, self._clock.now(), verified=True)

    def end(self, session: Session) -> None:
        """End one session."""
        with self._store.write() as tx:
            tx.authenticators.end_sessions(self._clock.now(), session=session.id)

    def end_all(self, account: Account) -> int:
        """End every session of an account; return how many there were."""
        with self._store.write() as tx:
            return tx.authenticators.end_sessions(self._clock.now(), account=account)
