"""Read the metrics of one migration from what the cache keeps of it: total, like all readers of foreign objects."""

from collections.abc import Iterator

from alembic_operator.api.reasons import Effect, Reason
from alembic_operator.core.observation.conditions import READY
from alembic_operator.core.observation.gated_pods import GatedPod
from alembic_operator.core.observation.reading import Manifest, fields, items, moment, number, text, texts
from alembic_operator.shell.metrics import families as f
from alembic_operator.shell.metrics.families import Family

Sample = tuple[Family, tuple[str, ...], float]
"""A family, the labels after namespace and name, and the value."""

_EFFECTS = {str(one): one.effect.value for one in Reason}
_STATES = {"upToDate": "up-to-date", "behind": "behind", "failed": "failed", "drifted": "drifted"}
_ENDED_WELL = frozenset(str(one) for one in Reason if one.effect is Effect.READY)


def of_import(raw: Manifest) -> Iterator[Sample]:
    """Yield what there is to say of an import."""
    status = fields(raw, "status")
    yield from _conditions(status, f.IMPORT_READY, f.IMPORT_REASON)
    if (rows := number(status, "rows")) is not None:
        yield f.IMPORT_ROWS, (), rows
    if "downtimeSeconds" in status:
        yield f.IMPORT_SECONDS, (), _seconds(status, "downtimeSeconds")


def samples(raw: Manifest, gated: tuple[GatedPod, ...]) -> Iterator[Sample]:
    """Yield what there is to say of a migration, and of the pods that wait for it."""
    status = fields(raw, "status")
    yield from _conditions(status, f.READY, f.REASON)
    yield f.INFO, _info(raw, status), 1
    if (pending := number(status, "revisions", "pending")) is not None:
        yield f.PENDING, (), pending
    yield f.HELD, (), number(status, "heldPods") or 0
    yield from _tenants(fields(status, "tenants"))
    yield from _gates(gated)
    yield from _runs(status)


def _conditions(status: Manifest, ready: Family, why: Family) -> Iterator[Sample]:
    found: Manifest = next((one for one in items(status, "conditions") if text(one, "type") == READY), {})
    yield ready, (), text(found, "status") == "True"
    if reason := text(found, "reason"):
        yield why, (reason, _EFFECTS.get(reason, "")), 1


def _info(raw: Manifest, status: Manifest) -> tuple[str, ...]:
    current, target = (",".join(texts(status, "revisions", name)) for name in ("current", "target"))
    return text(status, "image"), current, target, text(raw, "spec", "strategy") or "Job"


def _tenants(tenants: Manifest) -> Iterator[Sample]:
    """Yield how many tenants stand how: never one of them, for each would be a series of its own."""
    if text(tenants, "shown").startswith("?"):
        return
    for name, state in _STATES.items() if tenants else ():
        yield f.TENANTS, (state,), number(tenants, name) or 0


def _gates(gated: tuple[GatedPod, ...]) -> Iterator[Sample]:
    waiting = [at for one in gated if not one.ended and one.gate and (at := _time(one.gate.running_since))]
    if waiting:
        yield f.HELD_SINCE, (), min(waiting)
    if gated:
        yield f.UNGATED, (), sum(1 for one in gated if not (one.ended or one.gate or one.gate_annotation))


def _runs(status: Manifest) -> Iterator[Sample]:
    run = fields(status, "lastRun")
    started, finished = _time(text(run, "startedAt")), _time(text(run, "finishedAt"))
    if attempt := number(run, "attempt"):
        yield f.ATTEMPTS, (), attempt
    if started and not finished:
        yield f.STARTED, (), started
        if at := _time(text(status, "progress", "movedAt")):
            yield f.PROGRESS, (), at
    if started and finished:
        yield from _parts(run, finished - started)
    ended = (one for one in items(status, "history") if text(one, "outcome") in _ENDED_WELL)
    if at := _time(text(next(ended, {}), "finishedAt")):
        yield f.SUCCESS, (), at


def _parts(run: Manifest, whole: float) -> Iterator[Sample]:
    parts = {
        "locks": _seconds(run, "lockSeconds"),
        "revisions": sum(_seconds(one, "seconds") for one in items(run, "applied")),
        "read-back": _seconds(run, "readBackSeconds"),
    }
    for part, seconds in parts.items():
        yield f.SECONDS, (part,), seconds
    yield f.SECONDS, ("rest",), max(0.0, whole - sum(parts.values()))


def _seconds(raw: Manifest, name: str) -> float:
    found = raw.get(name)
    return found if isinstance(found, int | float) else 0.0


def _time(written: str) -> float:
    """Return seconds since 1970; 0 where it is no time."""
    found = moment(written)
    return found.timestamp() if found else 0.0
