"""Create the users, with the first four of them.

Revision ID: 4a1d8f6b02c7
Revises:
"""

import sqlalchemy as sa
from alembic import op

revision = "4a1d8f6b02c7"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Long enough to see what the pods do meanwhile.
    op.execute("SELECT pg_sleep(4)")
    users = op.create_table(
        "users",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("email", sa.Text, nullable=False),
    )
    op.bulk_insert(
        users,
        [
            {"name": "ada lovelace", "email": "ada@example.org"},
            {"name": "grace hopper", "email": "grace@example.org"},
            {"name": "edsger dijkstra", "email": "edsger@example.org"},
            # The same person twice: nothing forbids it yet, and a later release trips over it.
            {"name": "grace hopper", "email": "Grace@Example.org"},
        ],
    )


def downgrade() -> None:
    op.drop_table("users")
