"""What a decision asks for: effects on the cluster, as values."""

from dataclasses import dataclass

from alembic_operator.api.occasions import Occasion
from alembic_operator.api.status import Status
from alembic_operator.core.observation.gated_pods import Owner
from alembic_operator.core.observation.reading import Manifest


@dataclass(frozen=True)
class CreateJob:
    """Create this Job; one of the same name is the same Job."""

    manifest: Manifest


@dataclass(frozen=True)
class DeleteJob:
    """Delete this Job, and its pods before it."""

    name: str
    uid: str


@dataclass(frozen=True)
class BringRunner:
    """Put this operator's runner into the namespace, for migration pods and gates."""


Action = BringRunner | CreateJob | DeleteJob


@dataclass(frozen=True)
class Notice:
    """One Event on the migration."""

    occasion: Occasion
    note: str
    warning: bool = False
    regarding: Owner | None = None
    """Another object than the migration, which is only related then. Such a notice is given once for all."""
    identity: str = ""
    """What makes it the same notice, given once, whatever its words; empty: its note, if it is about another object."""
    set_by: str = ""
    """An annotation of that object's pods: who set it, and when, is looked up and added to the note."""


@dataclass(frozen=True)
class Plan:
    """What should be true now."""

    actions: tuple[Action, ...]
    status: Status
    notices: tuple[Notice, ...] = ()
    requeue_after: float | None = None
    """Look again after this many seconds, whatever happens."""
    report_first: bool = False
    """Write the status before the actions, whatever it was: an object that says Ready must not say so while work
    starts, and where the status stays the same, only its writing tells that there still is an object. The answer also
    tells of a newer specification, which is looked at first."""
