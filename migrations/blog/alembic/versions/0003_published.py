"""Let a post be a draft; the SQLite file has never seen this revision."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade():
    with op.batch_alter_table("posts") as posts:
        posts.add_column(sa.Column("published", sa.Boolean, nullable=False, server_default=sa.true()))


def downgrade():
    with op.batch_alter_table("posts") as posts:
        posts.drop_column("published")
