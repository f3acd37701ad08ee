"""What Alembic runs around each revision: the caller's own connection, one transaction for all."""

from __future__ import annotations

from alembic import context

from pki.adapters.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
