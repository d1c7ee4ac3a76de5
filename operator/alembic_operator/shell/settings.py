"""How this operator process was asked to run."""

from dataclasses import dataclass
from pathlib import Path

from alembic_operator.core.lease import Terms


@dataclass(frozen=True)
class Settings:
    """The command line of `alembic-operator run`."""

    runner_image: str
    """The operator's own image: it runs ConfigMap sources."""
    runner: Path
    """The runner, for migration pods and gates."""
    namespaces: tuple[str, ...] = ()
    """Namespaces to watch; none: all of them."""
    watch_rollouts: bool = False
    """Watch Argo Rollouts too; their CustomResourceDefinition must exist."""
    limit_job_template: bool = False
    """Take only what is harmless from spec.jobTemplate."""
    asks_progress: bool = False
    """Ask running migration pods over the network how far they are."""
    health_port: int = 8080
    """Port of /healthz and /readyz."""
    metrics_port: int = 0
    """Port of /metrics; 0: there is none, and nothing of it is imported."""
    gate_policies: str = ""
    """Name of the gate's admission policies, for /metrics; empty: nobody looks whether they are there."""
    log_format: str = "json"
    """json or text."""
    instance: str = "alembic-operator"
    """Name of this process in Events and as a leader: the pod's."""
    lease: Terms | None = None
    """The Lease without which it does not act; None: it acts at once, and there should be no other."""
    resync: float = 300.0
    """Seconds between two looks at everything: a deletion that a watch has missed is found then."""
