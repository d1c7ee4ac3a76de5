"""Count what gates ask of a server while they wait for a fleet of tenants: `python -m tests.bench.tenant_gates`."""

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench import conditions
from tests.runner import server
from tests.runner.project import Process, Project, Runner
from tests.runner.server import Server, until
from tools import build_runner

_SCHEMAS_AT_ONCE = 50
_TENANTS = ("--tenants", json.dumps({"pattern": r"ws\_%"}))
_MINUTES = 600.0
_TICKS = os.sysconf("SC_CLK_TCK")


class Crowd:
    """A fleet of which one tenant is behind, and gates that wait for it."""

    def __init__(self, postgres: Server, folder: Path, tenants: int) -> None:
        """Make the schemas, and run once."""
        self._postgres, self._tenants = postgres, tenants
        postgres.database.rows("create database fleet")
        self._database = postgres.database.named("fleet")
        self._runner = Runner(build_runner.build(folder / "runner.pyz"), folder)
        self._project = Project(folder / "project", "psycopg").begin().table("one")
        names = [f"ws_{number}" for number in range(tenants)]
        made = "create schema {0}; create table {0}.alembic_version as select 'one'::varchar(32) as version_num"
        for at in range(0, tenants, _SCHEMAS_AT_ONCE):
            self._database.rows("; ".join(made.format(one) for one in names[at : at + _SCHEMAS_AT_ONCE]))
        self.migrate()
        self._database.rows("delete from ws_7.alembic_version")
        self._database.rows(
            "update alembic_operator_tenants set heads = '{}', outcome = 'Pending' where tenant = 'ws_7'"
        )

    def migrate(self) -> None:
        """Upgrade all that are behind."""
        self._runner.run(self._project, *self._words("upgrade"), **self._database.environment(), **self._url)

    def gate(self) -> Process:
        """Start one."""
        return self._runner.start(self._project, *self._words("gate"), **self._database.environment(), **self._url)

    @property
    def _url(self) -> dict[str, str]:
        return {"APP_URL": self._database.url("psycopg")}

    @staticmethod
    def _words(command: str) -> tuple[str, ...]:
        return (command, "--database", "environment", *_TENANTS)

    def statements(self) -> tuple[int, int]:
        """Return how many statements the server has been sent, and how many version tables of tenants they name."""
        text = (self._postgres.folder / "log").read_text(encoding="utf-8", errors="replace")
        sent = [line for line in text.splitlines() if "LOG:  statement:" in line or "LOG:  execute" in line]
        return len(sent), text.count('."alembic_version"')

    def seconds(self) -> float:
        """Return the processor time of the server and its sessions."""
        postmaster = self._postgres.process
        stats = [_stat(one) for one in Path("/proc").iterdir() if one.name.isdigit()]
        own = [one for one in stats if postmaster and postmaster.pid in (int(one[0]), int(one[3] or 0))]
        return sum(float(one[13]) + float(one[14]) for one in own) / _TICKS

    def close(self) -> None:
        """End what is left."""
        self._runner.close()


def _stat(process: Path) -> list[str]:
    try:
        pid, _, rest = (process / "stat").read_text().partition(" (")
    except OSError:
        return ["0"] * 15
    return [pid, "", *rest.rpartition(") ")[2].split()]


@contextmanager
def crowd(tenants: int) -> Iterator[Crowd]:
    """Yield it; the database is thrown away."""
    settings = {"max_connections": "400", "log_statement": "all"}
    with server.own(settings) as postgres, TemporaryDirectory() as folder:
        found = Crowd(postgres, Path(folder), tenants)
        yield found
        found.close()


def measure(on: Crowd, gates: int, seconds: float) -> Iterator[str]:
    """Let gates wait for so many seconds, and pass."""
    alone = on.seconds()
    time.sleep(seconds)
    alone = on.seconds() - alone
    waiting = [on.gate() for _ in range(gates)]
    until(lambda: all(one.said("waiting") for one in waiting), _MINUTES, "a gate")
    before, busy = on.statements(), on.seconds()
    time.sleep(seconds)
    after, busy = on.statements(), on.seconds() - busy - alone
    sent, tables = (now - then for now, then in zip(after, before, strict=True))
    yield f"{gates} gates wait: {sent / seconds:.0f} statements a second, {sent / seconds / gates:.2f} of each gate"
    yield f"{tables} of {sent} name the version table of a tenant"
    yield f"{busy / seconds * 1000:.0f} ms of the server's processor time in a second"
    before = on.statements()
    on.migrate()
    begun = time.monotonic()
    codes = [one.finish(_MINUTES).code for one in waiting]
    yield f"the last one passed {time.monotonic() - begun:.1f} s after the run; exit codes {sorted(set(codes))}"
    tables = on.statements()[1] - before[1]
    yield f"{tables} version tables were read by the run and the gates that passed"


def main() -> None:
    """Print the numbers."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.tenant_gates", description=__doc__)
    parser.add_argument("--gates", type=int, default=100)
    parser.add_argument("--tenants", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=30.0)
    words = parser.parse_args()
    load = conditions.load_average()
    with crowd(words.tenants) as on:
        for line in measure(on, words.gates, words.seconds):
            sys.stdout.write(f"{line}\n")
    sys.stdout.write(f"{words.tenants:,} tenants; {conditions.machine(load)}.\n")


if __name__ == "__main__":
    main()
