"""Observations of one migration, `users`, in words that a test can vary."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from alembic_operator.api.meta import Condition
from alembic_operator.api.reasons import Effect
from alembic_operator.api.status import Status
from alembic_operator.api.v1alpha1 import Spec
from alembic_operator.contract import Applied, Failure, Result
from alembic_operator.core import names, times
from alembic_operator.core.actions import CreateJob, DeleteJob, Plan
from alembic_operator.core.manifests import job
from alembic_operator.core.observation import source
from alembic_operator.core.observation.database_servers import DatabaseServer
from alembic_operator.core.observation.jobs import Job
from alembic_operator.core.observation.migrations import Migration
from alembic_operator.core.observation.observation import Observation
from alembic_operator.core.observation.pods import Pod
from alembic_operator.core.observation.reading import Manifest
from alembic_operator.core.observation.source import Missing, PodParts

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
UID = "11111111-0000-0000-0000-000000000000"
RUNNER_IMAGE = "registry/alembic-operator:0.1.0"
IMAGE = "registry/users@sha256:4242"

UP_TO_DATE = Result("UpToDate", ("a1",), ("b2",), ("b2",), applied=(Applied("b2", 1500),), applied_count=1)
LOCKED = Result("LockTimeout", ("a1",), ("a1",), ("b2",), pending=1, error=Failure("lock timeout", "55P03", "b2"))
BROKEN = Result("RevisionFailed", ("a1",), ("a1",), ("b2",), pending=1, error=Failure("no such table", "42P01", "b2"))

POSTGRES = DatabaseServer("postgres", "postgres.shop.svc", 5432, ready=True)
DATABASE = {"name": "shop", "userFrom": {"name": "users-db", "key": "user"}}
ON_POSTGRES = {"database": DATABASE | {"statefulSetRef": {"name": "postgres"}}}


def at(seconds: float = 0) -> str:
    """Return the time so many seconds after NOW."""
    return times.text(NOW + timedelta(seconds=seconds))


def a_spec(**fields: Any) -> Spec:
    return Spec.model_validate({"source": {"image": "users:1.4"}} | fields)


def a_migration(spec: Manifest | None = None, **changes: Any) -> Migration:
    plain = Migration(
        namespace="shop",
        name="users",
        uid=UID,
        generation=1,
        retry="",
        spec=a_spec(**(spec or {})),
        spec_error="",
        status=Status(),
    )
    return replace(plain, **changes)


def a_job(name: str, **changes: Any) -> Job:
    plain = Job(
        name=name,
        uid=f"uid-of-{name}",
        owner=UID,
        owner_name="users",
        attempt=1,
        started_at=at(-60),
        deleting=False,
        outcome="",
        finished_at="",
        failure="",
    )
    if changes.get("outcome"):
        plain = replace(plain, finished_at=at(-10))
    return replace(plain, **changes)


def a_pod(of: str, **changes: Any) -> Pod:
    plain = Pod(
        name=f"{of}-0",
        job=of,
        created_at=at(-60),
        phase="Pending",
        running=False,
        waiting_reason="",
        waiting_message="",
        unschedulable="",
        exit_code=None,
        terminated_reason="",
        terminated_message="",
        finished_at="",
        image="",
        result=None,
        job_uid=f"uid-of-{of}",
    )
    return replace(plain, **changes)


def running(of: str, **changes: Any) -> Pod:
    return a_pod(of, **{"phase": "Running", "running": True} | changes)


def ended(of: str, exit_code: int | None = 0, result: Result | None = None, **changes: Any) -> Pod:
    phase = "Failed" if exit_code else "Succeeded"
    end = {"phase": phase, "exit_code": exit_code, "result": result, "finished_at": at(-11), "image": IMAGE}
    return a_pod(of, **end | changes)


def seen(spec: Manifest | None = None, **changes: Any) -> Observation:
    """Return what is seen of a new migration of an image; fields of migration and observation can be given."""
    if unreadable := changes.pop("unreadable", ""):
        return seen(migration=replace(a_migration(spec), spec=None, spec_error=unreadable), **changes)
    own = {name: changes.pop(name) for name in tuple(changes) if name in Migration.__dataclass_fields__}
    plain = Observation(
        now=NOW,
        migration=a_migration(spec, **own),
        source=source.of_image("users:1.4"),
        server=POSTGRES if spec and "statefulSetRef" in (spec.get("database") or {}) else None,
        dependencies=(),
        cycle=(),
        jobs=(),
        pods=(),
        gated=(),
        runner_image=RUNNER_IMAGE,
        runner_is_there=True,
    )
    return replace(plain, **changes)


def later(before: Observation, seconds: float) -> Observation:
    return replace(before, now=before.now + timedelta(seconds=seconds))


def with_status(before: Observation, status: Status) -> Observation:
    """Return it with a status, as the API server stores and returns it."""
    written = status.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_defaults=True)
    return replace(before, migration=replace(before.migration, status=Status.model_validate(written)))


def name_of(given: Observation) -> str:
    """Return the name of the Job of these very inputs."""
    return names.job_name(given.migration.name, what_matters(given))


def what_matters(given: Observation) -> Manifest:
    """Return the inputs."""
    spec, parts, server = given.migration.spec, given.source, given.server
    assert spec is not None
    assert isinstance(parts, PodParts)
    assert not isinstance(server, Missing)
    return job.what_matters(given.migration, spec, parts, server)


def the_job(planned: Plan) -> Manifest:
    """Return the one Job that a plan creates."""
    (manifest,) = [one.manifest for one in planned.actions if isinstance(one, CreateJob)]
    return manifest


def created(planned: Plan) -> list[str]:
    """Return the names of the Jobs that a plan creates."""
    return [one.manifest["metadata"]["name"] for one in planned.actions if isinstance(one, CreateJob)]


def deleted(planned: Plan) -> list[str]:
    """Return the names of the Jobs that a plan deletes."""
    return [one.name for one in planned.actions if isinstance(one, DeleteJob)]


def ready(planned: Plan) -> Condition:
    return next(one for one in planned.status.conditions if one.type == "Ready")


def told(planned: Plan) -> tuple[Effect, str]:
    """Return the effect that the conditions show, and their one reason."""
    shown = {one.type: one.status for one in planned.status.conditions}
    (reason,) = {one.reason for one in planned.status.conditions}
    (effect,) = (
        one
        for one, conditions in {
            Effect.READY: {"Ready": "True"},
            Effect.RECONCILING: {"Ready": "False", "Reconciling": "True"},
            Effect.STALLED: {"Ready": "False", "Stalled": "True"},
        }.items()
        if conditions == shown
    )
    return effect, reason


def reason(planned: Plan) -> str:
    return told(planned)[1]
