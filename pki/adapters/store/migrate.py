"""Bringing the schema to this version (Alembic; one line of revisions, forwards only).

`upgrade` is called by `sceau init` and by nothing else: a start finds the schema of its version, or refuses
(`Store.check_schema`). Alembic costs a start more than everything else together, hence its own module.
"""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine

_SCRIPTS = Path(__file__).parent / "migrations"


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    return config


def upgrade(engine: Engine) -> None:
    """Create the schema, or bring an older one to this version; nothing happens when it is there already."""
    with engine.begin() as connection:
        upgrade_on(connection)


def upgrade_on(connection: Connection) -> None:
    """Do the same within the caller's transaction."""
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def head() -> str | None:
    """Return the newest revision: `tables.SCHEMA` must be it."""
    return ScriptDirectory.from_config(_config()).get_current_head()
