"""Remove everything that the demo made; the cluster too when asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from demo.access import NAMESPACE, access
from demo.setup import OPERATOR

if TYPE_CHECKING:
    from demo.screen import Screen

CRD = "databasemigrations.alembic-operator.dev"


def clean(screen: Screen, *, stop_cluster: bool) -> None:
    """Remove namespace, release and CustomResourceDefinition; what is gone already is as good."""
    here = access()
    if stop_cluster:
        here.cluster.down()
        screen.line("cluster", "stopped, with everything in it")
        return
    here.kubectl("delete", "namespace", NAMESPACE, "--ignore-not-found", "--timeout=120s")
    screen.line(NAMESPACE, "the namespace is gone, with PostgreSQL and its volume")
    here.helm("uninstall", OPERATOR, f"--namespace={OPERATOR}", "--ignore-not-found", "--wait", "--timeout=60s")
    here.kubectl("delete", "namespace", OPERATOR, "--ignore-not-found", "--timeout=120s")
    here.kubectl("delete", "crd", CRD, "--ignore-not-found", "--timeout=60s")
    screen.line(OPERATOR, "the operator is gone, with its CustomResourceDefinition")
    screen.line("cluster", "still runs; python3 -m demo clean --cluster stops it")
