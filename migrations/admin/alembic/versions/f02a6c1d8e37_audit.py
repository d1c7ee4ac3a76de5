"""Keep who changed what."""

import sqlalchemy as sa
from alembic import op

revision = "f02a6c1d8e37"
down_revision = "e91f5b0c7d26"


def upgrade():
    op.create_table(
        "audit",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("setting", sa.Text, sa.ForeignKey("settings.name"), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    )


def downgrade():
    op.drop_table("audit")
