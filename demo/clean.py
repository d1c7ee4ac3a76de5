"""Remove everything that the demo made; the cluster too when asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from demo import operators
from demo.access import access
from demo.operators import release_of

if TYPE_CHECKING:
    from demo.screen import Screen


def clean(screen: Screen, namespace: str, *, stop_cluster: bool) -> None:
    """Remove namespace, release and CustomResourceDefinition; what is gone already is as good."""
    here, name = access(namespace), release_of(namespace)
    if stop_cluster:
        here.cluster.down()
        screen.line("cluster", "stopped, with everything in it")
        return
    here.helm("uninstall", name, f"--namespace={name}", "--ignore-not-found", "--wait", "--timeout=60s")
    # First what is in it: at a namespace with pods Kubernetes looks again only after half of their grace periods.
    here.kubectl("delete", "deployments,statefulsets,jobs,pods,persistentvolumeclaims", "--all", "--timeout=120s")
    here.kubectl("delete", "namespace", namespace, name, "--ignore-not-found", "--timeout=120s")
    screen.line(namespace, "the namespace is gone, with PostgreSQL and its volume")
    last = operators.remove_unused_crd(here, name)
    screen.line(name, f"the operator is gone{', with its CustomResourceDefinition' if last else ''}")
