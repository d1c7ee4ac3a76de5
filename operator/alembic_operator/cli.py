"""The program `alembic-operator`: read the command line and call one function."""

import argparse
import json
import os
import socket
import sys
from pathlib import Path

from alembic_operator.importing import command

_RUNNER = "/opt/alembic-operator/runner.pyz"
_LAST_PORT = 65535


def main(argv: list[str] | None = None) -> int:
    """Run a command and return its exit code."""
    words = sys.argv[1:] if argv is None else argv
    try:
        arguments = _parser().parse_args(words)
    except SystemExit as ended:
        if ended.code and words[:1] == ["import-sqlite"]:  # argparse's own 2 would mean: findings
            return 1
        raise
    match arguments.command:
        case "crd":
            return _crd()
        case "import-sqlite":
            return command.run(arguments)
        case "import-step":
            return _import_step(arguments)
        case _:
            return _run(arguments)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="alembic-operator", description="Run Alembic migrations before the pods that need them."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="run the operator", formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    run.add_argument("--runner-image", required=True, help="this very image; it runs the projects of ConfigMaps")
    run.add_argument("--runner", type=Path, default=Path(_RUNNER), help="the zipapp that migration pods and gates run")
    run.add_argument("--namespace", action="append", default=[], help="watch only this namespace; can be repeated")
    run.add_argument("--watch-rollouts", action="store_true", help="watch Argo Rollouts too")
    run.add_argument("--limit-job-template", action="store_true", help="take only what is harmless of spec.jobTemplate")
    run.add_argument("--progress", action="store_true", help="ask migration pods over the network how far they are")
    run.add_argument("--health-port", type=_port, default=8080, help="port of /healthz and /readyz")
    run.add_argument("--metrics-port", type=_port, default=0, help="port of /metrics; 0: there is none")
    run.add_argument("--gate-policies", default="", help="name of the gate's admission policies, told by /metrics")
    run.add_argument("--lease-namespace", default="", help="act only while holding a Lease of this namespace")
    run.add_argument("--lease-name", default="alembic-operator", help="its name; one for each group of replicas")
    run.add_argument("--lease-seconds", type=int, default=12, help="for how long it is held without being renewed")
    run.add_argument("--log-format", choices=("json", "text"), default="json", help="how log lines are written")
    commands.add_parser("crd", help="print the CustomResourceDefinition, as JSON")
    command.add_arguments(commands.add_parser("import-sqlite", help="import a SQLite file into PostgreSQL"))
    command.add_step(commands.add_parser("import-step", help="a step of the Job of a DatabaseImport"))
    return parser


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > _LAST_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is no port; write a number up to {_LAST_PORT}")
    return int(text)


def _crd() -> int:
    from alembic_operator.api.crd import crd  # noqa: PLC0415  `crd` needs nothing else

    sys.stdout.write(json.dumps(crd(), indent=2) + "\n")
    return 0


def _import_step(arguments: argparse.Namespace) -> int:
    from alembic_operator.importing import steps  # noqa: PLC0415  only the operator's image has all that it needs

    return steps.run(arguments, command.options(arguments))


def _run(arguments: argparse.Namespace) -> int:
    from alembic_operator.core.lease import Terms  # noqa: PLC0415  `crd` needs nothing else
    from alembic_operator.shell.run import run  # noqa: PLC0415
    from alembic_operator.shell.settings import Settings  # noqa: PLC0415

    instance = os.environ.get("POD_ID") or f"{socket.gethostname()}-{os.getpid()}"
    lease = Terms(arguments.lease_namespace, arguments.lease_name, instance, arguments.lease_seconds)
    return run(
        Settings(
            runner_image=arguments.runner_image,
            runner=arguments.runner,
            namespaces=tuple(arguments.namespace),
            watch_rollouts=arguments.watch_rollouts,
            limit_job_template=arguments.limit_job_template,
            asks_progress=arguments.progress,
            health_port=arguments.health_port,
            metrics_port=arguments.metrics_port,
            gate_policies=arguments.gate_policies,
            log_format=arguments.log_format,
            instance=instance,
            lease=lease if lease.namespace else None,
        )
    )
