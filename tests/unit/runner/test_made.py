"""Which tables revisions make, as their texts say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from alembic_operator.runner.project import made

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("upgrades", "tables"),
    [
        (['op.create_table("a", x)', 'op.create_table("b", x, schema="s")'], {"a", "b"}),
        (['op.create_table("a", x)', 'op.rename_table("a", "b")'], {"b"}),
        (['op.create_table("a", x)', 'op.drop_table("a")', 'op.execute("create table b ()")'], set()),
        (["op.create_table(NAME, x)", "Base.metadata.create_all(op.get_bind())"], set()),
        (['if True:\n        op.create_table("a", x)'], {"a"}),
        (['op.create_table("a", x)', "here is no Python"], set()),
        (['op.create_table("a", x)', 'op.execute("UPDATE a SET x = 1")'], {"a"}),
        (['op.create_table("a", x)', 'op.execute("ALTER TABLE a Rename TO b")'], set()),
        (['op.create_table("a", x)', 'op.get_bind().execute(text("DROP TABLE a"))'], set()),
        (['op.create_table("a", x)', "op.execute(SQL)"], set()),
    ],
    ids=[
        *("named", "renamed", "dropped", "named elsewhere", "in a block", "unreadable"),
        *("SQL beside it", "renamed by SQL", "dropped by SQL", "SQL from elsewhere"),
    ],
)
def test_only_what_upgrade_names_and_keeps_counts(tmp_path: Path, upgrades: list[str], tables: set[str]) -> None:
    paths = []
    for number, body in enumerate(upgrades):
        path = tmp_path / f"{number}.py"
        down = """op.create_table("never"); op.execute("DROP TABLE a")"""
        path.write_text(f'"""Drop it."""\n\ndef upgrade():\n    {body}\n\ndef downgrade():\n    {down}\n')
        paths.append(str(path))
    assert made.tables(paths) == tables
    assert made.tables([*paths, str(tmp_path / "absent.py")]) == set()
