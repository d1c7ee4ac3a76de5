"""Let a conversation be archived."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade():
    with op.batch_alter_table("conversations") as conversations:
        conversations.add_column(sa.Column("archived", sa.Boolean, nullable=False, server_default=sa.false()))


def downgrade():
    with op.batch_alter_table("conversations") as conversations:
        conversations.drop_column("archived")
