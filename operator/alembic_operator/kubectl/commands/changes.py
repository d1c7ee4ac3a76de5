"""What a person changes of a migration."""

import json
from datetime import UTC, datetime
from typing import Any

from alembic_operator.core import names
from alembic_operator.kubectl.commands.call import Call
from alembic_operator.kubectl.diagnosis.diagnosis import Standing
from alembic_operator.kubectl.facts import MIGRATIONS


def retry(call: Call) -> int:
    """Start a new run."""
    value = datetime.now(UTC).isoformat()  # one that it never had
    return _done(call, "annotate", MIGRATIONS, call.asked.name, "--overwrite", f"{names.RETRY}={value}")


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
