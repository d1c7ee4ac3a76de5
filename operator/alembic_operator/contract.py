"""What operator and runner agree on: the command line, the exit codes and the Result.

Standard library only, Python 3.9 or newer: the runner carries this file into the user's image.
"""

from __future__ import annotations

import argparse
import enum
import functools
import json
import re
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Literal, get_args

VERSION = 1
"""Version of the Result's shape; a reader refuses a newer one."""

RESULT_BYTES = 4096
"""Kubernetes keeps this many bytes of a container's termination message."""

TERMINATION_LOG = "/dev/termination-log"
"""Where Kubernetes reads a container's termination message."""


class ExitCode(enum.IntEnum):
    """How a runner ended; the Job's pod failure policy is made of these."""

    OK = 0
    """The target is in the database, read back on a fresh connection."""
    USAGE = 64
    """The command line or Alembic's configuration cannot be used."""
    SCRIPTS = 65
    """The scripts are wrong: several heads for `head`, an unknown target, a broken chain."""
    DATABASE_AHEAD = 66
    """The database holds a revision that these scripts do not know, and may not or cannot be left as it is."""
    FAILED = 70
    """A revision failed and a retry will not heal it."""
    TRY_AGAIN = 75
    """Connection, lock, serialization, failover: a retry may heal it."""
    TIME_LIMIT = 76
    """The runner's own time limit was reached."""
    REFUSED = 77
    """The database refused: authentication, missing rights, a pooler in transaction mode."""
    TERMINATED = 143
    """Asked to stop by SIGTERM; the running statement was cancelled."""


FINAL_EXIT_CODES = (ExitCode.USAGE, ExitCode.SCRIPTS, ExitCode.DATABASE_AHEAD, ExitCode.FAILED)
"""What waiting cannot heal: the migration stalls until a person changes something."""

JOB_FAILING_EXIT_CODES = (*FINAL_EXIT_CODES, ExitCode.REFUSED)
"""What another pod of the same Job cannot heal: the Job fails at once."""

_DURATION_PART = re.compile(r"(\d+)(ms|s|m|h)")
_DURATION_LENGTH = 32
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
DURATION_PATTERN = r"^([0-9]+(ms|s|m|h))+$"
"""Durations as users write them: `500ms`, `2s`, `1h30m`."""


def seconds(duration: str) -> float:
    """Return a duration such as `500ms`, `2s` or `1h30m` in seconds.

    Raises:
        ValueError: the text is not a duration.
    """
    if len(duration) > _DURATION_LENGTH or not re.fullmatch(DURATION_PATTERN, duration):
        raise ValueError(f"{duration!r} is not a duration; write for example 500ms, 2s, 15m or 1h30m")
    return sum(int(number) * _SECONDS[unit] for number, unit in _DURATION_PART.findall(duration))


COMMANDS = ("upgrade", "downgrade", "stamp", "check", "plan", "gate")

Address = Literal["env.py", "environment"]
Ahead = Literal["Allow", "Block"]
Downgrade = Literal["Forbid", "Allow"]
History = Literal["Disabled", "Enabled"]


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
    """Enabled: keep, and believe, the table of every revision that was ever applied."""
    result: str = ""
    """File for the Result. Empty: the termination log in a pod, else standard output."""

    def argv(self) -> list[str]:
        """Return the command line without the program, with only the flags that differ from their defaults."""
        words = [self.command]
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
        return Invocation(**{**vars(parsed := _parser().parse_args(argv)), "x": tuple(parsed.x)})


def _words(flag: str, value: str) -> list[str]:
    """Return a flag with its value: in one word where the value looks like a flag itself."""
    if not value.startswith("-"):
        return [flag, value]
    return [f"{flag}={value}" if flag.startswith("--") else f"{flag}{value}"]


_FLAGS = {one.name: f"--{one.name.replace('_', '-')}" for one in fields(Invocation) if one.name not in ("command", "x")}
_CHOICES = {
    "database": get_args(Address),
    "database_ahead": get_args(Ahead),
    "downgrade": get_args(Downgrade),
    "history": get_args(History),
}


class _Parser(argparse.ArgumentParser):
    """argparse with the contract's exit code for wrong usage, which is 2 elsewhere."""

    def error(self, message: str) -> Any:
        self.print_usage()
        self.exit(int(ExitCode.USAGE), f"{self.prog}: {message}\n")


def _duration(text: str) -> str:
    seconds(text)
    return text


def _parser() -> _Parser:
    shape = functools.partial(argparse.HelpFormatter, width=100)  # to ask the terminal costs the gate 3 ms
    parser = _Parser(
        prog="runner.pyz",
        description="Run the application's own Alembic project, safely.",
        allow_abbrev=False,
        formatter_class=shape,
    )
    parser.add_argument("command", choices=COMMANDS)
    for name, flag in _FLAGS.items():
        value = getattr(Invocation, name)
        kind = _duration if name in ("lock_timeout", "statement_timeout", "deadline") else str
        parser.add_argument(flag, dest=name, default=value, type=kind, choices=_CHOICES.get(name))
    parser.add_argument("-x", dest="x", action="append", default=[], metavar="ARG", help="passed on to env.py")
    return parser


@dataclass(frozen=True)
class Applied:
    """One revision that this run applied and committed."""

    revision: str
    ms: int = 0


@dataclass(frozen=True)
class Failure:
    """What went wrong, for a person; literals are masked and no secret appears."""

    message: str
    """First line of the error."""
    sqlstate: str = ""
    """PostgreSQL's error code, when the server sent one."""
    revision: str = ""
    """The revision that was running."""
    statement: str = ""
    """The statement that failed, cut, its literals masked."""
    hint: str = ""
    """What to do next."""
    committed: tuple[str, ...] = ()
    """Statements of the failed revision that are committed nevertheless, in their order, cut and masked."""


@dataclass(frozen=True)
class Result:
    """What a run found and did; at most RESULT_BYTES of JSON in the termination message."""

    reason: str
    """One of `api.reasons.Reason`."""
    from_: tuple[str, ...] = ()
    """Database heads before the run."""
    to: tuple[str, ...] = ()
    """Database heads after it, read back on a fresh connection."""
    target: tuple[str, ...] = ()
    """Script heads that the target names."""
    pending: int = 0
    """Revisions that are still missing."""
    ahead: bool = False
    """The database holds a revision that these scripts do not know."""
    applied: tuple[Applied, ...] = ()
    applied_count: int = 0
    """How many were applied; more than `applied` lists when the list had to shrink."""
    error: Failure | None = None
    warnings: tuple[str, ...] = ()
    """What somebody should look at although nothing failed; one sentence each, most important first."""
    alembic: str = ""
    sqlalchemy: str = ""
    driver: str = ""
    version: int = field(default=VERSION)

    def to_json(self) -> str:
        """Return compact JSON of at most RESULT_BYTES bytes: lists shrink first, then texts."""
        result = self if self.applied_count else replace(self, applied_count=len(self.applied))
        while len(text := result.dump().encode()) > RESULT_BYTES:
            result = result.shrunk(len(text) - RESULT_BYTES)
        return text.decode()

    def dump(self) -> str:
        """Return the JSON, however long it is."""
        facts = {("from" if key == "from_" else key): value for key, value in asdict(self).items()}
        facts["appliedCount"] = facts.pop("applied_count")
        text = json.dumps(facts, separators=(",", ":"), ensure_ascii=False)
        return text.encode(errors="replace").decode()  # half a surrogate pair is no UTF-8

    def shrunk(self, excess: int) -> Result:
        """Return it without what is missed least, when it is `excess` bytes too long."""
        if self.applied:
            return replace(self, applied=self.applied[len(self.applied) // 2 + 1 :])
        for name, least in (("from_", 1), ("to", 1), ("target", 1), ("warnings", 0)):
            if len(many := getattr(self, name)) > least:
                return replace(self, **{name: many[: len(many) // 2]})
        if self.error and self.error.committed:
            committed = self.error.committed[: len(self.error.committed) // 2]
            return replace(self, error=replace(self.error, committed=committed))
        return self._with_shorter_text(excess)

    def _with_shorter_text(self, excess: int) -> Result:
        longest = max(_FAILURE_KEYS, key=lambda name: len(getattr(self.error, name, "")))
        text = getattr(self.error, longest, "")
        if self.error is None or len(text) <= len(_CUT):
            raise ValueError("a Result without lists and texts does not fit the termination message")
        kept = text[: max(0, len(text) - excess // 4 - 2 * len(_CUT))]
        shorter: dict[str, Any] = {longest: kept + _CUT}
        return replace(self, error=replace(self.error, **shorter))

    @staticmethod
    def from_json(text: str) -> Result | None:
        """Read a termination message; None when it is not a Result of this version."""
        try:
            raw = json.loads(text)
            return _result(raw) if raw["version"] == VERSION else None
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
            return None


def _result(raw: dict[str, Any]) -> Result:
    error = raw.get("error") or {}
    said: Any = {key: str(error.get(key) or "") for key in _FAILURE_KEYS}
    others: Any = {key: _strings(raw.get(key)) for key in ("to", "target", "warnings")}
    others |= {key: str(raw.get(key, "")) for key in ("alembic", "sqlalchemy", "driver")}
    return Result(
        reason=str(raw["reason"]),
        from_=_strings(raw.get("from")),
        pending=int(raw.get("pending", 0)),
        ahead=bool(raw.get("ahead", False)),
        applied=tuple(Applied(str(one["revision"]), int(one.get("ms", 0))) for one in raw.get("applied") or ()),
        applied_count=int(raw.get("appliedCount", 0)),
        error=Failure(**said, committed=_strings(error.get("committed"))) if error else None,
        **others,
    )


_CUT = "..."
_FAILURE_KEYS = ("message", "sqlstate", "revision", "statement", "hint")


def _strings(raw: Any) -> tuple[str, ...]:
    if isinstance(raw, str):
        raise TypeError("heads are a list")
    return tuple(str(one) for one in raw or ())
