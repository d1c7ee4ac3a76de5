"""Ask the runner a question about a migration: a Job with its own settings, which is removed again."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from alembic_operator.contract import seconds
from alembic_operator.core.manifests import question
from alembic_operator.core.observation import reading
from alembic_operator.core.observation.migrations import Migration, read_migration
from alembic_operator.core.observation.pods import Pod, read_pod
from alembic_operator.core.observation.reading import Manifest
from alembic_operator.core.runs import run
from alembic_operator.core.runs.progress import kept_from_starting
from alembic_operator.kubectl import lines, screens
from alembic_operator.kubectl.commands.call import Call
from alembic_operator.kubectl.commands.source import server_of, source_of
from alembic_operator.kubectl.diagnosis import answer, refusal
from alembic_operator.kubectl.diagnosis.diagnosis import Diagnosis, Standing
from alembic_operator.kubectl.facts import MIGRATIONS, KubectlError
from alembic_operator.kubectl.harmless import harmless

_PACE = 1.0

_PATIENCE = 15.0
"""Seconds for which the kubelet may have a problem, such as an image that comes with the second try."""


@dataclass(frozen=True)
class _Asked:
    """A question that was asked."""

    migration: Migration
    job: str

    @property
    def at(self) -> str:
        """The flag for its namespace."""
        return f"--namespace={self.migration.namespace}"


def check(call: Call) -> int:
    """Say what the database contains and lacks, read now."""
    with _asked(call, "check") as asked:
        told = answer.of_check(asked.migration, run.pod_ending(_ended(call, asked)))
    call.answer([told])
    return told.standing


def plan(call: Call) -> int:
    """Print the SQL that a run would execute now."""
    with _asked(call, "plan") as asked:
        pod = _ended(call, asked)
        sql, log = answer.of_plan(call.kubectl.lines("logs", pod.name, asked.at, "--container=migrate"))
    told = answer.of_check(asked.migration, run.pod_ending(pod))
    for line in sql:
        call.console.print(line, markup=False, highlight=False, soft_wrap=True)
    if told.standing in {Standing.ERROR, Standing.STALLED} or not sql:
        for line in log:
            call.err.print(screens.line(lines.read(line)), soft_wrap=True)
        return _not_told(call, told)
    return told.standing


def tenants(call: Call) -> int:
    """Say how the tenants stand, as the table in the database holds it."""
    with _asked(call, "tenants") as asked:
        pod, found = _rows(call, asked, "tenant")
    end = run.pod_ending(pod)
    if end.error or not end.result:
        return _not_told(call, answer.of_check(asked.migration, end))
    shown = [one for one in found if answer.has_failed(one)] if call.asked.failed else found
    call.record(shown, screens.tenants(shown))
    for said in (*([str(end.result.tenants)] if end.result.tenants else []), *end.result.warnings):
        call.err.print(harmless(said), markup=False)
    return Standing.STALLED if any(map(answer.has_failed, found)) else Standing.READY


def _rows(call: Call, asked: _Asked, key: str) -> tuple[Pod, list[Manifest]]:
    """Return the pod that has answered, and the rows that it printed, which have this key."""
    pod = _ended(call, asked)
    return pod, answer.rows(call.kubectl.lines("logs", pod.name, asked.at, "--container=migrate"), key)


def runs(call: Call) -> int:
    """Say which runs the table in the database holds."""
    with _asked(call, "runs") as asked:
        pod, found = _rows(call, asked, "versionTable")
    end = run.pod_ending(pod)
    if end.error or not end.result:
        return _not_told(call, answer.of_check(asked.migration, end))
    if not found:
        raise KubectlError(f"the database remembers no run of {asked.migration.name}; see docs/howto/history.md")
    call.record(found, screens.runs(found))
    return Standing.READY


def _not_told(call: Call, why: Diagnosis) -> int:
    call.err.print(screens.diagnoses([call.here(why)]))
    return why.standing


@contextmanager
def _asked(call: Call, command: str) -> Iterator[_Asked]:
    """Make the Job, and remove it whatever happens."""
    migration = read_migration(call.kubectl.get(MIGRATIONS, call.asked.name))
    try:
        manifest = question.build(command, migration, source_of(call, migration), server_of(call, migration))
    except ValueError as error:
        raise KubectlError(str(error)) from None
    made = json.loads(call.kubectl.run("create", "--filename=-", "--output=json", given=json.dumps(manifest)))
    asked = _Asked(migration, reading.text(made, "metadata", "name"))
    sys.stderr.write(f"Job {asked.job} asks; it is removed afterwards\n")
    try:
        yield asked
    finally:
        call.kubectl.run("delete", "job", asked.job, asked.at, "--wait=false", "--ignore-not-found")


def _ended(call: Call, asked: _Asked) -> Pod:
    """Wait for the answer.

    Raises:
        KubectlError: there is none in time, or there can be none.
    """
    begun = time.monotonic()
    well, end = begun, begun + seconds(call.asked.timeout)
    while time.monotonic() < end:
        pod = _pod(call, asked)
        if pod and pod.ended:
            return pod
        problem = _problem(pod)
        well = well if problem else time.monotonic()
        if time.monotonic() - well > _PATIENCE:
            raise KubectlError(problem or _refusal(call, asked))
        time.sleep(_PACE)
    raise KubectlError(_problem(_pod(call, asked)) or f"there was no answer within {call.asked.timeout}; see --timeout")


def _pod(call: Call, asked: _Asked) -> Pod | None:
    selector = f"--selector=batch.kubernetes.io/job-name={asked.job}"
    found = reading.items(call.kubectl.get("pods", selector, asked.at), "items")
    return read_pod(found[0]) if found else None


def _problem(pod: Pod | None) -> str:
    if pod is None:
        return "no pod was made"
    return kept_from_starting(pod).message if pod.waiting_reason or pod.unschedulable else ""


def _refusal(call: Call, asked: _Asked) -> str:
    events = call.allowed("events", f"--field-selector=reason={refusal.REASON}", asked.at)
    found = [one for one in refusal.refusals(reading.items(events, "items")) if one.name == asked.job]
    return found[0].message if found else f"Job {asked.job} got no pod; a quota or Pod Security may refuse it"
