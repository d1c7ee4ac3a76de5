"""Allow each e-mail address once, however it is written; of those who have the same, the first stays.

Revision ID: d25c8a41f7e6
Revises: b60f27d9e1a3
"""

import sqlalchemy as sa
from alembic import op

revision = "d25c8a41f7e6"
down_revision = "b60f27d9e1a3"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # As long as it takes with many users. Nothing is locked yet.
    op.execute("SELECT pg_sleep(4)")
    op.add_column("users", sa.Column("email_key", sa.Text, sa.Computed("lower(email)", persisted=True)))
    op.execute("DELETE FROM users later USING users one WHERE one.email_key = later.email_key AND one.id < later.id")
    op.create_unique_constraint("users_email_key", "users", ["email_key"])


def downgrade() -> None:
    op.drop_column("users", "email_key")
