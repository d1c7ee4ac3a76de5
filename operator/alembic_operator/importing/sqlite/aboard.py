"""The step between: upgrades the copy in the application's image, by the application's own scripts.

Python 3.9 and what the image has: the operator's image has left this program in the directory that they share.
"""

from __future__ import annotations

import argparse
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from alembic_operator.contract import ExitCode
from alembic_operator.contract.imports import ImportAnswer
from alembic_operator.importing.facts.failures import ImportFailed
from alembic_operator.importing.sqlite import snapshot
from alembic_operator.importing.sqlite.handover import COPY, HANDOVER, Handover, tell
from alembic_operator.importing.sqlite.scripts import Scripts, adopt


def main(argv: list[str]) -> int:
    """Upgrade the copy to a target, and return the exit code."""
    parser = argparse.ArgumentParser()
    for name in ("--place", "--config", "--section", "--target"):
        parser.add_argument(name, required=True)
    parser.add_argument("--revision", default="")
    parser.add_argument("-x", action="append", default=[])
    asked = parser.parse_args(argv)
    place = Path(asked.place)
    handed = Handover.read(place / HANDOVER)
    if handed.idle:
        return 0
    scripts = Scripts(asked.config, asked.section, tuple(asked.x))
    try:
        brought = _bring(scripts, place, tuple(asked.target.split(",")), asked.revision)
    except ImportFailed as error:
        tell(ImportAnswer("failed", _in_fields(str(error))))
        return int(ExitCode.FAILED)
    inserted = _inserted(scripts, place, brought.target) if handed.filled else ()
    replace(brought, sha256=handed.sha256, inserted=inserted, seen=handed.seen).write(place / HANDOVER)
    return 0


def _inserted(scripts: Scripts, place: Path, target: tuple[str, ...]) -> tuple[float, ...]:
    """Leave files with what revisions insert by themselves, and tell when that was done."""
    fresh = scripts.insert(place, target)
    if fresh is None:
        return ()
    for file in fresh.files:
        file.chmod(0o666)  # as the copy's
    return fresh.begun, fresh.ended


def _in_fields(message: str) -> str:
    """Return what the command would say in the words of a DatabaseImport."""
    said = message.replace("--revision", "spec.from.sqlite.revision")
    return said.replace("run this with the settings with", "set in spec.from.sqlite.env the variables with")


def _bring(scripts: Scripts, place: Path, target: tuple[str, ...], revision: str) -> Handover:
    copy = place / COPY
    if not scripts.present():
        raise ImportFailed(f"the image has no {scripts.config}; correct spec.alembic.config of the migration")
    _, table = scripts.look(place)
    if revision:
        adopt(scripts, place, copy, revision)
    with closing(snapshot.open_copy(copy)) as opened:
        heads = snapshot.heads(opened, table)
    if not heads:
        raise ImportFailed(f"the file has no revision in {table}; say in --revision which one its schema is")
    if set(heads) != set(target):
        _upgrade(scripts, place, target, f"the file is at {', '.join(heads)}, PostgreSQL at {', '.join(target)}")
    return Handover(revision=heads, target=target, version_table=table)


def _upgrade(scripts: Scripts, place: Path, target: tuple[str, ...], told: str) -> None:
    try:
        scripts.upgrade(place, place / COPY, target)
    except ImportFailed as error:
        raise ImportFailed(f"{told}. {error}") from error
