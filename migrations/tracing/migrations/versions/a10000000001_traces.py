"""Create the traces."""

import sqlalchemy as sa
from alembic import op

revision = "a10000000001"
down_revision = None


def upgrade():
    op.create_table(
        "traces",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        schema="tracing",
    )


def downgrade():
    op.drop_table("traces", schema="tracing")
