"""What the operator may do, in four tables: the client refuses anything else, the chart's role is compared with it."""

from alembic_operator.core import names
from alembic_operator.kube.cluster import (
    CONFIG_MAPS,
    DEPLOYMENTS,
    EVENTS,
    GATE_POLICIES,
    IMPORTS,
    JOBS,
    LEASES,
    MIGRATIONS,
    PODS,
    ROLLOUTS,
    STATEFUL_SETS,
    Resource,
)

_WATCHED = frozenset({"get", "list", "watch"})

VERBS: dict[tuple[Resource, str], frozenset[str]] = {
    (MIGRATIONS, ""): frozenset({"list", "watch"}),
    (MIGRATIONS, "status"): frozenset({"patch"}),
    # Never called: OwnerReferencesPermissionEnforcement, as on OpenShift, asks it of who makes a Job that such an
    # object owns with blockOwnerDeletion.
    (MIGRATIONS, "finalizers"): frozenset({"update"}),
    (IMPORTS, ""): frozenset({"list", "watch"}),
    (IMPORTS, "status"): frozenset({"patch"}),
    (IMPORTS, "finalizers"): frozenset({"update"}),
    (JOBS, ""): _WATCHED | {"create", "delete"},
    (PODS, ""): frozenset({"list", "watch"}),
    (DEPLOYMENTS, ""): _WATCHED,
    (STATEFUL_SETS, ""): _WATCHED,
    (ROLLOUTS, ""): _WATCHED,
    (CONFIG_MAPS, ""): frozenset({"get"}),
    (EVENTS, ""): frozenset({"create"}),
}
"""Verbs by resource and subresource. No Secret, no wildcard, no write but to Jobs, Events, the runner and our own
status."""


NAMED_VERBS: dict[tuple[Resource, str], frozenset[str]] = {
    (CONFIG_MAPS, names.RUNNER_CONFIG_MAP): frozenset({"list", "watch", "create", "patch", "delete"}),
}
"""Verbs by resource and the one name they are for; a patch that makes an object needs `create`, by its name too, and
one that was made immutable has to be deleted."""


OWN_VERBS: dict[Resource, frozenset[str]] = {LEASES: frozenset({"get", "create", "patch"})}
"""Verbs on the one object that the operator keeps in its own namespace, by its name: for several processes, a Lease."""


POLICY_VERBS: dict[Resource, frozenset[str]] = {
    one: frozenset({"get"}) for kind in GATE_POLICIES.values() for one in kind
}
"""Verbs on the admission policies of the release, by their name, where the operator serves the whole cluster."""


def check(verb: str, resource: Resource, subresource: str = "", name: str = "") -> None:
    """Refuse a call that the role does not allow, on every cluster and not only on those that enforce it.

    Raises:
        PermissionError: the table lacks it.
    """
    named = (NAMED_VERBS.get((resource, name)), OWN_VERBS.get(resource), POLICY_VERBS.get(resource))
    if not any(verb in (allowed or ()) for allowed in (VERBS.get((resource, subresource)), *named)):
        raise PermissionError(f"{verb} {resource.plural}/{subresource}: not in the operator's table of permissions")
