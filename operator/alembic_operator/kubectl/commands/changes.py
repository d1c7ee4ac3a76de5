"""What a person changes of a migration."""

import json
import time
from datetime import UTC, datetime
from typing import Any

from alembic_operator.core import names
from alembic_operator.core.observation.migrations import Migration, read_migration
from alembic_operator.kubectl.commands import imports
from alembic_operator.kubectl.commands.call import Call
from alembic_operator.kubectl.diagnosis.diagnosis import Standing
from alembic_operator.kubectl.diagnosis.migration import stand
from alembic_operator.kubectl.facts import IMPORTS, MIGRATIONS

PATIENCE = 10.0
"""Seconds for which `retry` waits until an operator has taken it up."""

_PACE = 0.3

wait = time.sleep


def retry(call: Call) -> int:
    """Start a new run, and return when the status no longer tells of the one before: a pipeline asks for it next."""
    name = call.asked.name
    value = datetime.now(UTC).isoformat()  # one that it never had
    if past := imports.named(name):
        return _done(call, "annotate", IMPORTS, past, "--overwrite", f"{names.RETRY}={value}")
    before = read_migration(call.kubectl.get(MIGRATIONS, name))
    _done(call, "annotate", MIGRATIONS, name, "--overwrite", f"{names.RETRY}={value}")
    if _is_decided(before) and not _is_taken_up(call, before):
        told = f"no operator has taken it up within {PATIENCE:.0f} s; `kubectl alembic status {name}` tells more"
        call.err.print(told, markup=False, soft_wrap=True)
    return Standing.READY


def _is_decided(migration: Migration) -> bool:
    """Tell whether the status says how a run ended, and would say it of the next one, too, until that is seen."""
    runs = migration.spec and not migration.spec.suspend and migration.spec.strategy == "Job"
    return bool(runs) and stand(migration).standing is not Standing.WAITS


def _is_taken_up(call: Call, before: Migration) -> bool:
    end = time.monotonic() + PATIENCE
    while read_migration(call.kubectl.get(MIGRATIONS, before.name)).status.last_run == before.status.last_run:
        if time.monotonic() > end:
            return False
        wait(_PACE)
    return True


def suspend(call: Call) -> int:
    """Start nothing new."""
    return _patch(call, {"spec": {"suspend": True}})


def resume(call: Call) -> int:
    """Let it run again."""
    return _patch(call, {"spec": {"suspend": False}})


def _patch(call: Call, patch: dict[str, Any]) -> int:
    return _done(call, "patch", MIGRATIONS, call.asked.name, "--type=merge", f"--patch={json.dumps(patch)}")


def _done(call: Call, *words: str) -> int:
    call.say(call.kubectl.run(*words))
    return Standing.READY
