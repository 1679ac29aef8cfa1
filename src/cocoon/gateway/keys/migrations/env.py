"""Alembic environment: migrates the connection that the store hands over."""

from alembic import context

from cocoon.gateway.keys.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    version_table="keys_alembic_version",
)
with context.begin_transaction():
    context.run_migrations()
