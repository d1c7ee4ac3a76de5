"""The command line of `kubectl alembic`, in kubectl's own words."""

import argparse
from collections.abc import Callable

from alembic_operator.contract import seconds

_ARGUMENTS = {
    "name": "the DatabaseMigration",
    "pod": "a pod, or a workload such as deployment/users; of a refused pod, how its name would begin",
    "reason": "a reason of a condition or an Event, such as LockTimeout",
}

Add = Callable[..., argparse.ArgumentParser]
"""Adds a command: its name, what it prints, and its one argument."""


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    whole = argparse.ArgumentParser(prog="kubectl alembic", description="See and steer DatabaseMigrations.")
    commands = whole.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name: str, does: str, argument: str = "name", *, said: str = "") -> argparse.ArgumentParser:
        one = commands.add_parser(name, parents=[_common()], help=does, description=said or f"Print {does}.")
        if argument:
            one.add_argument(argument, metavar=argument.upper(), help=_ARGUMENTS[argument])
        return one

    _add_looks(add)
    _add_questions(add)
    _add_acts(add)
    return whole


def _add_looks(add: Add) -> None:
    """Add what reads the cluster only."""
    _add_status(add("status", "how migrations stand, and what to do next", ""))
    imports = add("imports", "how imports stand, what they have found, and what to do next", "")
    imports.add_argument("name", nargs="?", default="", metavar="NAME", help="one import; default: all here")
    imports.add_argument("-A", "--all-namespaces", action="store_true", help="those of all namespaces")
    why = add("why", "why a pod, or the pods of a workload, do not start", "pod")
    for one in (imports, why):
        _output(one, "json", "yaml")
    logs = _either(add("logs", "the log of the last run, for people", ""))
    logs.add_argument("-f", "--follow", action="store_true", help="print on, until the run ends")
    _selection(add("tree", "what migrations depend on, all the way down", ""))
    add("explain", "what a reason means", "reason")


def _add_questions(add: Add) -> None:
    """Add what asks the database, by a Job with the migration's settings."""
    history = add("history", "which runs there were, newest first")
    history.add_argument(
        "--database", action="store_true", help="those that the database remembers, asked by a Job: the newest 100"
    )
    tenants = add(
        "tenants", "how the tenants of a migration stand, as the database says, asked by a Job: at most 1,000"
    )
    tenants.add_argument("--failed", action="store_true", help="only those whose last run has failed")
    check = add("check", "what the database contains and lacks, read now by a Job with the migration's settings")
    plan = add("plan", "the SQL that a run would execute now, approximately, by such a Job")
    for one in (history, tenants, check, plan):
        _timeout(one)
    for one in (history, tenants, check):
        _output(one, "json", "yaml")


def _add_acts(add: Add) -> None:
    """Add what changes something, or writes a file."""
    _either(add("retry", "start a new run", "", said="Start a new run."))
    add("suspend", "start nothing new", said="Start nothing new.")
    add("resume", "start what was suspended", said="Start what was suspended.")
    does = "write a file with all that a report of a bug needs, without secrets"
    bundle = add("support-bundle", does, said=f"{does.capitalize()}.")
    bundle.add_argument("--file", default="", help="where to write it; default: here, with the time in its name")


def _common() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("-n", "--namespace", default="", help="the namespace; default: that of the context")
    common.add_argument("--context", default="", help="the context of the kubeconfig")
    common.add_argument("--kubeconfig", default="", help="the file with clusters and logins")
    common.set_defaults(output="text")
    return common


def _either(one: argparse.ArgumentParser) -> argparse.ArgumentParser:
    one.add_argument("name", metavar="NAME", help="the DatabaseMigration, or dbi/NAME, a DatabaseImport")
    return one


def _selection(one: argparse.ArgumentParser) -> None:
    one.add_argument("name", nargs="?", default="", metavar="NAME", help="one migration; default: all here")
    one.add_argument("-l", "--selector", default="", help="only those with these labels")


def _add_status(status: argparse.ArgumentParser) -> None:
    _selection(status)
    status.add_argument("-A", "--all-namespaces", action="store_true", help="those of all namespaces")
    _output(status, "wide", "json", "yaml")
    status.add_argument("-w", "--watch", action="store_true", help="look again every 2 s")
    status.add_argument("--exit", action="store_true", help="watch, and end when all are ready or one is stalled")
    status.add_argument("--timeout", default="0s", type=_duration, help="end --watch then, such as 10m; 0s: never")


def _timeout(one: argparse.ArgumentParser) -> None:
    one.add_argument("--timeout", default="5m", type=_duration, help="for the answer of a Job; default: 5m")


def _output(one: argparse.ArgumentParser, *choices: str) -> None:
    one.add_argument("-o", "--output", choices=("text", *choices), default="text", help="default: text, for people")


def _duration(text: str) -> str:
    seconds(text)
    return text
