"""The command line of the runner."""

from __future__ import annotations

import argparse
import functools
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

from alembic_operator.contract.durations import seconds
from alembic_operator.contract.exit_codes import ExitCode

PROGRESS_VARIABLE = "ALEMBIC_OPERATOR_PROGRESS"
"""Tells a run under which name to answer how far it is; in the environment, for an older runner refuses a new flag."""

SPARES_VARIABLE = "ALEMBIC_OPERATOR_SPARES_FAILED"
"""Tells a run over tenants to leave those alone that stand as they stood when they failed for good."""

COMMANDS = {
    "upgrade": "lock, compare, upgrade to the target, read back, report.",
    "downgrade": "the same, downwards: run the downgrade of every revision above the target.",
    "stamp": "the same, without running a revision: write the target into the version table of an adopted database.",
    "check": "report current, target and pending revisions; change nothing.",
    "plan": "print the pending revisions and the SQL that `upgrade` would run, approximately; change nothing.",
    "runs": "print the newest rows of the table of runs, newest first, a line of JSON each; change nothing.",
    "tenants": "print the table of tenants, those that failed first, a line of JSON each; change nothing.",
    "tenant": "make one tenant, NAME, where it is missing, and migrate it, also beside a run of all of them.",
    "gate": "wait until the database contains the heads of this image's scripts.",
}
"""What the runner can be asked to do, and what each command does."""

Address = Literal["env.py", "environment"]
Ahead = Literal["Allow", "Block"]
Downgrade = Literal["Forbid", "Allow"]
History = Literal["Disabled", "Enabled"]
CreateDatabase = Literal["Never", "IfMissing"]


@dataclass(frozen=True)
class Invocation:
    """One call of the runner: `runner.pyz COMMAND [flags]`. Every flag has a field; secrets never do.

    The one place of the defaults: the fields of DatabaseMigration have theirs from here, and so have the two charts.
    """

    command: str
    """One of COMMANDS."""
    config: str = "alembic.ini"
    """Alembic's configuration file, relative to the working directory; also a pyproject.toml."""
    section: str = "alembic"
    """Section of that file, like `alembic -n`."""
    target: str = "heads"
    """heads, head, a revision, BRANCH@head, or +N; several are separated by commas and reached one after the other.
    Of `downgrade`: a revision, base, -N, BRANCH@base, or BRANCH@-N."""
    x: tuple[str, ...] = ()
    """Arguments for env.py, like `alembic -x`."""
    database: Address = "env.py"
    """`env.py`: connect as env.py does; `environment`: where DATABASE_URL or PGHOST, PGPORT, ... say."""
    create_database: CreateDatabase = "Never"
    """IfMissing: `upgrade` makes the database when the server has none of that name; no other command does."""
    create_template: str = ""
    """The database that it is a copy of. Empty: template1."""
    create_owner: str = ""
    """The role that it belongs to. Empty: that of --role, else the user."""
    schema: str = ""
    """Created when missing; search_path and schema of the version table. Empty: as env.py does."""
    role: str = ""
    """SET ROLE on every migration connection. Empty: none."""
    lock_timeout: str = "2s"
    """PostgreSQL's lock_timeout of each attempt of a revision; 0s: none."""
    statement_timeout: str = "0s"
    """PostgreSQL's statement_timeout; 0s: none."""
    deadline: str = "1h"
    """For the whole run; the runner ends itself then."""
    database_ahead: Ahead = "Allow"
    """Allow or Block a database that holds a revision which these scripts do not know."""
    downgrade: Downgrade = "Forbid"
    """Allow `upgrade` to go down when the database is beyond a target that is a revision; Forbid: it stays."""
    history: History = "Disabled"
    """Enabled: keep, and believe, the table of every revision that was ever applied; keep a table of runs."""
    tenant: str = ""
    """Of the command `tenant`: its NAME."""
    tenants: str = ""
    """Which tenants there are and how they are migrated: spec.tenants as JSON. Empty: there are none."""
    await_import: str = ""
    """Of `gate`: the import that must be in the database, too. Empty: none."""
    image: str = ""
    """The image that runs, for the table of runs."""
    result: str = ""
    """File for the Result. Empty: the termination log in a pod, else standard output."""

    def argv(self) -> list[str]:
        """Return the command line without the program, with only the flags that differ from their defaults."""
        words = [self.command, *filter(None, (self.tenant,))]
        for name, flag in _FLAGS.items():
            if getattr(self, name) != getattr(Invocation, name):
                words += _words(flag, getattr(self, name))
        for argument in self.x:
            words += _words("-x", argument)
        return words

    @staticmethod
    def parse(argv: list[str]) -> Invocation:
        """Read a command line.

        Raises:
            SystemExit: with code 64 and the usage on standard error, when it cannot be read.
        """
        parsed = (parser := _parser()).parse_args(argv)
        if bool(parsed.tenant) != (parsed.command == "tenant"):
            parser.error(f"unrecognized arguments: {parsed.tenant}" if parsed.tenant else "tenant: give its NAME next")
        return Invocation(**{**vars(parsed), "x": tuple(parsed.x)})


def _words(flag: str, value: str) -> list[str]:
    """Return a flag with its value: in one word where the value looks like a flag itself."""
    if not value.startswith("-"):
        return [flag, value]
    return [f"{flag}={value}" if flag.startswith("--") else f"{flag}{value}"]


_NO_FLAGS = ("command", "tenant", "x")
_FLAGS = {one.name: f"--{one.name.replace('_', '-')}" for one in fields(Invocation) if one.name not in _NO_FLAGS}
_CHOICES = {
    "database": get_args(Address),
    "create_database": get_args(CreateDatabase),
    "database_ahead": get_args(Ahead),
    "downgrade": get_args(Downgrade),
    "history": get_args(History),
}


class _Parser(argparse.ArgumentParser):
    """argparse with the contract's exit code for wrong usage, which is 2 elsewhere."""

    def format_help(self) -> str:
        from alembic_operator.contract.attribute_docs import attribute_docs  # noqa: PLC0415  only --help needs it

        meanings = attribute_docs(Invocation)
        for action in self._actions:
            action.help = action.help or meanings.get(action.dest)
        return super().format_help()

    def error(self, message: str) -> Any:
        self.print_usage()
        self.exit(int(ExitCode.USAGE), f"{self.prog}: {message}\n")


def _duration(text: str) -> str:
    try:
        seconds(text)
    except ValueError as unreadable:
        raise argparse.ArgumentTypeError(str(unreadable)) from None
    return text


def _tenants(text: str) -> str:
    from alembic_operator.contract.tenants import Tenants  # noqa: PLC0415  most migrations have none

    try:
        return Tenants.from_json(text).to_json() if text else ""
    except ValueError as unreadable:
        raise argparse.ArgumentTypeError(str(unreadable)) from None


_KINDS = {
    "lock_timeout": _duration,
    "statement_timeout": _duration,
    "deadline": _duration,
    "tenants": _tenants,
}


def _parser() -> _Parser:
    shape = functools.partial(
        argparse.RawDescriptionHelpFormatter, width=100
    )  # to ask the terminal costs the gate 3 ms
    parser = _Parser(
        prog="runner.pyz",
        description="Run the application's own Alembic project, safely.",
        epilog="commands:\n" + "\n".join(f"  {name:<11}{does}" for name, does in COMMANDS.items()),
        allow_abbrev=False,
        formatter_class=shape,
    )
    parser.add_argument("command", choices=COMMANDS, metavar="COMMAND", help="What to do; see below.")
    parser.add_argument("tenant", nargs="?", default="", metavar="NAME")
    for name, flag in _FLAGS.items():
        value = getattr(Invocation, name)
        parser.add_argument(flag, dest=name, default=value, type=_KINDS.get(name, str), choices=_CHOICES.get(name))
    parser.add_argument("-x", dest="x", action="append", default=[], metavar="ARG")
    return parser
