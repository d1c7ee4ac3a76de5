"""Create the agents."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "3f0a91c2d7b8"
down_revision = None


def upgrade():
    op.create_table(
        "agents",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("name", sa.Text, nullable=False, unique=True),
        sa.Column("settings", postgresql.JSONB, nullable=False, server_default="{}"),
    )


def downgrade():
    op.drop_table("agents")
