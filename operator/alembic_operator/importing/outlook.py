"""Tells how far a load is, from what PostgreSQL counts: a process beside it, which only looks.

No thread: where there is one, the load cannot fork its readers.
"""

import asyncio
import json
import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from alembic_operator.contract import PROGRESS_VARIABLE
from alembic_operator.contract.import_progress import COMPARES, INDEXES, LOADS, ImportProgress
from alembic_operator.contract.progress import PROGRESS_PORTS
from alembic_operator.importing.facts.options import Options
from alembic_operator.importing.postgres.connection import APPLICATION, connect
from alembic_operator.importing.sqlite import snapshot
from alembic_operator.runner.process import listener

_PACE, _BEAT = 2.0, 10.0
"""Seconds between two looks, and between two lines of the log."""
_GOODBYE = 5.0
_PROGRAM = "from alembic_operator.importing import outlook; outlook.main()"
_DOES = {"COPY FROM": LOADS, "COPY TO": COMPARES, "INDEX": INDEXES}
_LOOK = f"""
SELECT coalesce(p.command, 'INDEX'), c.relname, coalesce(p.tuples_processed, 0)
FROM pg_stat_activity a
LEFT JOIN pg_stat_progress_copy p USING (pid)
LEFT JOIN pg_stat_progress_create_index i USING (pid)
LEFT JOIN pg_class c ON c.oid = coalesce(p.relid, i.relid)
WHERE a.application_name = '{APPLICATION}' AND a.datname = current_database() AND a.pid <> pg_backend_pid()
  AND a.client_addr IS NOT DISTINCT FROM inet_client_addr() AND coalesce(p.pid, i.pid) IS NOT NULL
LIMIT 1
"""
"""What the import's session does: another pod's has another address."""


@contextmanager
def beside(options: Options, environ: Mapping[str, str], copy: Path) -> Iterator[None]:
    """Let the load of a copy be looked at while this lasts, if somebody asks for it."""
    if not environ.get(PROGRESS_VARIABLE):
        yield
        return
    told = {"url": options.url, "role": options.role, "totals": _rows(copy)}
    command = [sys.executable, "-c", _PROGRAM]
    with subprocess.Popen(command, stdin=subprocess.PIPE, env=dict(environ), text=True) as looking:  # noqa: S603
        try:
            if looking.stdin:
                looking.stdin.write(json.dumps(told) + "\n")
                looking.stdin.flush()
            yield
        finally:
            if looking.stdin:
                with suppress(OSError):  # it has ended, whyever
                    looking.stdin.close()
            with suppress(subprocess.TimeoutExpired):
                looking.wait(_GOODBYE)
            looking.kill()


def _rows(copy: Path) -> dict[str, int]:
    """Return how many rows each table of the copy has; before anybody else has it open."""
    with suppress(sqlite3.Error), closing(snapshot.open_copy(copy)) as opened:
        names = snapshot.names(opened)
        return {one: snapshot.count(opened, one) for one in names}
    return {}


def main() -> None:
    """Look, answer who asks, and end with the load."""
    told = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_the_load, daemon=True).start()
    outlook = Outlook(told["totals"], os.environ[PROGRESS_VARIABLE])
    listener.listen(PROGRESS_PORTS, outlook.answer)
    with suppress(Exception):  # a server that does not count, or has no connection to spare: nothing is told
        asyncio.run(outlook.watch(told["url"], told["role"]))


def _end_with_the_load() -> None:
    sys.stdin.read()
    os._exit(0)


class Outlook:
    """What was seen last."""

    def __init__(self, totals: Mapping[str, int], run: str) -> None:
        """Begin with nothing; `totals` are the rows of each table, `run` is the name that it was given."""
        now = time.time()
        self._totals = totals
        self._progress = ImportProgress(now, now, run)
        self._beat = now + _BEAT

    def answer(self) -> str:
        """Return it as JSON."""
        return replace(self._progress, at=time.time()).to_json()

    async def watch(self, url: str, role: str) -> None:
        """Look until the process ends."""
        connection = await connect(url, os.environ, role)
        try:
            while True:
                self.see(*(await connection.fetchrow(_LOOK) or ("", "", 0)))
                await asyncio.sleep(_PACE)
        finally:
            await connection.close()

    def see(self, command: str, table: str | None, rows: int) -> None:
        """Remember what PostgreSQL counts, and log it now and then."""
        does, named, now, before = _DOES.get(command, ""), table or "", time.time(), self._progress
        since = before.since if (before.does, before.table) == (does, named) else now
        total = self._totals.get(named, 0)
        self._progress = replace(before, at=now, since=since, does=does, table=named, rows=rows, total=total)
        if now >= self._beat:
            self._beat = now + _BEAT
            sys.stderr.write(f"{self._progress}\n")
