"""A decision comes of everything that the readers can make of foreign objects, and the API server can take it."""

import json
import time
from dataclasses import replace
from typing import Any

from hypothesis import given

from alembic_operator.api.status import Status
from alembic_operator.core import names
from alembic_operator.core.actions import Plan
from alembic_operator.core.observation import source
from alembic_operator.core.observation.database_servers import DatabaseServer, read_database_server
from alembic_operator.core.observation.fleet import MOST_BYTES, size
from alembic_operator.core.observation.gated_pods import read_gated_pod
from alembic_operator.core.observation.gated_workloads import read_gated_workload
from alembic_operator.core.observation.jobs import read_job
from alembic_operator.core.observation.migrations import read_migration
from alembic_operator.core.observation.observation import Observation
from alembic_operator.core.observation.pods import read_pod
from alembic_operator.core.observation.reading import Manifest
from alembic_operator.core.observation.source import Missing, PodParts
from alembic_operator.core.plan import plan
from tests.unit.core.builders import NOW, RUNNER_IMAGE, later, name_of, with_status
from tests.unit.properties import foreign, wholes
from tests.unit.properties.foreign import Choices, spoilt_by

SOON = 0.5
"""Seconds of the processor."""

SPECS: list[Manifest] = [
    {"tenants": None},
    {},
    {"dependsOn": []},
    {"source": {"image": "registry/users@sha256:4242"}, "database": None},
    {"source": {"configMapRef": {"name": "users"}}},
    {"strategy": "InitContainer", "dependsOn": [], "jobTemplate": None, "policy": {}, "database": None}
    | {"tenants": None},
]


def perhaps(choose: Choices, whole: Manifest) -> Manifest:
    """Return an object as it should be, or not."""
    return spoilt_by(choose, whole) if choose.below(2) else whole


def migration(choose: Choices) -> Manifest:
    raw = wholes.MIGRATION | {"spec": wholes.SPEC | choose.one(SPECS)}
    match choose.below(4):
        case 0:
            return spoilt_by(choose, raw)
        case 1:
            return raw | {"status": {}}
        case _:
            told = spoilt_by(choose, {"metadata": raw["metadata"], "status": wholes.STATUS})
            return raw | {"status": told.get("status")}


def taken_over(choose: Choices, read: Any) -> PodParts | Missing:
    if read is None or read.source.workload_ref:
        reference = read.source.workload_ref if read else None
        parts = source.containers(perhaps(choose, wholes.A_DEPLOYMENT))
        return source.of_workload("Deployment", "users", parts, reference and reference.container)
    if read.source.image:
        return source.of_image(read.source.image)
    return source.of_config_map("users", perhaps(choose, wholes.A_CONFIG_MAP), "alembic.ini", RUNNER_IMAGE)


def observation(choose: Choices) -> Observation:
    read = read_migration(migration(choose))
    server = read_database_server(perhaps(choose, wholes.A_STATEFUL_SET))
    seen = Observation(
        now=NOW,
        migration=read,
        source=taken_over(choose, read.spec),
        server=server if read.spec and read.spec.database and read.spec.database.stateful_set_ref else None,
        dependencies=(),
        cycle=(),
        jobs=(),
        pods=(),
        gated=tuple(read_gated_pod(perhaps(choose, wholes.A_GATED_POD)) for _ in range(choose.below(3))),
        workloads=tuple(workload(choose) for _ in range(choose.below(2))),
        runner_image=RUNNER_IMAGE,
        runner_is_there=True,
    )
    name = wholes.JOB
    if read.spec and isinstance(seen.source, PodParts) and not isinstance(seen.server, Missing):
        name = name_of(seen)
    return replace(
        seen,
        jobs=tuple(read_job(named(choose, wholes.A_JOB, name)) for _ in range(choose.below(2))),
        pods=tuple(read_pod(perhaps(choose, a_pod(name))) for _ in range(choose.below(3))),
    )


def workload(choose: Choices) -> Any:
    if choose.below(2):
        return read_gated_workload(perhaps(choose, wholes.A_ROLLOUT), "argoproj.io/v1alpha1", "Rollout")
    return read_gated_workload(perhaps(choose, wholes.A_DEPLOYMENT), "apps/v1", "Deployment")


def named(choose: Choices, whole: Manifest, name: str) -> Manifest:
    raw = perhaps(choose, whole)
    return raw | {"metadata": raw["metadata"] | {"name": name}}


def a_pod(job: str) -> Manifest:
    metadata = wholes.A_POD["metadata"] | {"name": f"{job}-x", "ownerReferences": wholes.owner("Job", job, "j1")}
    return wholes.A_POD | {"metadata": metadata}


def can_be_sent(planned: Plan) -> None:
    """Fail unless all of it can be written, and read again: the API server has the same limits as the models."""
    written = planned.status.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_defaults=True)
    Status.model_validate(written)
    assert len(json.dumps(written).encode()) <= 16_384
    assert planned.status.tenants is None or size(planned.status.tenants) <= MOST_BYTES
    for action in planned.actions:
        json.dumps(getattr(action, "manifest", {}), allow_nan=False).encode()
    for notice in planned.notices:
        notice.note.encode()
        names.digest([notice.note, notice.identity, notice.regarding and notice.regarding.uid])


def test_the_parts_of_these_observations_can_be_read_whole() -> None:
    seen = observation(Choices(b"\0\1"))
    assert isinstance(seen.source, PodParts)
    assert isinstance(seen.server, DatabaseServer)
    assert seen.migration.spec is not None


@given(choose=foreign.choices)
def test_a_decision_comes_of_anything_and_can_be_carried_out(choose: Choices) -> None:
    seen = observation(choose)
    began = time.process_time()
    planned = plan(seen)
    assert time.process_time() - began < SOON
    can_be_sent(planned)
    again = plan(later(with_status(seen, planned.status), 1))
    can_be_sent(again)
    assert plan(later(with_status(seen, again.status), 1)).status == again.status
