"""What a person reads of a migration below its headline: names and values."""

from collections.abc import Iterator
from datetime import datetime

from alembic_operator.api.fleet import TenantsStatus
from alembic_operator.api.status import Build, HistoryEntry, LastRun, Progress, Status, WaitingFor
from alembic_operator.contract import durations
from alembic_operator.contract.fleet import named
from alembic_operator.core.observation.fleet import fleet_of
from alembic_operator.core.observation.gated_pods import read_gated_pod
from alembic_operator.core.observation.migrations import Migration
from alembic_operator.core.observation.reading import moment
from alembic_operator.core.runs import messages
from alembic_operator.core.status.shown import shown
from alembic_operator.kubectl.diagnosis.gated import belongs_to, held, ungated
from alembic_operator.kubectl.diagnosis.operators import service
from alembic_operator.kubectl.diagnosis.surroundings import Surroundings

_SHOWN = 3
_RUNS = ("pod ", "alembic-operator/")
"""How the application's name of another run begins, at the lock of the version table and at a table's."""

Facts = Iterator[tuple[str, str]]


def details(migration: Migration, around: Surroundings, *, wide: bool) -> tuple[tuple[str, str], ...]:
    """Return names and values, in the order in which they are read."""
    status = migration.status
    found = [
        *_revisions(status),
        *_tenants(status.tenants),
        *_progress(status.progress, around.now),
        *_pods(migration, around),
        *_last_run(status.last_run, around.now),
        *_operator(migration.namespace, around),
        *(_more(status) if wide else ()),
    ]
    return tuple((name, value) for name, value in found if value)


def _revisions(status: Status) -> Facts:
    revisions = status.revisions
    yield "Image", status.image or ""
    if revisions:
        told = shown(revisions)
        yield from (("Current", told.current), ("Target", told.target), ("Pending", told.pending))


def _tenants(found: TenantsStatus | None) -> Facts:
    """Yield how they stand, and each group of those that failed."""
    if found is None:
        return
    yield "Tenants", found.shown if found.shown.startswith("?") else _stand(found)
    for one in fleet_of(found).failures:
        yield "Failed", "; ".join(filter(None, (str(one), one.message, one.statement, one.hint)))
    yield "Drifted", named(found.drifted_names, found.drifted) if found.drifted else ""


def _stand(found: TenantsStatus) -> str:
    counted = [f"{found.up_to_date:,} of {found.total:,} up to date"]
    counted += [f"{count:,} {state}" for count, state in ((found.behind, "behind"), (found.failed, "failed")) if count]
    counted += [f"{durations.spoken(found.eta_seconds)} left"] if found.eta_seconds is not None else []
    counted += [f"slowest {found.slowest}"] if found.slowest else []
    counted += [f"nothing known of server {', '.join(found.silent)}"] if found.silent else []
    return ", ".join(counted)


def _progress(found: Progress | None, now: datetime) -> Facts:
    if found is None:
        return
    place = f"revision {found.index} of {found.of}" if found.index and found.of else ""
    nothing = "" if place else "between two revisions" if found.of else "no revision yet"
    named = found.revision or nothing
    yield "Progress", f"{', '.join(filter(None, (place, named)))}, {_for(found.since, now)}"
    yield "Statement", found.statement or ""
    yield "Waits for", _in_the_way(found.waiting_for) if found.waiting_for else ""
    yield "Builds", _built(found.build) if found.build else ""
    yield "Last moved", since(found.moved_at, now)


def _for(when: str, now: datetime) -> str:
    then = moment(when)
    return f"for {age((now - then).total_seconds())}" if then else f"since {when}"


def _in_the_way(one: WaitingFor) -> str:
    """Return who it is, with what ends him."""
    who = f"pid {one.pid}" if one.pid else "a prepared transaction (pg_prepared_xacts)"
    doing = " for ".join(filter(None, (one.state, one.query_age)))
    known = ", ".join(filter(None, (one.application, one.user, doing)))
    ends = f"SELECT pg_terminate_backend({one.pid}) ends it" if one.pid else ""
    then = "it is a migration at work: look at its log first" if (one.application or "").startswith(_RUNS) else ends
    return "; ".join(filter(None, (f"{who}{f' ({known})' if known else ''}", then)))


def _built(one: Build) -> str:
    part = f"{100 * one.done // one.total} %" if one.total > 0 else ""
    return ", ".join(filter(None, (one.command, one.phase, part)))


def _pods(migration: Migration, around: Surroundings) -> Facts:
    if around.pods is None:
        yield "Held pods", str(migration.status.held_pods or "")
        return
    own = [one for one in around.pods if belongs_to(one, migration)]
    for sentence in held(map(read_gated_pod, own), migration, around.now).workloads:
        yield "Held pods", sentence
    yield from (("No gate", one) for one in ungated(own))


def _last_run(last: LastRun | None, now: datetime) -> Facts:
    if last is None:
        return
    yield "Last run", f"attempt {last.attempt}: {last.outcome or 'under way'}"
    yield "Since", since(last.finished_at or last.started_at or "", now)
    if last.error:
        yield "Failed at", last.error.statement or ""


def since(when: str, now: datetime) -> str:
    """Return a time with how long ago it was."""
    then = moment(when)
    return f"{when} ({age((now - then).total_seconds())} ago)" if then else when


def age(seconds: float) -> str:
    """Return a span of time as kubectl does: in its two greatest units."""
    left, said = max(0, int(seconds)), ""
    for unit, length in (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)):
        count, left = divmod(left, length)
        if said:
            return f"{said}{count}{unit}" if count else said
        said = f"{count}{unit}" if count or unit == "s" else ""
    return said


def _operator(namespace: str, around: Surroundings) -> Facts:
    if around.operators is not None:
        yield "Operator", service(namespace, around.operators, blind=namespace in around.blind).why


def _more(status: Status) -> Facts:
    last, where = status.last_run, status.database
    yield "Database", f"StatefulSet {where.stateful_set}, {where.host}:{where.port}" if where else ""
    if last:
        yield from (("Applied", f"{one.revision} in {one.seconds:.1f} s") for one in last.applied)
        yield from (("Warning", one) for one in last.warnings)
        yield from (("Committed", one) for one in (last.error.committed if last.error else ()))
    yield from (("Known image", one) for one in status.known_images)
    yield from (("Run", _run(one)) for one in status.history[:_SHOWN])


def _run(one: HistoryEntry) -> str:
    return f"{one.finished_at} {one.outcome}: from {messages.heads(one.from_)} to {messages.heads(one.to)}"
