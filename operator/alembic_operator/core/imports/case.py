"""One look at an import, with what several rules ask of it: derived once."""

from dataclasses import dataclass
from functools import cached_property

from alembic_operator.api.imports import ImportSpec
from alembic_operator.contract.imports import FIRST, SECOND
from alembic_operator.core.imports import manifest
from alembic_operator.core.imports.observation import Ground, ImportPod, ImportSeen
from alembic_operator.core.observation.conditions import reason_of
from alembic_operator.core.observation.database_servers import DatabaseServer
from alembic_operator.core.observation.jobs import Job
from alembic_operator.core.observation.reading import moment
from alembic_operator.core.observation.source import PodParts


@dataclass(frozen=True)
class Case:
    """What is decided about."""

    seen: ImportSeen

    @cached_property
    def spec(self) -> ImportSpec:
        """The specification; there is one after the rule that finds none."""
        if self.seen.asked.spec is None:
            raise ValueError("a rule asks for a specification before there is one")
        return self.seen.asked.spec

    @cached_property
    def jobs(self) -> tuple[Job, ...]:
        """The Jobs of this import, the newest first."""
        own = (one for one in self.seen.jobs if one.owner == self.seen.asked.uid)
        return tuple(sorted(own, key=lambda one: one.started_at, reverse=True))

    @cached_property
    def running(self) -> Job | None:
        """The Job that has not ended."""
        return next((one for one in self.jobs if not one.outcome), None)

    @cached_property
    def finished(self) -> Job | None:
        """The Job that ended last."""
        return next((one for one in self.jobs if one.outcome), None)

    def pod_of(self, job: Job) -> ImportPod | None:
        """Return a Job's newest pod."""
        own = [one for one in self.seen.pods if one.job == job.name]
        return max(own, key=lambda one: (one.created_at, one.name), default=None)

    @property
    def claim(self) -> str:
        """The PersistentVolumeClaim that the file lies on."""
        return self.spec.from_.sqlite.volume.persistent_volume_claim.claim_name

    @property
    def turn(self) -> str:
        """Which of two passes this is; empty: there is only one."""
        if self.spec.passes == "One":
            return ""
        return SECOND if self.seen.asked.status.first_pass_at else FIRST

    @property
    def ground(self) -> Ground:
        """The migration; it is there and Ready after the rule that waits for it."""
        if self.seen.ground is None:
            raise ValueError("a rule asks for the migration before it is there")
        return self.seen.ground

    @property
    def target(self) -> tuple[str, ...]:
        """What the database of the migration contains."""
        revisions = self.ground.migration.status.revisions
        return revisions.current if revisions else ()

    @cached_property
    def name(self) -> str:
        """The name that the Job of these inputs has, or will have; empty: they are not all there."""
        return (
            manifest.name_of(self.seen.asked, self.spec, self.ground, (self.target, self.turn))
            if not self.missing
            else ""
        )

    @cached_property
    def missing(self) -> str:
        """What of the migration is not there yet, in words; empty: all is."""
        ground, name = self.seen.ground, self.spec.migration_ref.name
        if ground is None:
            return f"DatabaseMigration {name} does not exist: create it, or correct spec.migrationRef"
        if not ground.ready:
            why = reason_of(ground.migration.status.conditions) or "nobody has looked at it"
            return f"DatabaseMigration {name} is not Ready ({why}): kubectl describe dbm {name} says more"
        if not isinstance(ground.source, PodParts):
            return f"the source of DatabaseMigration {name} is not there: {ground.source.what}"
        if ground.server is not None and not isinstance(ground.server, DatabaseServer):
            return f"the database of DatabaseMigration {name} is not there: {ground.server.what}"
        return "" if self.target else f"DatabaseMigration {name} has no revision in its database"

    def seconds_since(self, written: str) -> float:
        """Return how long ago a time was."""
        then = moment(written)
        return (self.seen.now - then).total_seconds() if then else 0.0
