"""Bring both branches together again."""

revision = "d40000000001"
down_revision = ("b20000000001", "c30000000001")


def upgrade():
    pass


def downgrade():
    pass
