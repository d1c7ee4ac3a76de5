"""Read what a decision needs from the raw objects of the API, and leave the rest."""

import sys
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from pydantic import ValidationError

from alembic_operator.api.status import Status
from alembic_operator.api.v1alpha1 import Spec
from alembic_operator.contract import Result
from alembic_operator.core import names
from alembic_operator.core.observation import ENDED, DatabaseServer, Job, Manifest, Migration, Pod

_POSTGRESQL_PORT = 5432

_REPORTS = 256
"""The pods of many migrations report the same, as where tenants have a database each."""


def migration(raw: Manifest) -> Migration:
    """Read a DatabaseMigration; a specification that cannot be read becomes `spec_error`."""
    metadata = raw["metadata"]
    spec, error = _spec(raw.get("spec") or {})
    return Migration(
        namespace=metadata["namespace"],
        name=metadata["name"],
        uid=metadata["uid"],
        generation=metadata.get("generation", 1),
        retry=(metadata.get("annotations") or {}).get(names.RETRY, ""),
        spec=spec,
        spec_error=error,
        status=_status(raw.get("status") or {}),
    )


def _spec(raw: Manifest) -> tuple[Spec | None, str]:
    try:
        return Spec.model_validate(raw), ""
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        return None, f"spec.{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"


def _status(raw: Manifest) -> Status:
    try:
        return Status.model_validate(raw)
    except ValidationError:  # written by somebody else, or by another version: it is only a memory
        return Status()


def job(raw: Manifest) -> Job:
    """Read a Job."""
    metadata, status = raw["metadata"], raw.get("status") or {}
    finished = _finished(status.get("conditions") or ())
    return Job(
        name=metadata["name"],
        uid=metadata["uid"],
        owner=controller(metadata).get("uid", ""),
        attempt=_number((metadata.get("annotations") or {}).get(names.ATTEMPT)),
        started_at=status.get("startTime") or metadata.get("creationTimestamp") or "",
        deleting="deletionTimestamp" in metadata,
        outcome=finished.get("type", ""),
        finished_at=status.get("completionTime") or finished.get("lastTransitionTime", ""),
        failure=finished.get("reason", "") if finished.get("type") == "Failed" else "",
        is_taken_up="startTime" in status,
        has_lost_pods=bool(status.get("failed")),
    )


def _finished(conditions: Iterable[Manifest]) -> Manifest:
    return next((one for one in conditions if one["type"] in ("Complete", "Failed") and one["status"] == "True"), {})


def _number(written: str | None) -> int:
    return max(1, int(written)) if written and written.isdecimal() else 1


def pod(raw: Manifest) -> Pod:
    """Read a migration pod."""
    metadata, status = raw["metadata"], raw.get("status") or {}
    containers = [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]
    waiting = _waiting(containers)
    main: Manifest = next((one for one in containers if one["name"] == names.CONTAINER), {})
    before = map(_terminated, status.get("initContainerStatuses") or ())
    ended = _terminated(main) or next(filter(_exit_code, before), {})
    message = ended.get("message") or ""
    result = report(message)
    return Pod(
        name=metadata["name"],
        job=controller(metadata).get("name", ""),
        created_at=metadata.get("creationTimestamp") or "",
        phase=sys.intern(status.get("phase") or "Pending"),
        running=not waiting and any(map(_has_started, containers)) and status.get("phase") not in ENDED,
        waiting_reason=waiting.get("reason") or "",
        waiting_message=waiting.get("message") or "",
        unschedulable=unschedulable(status.get("conditions") or ()),
        exit_code=ended.get("exitCode"),
        terminated_reason=ended.get("reason") or "",
        terminated_message="" if result else message,
        finished_at=ended.get("finishedAt") or "",
        image=sys.intern(running_image(main)),
        result=result,
        image_named=_image_named(raw.get("spec") or {}),
    )


def _image_named(spec: Manifest) -> str:
    containers: list[Manifest] = spec.get("containers") or []
    return sys.intern(next((one.get("image") or "" for one in containers if one["name"] == names.CONTAINER), ""))


@lru_cache(_REPORTS)
def report(message: str) -> Result | None:
    """Read what a container reported at its end; equal reports are kept once."""
    return Result.from_json(message)


def state(container: Manifest, when: str) -> Manifest:
    """Return a container's `state`, or its `lastState`: running, waiting or terminated, with what is known of it."""
    found: Manifest = container.get(when) or {}
    return found


def _has_started(container: Manifest) -> bool:
    """Return whether a container has ever run: between two of them no container is running."""
    return not {"running", "terminated"}.isdisjoint(state(container, "state"))


def _terminated(container: Manifest) -> Manifest:
    return state(container, "state").get("terminated") or {}


def _exit_code(terminated: Manifest) -> int:
    return int(terminated.get("exitCode") or 0)


def _waiting(containers: Iterable[Manifest]) -> Manifest:
    """Return the first waiting state that is a problem: ContainerCreating and PodInitializing are none."""
    states = (state(one, "state").get("waiting") or {} for one in containers)
    return next((one for one in states if one.get("reason") not in (None, "ContainerCreating", "PodInitializing")), {})


def controller(metadata: Manifest) -> Manifest:
    """Return the reference to the object that made this one; empty when nobody did."""
    return next((one for one in metadata.get("ownerReferences") or () if one.get("controller")), {})


def unschedulable(conditions: Iterable[Manifest]) -> str:
    """Return the scheduler's message, while no node takes a pod."""
    refused = (one for one in conditions if one["type"] == "PodScheduled" and one["status"] == "False")
    return next((str(one.get("message") or one.get("reason")) for one in refused), "")


def running_image(container: Manifest) -> str:
    """Return the image by digest: the kubelet's imageID, which some runtimes prefix or shorten to the bare digest."""
    image, running = str(container.get("image") or ""), str(container.get("imageID") or "").split("://")[-1]
    return running if "@" in running or not image else image


def database_server(raw: Manifest) -> DatabaseServer:
    """Read a StatefulSet that runs PostgreSQL: its headless Service is the host."""
    metadata, spec, status = raw["metadata"], raw["spec"], raw.get("status") or {}
    service = spec.get("serviceName") or metadata["name"]
    return DatabaseServer(
        name=metadata["name"],
        host=f"{service}.{metadata['namespace']}.svc",
        port=_port(spec["template"]["spec"]["containers"]),
        ready=(status.get("readyReplicas") or 0) > 0,
    )


def _port(containers: Iterable[Manifest]) -> int:
    """Return the port that is named postgres or postgresql, else the only one there is, else PostgreSQL's own."""
    ports: list[dict[str, Any]] = [port for container in containers for port in container.get("ports") or ()]
    named = [port for port in ports if port.get("name") in ("postgres", "postgresql")]
    usual = [port for port in ports if port["containerPort"] == _POSTGRESQL_PORT]
    return int(
        (named or usual or (ports if len(ports) == 1 else []) or [{"containerPort": _POSTGRESQL_PORT}])[0][
            "containerPort"
        ]
    )
