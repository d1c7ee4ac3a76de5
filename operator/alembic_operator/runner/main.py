"""Read the command line, run one command, and answer with a Result and an exit code, whatever happens."""

from __future__ import annotations

import contextlib
import functools
import gc
import io
import os
import sys
from dataclasses import asdict, replace
from os import _exit
from typing import TYPE_CHECKING, Any

from alembic_operator import contract
from alembic_operator.api.reasons import Reason
from alembic_operator.runner.database import given
from alembic_operator.runner.process import leaving, parting, report
from alembic_operator.runner.process.failures import Ending, Scene, classify, exit_code
from alembic_operator.runner.process.imports import imported
from alembic_operator.runner.process.interrupt import IMPATIENT, Stop, block
from alembic_operator.runner.process.journal import Journal
from alembic_operator.runner.process.masking import configured
from alembic_operator.runner.process.output import Output
from alembic_operator.runner.process.run_context import RunContext
from alembic_operator.runner.process.telling import cause, trace
from alembic_operator.runner.project import layout

if TYPE_CHECKING:
    from alembic_operator.runner.database.address import Address
    from alembic_operator.runner.database.connect import Connections

_LOOKING = ("check", "plan", "runs", "gate")
"""The commands that connect through SQLAlchemy only when they must."""

_OF_TENANTS = ("upgrade", "check", "gate")
"""The commands that do something else where there are tenants."""

_ONLY_TENANTS = ("tenant", "tenants")
"""Those that do nothing where there are none."""

_OF_ONE_SERVER = ("upgrade", "tenant")
"""Those that go to one of several servers, which an index names."""

_OF_FLEET = "__fleet"
"""No command: a process of a fleet that is not forked. As in tenants/spawning.py, which is imported only there."""

_BEFORE_RESULT = {"plan": "-- result: "}
"""What makes the Result a part of what else a command writes to standard output."""


def main(argv: list[str]) -> int:
    """Run `runner.pyz COMMAND [flags]` and return its exit code."""
    block()
    if argv[:1] == [_OF_FLEET]:
        imported("tenants.nursery").resume(argv[1], int(argv[2]))
        return 0
    _turn_to_server(argv)
    nursery = _nursery(argv)
    secrets = given.secrets()
    output = Output(secrets)
    journal = Journal(output.log, secrets, output.show)
    where = report.Destination(output, secrets)
    try:
        invocation = _parse(argv)
        invocation = replace(invocation, config=layout.configuration(invocation.config, os.environ))
        for secret in configured(invocation.config):
            secrets.learn(secret)
        where = report.Destination(output, secrets, invocation.result, _BEFORE_RESULT.get(invocation.command, ""))
        with leaving.reported(lambda ending: _give_up(ending, where, journal)):
            result = _command(invocation, journal, where, nursery, endless=_is_endless(invocation, argv))
    except _Helped:
        output.close()
        return 0
    except BaseException as error:  # noqa: BLE001  every failure ends in a Result
        verdict = classify(error, Scene())
        if shown := cause(error):
            journal.error("failed", **trace(shown))
        result = contract.Result(str(verdict.reason), error=verdict.failure)
    return _end(result, where, journal)


class _Helped(Exception):  # noqa: N818  not an error
    """--help was asked for and answered."""


def _end(result: contract.Result, where: report.Destination, journal: Journal) -> int:
    code = int(_tell(result, journal))
    report.write(result, where)
    where.told.append(code)
    parting.part(code, journal)
    where.output.close()
    return code


def _tell(result: contract.Result, journal: Journal) -> contract.ExitCode:
    code = exit_code(result.reason)
    facts = {"reason": result.reason, "exit": int(code), "to": result.to, "pending": result.pending}
    facts["seconds"] = journal.seconds
    if result.error:
        error = {name: text for name, text in asdict(result.error).items() if text}
        journal.error("ended", **facts, **error)
    else:
        journal.info("ended", **facts)
    return code


def _parse(argv: list[str]) -> contract.Invocation:
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
            return contract.Invocation.parse(argv)
    except SystemExit as refused:
        sys.stderr.write(said.getvalue())
        if not refused.code:
            raise _Helped from None
        last = said.getvalue().strip().splitlines()[-1:] or ["the command line cannot be read"]
        raise Ending(Reason.CONFIG_INVALID, last[0], "See runner.pyz --help.") from refused


def _is_endless(invocation: contract.Invocation, argv: list[str]) -> bool:
    """Tell whether it waits for as long as it takes: a gate that was given no deadline."""
    return invocation.command == "gate" and not _says(argv, "--deadline")


def _says(argv: list[str], flag: str) -> bool:
    return any(word.partition("=")[0] == flag for word in argv)


def _turn_to_server(argv: list[str]) -> None:
    """Let the environment be that of the server that the index names, before a process is forked that inherits it."""
    if _says(argv, "--tenants") and argv[:1] and argv[0] in _OF_ONE_SERVER:
        with contextlib.suppress(SystemExit, Ending), contextlib.redirect_stderr(io.StringIO()):
            invocation = contract.Invocation.parse(argv)  # what is wrong with it is said later
            servers = imported("tenants.servers")
            if servers.among(invocation):
                servers.turn(os.environ, servers.chosen(invocation, os.environ))


def _nursery(argv: list[str]) -> Any:
    """Start who makes processes for tenants, before the runner has a thread or a connection; None: there are none."""
    forks = "upgrade" in argv[:1] and _says(argv, "--tenants")
    return imported("tenants.nursery").begin() if forks else None


def _command(
    invocation: contract.Invocation, journal: Journal, where: report.Destination, nursery: Any, *, endless: bool
) -> contract.Result:
    stop = Stop(journal, patience=IMPATIENT) if endless else Stop(journal, contract.seconds(invocation.deadline))
    stop.give_up = lambda ending: _give_up(ending, where, journal)
    stop.watch()
    journal.info("started", command=invocation.command, target=invocation.target, config=invocation.config)
    around = RunContext(
        stop,
        journal,
        where.secrets,
        where.output.answer,
        os.environ.get(contract.PROGRESS_VARIABLE, ""),
        spares_failed=bool(os.environ.get(contract.SPARES_VARIABLE)),
    )
    connect = _Connecting(invocation, around, given.address(invocation))
    of_tenants = invocation.command in _ONLY_TENANTS or (invocation.tenants and invocation.command in _OF_TENANTS)
    if of_tenants:
        command = functools.partial(imported(f"tenants.{invocation.command}").command, nursery)
    else:
        _refuse_tenants(invocation)
        command = imported(f"commands.{invocation.command}").command
    how = connect if invocation.command in _LOOKING or of_tenants else connect()
    gc.freeze()  # what was imported stays; __main__ has kept the collector from looking at it again and again
    gc.enable()
    servers = imported("tenants.servers") if of_tenants else None
    if servers and servers.among(invocation):
        result: contract.Result = servers.command(command, invocation, connect)
    else:
        result = command(invocation, how)
    return report.with_versions(result, result.driver or connect.driver)


def _refuse_tenants(invocation: contract.Invocation) -> None:
    """Let no command look at, or change, the one database where many tenants are meant."""
    if invocation.tenants:
        message = f"{invocation.command} is for one database, and not for tenants"
        hint = "Leave --tenants out, and name one: --schema TENANT, or its database in PGDATABASE or DATABASE_URL."
        raise Ending(Reason.CONFIG_INVALID, message, hint)


class _Connecting:
    """Listens at the engines of SQLAlchemy from when it is first called, for importing that takes a while."""

    def __init__(self, invocation: contract.Invocation, around: RunContext, address: Address | None) -> None:
        self._invocation = invocation
        self.around = around
        self.address = address
        self._made: Connections | None = None

    def __call__(self) -> Connections:
        """Return what listens, from the first call on."""
        if self._made is None:
            connect, session = imported("database.connect"), imported("database.session")
            self._made = connect.Connections(self.around, session.Session.of(self._invocation), self.address)
            self._made.install()
        return self._made

    def turn(self, around: RunContext, address: Address | None) -> None:
        """Be of another server from now on."""
        self.around, self.address = around, address
        if self._made:
            self._made.turn(imported("database.session").Session.of(self._invocation), address)

    @property
    def driver(self) -> str:
        """The name of the driver that reached the database."""
        return self._made.origin.driver if self._made and self._made.origin else ""


def _give_up(ending: Ending, where: report.Destination, journal: Journal) -> None:
    if not where.told:
        result = contract.Result(str(ending.verdict.reason), error=ending.verdict.failure)
        where.told.append(int(_tell(result, journal)))
        report.write(result, where)
    _exit(where.told[0])  # the real one, which env.py does not get
