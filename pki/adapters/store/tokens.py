"""Access tokens, and what programs were given to sign, in the database."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from pki.adapters.store.certificates import moment, seconds
from pki.adapters.store.tables import drafts, tokens
from pki.authenticators.model import Account
from pki.authenticators.tokens import Scope, Token


class Tokens:
    """Fills `pki.authenticators.tokens.TokensPort`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, token: Token) -> None:
        """Store a new token."""
        values = {
            "id": token.id,
            "digest": token.digest,
            "account": str(token.account),
            "name": token.name,
            "scopes": " ".join(sorted(token.scopes)),
            "made_by": token.made_by,
            "made_at": seconds(token.made_at),
            "ends_at": seconds(token.ends_at),
        }
        self._connection.execute(insert(tokens).values(**values))

    def get(self, token_id: str) -> Token | None:
        """Return the token of an identifier, withdrawn or not."""
        row = self._connection.execute(select(tokens).where(tokens.c.id == token_id).with_for_update()).one_or_none()
        return None if row is None else _token(row)

    def of_digest(self, digest: bytes) -> Token | None:
        """Return the token whose secret has this hash, withdrawn or not."""
        row = self._connection.execute(select(tokens).where(tokens.c.digest == digest)).one_or_none()
        return None if row is None else _token(row)

    def of_account(self, account: Account | None) -> list[Token]:
        """Return the tokens of an account, or of all, oldest first."""
        statement = select(tokens).order_by(tokens.c.made_at, tokens.c.id)
        if account is not None:
            statement = statement.where(tokens.c.account == str(account))
        return [_token(row) for row in self._connection.execute(statement)]

    def see(self, token_id: str, at: datetime) -> None:
        """Record that a token was used."""
        self._connection.execute(update(tokens).where(tokens.c.id == token_id).values(used_at=seconds(at)))

    def withdraw(self, token_id: str, at: datetime) -> None:
        """Withdraw a token."""
        self._connection.execute(update(tokens).where(tokens.c.id == token_id).values(withdrawn_at=seconds(at)))


class Drafts:
    """What waits for its signature: of no worth without it, and forgotten after its time."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def put(self, draft_id: str, account: str, content: bytes, ends_at: datetime) -> None:
        """Keep a draft."""
        values = {"id": draft_id, "account": account, "content": content, "ends_at": seconds(ends_at)}
        self._connection.execute(insert(drafts).values(**values))

    def get(self, draft_id: str, account: str, now: datetime) -> bytes | None:
        """Return a draft of an account that is not over."""
        mine = (drafts.c.id == draft_id, drafts.c.account == account, drafts.c.ends_at > seconds(now))
        found = self._connection.execute(select(drafts.c.content).where(*mine)).scalar_one_or_none()
        return None if found is None else bytes(found)

    def forget(self, before: datetime, account: str, keep: int) -> None:
        """Forget what is over, and of an account what is beyond the latest so many."""
        self._connection.execute(delete(drafts).where(drafts.c.ends_at <= seconds(before)))
        latest = select(drafts.c.id).where(drafts.c.account == account).order_by(drafts.c.ends_at.desc(), drafts.c.id)
        excess = [row[0] for row in self._connection.execute(latest.offset(keep))]
        if excess:
            self._connection.execute(delete(drafts).where(drafts.c.id.in_(excess)))


def _token(row: Row[Any]) -> Token:
    return Token(
        id=row.id,
        digest=bytes(row.digest),
        account=Account.parse(row.account),
        name=row.name,
        scopes=frozenset(map(Scope, row.scopes.split())),
        made_by=row.made_by,
        made_at=moment(row.made_at),
        ends_at=moment(row.ends_at),
        used_at=None if row.used_at is None else moment(row.used_at),
        withdrawn_at=None if row.withdrawn_at is None else moment(row.withdrawn_at),
    )
