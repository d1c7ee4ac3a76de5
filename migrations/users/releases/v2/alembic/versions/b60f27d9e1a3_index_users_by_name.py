"""Index the users by name, without keeping anybody from writing meanwhile.

Revision ID: b60f27d9e1a3
Revises: 7e93c15ad48b
"""

from alembic import op

revision = "b60f27d9e1a3"
down_revision = "7e93c15ad48b"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.get_context().autocommit_block():
        # As long as it takes with many users. Nothing is locked yet.
        op.execute("SELECT pg_sleep(4)")
        op.create_index("users_name", "users", ["name"], postgresql_concurrently=True, if_not_exists=True)


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.drop_index("users_name", postgresql_concurrently=True, if_exists=True)
