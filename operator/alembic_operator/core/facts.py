"""Read what a decision needs from the raw objects of the API, and leave the rest."""

import sys
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from pydantic import ValidationError

from alembic_operator.api.status import Status
from alembic_operator.api.v1alpha1 import GROUP, KIND, Spec
from alembic_operator.contract import RESULT_BYTES, Result
from alembic_operator.core import names, reading, run
from alembic_operator.core.observation import ENDED, DatabaseServer, Job, Manifest, Migration, Missing, Pod
from alembic_operator.core.reading import Reading

_POSTGRESQL_PORT = 5432

_REPORTS = 256
"""The pods of many migrations report the same, as where tenants have a database each."""

_MOST_ATTEMPTS = 1_000_000
"""Nineteen years at the slow pace."""

_TEMPLATE_LENGTH = 65_536
"""Characters of spec.jobTemplate: no whole specification is kept that has more."""

_RETRY_LENGTH = 253
"""Characters of the annotation's value that are kept as they are; of a longer one its digest, which differs as well."""

_IMAGE_LENGTH = 1024
"""As long as the status may tell one."""

_NAME_LENGTH = 253
"""Of a name in DNS, and so of an object."""

_WORD_LENGTH = 63
_PORTS = 65_535
_EXIT_CODES = 2**31
"""Windows has longer ones than a byte; and negative ones."""

_NO_PROBLEM = ("", "ContainerCreating", "PodInitializing")


def migration(raw: Manifest) -> Migration:
    """Read a DatabaseMigration; a specification that cannot be read becomes `spec_error`."""
    spec, error = _spec(raw.get("spec") or {})
    return Migration(
        namespace=reading.text(raw, "metadata", "namespace"),
        name=reading.text(raw, "metadata", "name"),
        uid=reading.text(raw, "metadata", "uid"),
        generation=reading.number(raw, "metadata", "generation") or 1,
        retry=_retry(reading.text(raw, "metadata", "annotations", names.RETRY)),
        spec=spec,
        spec_error=error,
        status=status_of(raw),
    )


def _retry(written: str) -> str:
    return written if len(written) <= _RETRY_LENGTH else names.digest(written)


def _spec(raw: Any) -> tuple[Spec | None, str]:
    if wrong := reading.unfit(reading.fields(raw).get("jobTemplate"), _TEMPLATE_LENGTH):
        return None, f"spec.jobTemplate {wrong}; make it smaller"
    try:
        return Spec.model_validate(raw), ""
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        return None, f"{'.'.join(('spec', *map(str, first['loc'])))}: {first['msg']}"


def status_of(raw: Manifest) -> Status:
    """Read the status of a DatabaseMigration, without its specification."""
    try:
        return Status.model_validate(raw.get("status") or {})
    except ValidationError:  # written by somebody else, or by another version: it is only a memory
        return Status()


def job(raw: Manifest) -> Job:
    """Read a Job."""
    looked = Reading(raw)
    finished = end_of_job(looked.items("status", "conditions"))
    outcome = reading.text(finished, "type")
    created, started = looked.time("metadata", "creationTimestamp"), looked.time("status", "startTime")
    ended = looked.time("status", "completionTime") or reading.time(finished, "lastTransitionTime")
    owner = _made_by(raw, GROUP, KIND)
    return Job(
        name=looked.text("metadata", "name"),
        uid=looked.text("metadata", "uid"),
        owner=reading.text(owner, "uid"),
        owner_name=reading.text(owner, "name"),
        attempt=_attempt(looked),
        started_at=started or created,
        deleting="deletionTimestamp" in looked.fields("metadata"),
        outcome=outcome,
        finished_at=ended or (created if outcome else ""),
        failure=word(finished, "reason") if outcome == "Failed" else "",
        is_taken_up="startTime" in looked.fields("status"),
        has_lost_pods=bool(looked.number("status", "failed")),
        unreadable=looked.unreadable,
    )


def end_of_job(conditions: Iterable[Manifest]) -> Manifest:
    """Return the condition that says how a Job ended; empty while it has not."""
    return next((one for one in conditions if one.get("type") in ("Complete", "Failed") and _holds(one)), {})


def _holds(condition: Manifest) -> bool:
    return bool(condition.get("status") == "True")


def _attempt(looked: Reading) -> int:
    path = ("metadata", "annotations", names.ATTEMPT)
    written = looked.text(*path)
    found = reading.whole(written, least=1, most=_MOST_ATTEMPTS)
    if written and found is None:
        looked.note(path, f"is {reading.shown(written)}, not a number from 1 to {_MOST_ATTEMPTS}")
    return found or 1


def pod(raw: Manifest) -> Pod:
    """Read a migration pod."""
    looked = Reading(raw)
    before, own = looked.items("status", "initContainerStatuses"), looked.items("status", "containerStatuses")
    waiting = _waiting([*before, *own])
    main = named(own, names.CONTAINER)
    ended = _terminated(main) or next(filter(_exit_code, map(_terminated, before)), {})
    phase = word(looked.fields("status"), "phase")
    result, message = report(ended)
    job = _made_by(raw, "batch", "Job")
    return Pod(
        name=looked.text("metadata", "name"),
        job=reading.text(job, "name"),
        job_uid=reading.text(job, "uid"),
        created_at=looked.time("metadata", "creationTimestamp"),
        phase=phase or "Pending",
        running=not waiting and any(map(_has_started, (*before, *own))) and phase not in ENDED,
        waiting_reason=word(waiting, "reason"),
        waiting_message=said(waiting, "message"),
        unschedulable=unschedulable(looked.items("status", "conditions")),
        exit_code=exit_code(ended),
        terminated_reason=word(ended, "reason"),
        terminated_message=message,
        finished_at=reading.time(ended, "finishedAt"),
        image=running_image(main),
        result=result,
        image_named=image(named(looked.items("spec", "containers"), names.CONTAINER)),
        uid=looked.text("metadata", "uid"),
        unreadable=looked.unreadable,
    )


def named(containers: Iterable[Manifest], name: str) -> Manifest:
    """Return the container of a name, or what is told of it; empty without one."""
    return next((one for one in containers if one.get("name") == name), {})


def report(terminated: Manifest) -> tuple[Result | None, str]:
    """Read what a container left at its end: a Result, or the text that is none."""
    message = said(terminated, "message")
    result = _result(message)
    return result, "" if result else message


@lru_cache(_REPORTS)
def _result(message: str) -> Result | None:
    """Read a Result that a status can tell; equal ones are kept once."""
    found = Result.from_json(message)
    return found if found and run.can_be_told(found) else None


def said(raw: Manifest, name: str, longest: int = RESULT_BYTES) -> str:
    """Return what the kubelet says, or a container said: as much as the kubelet keeps of a termination message."""
    found = reading.text(raw, name)
    return found if len(found) <= longest else f"{found[:longest]}…"


def word(raw: Manifest, name: str) -> str:
    """Return a reason or a phase: one word for a program, and so never long."""
    return sys.intern(said(raw, name, _WORD_LENGTH))


def state(container: Manifest, when: str, kind: str) -> Manifest | None:
    """Return what is known of a container's `state` or `lastState`, if it is `running`, `waiting` or `terminated`."""
    found = reading.fields(container, when)
    return reading.fields(found, kind) if kind in found else None


def _has_started(container: Manifest) -> bool:
    """Return whether a container has ever run: between two of them no container is running."""
    return any(state(container, "state", kind) is not None for kind in ("running", "terminated"))


def _terminated(container: Manifest) -> Manifest:
    return state(container, "state", "terminated") or {}


def exit_code(terminated: Manifest) -> int | None:
    """Return how a container ended; None when it did not."""
    return reading.number(terminated, "exitCode", least=-_EXIT_CODES, most=_EXIT_CODES)


def _exit_code(terminated: Manifest) -> int:
    return exit_code(terminated) or 0


def _waiting(containers: Iterable[Manifest]) -> Manifest:
    """Return the first waiting state that is a problem: ContainerCreating and PodInitializing are none."""
    states = (state(one, "state", "waiting") or {} for one in containers)
    return next((one for one in states if reading.text(one, "reason") not in _NO_PROBLEM), {})


def controller(raw: Manifest) -> Manifest:
    """Return the reference to the object that made this one; empty when nobody did."""
    owners = reading.items(raw, "metadata", "ownerReferences")
    return next((one for one in owners if one.get("controller") is True and _can_exist(one)), {})


def _can_exist(owner: Manifest) -> bool:
    """Return whether there can be an object of that name: the API server takes references of any length."""
    return all(len(reading.text(owner, name)) <= _NAME_LENGTH for name in ("apiVersion", "kind", "name", "uid"))


def _made_by(raw: Manifest, group: str, kind: str) -> Manifest:
    """Return the reference to the object that made this one, if it is of a kind."""
    found = controller(raw)
    same = found.get("kind") == kind and reading.text(found, "apiVersion").partition("/")[0] == group
    return found if same else {}


def unschedulable(conditions: Iterable[Manifest]) -> str:
    """Return the scheduler's message, while no node takes a pod."""
    refused = (one for one in conditions if one.get("type") == "PodScheduled" and one.get("status") == "False")
    return next((said(one, "message") or word(one, "reason") for one in refused), "")


def running_image(container: Manifest) -> str:
    """Return the image by digest: the kubelet's imageID, which some runtimes prefix or shorten to the bare digest."""
    running = _short_enough(reading.text(container, "imageID").rpartition("://")[2])
    return running if "@" in running else image(container) or running


def image(container: Manifest) -> str:
    """Return the image in the words of the manifest."""
    return _short_enough(reading.text(container, "image"))


def _short_enough(image: str) -> str:
    """Return an image, kept once for all who name it; none of a length that no status may tell, and no node runs."""
    return sys.intern(image) if len(image) <= _IMAGE_LENGTH else ""


def database_server(raw: Manifest) -> DatabaseServer | Missing:
    """Read a StatefulSet that runs PostgreSQL: its headless Service is the host."""
    looked = Reading(raw)
    name = looked.text("metadata", "name")
    host = f"{looked.text('spec', 'serviceName') or name}.{looked.text('metadata', 'namespace')}.svc"
    if len(host) > _NAME_LENGTH:
        looked.note(("spec", "serviceName"), f"makes a host of {len(host)} characters, and DNS has {_NAME_LENGTH}")
    port = _port(looked.items("spec", "template", "spec", "containers"))
    ready = bool(looked.number("status", "readyReplicas"))
    if looked.unreadable:
        return Missing(f"StatefulSet {name} cannot be read: {looked.unreadable[0]}", "correct it")
    return DatabaseServer(name, host, port, ready)


def _port(containers: Iterable[Manifest]) -> int:
    """Return the port that is named postgres or postgresql, else the only one there is, else PostgreSQL's own."""
    ports = [port for one in containers for port in reading.items(one, "ports")]
    by_name = [port for port in ports if reading.text(port, "name") in ("postgres", "postgresql")]
    usual = [port for port in ports if _number(port) == _POSTGRESQL_PORT]
    for port in by_name or usual or (ports if len(ports) == 1 else []):
        return _number(port)
    return _POSTGRESQL_PORT


def _number(port: Manifest) -> int:
    return reading.number(port, "containerPort", least=1, most=_PORTS) or _POSTGRESQL_PORT
