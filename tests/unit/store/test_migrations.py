"""The schema: revisions lead to what the code expects."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from pki.adapters.store.migrate import head, upgrade
from pki.adapters.store.store import Store
from pki.adapters.store.tables import SCHEMA, metadata
from trust.errors import Refused


def test_the_revisions_lead_to_the_tables_that_the_code_uses() -> None:
    """Alembic finds no difference between the two."""
    engine = create_engine("sqlite://")
    upgrade(engine)

    assert head() == SCHEMA
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_upgrading_twice_changes_nothing(tmp_path: Path) -> None:
    """`sceau init` on a home that is there is harmless."""
    store = Store.open(f"sqlite:///{tmp_path / 'sceau.db'}")
    store.create()
    store.create()
    store.check_schema()


def test_a_database_without_our_schema_is_refused(tmp_path: Path) -> None:
    """The message says which version is there and which is wanted."""
    store = Store.open(f"sqlite:///{tmp_path / 'sceau.db'}")
    with pytest.raises(Refused, match="schema none"):
        store.check_schema()
