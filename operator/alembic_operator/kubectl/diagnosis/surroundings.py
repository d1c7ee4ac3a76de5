"""What was seen beside a migration or a pod; what nobody may look at is None."""

from dataclasses import dataclass
from datetime import datetime

from alembic_operator.core.observation.reading import Manifest
from alembic_operator.kubectl.diagnosis.operators import Operator


@dataclass(frozen=True)
class Surroundings:
    """What was seen at one time."""

    now: datetime
    pods: tuple[Manifest, ...] | None = None
    """Those with the label of any migration."""
    operators: tuple[Operator, ...] | None = None
    """All of the cluster."""
    policies: tuple[Manifest, ...] | None = None
    """The admission policies that look after gates in the namespace."""
    migrations: tuple[Manifest, ...] = ()
    """Those that others depend on."""
    imports: tuple[Manifest, ...] | None = None
    """Those of the namespaces, where pods wait for one."""
    blind: frozenset[str] = frozenset()
    """Namespaces that an operator serves, and may not look into."""
