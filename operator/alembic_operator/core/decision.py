"""What was decided of one observation, before it becomes conditions."""

from dataclasses import dataclass

from alembic_operator.api.fleet import TenantsStatus
from alembic_operator.api.reasons import Reason
from alembic_operator.api.status import LastRun, RevisionsStatus
from alembic_operator.core.actions import Action


@dataclass(frozen=True)
class Finished:
    """A run that has ended, as the status will tell it."""

    run: LastRun
    revisions: RevisionsStatus | None
    image: str
    image_named: str = ""
    """The same image in the words of the manifest."""
    tenants: TenantsStatus | None = None
    """How its tenants stand; None: it has none, or did not come to look."""


@dataclass(frozen=True)
class Decision:
    """Why the migration stands as it does, and what follows."""

    reason: Reason
    message: str
    actions: tuple[Action, ...] = ()
    requeue_after: float | None = None
    under_way: LastRun | None = None
    """The run that the Job is doing now."""
    finished: Finished | None = None
    """The run that has ended."""
