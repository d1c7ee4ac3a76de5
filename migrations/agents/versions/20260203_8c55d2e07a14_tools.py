"""Give agents tools."""

import sqlalchemy as sa
from alembic import op

revision = "8c55d2e07a14"
down_revision = "3f0a91c2d7b8"


def upgrade():
    kind = sa.Enum("function", "retrieval", "browser", name="tool_kind")
    op.create_table(
        "tools",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("agent_id", sa.BigInteger, sa.ForeignKey("agents.id", ondelete="CASCADE"), nullable=False),
        sa.Column("kind", kind, nullable=False),
    )


def downgrade():
    op.drop_table("tools")
    op.execute("DROP TYPE tool_kind")
