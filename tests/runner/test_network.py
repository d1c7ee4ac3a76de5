"""A network that is cut while a revision runs."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import pytest

from alembic_operator.runner.database.versions import LOCK_CLASS_A, LOCK_CLASS_B
from tests.runner import server, wire
from tests.runner.project import DRIVERS, Process, Project, Runner
from tests.runner.server import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.runner.server import Database

LET_GO_SECONDS = 15.0
CONNECT_SECONDS = 10.0
"""How long the runner tries to read back what the database contains."""
MARGIN_SECONDS = 10.0
THINKING_SECONDS = 12
DOING = {
    "waiting for a statement": 'op.execute("select pg_sleep(300)")',
    "idle in transaction": f'import time\ntime.sleep({THINKING_SECONDS})\nop.execute("select 1")',
    "reading rows": """op.execute("select repeat('x', 8000), pg_sleep(0.01) from generate_series(1, 30000)")""",
}
STEP = "op.execute(\"insert into steps values ('{name}')\")\n"


@dataclass
class Cut:
    """A runner whose network was cut."""

    name: str
    project: Project
    database: Database
    process: Process
    released: float = 0.0
    """Seconds from the cut until the server had freed its locks."""
    ended: float = 0.0
    """Seconds from the cut until the runner had ended."""


@pytest.fixture
def line() -> Iterator[wire.Wire]:
    with wire.laid() as line:
        yield line


@pytest.fixture
def far_server(line: wire.Wire) -> Iterator[server.Server]:
    with server.own({"listen_addresses": f"127.0.0.1,{line.near}"}, line.network) as far:
        yield far


@pytest.fixture
def far_runner(pyz: Path, tmp_path: Path, line: wire.Wire) -> Iterator[Runner]:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    runner = Runner(pyz, scratch, within=line.within)
    yield runner
    runner.close()


@pytest.mark.timeout(240)
def test_both_sides_of_a_cut_network_let_go_and_the_retry_applies_each_revision_once(
    far_server: server.Server, far_runner: Runner, line: wire.Wire, tmp_path: Path
) -> None:
    cases = [(driver, doing) for driver in DRIVERS for doing in list(DOING)[:2]] + [("psycopg", "reading rows")]
    cuts = [_begun(far_server.database, far_runner, line, (tmp_path, *case)) for case in cases]
    for cut in cuts:
        until(partial(_is_half_done, cut.database), 60, f"{cut.name}: the second revision")
    line.cut()
    _watch(cuts)
    for cut in cuts:
        run = cut.process.finish()
        assert (run.code, run.result.reason) == (75, "DatabaseUnreachable"), f"{cut.name}: {run.stderr}"
        assert cut.released <= LET_GO_SECONDS, f"{cut.name}: the server kept the locks for {cut.released:.1f} s"
        told = THINKING_SECONDS if "idle" in cut.name else LET_GO_SECONDS
        assert cut.ended <= told + CONNECT_SECONDS + MARGIN_SECONDS, f"{cut.name}: it ended after {cut.ended:.1f} s"
        assert cut.database.heads() == ["one"], cut.name
    line.mend()
    for cut in cuts:
        cut.project.last = "one"
        cut.project.revision("two", STEP.format(name="two"))
        cut.process = far_runner.start(cut.project, "upgrade", APP_URL=_seen(cut, line))
    for cut in cuts:
        run = cut.process.finish()
        assert (run.code, cut.database.heads()) == (0, ["two"]), f"{cut.name}: {run.stderr}"
        assert cut.database.rows("select name from steps order by 1") == [("one",), ("two",)], cut.name


def _begun(maintenance: Database, runner: Runner, line: wire.Wire, case: tuple[Path, str, str]) -> Cut:
    folder, driver, doing = case
    name = f"{driver} {doing}"
    database = maintenance.named(name.replace(" ", "_"))
    maintenance.rows(f"create database {database.name} strategy file_copy template template0")
    database.rows("create table steps (name text)")
    project = Project(folder / database.name, driver).begin()
    project.revision("one", STEP.format(name="one"))
    project.revision("two", STEP.format(name="two") + 'op.execute("create table half (id int)")\n' + DOING[doing])
    url = replace(database, host=line.near).url(driver)
    return Cut(name, project, database, runner.start(project, "upgrade", APP_URL=url))


def _seen(cut: Cut, line: wire.Wire) -> str:
    return replace(cut.database, host=line.near).url(cut.project.driver)


def _watch(cuts: list[Cut]) -> None:
    begun = time.monotonic()

    def all_ended() -> bool:
        for cut in cuts:
            if not cut.ended and cut.process.popen.poll() is not None:
                cut.ended = time.monotonic() - begun
            if not cut.released and not _locks(cut.database):
                cut.released = time.monotonic() - begun
        return all(cut.ended and cut.released for cut in cuts)

    until(all_ended, 90, "both sides of every connection have let go")


def _is_half_done(database: Database) -> bool:
    return database.heads() == ["one"] and _locks(database) == {"A", "B", "half"}


def _locks(database: Database) -> set[str]:
    """Return what is still locked: advisory locks A and B, and the table that no other session can see yet."""
    rows = database.rows(
        f"select distinct case l.classid when {LOCK_CLASS_A} then 'A' when {LOCK_CLASS_B} then 'B' else 'half' end"
        " from pg_locks l join pg_database d on d.oid = l.database and d.datname = current_database()"
        " where l.pid <> pg_backend_pid() and (l.locktype = 'advisory' or l.mode = 'AccessExclusiveLock')"
    )
    return {name for (name,) in rows}
