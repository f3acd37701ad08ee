"""Access tokens: how a program gets in, in the name of an officer or of a structure (RFC 6750; CP 5.2.3).

The operator makes one; it is shown once and kept as a hash. It ends by itself after its time, with its withdrawal, and whenever
its account has no place here any more. A token only opens: what decides is signed by an officer's own key, and no token signs.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64encode
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from pki.audit.events import event
from pki.audit.journal import Journal
from pki.authenticators.model import Account, Kind
from trust import clock
from trust.clock import Clock
from trust.entropy import Entropy
from trust.errors import Conflict, Malformed, Missing, Refused

PREFIX = "sceau_"
"""How every token begins: programs that look for forgotten secrets know it by this."""
TOKEN_OCTETS = 32
ID_OCTETS = 8
LONGEST_NAME = 60
LONGEST_TOKEN = 100
LONGEST_LIFE = timedelta(days=366)
MOST = 20
"""Tokens of one account that serve at a time."""
SEEN_EVERY = timedelta(minutes=5)
"""How exactly the last use is known: a write for each request would cost more than the request."""


class Scope(StrEnum):
    """What a token opens."""

    READ = "read"
    """To see what its account may see."""
    REQUEST = "request"
    """To hand in signed requests: enrolments, certificates, structures."""
    DECIDE = "decide"
    """To hand in signed decisions: approvals, refusals, revocations, holds."""


ALLOWED = {Kind.OFFICER: frozenset(Scope), Kind.STRUCTURE: frozenset({Scope.READ, Scope.REQUEST})}
"""The scopes that each kind of account may have. A structure decides nothing."""


@dataclass(frozen=True, slots=True)
class Token:
    """One token, without the secret."""

    id: str
    """What people and logs call it."""
    digest: bytes
    """SHA-256 of the secret, which is nowhere but with its bearer."""
    account: Account
    name: str
    scopes: frozenset[Scope]
    made_by: str
    made_at: datetime
    ends_at: datetime
    used_at: datetime | None = None
    withdrawn_at: datetime | None = None


class TokensPort(Protocol):
    """Tokens, in the database."""

    def add(self, token: Token) -> None: ...
    def get(self, token_id: str) -> Token | None: ...
    def of_digest(self, digest: bytes) -> Token | None: ...
    def of_account(self, account: Account | None) -> list[Token]: ...
    def see(self, token_id: str, at: datetime) -> None: ...
    def withdraw(self, token_id: str, at: datetime) -> None: ...


class TokensTransaction(Protocol):
    """One transaction, with what tokens need."""

    @property
    def tokens(self) -> TokensPort: ...
    @property
    def journal(self) -> Journal: ...


class TokensStore(Protocol):
    """Opens transactions."""

    def write(self) -> AbstractContextManager[TokensTransaction]: ...
    def read(self) -> AbstractContextManager[TokensTransaction]: ...


class Tokens:
    """Makes tokens, and tells whose they are."""

    def __init__(self, store: TokensStore, welcome: Callable[[Account], bool], time: Clock, entropy: Entropy) -> None:
        """Serve one home; `welcome` tells whether an account has a place here now."""
        self._store = store
        self._welcome = welcome
        self._clock = time
        self._entropy = entropy

    def make(self, account: Account, name: str, scopes: Collection[Scope], lifetime: timedelta, *, by: str) -> tuple[str, Token]:
        """Make a token; return the secret, which is never seen again, and what is kept of it.

        Raises:
            Missing: this account has no place here.
            Refused: a scope that this kind of account does not have.
            Malformed: no name, no scope, or a life that is too long.
            Conflict: the account has as many as it may have.
        """
        wanted = frozenset(scopes)
        if not self._welcome(account):
            raise Missing(f"{account} has no place here: no mandate, or no approved structure")
        if excess := wanted - ALLOWED.get(account.kind, frozenset()):
            raise Refused(f"{account} cannot have the scope {min(excess)}", citation="CP 5.2.1")
        if not wanted or not name.isprintable() or not 0 < len(name.strip()) <= LONGEST_NAME:
            raise Malformed(f"a token has a scope at least, and a name of 1 to {LONGEST_NAME} characters on one line")
        if not timedelta(0) < lifetime <= LONGEST_LIFE:
            raise Malformed(f"a token lives {LONGEST_LIFE.days} days at most")
        now = self._clock.now()
        secret = PREFIX + urlsafe_b64encode(self._entropy.octets(TOKEN_OCTETS)).rstrip(b"=").decode()
        token_id = self._entropy.octets(ID_OCTETS).hex()
        token = Token(token_id, digest(secret), account, name.strip(), wanted, by, now, now + lifetime)
        with self._store.write() as tx:
            if sum(serves(each, now) for each in tx.tokens.of_account(account)) >= MOST:
                raise Conflict(f"{account} has {MOST} tokens that serve: withdraw one first")
            tx.tokens.add(token)
            facts = {"access": token.id, "account": str(account), "by": by}
            tx.journal.append(event("token.made", scopes=sorted(wanted), until=clock.text(token.ends_at), **facts), at=now)
        return secret, token

    def find(self, secret: str) -> Token | None:
        """Return the token that a secret is of, or None when it does not serve (any more): nobody is told why."""
        if not secret.isascii() or len(secret) > LONGEST_TOKEN:
            return None
        now, wanted = self._clock.now(), digest(secret)
        with self._store.read() as tx:
            token = tx.tokens.of_digest(wanted)
        # What is compared in the database is a hash of 256 random bits: how long that takes says nothing about the secret.
        if token is None or not hmac.compare_digest(token.digest, wanted) or not serves(token, now):
            return None
        if not self._welcome(token.account):
            return None
        if token.used_at is None or now - token.used_at >= SEEN_EVERY:
            with self._store.write() as tx:
                tx.tokens.see(token.id, now)
        return token

    def list(self, account: Account | None = None) -> list[Token]:
        """Return the tokens of an account, or of all, oldest first; withdrawn ones too."""
        with self._store.read() as tx:
            return tx.tokens.of_account(account)

    def withdraw(self, token_id: str, *, by: str) -> Token:
        """Withdraw a token: it opens nothing from the next request on.

        Raises:
            Missing: no such token.
            Conflict: it is withdrawn already.
        """
        now = self._clock.now()
        with self._store.write() as tx:
            token = tx.tokens.get(token_id)
            if token is None:
                raise Missing(f"no token is called {token_id!r}")
            if token.withdrawn_at is not None:
                raise Conflict(f"the token {token.id} is withdrawn already")
            tx.tokens.withdraw(token.id, now)
            tx.journal.append(event("token.withdrawn", access=token.id, account=str(token.account), by=by), at=now)
        return token


def serves(token: Token, now: datetime) -> bool:
    """Tell whether a token is neither withdrawn nor over."""
    return token.withdrawn_at is None and now < token.ends_at


def digest(secret: str) -> bytes:
    """Return how a secret is kept: whoever reads the database cannot use it."""
    return hashlib.sha256(secret.encode()).digest()
