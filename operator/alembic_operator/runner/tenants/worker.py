"""Migrate one tenant after the other, each as a run of its own, as long as the fleet hands them out."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from alembic_operator.contract import Invocation, Result
from alembic_operator.contract.tenants import Tenants
from alembic_operator.runner.database import given
from alembic_operator.runner.database.connect import Connections
from alembic_operator.runner.database.idle import IdleConnections
from alembic_operator.runner.database.versions import VersionTable
from alembic_operator.runner.process import leaving, report
from alembic_operator.runner.process.failures import Scene, classify
from alembic_operator.runner.process.interrupt import Stop, block
from alembic_operator.runner.process.journal import Journal
from alembic_operator.runner.process.masking import configured
from alembic_operator.runner.process.output import Output
from alembic_operator.runner.process.run_context import RunContext
from alembic_operator.runner.process.telling import cause, trace
from alembic_operator.runner.project.kept import Kept
from alembic_operator.runner.tenants.listening import Listening
from alembic_operator.runner.tenants.places import Places
from alembic_operator.runner.tenants.row import TenantRow
from alembic_operator.runner.tenants.table import Book, Row
from alembic_operator.runner.tenants.tenant_run import TenantRun

if TYPE_CHECKING:
    from collections.abc import Iterable

    from alembic_operator.runner.database.session import Session
    from alembic_operator.runner.process.masking import Secrets
    from alembic_operator.runner.tenants.lines import Line


class TenantJournal(Journal):
    """Writes only what somebody should look at, with the tenant's name; of the rest the fleet tells the sum."""

    tenant = ""

    def __init__(self, output: Output, secrets: Secrets, line: Line) -> None:
        """Begin without a tenant."""
        super().__init__(output.log, secrets)
        self._line_up = line

    def info(self, event: str, **facts: Any) -> None:
        """Hand on what a tenant that takes its time does."""
        if event == "running":
            self._line_up.say({"running": self.masked(facts)})

    def error(self, event: str, **facts: Any) -> None:
        """Hand on what a tenant failed with: mostly the others fail alike."""
        if not self._line_up.say({event: self.masked(facts)}):
            super().error(event, **facts)

    def _line(self, level: str, event: str, facts: dict[str, Any]) -> None:
        super()._line(level, event, {"tenant": self.tenant, **facts})


class Worker:
    """One process, and what stays in it from tenant to tenant."""

    def __init__(self, line: Line, brief: dict[str, Any]) -> None:
        """Set up what a run needs around it."""
        self._line = line
        secrets = given.secrets()
        invocation = Invocation.parse(brief["argv"])
        for secret in configured(invocation.config):
            secrets.learn(secret)
        self._output = Output(secrets)
        self._journal = TenantJournal(self._output, secrets, line)
        stop = Stop(self._journal, brief["seconds"])
        stop.watch()
        self._places = Places(invocation, Tenants.from_json(invocation.tenants), given.address(invocation))
        self._name = str(brief["name"])
        self._run = str(brief["run"])
        self._book = Book(VersionTable(*brief["table"]), str(brief["project"])) if brief.get("table") else None
        self._connections = Connections(
            RunContext(stop, self._journal, secrets, self._output.answer), self._session(None), self._places.address
        )
        self._connections.is_of_fleet = True
        self._connections.install()
        self._idle = IdleConnections()
        self._kept = Kept()
        self._listening = Listening()

    def work(self, tasks: Iterable[dict[str, Any]]) -> None:
        """Migrate the tenants that are handed out."""
        for task in tasks:
            tenant, begun = task["tenant"], time.monotonic()
            self._journal.tenant = tenant or ""
            result = report.masked(self._result(tenant, task.get("at")), self._journal.secrets)
            self._idle.close()
            if result.error:
                self._connections.between.sessions.close()  # whatever the failure has left in it
            ms = round((time.monotonic() - begun) * 1000)
            self._line.say({"tenant": tenant, "result": result.to_json(), "ms": ms})
            if self._connections.around.stop.requested:
                break
        self._output.close()

    def _session(self, tenant: str | None) -> Session:
        return replace(self._places.session_of(tenant), application_name=self._name)

    def _result(self, tenant: str | None, at: Any) -> Result:
        stop = self._connections.around.stop
        stop.again()
        try:
            stop.check()
            invocation = self._places.invocation_of(tenant)
            self._connections.turn(self._session(tenant), self._places.address_of(tenant))
            with self._listening:
                row = Row(tenant or "", (), "", run=self._run)
                book = self._book if tenant is not None else None
                witness = TenantRow(row, book, VersionTable(*at) if at else None)
                run = TenantRun(invocation, self._connections, witness, self._own)
                run.kept = self._kept
                return run.run()
        except BaseException as error:  # noqa: BLE001  every failure ends in a Result
            verdict = classify(error, Scene())
            if shown := cause(error):
                self._journal.error("failed", **trace(shown))
            return Result(str(verdict.reason), error=verdict.failure)

    def _own(self, why: str) -> None:
        self._line.say({"slower": why})


def work(line: Line) -> None:
    """Be a process of the fleet, from the brief in the first message until the line ends."""
    block()
    messages = line.messages()
    line.say({"pid": os.getpid()})
    with leaving.reported(lambda ending: os._exit(int(ending.verdict.code))):
        for brief in messages:
            Worker(line, brief).work(messages)
