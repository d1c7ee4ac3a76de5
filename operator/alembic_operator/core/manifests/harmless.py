"""Tell harmless parts of a jobTemplate from those that ask for more than the rest of a specification can."""

from typing import Any

from alembic_operator.core import names
from alembic_operator.core.observation.observation import Observation
from alembic_operator.core.observation.reading import Manifest

FLAG = "--limit-job-template"

_LONGEST = 64
"""Letters of a name in a message; labels and the like have no more."""

_QUANTITIES: dict[str, Any] = dict.fromkeys(("cpu", "memory", "ephemeral-storage"))
_CONTAINER = {
    "name": None,
    "resources": {"requests": _QUANTITIES, "limits": _QUANTITIES},
    # spec.database may name any key of any Secret already.
    "env": None,
    "envFrom": None,
}
_POD = {
    "metadata": {
        # Of the pod only what keeps others from it: any other label may make it an endpoint of a Service or let it
        # through a NetworkPolicy, any other annotation may give it a network or a cloud identity.
        "labels": {"sidecar.istio.io/inject": None},
        "annotations": {
            "sidecar.istio.io/inject": None,
            "linkerd.io/inject": None,
            "cluster-autoscaler.kubernetes.io/safe-to-evict": None,
            "karpenter.sh/do-not-disrupt": None,
        },
    },
    "spec": {
        "nodeSelector": None,
        "tolerations": None,
        "affinity": None,
        # Of a migration, and of an import; without an image, one of the other's is invalid.
        "containers": {names.CONTAINER: _CONTAINER, names.LOAD: _CONTAINER},
        "initContainers": {names.COPY: _CONTAINER, names.UPGRADE: _CONTAINER},
    },
}
_HARMLESS = {
    "metadata": {"labels": None, "annotations": None},
    "spec": {
        "activeDeadlineSeconds": None,
        "backoffLimit": None,
        "backoffLimitPerIndex": None,
        "maxFailedIndexes": None,
        "ttlSecondsAfterFinished": None,
        "suspend": None,
        "template": _POD,
    },
}
"""What may stand in a jobTemplate: None is a part with all that is in it. docs/adr/0016 has the reasons."""


def refusal(seen: Observation) -> str:
    """Return why this migration's jobTemplate is not taken; empty when it is, or when nothing limits it."""
    spec = seen.migration.spec
    return complaint(spec.job_template) if spec and seen.limits_job_template else ""


def complaint(template: Manifest | None) -> str:
    """Return a sentence about the first part of a jobTemplate that is not known to be harmless; empty when all are."""
    path = _beyond(template or {}, _HARMLESS, "spec.jobTemplate")
    if not path:
        return ""
    return (
        f"{path} is not taken: this operator runs with {FLAG}, because no policy looks at who writes it; remove it, or"
        " have the chart installed with rights.policies=true or rights.limitJobTemplate=false"
    )


def _beyond(given: Any, allowed: dict[str, Any], path: str) -> str:
    if not isinstance(given, dict):
        return path
    for name, value in given.items():
        here = f"{path}.{name}" if name.isidentifier() and len(name) <= _LONGEST else f"{path}[{name[:_LONGEST]!r}]"
        if name not in allowed:
            return here
        inner = allowed[name]
        if name in ("containers", "initContainers"):
            found = _beyond_containers(value, inner, here)
        else:
            found = "" if inner is None else _beyond(value, inner, here)
        if found:
            return found
    return ""


def _beyond_containers(given: Any, allowed: dict[str, Any], path: str) -> str:
    if not isinstance(given, list):
        return path
    for index, one in enumerate(given):
        inner = allowed.get(str(one.get("name"))) if isinstance(one, dict) else None
        found = f"{path}[{index}]" if inner is None else _beyond(one, inner, f"{path}[{index}]")
        if found:
            return found
    return ""
