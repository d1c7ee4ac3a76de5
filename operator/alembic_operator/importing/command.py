"""The command `import-sqlite`. Exit codes: 0 imported and equal, or nothing found; 1 error; 2 findings of --scan."""

import argparse
import asyncio
import os
import sys
from pathlib import Path
from typing import get_args

from alembic_operator.importing.facts.options import OnBadRow, Options, Orphans, Verify

_ERROR, _FOUND = 1, 2
_READINGS = ("seconds", "milliseconds", "microseconds", "text", "hex", "bytes")


def add_arguments(one: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    one.add_argument("file", type=Path, metavar="FILE", help="the SQLite file; it is only read")
    one.add_argument("--url", default="", help="PostgreSQL's; default: DATABASE_URL, or PGHOST and the like")
    one.add_argument("--schema", default="", help="of PostgreSQL's tables; default: the first of its search path")
    one.add_argument("--config", default="alembic.ini", help="Alembic's configuration; default: alembic.ini")
    one.add_argument("--section", default="alembic", help="its section; default: alembic")
    one.add_argument("-x", action="append", default=[], help="for env.py, as `alembic -x`")
    one.add_argument("--revision", default="", help="of a file without a version table; its schema is compared")
    one.add_argument("--scan", action="store_true", help="only look; exit code 2 when something stands in the way")
    one.add_argument("--mark", default="", metavar="NAME", help="import once: a later run of this name does nothing")
    one.add_argument("--exclude", action="append", default=[], metavar="PATTERN", help="a table, or table.column")
    one.add_argument(
        "--column",
        action="append",
        default=[],
        type=_reading,
        metavar="TABLE.COLUMN=TYPE",
        help=f"what its values are: {', '.join(_READINGS)}",
    )
    one.add_argument("--on-bad-row", choices=get_args(OnBadRow), default="stop", help="default: stop")
    one.add_argument("--orphans", choices=get_args(Orphans), default="stop", help="default: stop")
    one.add_argument("--verify", choices=get_args(Verify), default="full", help="default: full")
    one.add_argument(
        "--pass",
        dest="turn",
        choices=("first", "second"),
        default="",
        help="first: the application goes on meanwhile; second: it is stopped, and what has changed follows",
    )
    one.add_argument("-o", "--output", choices=("text", "json"), default="text", help="default: text, for people")


def _reading(text: str) -> tuple[str, str]:
    name, _, reading = text.partition("=")
    if "." not in name or reading not in _READINGS:
        raise argparse.ArgumentTypeError(f"{text!r}: write TABLE.COLUMN=TYPE, with one of {', '.join(_READINGS)}")
    return name, reading


def run(asked: argparse.Namespace) -> int:
    """Run the command and return its exit code."""
    try:
        from alembic_operator.importing import course, report  # noqa: PLC0415
        from alembic_operator.importing.facts.failures import ImportFailed  # noqa: PLC0415
        from alembic_operator.importing.facts.findings import blocking  # noqa: PLC0415
    except ModuleNotFoundError as missing:
        sys.stderr.write(f"there is no module {missing.name}; run `pip install 'alembic-operator[import]'`\n")
        return _ERROR
    try:
        answer = asyncio.run(course.run(options(asked), os.environ))
    except ImportFailed as error:
        sys.stderr.write(f"error: {error}\n")
        return _ERROR
    sys.stdout.write(report.as_json(answer) + "\n" if asked.output == "json" else report.as_text(answer))
    if answer.equal or not blocking(answer.findings):
        return 0
    return _FOUND if asked.scan else _ERROR


def add_step(one: argparse.ArgumentParser) -> None:
    """Say what a step of an import in a pod takes."""
    one.add_argument("step", choices=("copy", "load"))
    one.add_argument("--place", type=Path, required=True, help="the directory that the steps share")
    one.add_argument("--role", default="", help="SET ROLE")
    add_arguments(one)


def options(asked: argparse.Namespace) -> Options:
    """Return what a command line asks for."""
    return Options(
        file=asked.file,
        url=asked.url,
        schema=asked.schema,
        config=asked.config,
        section=asked.section,
        x=tuple(asked.x),
        revision=asked.revision,
        scan=asked.scan,
        exclude=tuple(asked.exclude),
        readings=dict(asked.column),
        on_bad_row=asked.on_bad_row,
        orphans=asked.orphans,
        verify=asked.verify,
        turn=asked.turn,
        role=getattr(asked, "role", ""),
        mark=asked.mark,
    )
