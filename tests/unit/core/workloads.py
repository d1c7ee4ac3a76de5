"""Workloads as they stand in a real cluster: much of them is of no use to a migration."""

import copy
from typing import Any

APP: dict[str, Any] = {
    "name": "app",
    "image": "registry/users:1.4",
    "imagePullPolicy": "IfNotPresent",
    "command": ["uvicorn"],
    "args": ["users:app", "--port=8080"],
    "workingDir": "/srv/users",
    "env": [
        {"name": "LOG_LEVEL", "value": "info"},
        {"name": "PGHOST", "value": "pgbouncer"},
        {"name": "DATABASE_URL", "valueFrom": {"secretKeyRef": {"name": "users-db", "key": "url"}}},
        {"name": "DSN", "value": "host=$(PGHOST)"},
        {"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
    ],
    "envFrom": [{"configMapRef": {"name": "users"}}, {"secretRef": {"name": "users", "optional": True}}],
    "ports": [{"name": "http", "containerPort": 8080}],
    "resources": {"requests": {"cpu": "250m", "memory": "256Mi"}, "limits": {"memory": "512Mi"}},
    "securityContext": {"runAsUser": 1000, "readOnlyRootFilesystem": True},
    "volumeMounts": [
        {"name": "config", "mountPath": "/etc/users", "readOnly": True},
        {"name": "tmp", "mountPath": "/tmp"},
        {"name": "store", "mountPath": "/var/lib/users"},
    ],
    "livenessProbe": {"httpGet": {"path": "/healthz", "port": "http"}},
    "readinessProbe": {"httpGet": {"path": "/readyz", "port": "http"}},
    "startupProbe": {"httpGet": {"path": "/healthz", "port": "http"}},
    "lifecycle": {"preStop": {"sleep": {"seconds": 5}}},
    "terminationMessagePolicy": "FallbackToLogsOnError",
    "stdin": True,
    "tty": True,
}

SIDECAR: dict[str, Any] = {
    "name": "metrics",
    "image": "registry/exporter:2",
    "volumeMounts": [{"name": "exporter", "mountPath": "/etc/exporter"}],
}

POD: dict[str, Any] = {
    "containers": [APP, SIDECAR],
    "initContainers": [
        {"name": "wait", "image": "busybox"},
        {"name": "mesh", "image": "registry/mesh", "restartPolicy": "Always"},
    ],
    "volumes": [
        {"name": "config", "configMap": {"name": "users"}},
        {"name": "tmp", "emptyDir": {}},
        {"name": "exporter", "configMap": {"name": "exporter"}},
        {"name": "unused", "emptyDir": {}},
    ],
    "serviceAccountName": "users",
    "automountServiceAccountToken": True,
    "imagePullSecrets": [{"name": "registry"}],
    "securityContext": {"runAsNonRoot": True, "fsGroup": 1000},
    "nodeSelector": {"disk": "ssd"},
    "affinity": {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}},
    "tolerations": [{"key": "dedicated", "operator": "Exists"}],
    "topologySpreadConstraints": [{"topologyKey": "zone", "maxSkew": 1}],
    "runtimeClassName": "gvisor",
    "priorityClassName": "high",
    "hostAliases": [{"ip": "10.0.0.1", "hostnames": ["old"]}],
    "dnsPolicy": "ClusterFirst",
    "dnsConfig": {"options": [{"name": "ndots", "value": "2"}]},
    "restartPolicy": "Always",
    "terminationGracePeriodSeconds": 30,
    "hostname": "users",
    "subdomain": "users",
    "enableServiceLinks": True,
    "schedulerName": "default-scheduler",
    "shareProcessNamespace": True,
}

_LABELS = {"app": "users", "version": "1.4"}


def a_deployment() -> dict[str, Any]:
    """Return a Deployment of its own, which a test may change."""
    return copy.deepcopy(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "users", "namespace": "shop", "labels": _LABELS, "resourceVersion": "7"},
            "spec": {
                "replicas": 3,
                "selector": {"matchLabels": {"app": "users"}},
                "template": {"metadata": {"labels": _LABELS, "annotations": {"checksum": "1"}}, "spec": POD},
            },
        }
    )


def a_postgres(**changes: Any) -> dict[str, Any]:
    """Return a StatefulSet that runs PostgreSQL."""
    container = {
        "name": "postgres",
        "image": "postgres:18",
        "ports": [{"name": "metrics", "containerPort": 9187}, {"name": "postgres", "containerPort": 6432}],
        "volumeMounts": [{"name": "data", "mountPath": "/var/lib/postgresql"}],
    }
    spec = {
        "serviceName": "postgres-headless",
        "template": {"spec": {"containers": [container]}},
        "volumeClaimTemplates": [{"metadata": {"name": "data"}}],
    }
    return copy.deepcopy(
        {
            "apiVersion": "apps/v1",
            "kind": "StatefulSet",
            "metadata": {"name": "postgres", "namespace": "shop", "resourceVersion": "5"},
            "spec": spec,
            "status": {"readyReplicas": 1},
        }
        | changes
    )
