"""Read what the runner answered to a question."""

import json
from collections.abc import Iterable

from alembic_operator.api.reasons import Effect, Reason
from alembic_operator.core.observation import reading
from alembic_operator.core.observation.fleet import clean
from alembic_operator.core.observation.migrations import Migration
from alembic_operator.core.observation.reading import Manifest
from alembic_operator.core.observation.results import run_error
from alembic_operator.core.runs import messages
from alembic_operator.core.runs.run import RunEnd
from alembic_operator.kubectl.diagnosis.diagnosis import WORDS, Diagnosis, Standing

_STANDINGS = {Effect.READY: Standing.READY, Effect.RECONCILING: Standing.WAITS, Effect.STALLED: Standing.STALLED}

_FIRST = "-- What `"
"""How the plan begins; env.py may have printed before it."""


def of_check(migration: Migration, end: RunEnd) -> Diagnosis:
    """Return what the database contains and lacks."""
    standing = _STANDINGS[end.reason.effect] if end.result else Standing.ERROR
    name = f"{migration.namespace}/{migration.name}"
    error, result = run_error(end.error), end.result
    facts = []
    if result:
        facts = [("Current", messages.heads(result.to)), ("Target", messages.heads(result.target))]
        facts += [("Pending", str(result.pending))] if not error or result.pending else []
        facts += [("Tenants", str(clean(result.tenants)))] if result.tenants else []
        facts += [("Warning", one) for one in result.warnings]
        facts += [("Statement", error.statement)] if error and error.statement else []
    word = WORDS.get(standing, "no answer")
    headline = f"{name}: {word} ({end.reason}), as the database says now"
    return Diagnosis(standing, headline, messages.failed(error) if error else _said(end), "", tuple(facts))


def _said(end: RunEnd) -> str:
    pending = end.result.pending if end.result else 0
    return f"{pending} revision{'s' if pending != 1 else ''} to apply" if pending else end.reason.meaning


def of_plan(log: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return the lines of SQL, and the others: kubectl prints what came from both streams of a container."""
    sql: list[str] = []
    others: list[str] = []
    for line in log:
        is_sql = not _is_logged(line) and (bool(sql) or line.startswith(_FIRST))
        (sql if is_sql else others).append(line)
    return sql, others


def rows(log: Iterable[str], key: str) -> list[Manifest]:
    """Return the rows of a table, which have this key: JSON, among what env.py and the runner say."""
    return [row for row in map(_json, log) if key in row and "event" not in row]


def has_failed(row: Manifest) -> bool:
    """Return whether the last run of a tenant has failed."""
    return reading.text(row, "outcome") not in (
        "",
        *map(str, (Reason.UP_TO_DATE, Reason.DATABASE_AHEAD, Reason.PENDING)),
    )


def _is_logged(line: str) -> bool:
    return "event" in _json(line)


def _json(line: str) -> Manifest:
    try:
        return reading.fields(json.loads(line))
    except (ValueError, RecursionError):
        return {}
