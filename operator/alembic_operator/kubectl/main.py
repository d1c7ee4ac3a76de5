"""The program `kubectl-alembic`, which kubectl runs as `kubectl alembic`.

Exit codes: 0 ready, 1 error, 2 not ready yet, 3 stalled.
"""

import argparse
import os
import sys

from alembic_operator.kubectl.arguments import parser
from alembic_operator.kubectl.facts import Kubectl, KubectlError
from alembic_operator.kubectl.harmless import harmless

_ERROR, _INTERRUPTED = 1, 130


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
