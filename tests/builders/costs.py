"""What an answer costs, without a clock: every statement that the database is given, and every call of what takes long.

Two answers that differ in neither cannot be told apart by waiting, as far as what they do goes; what is left is noise, which
`python -m bench.sameness` measures. Nothing is replaced: SQLAlchemy tells what it runs, the interpreter tells what is called.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

from sqlalchemy import Engine, event

SLOW = frozenset({"verify", "sign", "derive", "hmac_digest", "hmac_new", "pbkdf2_hmac", "scrypt", "load_der_public_key"})
"""Functions of libraries, by name, whose work shows: signatures, derivations, authentication codes, reading a key. A bare hash is
none: the journal's tree makes one more or less by its size, whoever the entry is about."""


@dataclass
class Cost:
    """What was done."""

    statements: list[str] = field(default_factory=list)
    """SQL, without its values."""
    calls: Counter[str] = field(default_factory=Counter)


@contextmanager
def counted(engine: Engine) -> Iterator[Cost]:
    """Count what is done meanwhile, in this thread and in this database."""
    cost = Cost()

    def ran(connection: Any, cursor: Any, statement: str, *more: Any) -> None:
        cost.statements.append(" ".join(statement.split()))

    def called(frame: FrameType, what: str, argument: Any) -> None:
        if what == "c_call" and argument.__name__ in SLOW:
            cost.calls[argument.__name__] += 1

    event.listen(engine, "before_cursor_execute", ran)
    before = sys.getprofile()
    sys.setprofile(called)
    try:
        yield cost
    finally:
        sys.setprofile(before)
        event.remove(engine, "before_cursor_execute", ran)
