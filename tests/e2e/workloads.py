"""The users service as manifests, and what its pods tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alembic_operator.core import names

if TYPE_CHECKING:
    from tests.e2e.migration import Manifest

_QUIET = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}


def template(app: str, migration: str, image: str, where: str) -> Manifest:
    """Return the pod template of the users service: nothing in it but a label speaks of the gate."""
    return {
        "metadata": {"labels": {"app": app, names.MIGRATION_LABEL: migration}},
        "spec": {
            "automountServiceAccountToken": False,
            "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [
                {
                    "name": "users",
                    "image": image,
                    "env": [{"name": "POSTGRES_DB", "value": where}, {"name": "DRAIN_SECONDS", "value": "10"}],
                    "envFrom": [{"configMapRef": {"name": "postgres"}}, {"secretRef": {"name": "postgres"}}],
                    "ports": [{"name": "http", "containerPort": 8080}],
                    "readinessProbe": {"httpGet": {"path": "/healthz", "port": "http"}, "periodSeconds": 1},
                    "resources": {"requests": {"cpu": "20m", "memory": "64Mi"}, "limits": {"memory": "256Mi"}},
                    "securityContext": _QUIET,
                }
            ],
        },
    }


def deployment(app: str, pod: Manifest, replicas: int = 2) -> Manifest:
    """Return a Deployment that stops no old pod before a new one is ready."""
    spec = {
        "replicas": replicas,
        "selector": {"matchLabels": {"app": app}},
        "strategy": {"rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
        "progressDeadlineSeconds": 3700,
        "template": pod,
    }
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": app}, "spec": spec}


def stateful_set(app: str, pod: Manifest, replicas: int = 2) -> Manifest:
    """Return a StatefulSet, which stops an old pod before it makes the new one of the same name."""
    spec = {
        "replicas": replicas,
        "serviceName": app,
        "selector": {"matchLabels": {"app": app}},
        "template": pod,
    }
    return {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": app}, "spec": spec}


def service(app: str) -> Manifest:
    """Return the Service in front of the pods."""
    spec = {"selector": {"app": app}, "ports": [{"name": "http", "port": 8080}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": app}, "spec": spec}


BUILDERS = {"deployment": deployment, "statefulset": stateful_set}


def image_of(pod: Manifest) -> str:
    """Return the application's image."""
    return str(pod["spec"]["containers"][0]["image"])


def gate_of(pod: Manifest) -> Manifest:
    """Return the gate that was put into a pod; nothing when there is none."""
    containers = pod["spec"].get("initContainers") or ()
    return next((one for one in containers if one["name"] == names.GATE_CONTAINER), {})


def is_held(pod: Manifest) -> bool:
    """Tell whether a pod stands at its gate."""
    statuses = pod["status"].get("initContainerStatuses") or ()
    return any(one["name"] == names.GATE_CONTAINER and "running" in one["state"] for one in statuses)


def is_ready(pod: Manifest) -> bool:
    """Tell whether a pod takes requests."""
    return any(one["type"] == "Ready" and one["status"] == "True" for one in pod["status"].get("conditions") or ())


def gate_starts(pod: Manifest) -> int:
    """Count how often the gate was started."""
    return sum(one["restartCount"] + 1 for one in pod["status"]["initContainerStatuses"])
