"""What a DatabaseMigration looks like in every state that a GitOps tool has to judge, made by the operator's own plan.

Each one is written to testdata/ of the health check; a status that takes another shape makes those files stale.
"""

from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum
from typing import Any

from alembic_operator.api.v1alpha1 import API_VERSION, KIND
from alembic_operator.contract import ExitCode, Result
from alembic_operator.core import names
from alembic_operator.core.observation.gated_pods import read_gated_pod
from alembic_operator.core.observation.reading import Manifest
from tests.unit.core.builders import BROKEN, LOCKED, ON_POSTGRES, POSTGRES, at
from tests.unit.core.life import Life

AHEAD = Result("DatabaseAhead", ("c3",), ("c3",), ("b2",), ahead=True)
NEWER = {"image": "users:1.5"}


class Health(StrEnum):
    """What Argo CD calls it."""

    HEALTHY = "Healthy"
    PROGRESSING = "Progressing"
    SUSPENDED = "Suspended"
    DEGRADED = "Degraded"


def _new() -> Life:
    return Life()


def _pending() -> Life:
    life = Life()
    life.look()
    return life


def _migrating() -> Life:
    life = _pending()
    life.pod_runs()
    life.look()
    return life


def _with_held_pods() -> Life:
    life = _migrating()
    life.pass_time(10)
    life.seen = replace(life.seen, gated=(read_gated_pod(_held_pod()),))
    life.look()
    return life


def _held_pod() -> Manifest:
    return {
        "metadata": {
            "name": "users-5d4f-x",
            "creationTimestamp": at(),
            "labels": {"pod-template-hash": "5d4f"},
            "ownerReferences": [
                {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "users-5d4f", "uid": "1", "controller": True}
            ],
        },
        "spec": {"initContainers": [{"name": names.GATE_CONTAINER, "image": "users:1.4"}]},
        "status": {
            "initContainerStatuses": [{"name": names.GATE_CONTAINER, "state": {"running": {"startedAt": at()}}}]
        },
    }


def _retrying() -> Life:
    life = Life()
    life.run(ExitCode.TRY_AGAIN, LOCKED)
    return life


def _waiting_for_database() -> Life:
    life = Life(ON_POSTGRES, server=replace(POSTGRES, ready=False))
    life.look()
    return life


def _suspended() -> Life:
    life = Life({"suspend": True})
    life.look()
    return life


def _up_to_date() -> Life:
    life = Life(ON_POSTGRES)
    life.run()
    return life


def _suspended_when_ready() -> Life:
    life = _up_to_date()
    life.change(database=ON_POSTGRES["database"], suspend=True)
    life.look()
    return life


def _database_ahead() -> Life:
    life = Life()
    life.run(result=AHEAD)
    return life


def _ready_for_the_old_specification() -> Life:
    life = _up_to_date()
    life.change(database=ON_POSTGRES["database"], source=NEWER)
    return life


def _stalled() -> Life:
    life = Life()
    life.run(ExitCode.FAILED, BROKEN)
    return life


def _stalled_for_the_old_specification() -> Life:
    life = _stalled()
    life.change(source=NEWER)
    return life


def _invalid() -> Life:
    life = Life(cycle=("users", "agents", "users"))
    life.look()
    return life


SCENES: dict[str, tuple[Health, Callable[[], Life]]] = {
    "progressing_notLookedAt": (Health.PROGRESSING, _new),
    "progressing_pending": (Health.PROGRESSING, _pending),
    "progressing_migrating": (Health.PROGRESSING, _migrating),
    "progressing_heldPods": (Health.PROGRESSING, _with_held_pods),
    "progressing_lockTimeout": (Health.PROGRESSING, _retrying),
    "progressing_waitingForDatabase": (Health.PROGRESSING, _waiting_for_database),
    "progressing_readyForTheOldSpecification": (Health.PROGRESSING, _ready_for_the_old_specification),
    "progressing_stalledForTheOldSpecification": (Health.PROGRESSING, _stalled_for_the_old_specification),
    "suspended": (Health.SUSPENDED, _suspended),
    "healthy_upToDate": (Health.HEALTHY, _up_to_date),
    "healthy_suspendedWhenReady": (Health.HEALTHY, _suspended_when_ready),
    "healthy_databaseAhead": (Health.HEALTHY, _database_ahead),
    "degraded_revisionFailed": (Health.DEGRADED, _stalled),
    "degraded_dependencyCycle": (Health.DEGRADED, _invalid),
}


def manifest(life: Life) -> Manifest:
    """Return the object as the API server would return it: what nobody has looked at has the status of the CRD."""
    migration = life.seen.migration
    assert migration.spec is not None
    written: dict[str, Any] = migration.status.model_dump(
        mode="json", by_alias=True, exclude_none=True, exclude_defaults=True
    )
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {
            "name": migration.name,
            "namespace": migration.namespace,
            "uid": migration.uid,
            "generation": migration.generation,
            "creationTimestamp": at(),
        },
        "spec": migration.spec.model_dump(mode="json", by_alias=True, exclude_none=True),
        "status": {"observedGeneration": migration.status.observed_generation} | written,
    }
