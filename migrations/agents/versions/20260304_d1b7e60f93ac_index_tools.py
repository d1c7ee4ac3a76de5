"""Find the tools of an agent without locking the table."""

from alembic import op

revision = "d1b7e60f93ac"
down_revision = "8c55d2e07a14"


def upgrade():
    with op.get_context().autocommit_block():
        op.create_index("tools_agent_id", "tools", ["agent_id"], postgresql_concurrently=True)


def downgrade():
    with op.get_context().autocommit_block():
        op.drop_index("tools_agent_id", postgresql_concurrently=True)
