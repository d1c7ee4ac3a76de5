"""What the migration pod takes over from its source: a workload's container, an image, or a ConfigMap."""

from collections.abc import Mapping
from typing import Any

from alembic_operator.core import names
from alembic_operator.core.observation import Manifest, Missing, PodParts

_CONTAINER_FIELDS = ("image", "imagePullPolicy", "env", "envFrom", "workingDir", "resources", "securityContext")
"""Everything else is dropped: probes, ports, lifecycle, command and arguments belong to serving, not to migrating."""

_POD_FIELDS = (
    "serviceAccountName",
    "imagePullSecrets",
    "securityContext",
    "nodeSelector",
    "affinity",
    "tolerations",
    "runtimeClassName",
    "priorityClassName",
    "hostAliases",
    "dnsPolicy",
    "dnsConfig",
)
"""Identity, placement and name resolution; sidecars, init containers and labels are dropped."""

_NON_ROOT: Manifest = {"runAsNonRoot": True}


def containers(workload: Manifest) -> dict[str, PodParts]:
    """Return what a migration takes over of each container of a workload's pod template, in the template's order."""
    template: Manifest = (workload.get("spec") or {}).get("template", {}).get("spec") or {}
    return {one["name"]: _parts(one, template) for one in template.get("containers") or ()}


def _parts(container: Manifest, template: Manifest) -> PodParts:
    volumes = [one for one in template.get("volumes") or () if one["name"] in _mounted(container)]
    kept = {one["name"] for one in volumes}
    # A claim template of a StatefulSet belongs to the one pod of that ordinal: its mount is dropped.
    mounts = [one for one in container.get("volumeMounts") or () if one["name"] in kept]
    return PodParts(
        container=_some(container, _CONTAINER_FIELDS) | ({"volumeMounts": mounts} if mounts else {}),
        pod=_some(template, _POD_FIELDS) | ({"volumes": volumes} if volumes else {}),
    )


def _mounted(container: Manifest) -> set[str]:
    return {one["name"] for one in container.get("volumeMounts") or ()}


def _some(fields: Manifest, wanted: tuple[str, ...]) -> Manifest:
    return {name: fields[name] for name in wanted if name in fields}


def of_workload(
    kind: str, name: str, parts: Mapping[str, PodParts] | None, container: str | None
) -> PodParts | Missing:
    """Choose the container: the named one, else the first; None in `parts` when there is no such workload."""
    if parts is None:
        return Missing(f"{kind} {name} does not exist", "create it, or correct spec.source.workloadRef")
    wanted = container or next(iter(parts), "")
    if wanted in parts:
        return parts[wanted]
    return Missing(
        f"{kind} {name} has no container {wanted!r}",
        f"spec.source.workloadRef.container can be: {', '.join(parts) or 'none'}",
    )


def of_image(image: str) -> PodParts:
    """Run an image as it is, restricted and never as root."""
    return PodParts(container={"image": image}, pod={"securityContext": _NON_ROOT})


def of_config_map(name: str, config_map: Manifest | None, config: str, runner_image: str) -> PodParts | Missing:
    """Run a ConfigMap's project by the operator's own image; revision files go where Alembic looks for them."""
    if config_map is None:
        return Missing(f"ConfigMap {name} does not exist", "create it, or correct spec.source.configMapRef")
    keys: dict[str, Any] = config_map.get("data") or {}
    for needed in (config, "env.py"):
        if needed not in keys:
            return Missing(f"ConfigMap {name} has no key {needed}", "add it; the other *.py keys are the revisions")
    mount = {"name": names.PROJECT_VOLUME, "mountPath": names.PROJECT_PATH, "readOnly": True}
    items = [{"key": key, "path": _path(key, config)} for key in sorted(keys)]
    volume = {"name": names.PROJECT_VOLUME, "configMap": {"name": name, "items": items}}
    # The digest makes another Job of another content; it stands in the manifest, so that a person can compare.
    content = {"name": "ALEMBIC_OPERATOR_PROJECT_DIGEST", "value": names.digest(keys)}
    return PodParts(
        container={
            "image": runner_image,
            "workingDir": names.PROJECT_PATH,
            "env": [content],
            "volumeMounts": [mount],
        },
        pod={"securityContext": _NON_ROOT, "volumes": [volume]},
    )


def _path(key: str, config: str) -> str:
    return f"versions/{key}" if key.endswith(".py") and key not in ("env.py", config) else key
