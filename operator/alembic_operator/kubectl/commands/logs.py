"""Print the log of the last run: of each pod that its Job has had, and with --follow of those that it still gets."""

import time
from itertools import islice

from alembic_operator.core import names
from alembic_operator.core.observation import containers, reading
from alembic_operator.core.observation.jobs import read_job
from alembic_operator.core.observation.migrations import read_migration
from alembic_operator.core.observation.pods import ENDED, read_pod
from alembic_operator.core.observation.reading import Manifest
from alembic_operator.kubectl import lines, screens
from alembic_operator.kubectl.commands.call import Call
from alembic_operator.kubectl.diagnosis.diagnosis import Standing
from alembic_operator.kubectl.facts import MIGRATIONS, NOT_FOUND, KubectlError

_PACE = 1.0


def logs(call: Call) -> int:
    """Print the log of the last run."""
    name = call.asked.name
    last = read_migration(call.kubectl.get(MIGRATIONS, name)).status.last_run
    if last and last.pod:
        if _print(call, last.pod, names.GATE_CONTAINER) is None:
            raise _gone(name)
    elif last and last.job:
        _print_job(call, last.job)
    else:
        raise KubectlError(f"{name} has not run yet; `kubectl alembic status {name}` tells why")
    return Standing.READY


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
    begun = (one for one in found if _has_begun(one))
    return sorted(begun, key=lambda one: reading.text(one, "metadata", "creationTimestamp"))


def _has_begun(pod: Manifest) -> bool:
    main = containers.named(reading.items(pod, "status", "containerStatuses"), names.CONTAINER)
    return any(containers.state(main, "state", kind) is not None for kind in ("running", "terminated"))


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
