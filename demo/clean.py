"""Remove everything that the demo made; the cluster too when asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from demo import operators
from demo.access import access
from demo.setup import release_of

if TYPE_CHECKING:
    from demo.screen import Screen


def clean(screen: Screen, namespace: str, *, stop_cluster: bool) -> None:
    """Remove namespace, release and CustomResourceDefinition; what is gone already is as good."""
    here, name = access(namespace), release_of(namespace)
    if stop_cluster:
        here.cluster.down()
        screen.line("cluster", "stopped, with everything in it")
        return
    here.kubectl("delete", "namespace", namespace, "--ignore-not-found", "--timeout=120s")
    screen.line(namespace, "the namespace is gone, with PostgreSQL and its volume")
    last = operators.remove(here, name)
    screen.line(name, f"the operator is gone{', with its CustomResourceDefinition' if last else ''}")
    screen.line("cluster", "still runs; python3 -m demo clean --cluster stops it")
