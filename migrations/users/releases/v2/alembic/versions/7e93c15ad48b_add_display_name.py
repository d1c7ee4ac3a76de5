"""Add the name that is shown, and fill it in for everybody.

The release before neither reads nor writes the column, so it may be empty: both releases run side by side.

Revision ID: 7e93c15ad48b
Revises: 4a1d8f6b02c7
"""

import sqlalchemy as sa
from alembic import op

revision = "7e93c15ad48b"
down_revision = "4a1d8f6b02c7"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("users", sa.Column("display_name", sa.Text))
    op.execute("UPDATE users SET display_name = initcap(name)")


def downgrade() -> None:
    op.drop_column("users", "display_name")
