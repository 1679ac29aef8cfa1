"""Alembic environment: migrates the connection that the store hands over."""

from alembic import context

from cocoon.telegram.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    version_table="telegram_alembic_version",
)
with context.begin_transaction():
    context.run_migrations()
