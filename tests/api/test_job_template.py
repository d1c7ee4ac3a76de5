"""spec.jobTemplate is merged as a strategic merge patch: the API server itself says how that is, and does it."""

from typing import Any

import pytest

from alembic_operator.core.manifests import merge as merging
from alembic_operator.core.manifests.merge import merge
from tests.api.rest import Manifest, Rest, path_of

STRATEGIC = {"Content-Type": "application/strategic-merge-patch+json"}
SINCE_1_37 = {"evictionResponders"}
TEMPLATE: Manifest = {"apiVersion": "v1", "kind": "PodTemplate", "metadata": {"name": "job"}}

BASE: Manifest = {
    "restartPolicy": "Never",
    "containers": [
        {
            "name": "migrate",
            "image": "users:1",
            "command": ["python3", "runner.pyz"],
            "args": ["upgrade", "heads"],
            "env": [{"name": "PGHOST", "value": "a"}, {"name": "PGUSER", "value": "b"}],
            "envFrom": [{"secretRef": {"name": "users"}}],
            "ports": [{"containerPort": 80, "name": "web"}],
            "volumeMounts": [{"name": "v", "mountPath": "/v"}, {"name": "v", "mountPath": "/w"}],
            "securityContext": {"capabilities": {"drop": ["ALL"], "add": ["CHOWN"]}},
        },
        {"name": "proxy", "image": "proxy:1"},
    ],
    "volumes": [{"name": "v", "emptyDir": {}}],
    "imagePullSecrets": [{"name": "one"}],
    "hostAliases": [{"ip": "10.0.0.1", "hostnames": ["a"]}],
    "tolerations": [{"key": "a", "operator": "Exists"}],
    "topologySpreadConstraints": [{"topologyKey": "zone", "maxSkew": 1, "whenUnsatisfiable": "DoNotSchedule"}],
    "schedulingGates": [{"name": "test/one"}],
    "dnsConfig": {"nameservers": ["10.0.0.2"], "options": [{"name": "ndots", "value": "2"}]},
    "nodeSelector": {"disk": "ssd"},
}


def of_migrate(**fields: Any) -> Manifest:
    return {"containers": [{"name": "migrate"} | fields]}


PATCHES: dict[str, Manifest] = {
    "command and args": of_migrate(command=["sh"], args=["-c", "true"]),
    "a variable": of_migrate(env=[{"name": "PGHOST", "value": "c"}, {"name": "PGPORT", "value": "1"}]),
    "a variable that goes": of_migrate(env=[{"name": "PGUSER", "$patch": "delete"}]),
    "a variable from elsewhere": of_migrate(
        env=[{"name": "PGHOST", "value": None, "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]
    ),
    "all variables": of_migrate(env=[{"$patch": "replace"}, {"name": "PGPORT", "value": "1"}]),
    "sources of variables": of_migrate(envFrom=[{"configMapRef": {"name": "users"}}]),
    "ports": of_migrate(ports=[{"containerPort": 80, "name": "http"}, {"containerPort": 81}]),
    "mounts": of_migrate(volumeMounts=[{"name": "v", "mountPath": "/w", "readOnly": True}]),
    "devices": of_migrate(volumeDevices=[{"name": "d", "devicePath": "/dev/d"}])
    | {"volumes": [{"name": "d", "persistentVolumeClaim": {"claimName": "d"}}]},
    "capabilities": of_migrate(securityContext={"capabilities": {"add": ["KILL"]}}),
    "resources": of_migrate(resources={"limits": {"memory": "1Gi"}}),
    "a container more": {"containers": [{"name": "sidecar", "image": "s:1"}]},
    "a container that goes": {"containers": [{"name": "proxy", "$patch": "delete"}]},
    "a container instead": {"containers": [{"name": "proxy", "$patch": "delete"}, {"name": "proxy", "image": "p:2"}]},
    "all containers": {"containers": [{"name": "x", "$patch": "replace"}, {"name": "only", "image": "o:1"}]},
    "init containers": {"initContainers": [{"name": "before", "image": "b:1"}]},
    "a volume more": {"volumes": [{"name": "w", "emptyDir": {"medium": "Memory"}}]},
    "a volume's source": {"volumes": [{"name": "v", "emptyDir": None, "secret": {"secretName": "s"}}]},
    "pull secrets": {"imagePullSecrets": [{"name": "two"}]},
    "aliases": {"hostAliases": [{"ip": "10.0.0.1", "hostnames": ["b"]}, {"ip": "10.0.0.3", "hostnames": ["c"]}]},
    "tolerations": {"tolerations": [{"key": "b", "operator": "Exists"}]},
    "no tolerations": {"tolerations": None},
    "spread constraints": {
        "topologySpreadConstraints": [
            {"topologyKey": "zone", "maxSkew": 2},
            {"topologyKey": "node", "maxSkew": 1, "whenUnsatisfiable": "DoNotSchedule"},
        ]
    },
    "scheduling gates": {"schedulingGates": [{"name": "test/two"}]},
    "names": {"dnsConfig": {"nameservers": ["10.0.0.9"], "options": [{"name": "timeout", "value": "1"}]}},
    "an object instead": {"nodeSelector": {"gpu": "no", "$patch": "replace"}},
    "an object more": {"nodeSelector": {"gpu": "no"}},
    "an empty list": {"tolerations": [], "imagePullSecrets": []},
}


@pytest.mark.parametrize("patch", [pytest.param(one, id=name) for name, one in PATCHES.items()])
def test_a_template_is_merged_as_the_api_server_would(rest: Rest, namespace: str, patch: Manifest) -> None:
    rest.create(TEMPLATE | {"template": {"spec": BASE}}, namespace)
    path = f"{path_of(TEMPLATE, namespace)}/job"
    theirs = rest.request("PATCH", path, {"template": {"spec": patch}}, STRATEGIC, dryRun="All")
    ours = rest.create(
        TEMPLATE | {"metadata": {"name": "ours"}, "template": {"spec": merge(BASE, patch)}}, namespace, dryRun="All"
    )
    assert _sorted(ours["template"]["spec"]) == _sorted(theirs["template"]["spec"])


def _sorted(pod: Manifest) -> Manifest:
    """Return a pod without the order of what is merged: a strategic merge patch puts new items first."""
    lists = {name: sorted(pod[name], key=str) for name in merging.KEYS if name in pod}
    inner = [
        one | {name: sorted(one[name], key=str) for name in merging.KEYS if name in one} for one in pod["containers"]
    ]
    return pod | lists | {"containers": sorted(inner, key=str)}


def test_every_list_of_a_job_that_is_merged_is_known(rest: Rest) -> None:
    definitions = rest.request("GET", "/openapi/v2")["definitions"]
    found: dict[str, str] = {}
    left, seen = ["io.k8s.api.batch.v1.JobSpec", "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"], set()
    while left:
        if (name := left.pop()) in seen:
            continue
        seen.add(name)
        for field, described in definitions[name].get("properties", {}).items():
            if key := described.get("x-kubernetes-patch-merge-key"):
                assert found.setdefault(field, key) == key
            left += [one.rpartition("/")[2] for one in _references(described)]
    assert found.items() <= merging.KEYS.items()
    assert merging.KEYS.keys() - found.keys() <= SINCE_1_37


def _references(described: Manifest) -> list[str]:
    parts = (described, described.get("items") or {}, described.get("additionalProperties") or {})
    return [one["$ref"] for one in parts if "$ref" in one]
