"""Which revisions only run outside of a transaction, by their texts."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from alembic_operator.runner.project import outside

if TYPE_CHECKING:
    from pathlib import Path

HELPER = "from shop.migrations import concurrently\n\n"
BUILD = 'op.create_index("i", "t", ["id"], postgresql_concurrently=True)'


@pytest.mark.parametrize(
    "body",
    [
        BUILD,
        f"if not has_index('i'):\n        {BUILD}",
        'op.drop_index("i", postgresql_concurrently=True)',
        'op.execute("create unique index concurrently i on t (id)")',
        'op.execute(sa.text("REINDEX TABLE CONCURRENTLY t"))',
        'op.execute("""\n    VACUUM t\n    """)',
        f'with op.batch_alter_table("t"):\n        {BUILD}',
    ],
)
def test_a_revision_that_no_transaction_can_hold_is_found(tmp_path: Path, body: str) -> None:
    assert _needed_by(tmp_path, f"def upgrade():\n    {body}\n") == "one.py"


@pytest.mark.parametrize(
    "text",
    [
        f"def upgrade():\n    with op.get_context().autocommit_block():\n        {BUILD}\n",
        f'def upgrade():\n    op.execute("COMMIT")\n    {BUILD}\n',
        f'def upgrade():\n    bind = op.get_bind().execution_options(isolation_level="AUTOCOMMIT")\n    {BUILD}\n',
        f"{HELPER}def upgrade():\n    with concurrently():\n        {BUILD}\n",
        f"def upgrade():\n    pass\n\ndef downgrade():\n    {BUILD}\n",
        f"# {BUILD}\ndef upgrade():\n    pass\n",
        'def upgrade():\n    op.create_index("i", "t", ["id"], postgresql_concurrently=False)\n',
        "def upgrade():\n    op.execute(\"insert into words values ('vacuum')\")\n",
        "def upgrade(:\n    VACUUM\n",
    ],
    ids=["block", "commit", "options", "helper", "downgrade", "comment", "false", "data", "broken"],
)
def test_a_revision_that_may_be_in_a_transaction_or_leaves_it_is_passed_over(tmp_path: Path, text: str) -> None:
    assert _needed_by(tmp_path, text) == ""


def _needed_by(folder: Path, text: str) -> str:
    (folder / "one.py").write_text(text, encoding="utf-8")
    return outside.needed_by(SimpleNamespace(_version_locations=[folder]))
