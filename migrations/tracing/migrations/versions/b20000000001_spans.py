"""Create the spans of a trace."""

import sqlalchemy as sa
from alembic import op

revision = "b20000000001"
down_revision = "a10000000001"
branch_labels = ("spans",)


def upgrade():
    op.create_table(
        "spans",
        sa.Column("id", sa.String(16), primary_key=True),
        sa.Column("trace_id", sa.String(32), sa.ForeignKey("tracing.traces.id"), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        schema="tracing",
    )


def downgrade():
    op.drop_table("spans", schema="tracing")
