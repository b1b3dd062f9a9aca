"""How alembic gets at the store: by the connection that `Database.upgrade` opened, and in no other way."""

from __future__ import annotations

from alembic import context

from unmask.server.tables import META

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=META, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
