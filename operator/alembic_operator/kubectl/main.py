"""The program `kubectl-alembic`, which kubectl runs as `kubectl alembic`.

Exit codes: 0 ready, 1 error, 2 not ready yet, 3 stalled.
"""

import argparse
import os
import sys

from alembic_operator.contract import seconds
from alembic_operator.kubectl.facts import Kubectl, KubectlError
from alembic_operator.kubectl.harmless import harmless

_ERROR, _INTERRUPTED = 1, 130

_ARGUMENTS = {
    "name": "the DatabaseMigration",
    "pod": "a pod, or a workload such as deployment/users; of a refused pod, how its name would begin",
    "reason": "a reason of a condition or an Event, such as LockTimeout",
}


def main(argv: list[str] | None = None) -> int:
    """Run a command and return its exit code."""
    try:
        from rich.console import Console  # noqa: PLC0415  an extra

        from alembic_operator.kubectl.commands import COMMANDS  # noqa: PLC0415
        from alembic_operator.kubectl.commands.call import Call  # noqa: PLC0415
    except ModuleNotFoundError as missing:
        sys.stderr.write(f"there is no module {missing.name}; run `pipx install --force 'alembic-operator[kubectl]'`\n")
        return _ERROR
    try:
        asked = parser().parse_args(argv)
    except SystemExit as ended:  # argparse's own 2 would mean: not ready yet
        return _ERROR if ended.code else 0
    try:
        code = COMMANDS[asked.command](Call(Kubectl(flags=_flags(asked)), Console(highlight=False), asked))
        sys.stdout.flush()
        return int(code)
    except KubectlError as error:
        sys.stderr.write(f"error: {harmless(str(error))}\n")
        return _ERROR
    except BrokenPipeError:  # who reads, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return _ERROR
    except KeyboardInterrupt:
        return _INTERRUPTED


def _flags(asked: argparse.Namespace) -> tuple[str, ...]:
    given = {"--namespace": asked.namespace, "--context": asked.context, "--kubeconfig": asked.kubeconfig}
    return tuple(f"{name}={value}" for name, value in given.items() if value)


def parser() -> argparse.ArgumentParser:
    """Return the command line, in kubectl's own words."""
    whole = argparse.ArgumentParser(prog="kubectl alembic", description="See and steer DatabaseMigrations.")
    commands = whole.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name: str, does: str, argument: str = "name") -> argparse.ArgumentParser:
        one = commands.add_parser(name, parents=[_common()], help=does, description=f"Print {does}.")
        if argument:
            one.add_argument(argument, metavar=argument.upper(), help=_ARGUMENTS[argument])
        return one

    _add_status(add("status", "how migrations stand, and what to do next", ""))
    imports = add("imports", "how imports stand, what they have found, and what to do next", "")
    imports.add_argument("name", nargs="?", default="", metavar="NAME", help="one import; default: all here")
    imports.add_argument("-A", "--all-namespaces", action="store_true", help="those of all namespaces")
    why = add("why", "why a pod, or the pods of a workload, do not start", "pod")
    history = add("history", "which runs there were, newest first")
    history.add_argument(
        "--database", action="store_true", help="those that the database remembers, asked by a Job: the newest 100"
    )
    _timeout(history)
    for one in (why, history, imports):
        _output(one, "json", "yaml")
    tenants = add(
        "tenants", "how the tenants of a migration stand, as the database says, asked by a Job: at most 1,000"
    )
    tenants.add_argument("--failed", action="store_true", help="only those whose last run has failed")
    _timeout(tenants)
    _output(tenants, "json", "yaml")
    logs = _either(add("logs", "the log of the last run, for people", ""))
    logs.add_argument("-f", "--follow", action="store_true", help="print on, until the run ends")
    _selection(add("tree", "what migrations depend on, all the way down", ""))
    for name, does in (
        ("check", "what the database contains and lacks, read now by a Job with the migration's settings"),
        ("plan", "the SQL that a run would execute now, approximately, by such a Job"),
    ):
        one = add(name, does)
        _timeout(one)
        if name == "check":
            _output(one, "json", "yaml")
    _either(add("retry", "start a new run", "")).description = "Start a new run."
    for name, does in (("suspend", "nothing new"), ("resume", "what was suspended")):
        add(name, f"start {does}").description = f"Start {does}."
    bundle = add("support-bundle", "write a file with all that a report of a bug needs, without secrets")
    bundle.description = "Write a file with all that a report of a bug needs, without secrets."
    bundle.add_argument("--file", default="", help="where to write it; default: here, with the time in its name")
    add("explain", "what a reason means", "reason")
    return whole


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
