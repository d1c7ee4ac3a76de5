"""The command line: parse arguments, call one function."""

from __future__ import annotations

import argparse
import os
import sys

from devcluster import binaries, settings
from devcluster.failure import FailureError


def main(argv: list[str] | None = None) -> int:
    """Run one command and return its exit code."""
    arguments = _parser().parse_args(argv)
    try:
        return int(arguments.run(arguments) or 0)
    except FailureError as failure:
        print(failure, file=sys.stderr)
        return 1


def _build(arguments: argparse.Namespace) -> None:
    binaries.ensure(settings.from_environment(os.environ), arguments.only or binaries.NODE)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python3 -m devcluster", description="a Kubernetes cluster to develop with")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    build = commands.add_parser("build", help="build the programs that are missing in the cache")
    build.add_argument("--only", nargs="+", metavar="NAME", help="only these programs")
    build.set_defaults(run=_build)
    return parser


if __name__ == "__main__":
    sys.exit(main())
