"""Transactions that env.py begins are env.py's to end, whenever and however it begins them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.runner import server
from tests.runner.server import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.runner.project import Project, Runner
    from tests.runner.server import Database

HEAD = """
import os
from alembic import context
from sqlalchemy import create_engine, text

engine = create_engine(os.environ["APP_URL"])
"""

AFTER_CONFIGURE = {
    "by hand": """
connection = engine.connect()
context.configure(connection=connection)
transaction = connection.begin()
try:
    context.run_migrations()
    transaction.commit()
except BaseException:
    transaction.rollback()
    raise
finally:
    connection.close()
""",
    "as a block": """
with engine.connect() as connection:
    context.configure(connection=connection)
    with connection.begin():
        context.run_migrations()
""",
    "around Alembic's own": """
with engine.connect() as connection:
    context.configure(connection=connection)
    with connection.begin(), context.begin_transaction():
        context.run_migrations()
""",
    "that Alembic ends": """
connection = engine.connect()
context.configure(connection=connection)
connection.begin()
with context.begin_transaction():
    context.run_migrations()
connection.close()
""",
    "with a savepoint": """
with engine.connect() as connection:
    context.configure(connection=connection)
    with connection.begin(), connection.begin_nested():
        context.run_migrations()
""",
    "before, with a savepoint": """
with engine.connect() as connection:
    with connection.begin_nested():
        context.configure(connection=connection)
        context.run_migrations()
    getattr(connection, "commit", print)()
""",
}

TWO_PHASES = """
opened = [engine.connect() for _ in range(2)]
transactions = [connection.begin_twophase() for connection in opened]
try:
    for number, connection in enumerate(opened):
        context.configure(connection=connection, version_table=f"version_{number}")
        context.run_migrations(number=number)
    for transaction in transactions:
        transaction.prepare()
    for transaction in transactions:
        transaction.commit()
except BaseException:
    for transaction in transactions:
        transaction.rollback()
    raise
finally:
    for connection in opened:
        connection.close()
"""


@pytest.mark.parametrize("how", AFTER_CONFIGURE)
def test_a_transaction_that_env_py_began_is_left_to_it(
    any_project: Project, runner: Runner, database: Database, how: str
) -> None:
    any_project.begin().table("one").write("migrations/env.py", HEAD + AFTER_CONFIGURE[how])
    variables = {"APP_URL": database.url("psycopg2")}
    run = runner.run(any_project, "upgrade", **variables)
    assert (run.code, run.result.reason, database.heads()) == (0, "UpToDate", ["one"]), run.stderr
    any_project.table("two").revision("three", 'op.execute("select 1 / 0")')
    run = runner.run(any_project, "upgrade", **variables)
    assert (run.code, database.heads()) == (70, ["one"]), "all or nothing"
    assert database.value("select to_regclass('two')") is None


def test_what_was_rolled_back_with_a_transaction_of_env_py_counts_neither_as_applied_nor_as_a_new_beginning(
    any_project: Project, runner: Runner, database: Database
) -> None:
    any_project.begin().write("migrations/env.py", HEAD + AFTER_CONFIGURE["as a block"])
    database.rows("create table busy (id int)")
    any_project.table("one").revision("two", 'op.execute("alter table busy add column more int")')
    with database.connect(autocommit=False) as holder:
        holder.execute("select * from busy")
        process = runner.start(any_project, "upgrade", "--lock-timeout", "200ms", APP_URL=database.url("psycopg2"))
        until(lambda: len(process.said("retrying")) == 2)
    run = process.finish()
    assert (run.code, [one.revision for one in run.result.applied]) == (0, ["one", "two"]), run.stderr
    assert [one["attempt"] for one in run.said("retrying")][:2] == [1, 2]


@pytest.fixture(scope="module")
def preparing() -> Iterator[Database]:
    with server.own({"max_prepared_transactions": "10"}) as own:
        yield own.database


@pytest.mark.parametrize("driver", ["psycopg2", "psycopg"])
def test_two_phases_stay_all_or_nothing(project: Project, runner: Runner, preparing: Database, driver: str) -> None:
    project.begin().write("migrations/env.py", HEAD + TWO_PHASES)
    project.revision("one", "pass")
    path = project.folder / "migrations" / "versions" / "one.py"
    statement = 'op.execute(f"select 1 / {1 - number}" if BROKEN else f"create table at_{number} (id int)")'
    text = path.read_text().replace("upgrade():\n    pass", f"upgrade(number):\n    {statement}")
    path.write_text(f"import os\nBROKEN = 'BROKEN' in os.environ\n{text}")
    preparing.rows("drop table if exists at_0, at_1, version_0, version_1")
    run = runner.run(project, "upgrade", APP_URL=preparing.url(driver), BROKEN="1")
    assert (run.code, preparing.heads("version_0"), preparing.heads("version_1")) == (70, [], []), run.stderr
    run = runner.run(project, "upgrade", APP_URL=preparing.url(driver))
    assert (run.code, run.result.reason) == (0, "UpToDate"), run.stderr
    assert (preparing.heads("version_0"), preparing.heads("version_1")) == (["one"], ["one"])
    assert preparing.value("select count(*) from pg_prepared_xacts") == 0
