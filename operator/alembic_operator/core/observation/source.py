"""What the migration pod takes over from its source: a workload's container, an image, or a ConfigMap."""

from dataclasses import dataclass

from alembic_operator.core import names
from alembic_operator.core.observation import reading
from alembic_operator.core.observation.reading import Manifest, Reading

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

_MOST_CONTAINERS = 32
"""Of a pod; nobody has as many."""

_MOST_OF_A_WORKLOAD = 262_144
"""Characters that are kept of a workload: `kubectl apply` keeps as much of a whole object in its annotation."""

_NAMED = 8

_NON_ROOT: Manifest = {"runAsNonRoot": True}


@dataclass(frozen=True)
class Missing:
    """Something that the specification names is not there."""

    what: str
    """For a person: `Deployment users`."""
    advice: str = ""


@dataclass(frozen=True)
class PodParts:
    """What the migration pod takes over from its source: the same fields as in a pod template."""

    container: Manifest
    pod: Manifest


Containers = dict[str, PodParts | str]
"""What a migration takes over of each container of a workload, or why it cannot; under the empty name of all others."""


def containers(workload: Manifest) -> Containers:
    """Read a workload's pod template, in its order."""
    looked = Reading(workload)
    template = looked.fields("spec", "template", "spec")
    found: Containers = {}
    for one in looked.items("spec", "template", "spec", "containers"):
        if len(found) == _MOST_CONTAINERS:
            return found | {
                "": f"spec.template.spec.containers has more than {_MOST_CONTAINERS}, and only these are read"
            }
        found[reading.text(one, "name")] = _parts(one, template, found)
    return found | ({"": looked.unreadable[0]} if looked.unreadable else {})


def _parts(container: Manifest, template: Manifest, before: Containers) -> PodParts | str:
    volumes = [one for one in reading.items(template, "volumes") if _name(one) in _mounted(container)]
    kept = set(map(_name, volumes))
    # A claim template of a StatefulSet belongs to the one pod of that ordinal: its mount is dropped.
    mounts = [one for one in reading.items(container, "volumeMounts") if _name(one) in kept]
    parts = PodParts(
        container=_some(container, _CONTAINER_FIELDS) | ({"volumeMounts": mounts} if mounts else {}),
        pod=_some(template, _POD_FIELDS) | ({"volumes": volumes} if volumes else {}),
    )
    return _misshapen(_name(container), parts) or _too_much(_name(container), parts, before) or parts


def _name(one: Manifest) -> str:
    return reading.text(one, "name")


def _mounted(container: Manifest) -> set[str]:
    return set(map(_name, reading.items(container, "volumeMounts")))


def _some(fields: Manifest, wanted: tuple[str, ...]) -> Manifest:
    return {name: fields[name] for name in wanted if name in fields}


def _misshapen(name: str, parts: PodParts) -> str:
    """Return which field is not what every pod has there: a definition such as a Rollout's may check nothing."""
    own, pod = Reading(parts.container), Reading(parts.pod)
    own.text("image"), own.text("workingDir"), own.fields("securityContext"), own.items("envFrom")
    if not all(map(_name, own.items("env"))):
        own.note(("env",), "has an entry without a name")
    pod.fields("securityContext")
    of_container = [f"spec.template.spec.containers[{reading.brief(name)}].{one}" for one in own.unreadable]
    return next(iter([*of_container, *(f"spec.template.spec.{one}" for one in pod.unreadable)]), "")


def _too_much(name: str, parts: PodParts, before: Containers) -> str:
    """Return why a container cannot be taken over although it is as it should be."""
    all_of_it = [[one.container, one.pod] for one in (*before.values(), parts) if isinstance(one, PodParts)]
    wrong = reading.unfit(all_of_it, _MOST_OF_A_WORKLOAD)
    return wrong and f"spec.template.spec.containers[{reading.brief(name)}], with those before it, {wrong}"


def of_workload(kind: str, name: str, parts: Containers | None, container: str | None) -> PodParts | Missing:
    """Choose the container: the named one, else the first; None in `parts` when there is no such workload."""
    if parts is None:
        return Missing(f"{kind} {name} does not exist", "create it, or correct spec.source.workloadRef")
    wanted = container or next(iter(parts), "")
    found = parts.get(wanted, parts.get("", ""))
    if isinstance(found, PodParts):
        return found
    if found:
        return Missing(f"{kind} {name} cannot be taken over: {found}", "correct it there")
    there = [*list(parts)[:_NAMED], *(["..."] if len(parts) > _NAMED else [])]
    return Missing(
        f"{kind} {name} has no container {wanted!r}",
        f"spec.source.workloadRef.container can be: {', '.join(there) or 'none'}",
    )


def of_image(image: str) -> PodParts:
    """Run an image as it is, restricted and never as root."""
    return PodParts(container={"image": image}, pod={"securityContext": _NON_ROOT})


def of_config_map(name: str, config_map: Manifest | None, config: str, runner_image: str) -> PodParts | Missing:
    """Run a ConfigMap's project by the operator's own image; revision files go where Alembic looks for them."""
    if config_map is None:
        return Missing(f"ConfigMap {name} does not exist", "create it, or correct spec.source.configMapRef")
    content = reading.fields(config_map, "data")
    keys = {key: reading.text(content, key) for key in content}
    for needed in (config, "env.py"):
        if needed not in keys:
            return Missing(f"ConfigMap {name} has no key {needed}", "add it; the other *.py keys are the revisions")
    mount = {"name": names.PROJECT_VOLUME, "mountPath": names.PROJECT_PATH, "readOnly": True}
    items = [{"key": key, "path": _path(key, config)} for key in sorted(keys)]
    volume = {"name": names.PROJECT_VOLUME, "configMap": {"name": name, "items": items}}
    # The digest makes another Job of another content; it stands in the manifest, so that a person can compare.
    digest = {"name": "ALEMBIC_OPERATOR_PROJECT_DIGEST", "value": names.digest(keys)}
    return PodParts(
        container={
            "image": runner_image,
            "workingDir": names.PROJECT_PATH,
            "env": [digest],
            "volumeMounts": [mount],
        },
        pod={"securityContext": _NON_ROOT, "volumes": [volume]},
    )


def _path(key: str, config: str) -> str:
    return f"versions/{key}" if key.endswith(".py") and key not in ("env.py", config) else key
