"""A world of one migration, in which only plan() and the test act; the status goes through JSON as in a cluster."""

from dataclasses import replace
from typing import Any

from alembic_operator.api.status import Status
from alembic_operator.contract import Result
from alembic_operator.core import times
from alembic_operator.core.actions import CreateJob, DeleteJob, Plan
from alembic_operator.core.observation.jobs import Job, read_job
from alembic_operator.core.observation.reading import Manifest
from alembic_operator.core.plan import plan
from tests.unit.core.builders import UP_TO_DATE, a_spec, ended, later, running, seen, with_status


class Life:
    def __init__(self, spec: Manifest | None = None, **changes: Any) -> None:
        self.seen = seen(spec, **changes)

    @property
    def status(self) -> Status:
        return self.seen.migration.status

    @property
    def job(self) -> Job:
        """The newest Job."""
        return self.seen.jobs[-1]

    def look(self) -> Plan:
        """Plan once, carry it out, and write the status."""
        planned = plan(self.seen)
        for action in planned.actions:
            if isinstance(action, CreateJob):
                self._create(action.manifest)
            elif isinstance(action, DeleteJob):
                self.job_goes(action.name)
        self.seen = with_status(self.seen, planned.status)
        return planned

    def _create(self, manifest: Manifest) -> None:
        stored = {"uid": f"uid-{self._now()}", "creationTimestamp": self._now()}
        created = read_job(manifest | {"metadata": manifest["metadata"] | stored})
        assert created.name not in [one.name for one in self.seen.jobs]
        self.seen = replace(self.seen, jobs=(*self.seen.jobs, created))

    def job_goes(self, name: str = "") -> None:
        """Remove a Job, after its pods."""
        name = name or self.job.name
        self.seen = replace(
            self.seen,
            jobs=tuple(one for one in self.seen.jobs if one.name != name),
            pods=tuple(one for one in self.seen.pods if one.job != name),
        )

    def pass_time(self, seconds: float) -> None:
        self.seen = later(self.seen, seconds)

    def change(self, retry: str = "", **spec: Any) -> None:
        """Write another specification."""
        before = self.seen.migration
        changed = replace(before, spec=a_spec(**spec), retry=retry, generation=before.generation + 1)
        self.seen = replace(self.seen, migration=changed)

    def pod_runs(self) -> None:
        self.pass_time(2)
        others = tuple(one for one in self.seen.pods if one.job != self.job.name)
        self.seen = replace(
            self.seen, pods=(*others, running(self.job.name, job_uid=self.job.uid, created_at=self._now()))
        )

    def job_ends(self, exit_code: int = 0, result: Result | None = UP_TO_DATE, failure: str = "") -> None:
        """Let the newest Job and its pod end."""
        self.pass_time(5)
        job = replace(
            self.job,
            outcome="Failed" if exit_code or failure else "Complete",
            finished_at=self._now(),
            failure=failure or ("BackoffLimitExceeded" if exit_code else ""),
        )
        pod = ended(job.name, exit_code, result, finished_at=self._now(), created_at=job.started_at, job_uid=job.uid)
        self.seen = replace(
            self.seen,
            jobs=(*(one for one in self.seen.jobs if one.name != job.name), job),
            pods=(*(one for one in self.seen.pods if one.job != job.name), pod),
        )

    def run(self, exit_code: int = 0, result: Result | None = UP_TO_DATE) -> Plan:
        """Live through a whole run, and return what was planned when it had ended."""
        self.look()
        self.pod_runs()
        self.look()
        self.job_ends(exit_code, result)
        return self.look()

    def _now(self) -> str:
        return times.text(self.seen.now)
