"""Runs that leave the mark of what no rollback undoes, and what they leave with it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.runner.server import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.runner.project import Project, Run, Runner
    from tests.runner.server import Database

BLOCK = """
with op.get_context().autocommit_block():
"""
PAID = """
with op.get_context().autocommit_block():
    op.execute("update purse set coins = coins + 1")
    op.execute("select pg_advisory_lock_shared(4711)")
"""
"""Stops behind a statement that must not run twice, for as long as the test wants."""


def upgraded(runner: Runner, project: Project, database: Database) -> Run:
    return runner.run(project, "upgrade", APP_URL=database.url(project.driver))


def comment(database: Database) -> str | None:
    found: str | None = database.value("select obj_description('alembic_version'::regclass, 'pg_class')")
    return found


def purse(database: Database) -> int:
    return int(database.value("select coins from purse"))


@contextmanager
def blocking(database: Database) -> Iterator[None]:
    with database.connect() as holder:
        holder.execute("select pg_advisory_lock(4711)")
        yield


def killed_behind_the_payment(runner: Runner, project: Project, database: Database) -> None:
    database.rows("create table purse (coins int); insert into purse values (0)")
    project.begin().table("one")
    upgraded(runner, project, database)
    database.rows("comment on table alembic_version is 'ours'")
    project.revision("two", PAID).table("three")
    with blocking(database):
        process = runner.start(project, "upgrade", APP_URL=database.url(project.driver))
        until(lambda: purse(database) == 1, what="the payment")
        process.popen.kill()
        process.popen.wait()


def agree(runner: Runner, project: Project, database: Database, run: Run) -> None:
    """See that `check` says what `upgrade` said, from the texts and with Alembic, and that the gate waits for it."""
    quick = runner.run(project, "check", "--database", "environment", **database.environment())
    slow = runner.run(project, "check", APP_URL=database.url(project.driver))
    assert [(one.code, one.result.reason, one.result.error) for one in (quick, slow)] == [
        (70, "PartlyApplied", run.result.error)
    ] * 2, quick.stderr
    assert "looking with Alembic" in slow.stderr
    gate = runner.start(project, "gate", "--database", "environment", **database.environment())
    until(lambda: any("ended in the middle" in one["message"] for one in gate.said("waiting")), what="the gate's word")
    gate.popen.terminate()
