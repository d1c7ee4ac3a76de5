"""Print the log of the last run: of each pod that its Job has had, and with --follow of those that it still gets."""

import time
from itertools import islice

from alembic_operator.api.imports import KIND
from alembic_operator.core import names
from alembic_operator.core.imports.observation import read_import
from alembic_operator.core.observation import containers, reading
from alembic_operator.core.observation.jobs import read_job
from alembic_operator.core.observation.migrations import read_migration
from alembic_operator.core.observation.pods import ENDED, read_pod
from alembic_operator.core.observation.reading import Manifest
from alembic_operator.kubectl import lines, screens
from alembic_operator.kubectl.commands import imports
from alembic_operator.kubectl.commands.call import Call
from alembic_operator.kubectl.diagnosis.diagnosis import Standing
from alembic_operator.kubectl.facts import IMPORTS, MIGRATIONS, NOT_FOUND, KubectlError

_PACE = 1.0

_BEFORE, _MAIN = "initContainerStatuses", "containerStatuses"


def logs(call: Call) -> int:
    """Print the log of the last run."""
    name = call.asked.name
    if past := imports.named(name):
        return _of_import(call, past)
    last = read_migration(call.kubectl.get(MIGRATIONS, name)).status.last_run
    if last and last.pod:
        if _print(call, last.pod, names.GATE_CONTAINER) is None:
            raise _gone(name)
    elif last and last.job:
        _print_job(call, last.job)
    else:
        raise KubectlError(f"{name} has not run yet; `kubectl alembic status {name}` tells why")
    return Standing.READY


def _of_import(call: Call, name: str) -> int:
    """Print the log of each container of an import's last Job; follow it from container to container and pod to pod."""
    job, whole = read_import(call.kubectl.get(IMPORTS, name)).status.job or "", set[tuple[str, str]]()
    over = False
    while not over:
        found = call.found("job", job) if job else None
        over = not call.asked.follow or found is None or bool(read_job(found, KIND).outcome)
        for pod, container in _steps(call, job):
            if (pod, container) not in whole:
                whole.add((pod, container))
                call.err.print(f"pod {pod}, container {container}:", soft_wrap=True)
                _print(call, pod, container)
        if not over:
            time.sleep(_PACE)
    if not whole:
        raise KubectlError(f"there is no log of {name}: `kubectl alembic imports {name}` tells why, or how it ended")
    return Standing.READY


def _steps(call: Call, job: str) -> list[tuple[str, str]]:
    """Return the containers that have something to say, in the order in which they began."""
    selector = f"--selector=batch.kubernetes.io/job-name={job}"
    pods = reading.items(call.kubectl.get("pods", selector), "items") if job else []
    return [
        (reading.text(pod, "metadata", "name"), step)
        for pod in sorted(pods, key=lambda one: reading.text(one, "metadata", "creationTimestamp"))
        for step, where in ((names.COPY, _BEFORE), (names.UPGRADE, _BEFORE), (names.LOAD, _MAIN))
        if _has_begun(pod, where, step)
    ]


def _print_job(call: Call, job: str) -> None:
    """Print the log of each of its pods, the oldest first; follow it from pod to pod until it has ended."""
    printed: dict[str, int] = {}
    whole: set[str] = set()
    waiting = f"no pod of Job {job} has started; `kubectl alembic status {call.asked.name}` tells why"
    over = said = False
    while not over:
        found = call.found("job", job)  # before its pods: of a Job that has ended there come no more
        over = not call.asked.follow or found is None or bool(read_job(found).outcome)
        for pod in _pods(call, job):
            _print_rest(call, pod, printed, whole)
        if not printed and over:
            raise KubectlError(waiting) if found else _gone(call.asked.name)
        if not (printed or said):
            call.err.print(waiting, soft_wrap=True)
            said = True
        if not over:
            time.sleep(_PACE)


def _pods(call: Call, job: str) -> list[Manifest]:
    """Return those that have something to say, the oldest first."""
    found = reading.items(call.kubectl.get("pods", f"--selector=batch.kubernetes.io/job-name={job}"), "items")
    begun = (one for one in found if _has_begun(one, _MAIN, names.CONTAINER))
    return sorted(begun, key=lambda one: reading.text(one, "metadata", "creationTimestamp"))


def _has_begun(pod: Manifest, where: str, name: str) -> bool:
    one = containers.named(reading.items(pod, "status", where), name)
    return any(containers.state(one, "state", kind) is not None for kind in ("running", "terminated"))


def _print_rest(call: Call, pod: Manifest, printed: dict[str, int], whole: set[str]) -> None:
    """Print what was not printed yet: a log may end before its pod does, as when a kubelet is restarted."""
    name = reading.text(pod, "metadata", "name")
    if name in whole:
        return
    server = read_pod(pod).server
    if (printed or server) and name not in printed:
        call.err.print(f"{f'server {server}' if server else 'another attempt'}, pod {name}:", soft_wrap=True)
    before = printed.get(name, 0)
    more = _print(call, name, names.CONTAINER, before)
    if more is not None:
        printed[name] = before + more
    if more is None or reading.text(pod, "status", "phase") in ENDED:
        whole.add(name)


def _print(call: Call, pod: str, container: str, but: int = 0) -> int | None:
    """Print the log of a pod but for its first lines; return how many, None when there is no such pod."""
    words = ("logs", pod, f"--container={container}", *(["--follow"] if call.asked.follow else []))
    count = 0
    try:
        for line in islice(call.kubectl.lines(*words), but, None):
            call.console.print(screens.line(lines.read(line)), soft_wrap=True)
            count += 1
    except KubectlError as error:
        if NOT_FOUND not in str(error):
            raise
        return count or None
    return count


def _gone(name: str) -> KubectlError:
    told = f"`kubectl alembic history {name}` and `kubectl alembic status {name}` tell how it ended"
    return KubectlError(f"the log of the last run is gone, with its Job or pod; {told}")
