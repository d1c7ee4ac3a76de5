"""Say how long traces are kept."""

import sqlalchemy as sa
from alembic import op

revision = "c30000000001"
down_revision = "a10000000001"
branch_labels = ("retention",)


def upgrade():
    op.create_table(
        "retention",
        sa.Column("service", sa.Text, primary_key=True),
        sa.Column("days", sa.Integer, nullable=False, server_default="30"),
        schema="tracing",
    )


def downgrade():
    op.drop_table("retention", schema="tracing")
