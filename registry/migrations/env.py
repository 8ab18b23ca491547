"""Alembic's entry: runs the migrations on the connection that registry/migrate.py hands over."""

from alembic import context

from registry.tables import Table


def _run() -> None:
    connection = context.config.attributes["connection"]
    context.configure(connection=connection, target_metadata=Table.metadata, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()


_run()
