"""One observation, with what several rules ask of it: derived once."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from alembic_operator.api.reasons import Effect
from alembic_operator.api.status import LastRun
from alembic_operator.api.v1alpha1 import Spec
from alembic_operator.core import names
from alembic_operator.core.gates.made_for import Inputs, pods_made_for
from alembic_operator.core.gates.reports import Report, reports
from alembic_operator.core.manifests import job
from alembic_operator.core.observation.conditions import reconciling_since
from alembic_operator.core.observation.database_servers import DatabaseServer
from alembic_operator.core.observation.gated_pods import GatedPod
from alembic_operator.core.observation.jobs import Job
from alembic_operator.core.observation.observation import Observation
from alembic_operator.core.observation.reading import moment
from alembic_operator.core.observation.source import PodParts
from alembic_operator.core.runs import run

_SOON, _SLOW = 2.0, 60.0
"""Seconds after which to ask again: at first, where it may pass quickly, and at last."""


@dataclass(frozen=True)
class Case:
    """What a rule decides about."""

    seen: Observation
    """Without the Jobs and pods that the migration does not control."""

    @cached_property
    def spec(self) -> Spec:
        """The specification; there is one after the rule that finds none."""
        if self.seen.migration.spec is None:
            raise ValueError("a rule asks for a specification before there is one")
        return self.seen.migration.spec

    @property
    def strategy(self) -> str:
        """Whether a Job or the pods themselves migrate."""
        return self.spec.strategy

    @cached_property
    def parts(self) -> PodParts:
        """What is taken over from the source; there is something after the rule that finds nothing."""
        if not isinstance(self.seen.source, PodParts):
            raise TypeError("a rule asks for the source before it is there")
        return self.seen.source

    @cached_property
    def server(self) -> DatabaseServer | None:
        """The StatefulSet with the database; None: spec.database names none."""
        return self.seen.server if isinstance(self.seen.server, DatabaseServer) else None

    @cached_property
    def name(self) -> str:
        """The name that the Job of these inputs has, or will have."""
        return _job_name(self.seen, job.what_matters(self.seen.migration, self.spec, self.parts, self.server))

    @cached_property
    def job(self) -> Job | None:
        """The Job of these very inputs."""
        return next((one for one in self.seen.jobs if one.name == self.name), None)

    @property
    def running_job(self) -> Job | None:
        """The same, until it has ended."""
        return self.job if self.job and not self.job.outcome else None

    def last_run_of(self, name: str) -> LastRun | None:
        """Return the last run, if it was of these inputs."""
        last = self.seen.migration.status.last_run
        return last if last and last.identity == name else None

    @property
    def as_long_again(self) -> float:
        """Seconds that it has been waiting: an API server refuses for a while what was installed just now."""
        since = moment(reconciling_since(self.seen.migration.status.conditions))
        waited = (self.seen.now - since).total_seconds() if since else 0.0
        return min(max(waited, _SOON), _SLOW)

    @cached_property
    def inputs(self) -> Inputs:
        """What the gate of a pod must have to migrate as is asked for now."""
        return Inputs.of(self.spec, self.parts, self.server)

    @cached_property
    def pods(self) -> list[GatedPod]:
        """The pods whose gates migrate as is asked for now."""
        return pods_made_for(self.inputs, self.seen.gated)

    @cached_property
    def reports(self) -> list[Report]:
        """What their gates, and the status, say of what the database contains now."""
        return reports(self.seen, self.name, self.pods)


def remembers(last: LastRun | None, name: str) -> bool:
    """Return whether the status tells how the run of these inputs ended."""
    return last is not None and last.identity == name and last.finished_at is not None


def _job_name(seen: Observation, what_matters: Any) -> str:
    """Return the name that the Job of these inputs has, or will have: another one where that is taken, and for good."""
    name, uid, last = seen.migration.name, seen.migration.uid, seen.migration.status.last_run
    usual, other = names.job_name(name, what_matters), names.job_name(name, [what_matters, uid])
    if (last and last.identity == other) or any(one.name == other for one in seen.jobs):
        return other
    return other if usual in seen.taken and not _is_settled(last, usual) else usual


def _is_settled(last: LastRun | None, name: str) -> bool:
    """Return whether these inputs need no Job any more."""
    return last is not None and remembers(last, name) and run.outcome(last).effect is not Effect.RECONCILING
