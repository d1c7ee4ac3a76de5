"""Create the settings, with their first values."""

import sqlalchemy as sa
from alembic import op

revision = "e91f5b0c7d26"
down_revision = None


def upgrade():
    settings = op.create_table(
        "settings",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )
    op.bulk_insert(settings, [{"name": "sign_up", "value": "open"}, {"name": "theme", "value": "light"}])


def downgrade():
    op.drop_table("settings")
