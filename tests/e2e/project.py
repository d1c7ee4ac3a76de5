"""Small Alembic projects for ConfigMaps, whose revisions leave a trace of every time they begin."""

from __future__ import annotations

from typing import Any

INI = "[alembic]\nscript_location = %(here)s\n"

ENV = """
from alembic import context
from sqlalchemy import create_engine

with create_engine("postgresql+psycopg://").connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""

REVISION = """
from alembic import op

revision = {name!r}
down_revision = {down!r}


def upgrade():
    for sql in {statements!r}:
        op.execute(sql)


def downgrade():
    pass
"""

HALF = """
from alembic import op

revision = "r1"
down_revision = None


def upgrade():
    with op.get_context().autocommit_block():
        op.execute("create table half (id int)")
        op.execute("select 1 / 0")
"""

REVISIONS = ("r1", "r2", "r3")
"""The names that `tests.e2e.database` counts the beginnings of."""


def revision(name: str, down: str | None, *statements: str) -> dict[str, str]:
    """Return the file of a revision that runs these statements."""
    return {f"{name}.py": REVISION.format(name=name, down=down, statements=statements)}


def step(name: str, *, held: bool = False) -> str:
    """Return a statement that leaves its trace; one that is held goes on, the first time, only when it is released."""
    return f"SELECT step('{name}', {str(held).lower()})"


def chain(*names: str, held: tuple[str, ...] = ()) -> dict[str, str]:
    """Return the files of revisions one after another, some of them held: `chain("r1", "r2", held=("r2",))`."""
    files: dict[str, str] = {}
    for name, down in zip(names, [None, *names], strict=False):
        files |= revision(name, down, step(name, held=name in held))
    return files


def config_map(name: str, revisions: dict[str, str], env: str = ENV) -> dict[str, Any]:
    """Return the manifest of a whole project."""
    files = {"alembic.ini": INI, "env.py": env, **revisions}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": files}
