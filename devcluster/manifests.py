"""What every cluster has and a bare API server lacks: a default storage class and the rights of our own programs."""

from __future__ import annotations

from typing import Any

STORAGE_CLASS = "standard"
"""The same name as in kind."""
PROVISIONER = "alembic-operator.dev/devcluster"
RBAC = "rbac.authorization.k8s.io"

STORAGE: dict[str, Any] = {
    "apiVersion": "storage.k8s.io/v1",
    "kind": "StorageClass",
    "metadata": {
        "name": STORAGE_CLASS,
        "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
    },
    "provisioner": PROVISIONER,
    "reclaimPolicy": "Delete",
    "volumeBindingMode": "Immediate",
}


def all_with_paths() -> list[tuple[str, dict[str, Any]]]:
    """Pair every manifest with the path of its object."""
    reading = ["list", "watch"]
    coredns = [
        {"apiGroups": [""], "resources": ["services", "pods", "namespaces"], "verbs": reading},
        {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": reading},
    ]
    writing = ["list", "create", "patch", "delete"]
    provisioner = [
        {"apiGroups": [""], "resources": ["persistentvolumeclaims"], "verbs": reading},
        {"apiGroups": [""], "resources": ["persistentvolumes"], "verbs": writing},
    ]
    return [
        (f"/apis/storage.k8s.io/v1/storageclasses/{STORAGE_CLASS}", STORAGE),
        *_rights("devcluster:coredns", coredns),
        *_rights("devcluster:provisioner", provisioner),
    ]


def _rights(user: str, rules: list[dict[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
    api, metadata = f"{RBAC}/v1", {"name": user}
    role = {"apiVersion": api, "kind": "ClusterRole", "metadata": metadata, "rules": rules}
    binding = {
        "apiVersion": api,
        "kind": "ClusterRoleBinding",
        "metadata": metadata,
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": user},
        "subjects": [{"apiGroup": RBAC, "kind": "User", "name": user}],
    }
    return [
        (f"/apis/{RBAC}/v1/clusterroles/{user}", role),
        (f"/apis/{RBAC}/v1/clusterrolebindings/{user}", binding),
    ]
