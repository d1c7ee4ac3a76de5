"""The steps `copy` and `load` of an import in a pod, in the operator's image; `aboard` is the one between them.

What one leaves for the next lies in a directory that they share; how each ended, in its termination message.
"""

import argparse
import asyncio
import logging
import os
import re
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from alembic_operator.contract import ExitCode
from alembic_operator.contract.imports import FIRST, IMPORTED, SECOND, ImportAnswer, Told
from alembic_operator.importing import course, outlook
from alembic_operator.importing.facts.answer import Answer
from alembic_operator.importing.facts.failures import ImportFailed, TryAgain
from alembic_operator.importing.facts.findings import Finding, blocking
from alembic_operator.importing.facts.options import Options
from alembic_operator.importing.sqlite import snapshot
from alembic_operator.importing.sqlite.handover import COPY, HANDOVER, PROGRAM, Handover, tell
from alembic_operator.importing.sqlite.scripts import Fresh
from alembic_operator.importing.tables.marks import Mark
from alembic_operator.importing.transfer import turns

_FIELDS = (
    ("--exclude ", "spec.tables.exclude: "),
    ("--column ", "spec.columns: "),
    ("--revision", "spec.from.sqlite.revision"),
    (turns.NEXT, "the rows of the first pass are in the database"),
    (turns.NO_FIRST, "the first pass is not in the database any more: delete this DatabaseImport, and apply it again"),
    ("run --pass second; or", "set spec.passes to Two; or"),
    ("and run the first pass again", "delete this DatabaseImport, and apply it again"),
    ("and run the second pass again", "it is tried again"),
    ("connect as the owner", "let spec.database of the migration name the owner"),
)
"""What the command's messages advise, in the words of a DatabaseImport."""

_CARRIED = ("__init__.py", "api/__init__.py", "api/reasons.py", "contract", "runner", "importing")
_MAIN = "from alembic_operator.importing.sqlite import aboard\nimport sys\nsys.exit(aboard.main(sys.argv[1:]))\n"


@dataclass(frozen=True)
class _Step:
    """One step under way."""

    options: Options
    place: Path

    @property
    def handover(self) -> Handover:
        return Handover.read(self.place / HANDOVER)


def run(asked: argparse.Namespace, options: Options, environ: Mapping[str, str] = os.environ) -> int:
    """Run a step, tell how it ended, and return the exit code."""
    logging.getLogger("asyncio").setLevel(logging.ERROR)  # of a server that is gone it tells once for each block
    step = _Step(options, asked.place)
    work: Callable[[_Step, Mapping[str, str]], ImportAnswer | None] = _copy if asked.step == "copy" else _load
    try:
        answer = work(step, environ)
    except TryAgain as error:
        tell(ImportAnswer("again", _in_fields(str(error)), reason=error.reason))
        return int(ExitCode.TRY_AGAIN)
    except ImportFailed as error:
        tell(ImportAnswer("failed", _in_fields(str(error))))
        return int(ExitCode.FAILED)
    if answer is None:
        return 0
    tell(answer)
    return 0 if answer.outcome in (IMPORTED, FIRST) else int(ExitCode.FAILED)


def _copy(step: _Step, environ: Mapping[str, str]) -> None:
    """Copy the file, unless it was imported before; leave the program for the application's image beside it."""
    for left in step.place.iterdir():  # of a container that was killed
        left.unlink()
    _leave_program(step.place / PROGRAM)
    if asyncio.run(course.earlier(step.options, environ)):
        Handover(earlier=True).write(step.place / HANDOVER)
        return
    if step.options.turn == FIRST and asyncio.run(course.first_pass(step.options, environ)):
        Handover(first=True).write(step.place / HANDOVER)
        return
    copy = step.place / COPY
    seen = course.last_look(step.options)
    snapshot.take(step.options.file, copy)
    filled = step.options.turn != SECOND and asyncio.run(course.filled(step.options, environ))
    Handover(sha256=snapshot.digest(copy, step.options.file), filled=filled, seen=seen).write(step.place / HANDOVER)
    copy.chmod(0o666)  # the next container may run as another user


def _leave_program(archive: Path) -> None:
    package = Path(__file__).resolve().parent.parent
    files = [
        one
        for name in _CARRIED
        for one in ([package / name] if name.endswith(".py") else (package / name).rglob("*.py"))
    ]
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr("__main__.py", _MAIN)
        for one in sorted(files):
            opened.write(one, str(one.relative_to(package.parent)))
    archive.chmod(0o644)


def _load(step: _Step, environ: Mapping[str, str]) -> ImportAnswer:
    handed = step.handover
    mark = asyncio.run(course.earlier(step.options, environ))
    if mark:
        return _marked(mark)
    if handed.earlier:
        raise TryAgain("the mark of the earlier import has gone meanwhile")
    if handed.first:
        loaded = asyncio.run(course.first_pass(step.options, environ)) or ()
        return ImportAnswer(FIRST, tables=len(loaded), rows=sum(one.rows for one in loaded), equal=True, earlier=True)
    brought = course.Brought(
        step.place / COPY,
        handed.sha256,
        tuple(handed.revision),
        tuple(handed.target),
        handed.version_table,
        handed.seen,
        Fresh(step.place, *handed.inserted) if handed.inserted else None,
    )
    with outlook.beside(step.options, environ, brought.copy):
        return _answer(step.options, asyncio.run(course.load(step.options, brought, environ)))


def _marked(mark: Mark) -> ImportAnswer:
    message = "the database has the mark of an earlier import of this name: nothing was done"
    return ImportAnswer(IMPORTED, message, equal=True, earlier=True, **vars(mark))


def _answer(options: Options, answer: Answer) -> ImportAnswer:
    stopping = blocking(answer.findings)
    told = stopping or answer.findings
    return ImportAnswer(
        "findings" if not answer.equal else FIRST if options.turn == FIRST else IMPORTED,
        turns.LATE if answer.following.startswith(turns.LATE) else "",
        tables=len(answer.tables),
        rows=sum(one.rows for one in answer.tables),
        quarantined=answer.quarantined,
        seconds=round(answer.seconds, 3),
        sha256=answer.sha256,
        equal=answer.equal,
        findings=tuple(map(_told, told)),
        total=len(told),
    )


def _told(one: Finding) -> Told:
    return Told(one.kind, one.table, one.column, one.count, tuple(one.rows), _in_fields(one.message))


def _in_fields(message: str) -> str:
    for option, field in _FIELDS:
        message = message.replace(option, field)
    return re.sub(r"(spec\.columns: )(\S+)=(\w+), =(\w+) or =(\w+)", r"\1{column: \2, as: \3, \4 or \5}", message)
