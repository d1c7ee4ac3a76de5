"""The program `kubectl-alembic`, which kubectl runs as `kubectl alembic`.

Exit codes: 0 ready, 1 error, 2 not ready yet, 3 stalled.
"""

import argparse
import sys

from alembic_operator.kubectl.facts import Kubectl, KubectlError

_ERROR, _INTERRUPTED = 1, 130


def main(argv: list[str] | None = None) -> int:
    """Run a command and return its exit code."""
    try:
        from rich.console import Console  # noqa: PLC0415  an extra

        from alembic_operator.kubectl import commands  # noqa: PLC0415
    except ModuleNotFoundError as missing:
        sys.stderr.write(f"there is no module {missing.name}; run `pipx install 'alembic-operator[kubectl]'`\n")
        return _ERROR
    try:
        asked = parser().parse_args(argv)
    except SystemExit as ended:  # argparse's own 2 would mean: not ready yet
        return _ERROR if ended.code else 0
    command = getattr(commands, asked.command)
    try:
        return int(command(Kubectl(flags=_flags(asked)), Console(highlight=False), asked))
    except KubectlError as error:
        sys.stderr.write(f"error: {error}\n")
        return _ERROR
    except KeyboardInterrupt:
        return _INTERRUPTED


def _flags(asked: argparse.Namespace) -> tuple[str, ...]:
    given = {"--namespace": asked.namespace, "--context": asked.context, "--kubeconfig": asked.kubeconfig}
    return tuple(f"{name}={value}" for name, value in given.items() if value)


def parser() -> argparse.ArgumentParser:
    """Return the command line, in kubectl's own words."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("-n", "--namespace", default="", help="the namespace; default: that of the context")
    common.add_argument("--context", default="", help="the context of the kubeconfig")
    common.add_argument("--kubeconfig", default="", help="the file with clusters and logins")
    whole = argparse.ArgumentParser(prog="kubectl alembic", description="See and steer DatabaseMigrations.")
    commands = whole.add_subparsers(dest="command", required=True)
    status = commands.add_parser("status", parents=[common], help="how migrations stand, and what to do next")
    status.add_argument("name", nargs="?", default="")
    status.add_argument("-A", "--all-namespaces", action="store_true", help="those of all namespaces")
    status.add_argument("-l", "--selector", default="", help="only those with these labels")
    status.add_argument("-o", "--output", choices=("text", "json"), default="text", help="json: the objects, as a list")
    status.add_argument("--watch", action="store_true", help="look again every 2 s")
    status.add_argument("--exit", action="store_true", help="with --watch: end when it is ready or stalled")
    why = commands.add_parser("why", parents=[common], help="why a pod does not start")
    why.add_argument("pod")
    history = commands.add_parser("history", parents=[common], help="which runs there were, newest first")
    history.add_argument("name")
    logs = commands.add_parser("logs", parents=[common], help="the log of the last run, for people")
    logs.add_argument("name")
    logs.add_argument("-f", "--follow", action="store_true", help="print on, until the run ends")
    for name, does in (
        ("tree", "what it depends on, drawn"),
        ("retry", "start a new run"),
        ("suspend", "start nothing new"),
        ("resume", "undo suspend"),
    ):
        commands.add_parser(name, parents=[common], help=does).add_argument("name")
    explain = commands.add_parser("explain", parents=[common], help="what a reason means")
    explain.add_argument("reason")
    return whole
