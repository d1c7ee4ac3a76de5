"""A gate that a pod template brings is the very one that the admission policy injects; older clusters insist on it.

The pods of tests/goldens/pods are those that an API server makes which injects. So one that cannot is compared, too.
"""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from alembic_operator.api.v1alpha1 import API_VERSION, KIND
from devcluster.controlplane import ApiServer
from tests.api import chart, written
from tests.api.conftest import Eventually
from tests.api.crd_imports_examples import an_import
from tests.api.gate_cases import AFTER, CASES, LOGIN, PLAIN, PROXY, RICH, WORK
from tests.api.gates import POLICIES, demand_injection
from tests.api.rest import Manifest, RefusedError, Rest
from tests.api.shop import Shop
from tests.conftest import GOLDENS, Golden

PODS = GOLDENS / "pods"
MIGRATION = "alembic-operator.dev/migration"


def _namespace(api_server: ApiServer, rest: Rest, name: str, *arguments: str) -> Shop:
    """Make a namespace with what the chart installs for it: an operator is not needed."""
    rest.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    rendered = chart.render(f"--set=watchNamespaces={{{name}}}", f"--set=fullnameOverride={name}", *arguments)
    policies = yaml.safe_dump_all(one for one in rendered if one["kind"].startswith(POLICIES))
    command: list[str | Path] = [api_server.kubectl, f"--kubeconfig={api_server.kubeconfig}", "apply", "--filename=-"]
    subprocess.run(command, input=policies, text=True, check=True)
    return Shop(rest, name)


@pytest.fixture(scope="module")
def older(api_server: ApiServer, rest: Rest) -> Shop:
    """Return a namespace as it is below Kubernetes 1.36: pods are looked at, and never changed."""
    return _namespace(api_server, rest, "gates-older")


@pytest.fixture(scope="module")
def newer(api_server: ApiServer, rest: Rest) -> Shop:
    """Return a namespace in which the API server adds the gate."""
    demand_injection(rest)
    return _namespace(api_server, rest, "gates-newer", chart.INJECTS)


def _admit(shop: Shop, pod: Manifest, eventually: Eventually) -> Manifest:
    """Return a pod with its gate, as soon as the API server has heard of policies and migration."""

    def admitted() -> Any:
        try:
            found = shop.rest.create(pod, shop.namespace, dryRun="All")
        except RefusedError as error:
            if "not known yet" in error.message:
                return None
            raise
        return found if any(one["name"] == "alembic-gate" for one in found["spec"].get("initContainers", ())) else None

    found: Manifest = eventually(admitted)
    kept = {"annotations": found["metadata"].get("annotations"), "spec": found["spec"]}
    sorted_by_name: Manifest = json.loads(json.dumps(kept, sort_keys=True))
    return sorted_by_name


def _is_refused(shop: Shop, pod: Manifest, eventually: Eventually) -> str:
    """Return in what words the API server refuses a pod, as soon as its policies have come into force."""

    def refused() -> str:
        try:
            shop.rest.create(pod, shop.namespace, dryRun="All")
        except RefusedError as error:
            return error.message
        return ""

    words: str = eventually(refused)
    return words


def _values(case: str) -> Manifest:
    return {"name": case, "containers": [PLAIN], **CASES[case]}


@pytest.mark.parametrize("case", CASES)
def test_the_library_chart_writes_the_pod_that_a_newer_cluster_makes(
    case: str, older: Shop, tmp_path: Path, eventually: Eventually, golden: Golden
) -> None:
    golden(case, _admit(older, written.by_helm(tmp_path, _values(case)), eventually), PODS)


@pytest.mark.parametrize("case", CASES)
def test_a_newer_cluster_makes_the_same_pod_of_one_with_a_written_gate_and_of_one_without(
    case: str, newer: Shop, tmp_path: Path, eventually: Eventually, golden: Golden
) -> None:
    values = _values(case)
    newer.migrate(case, **values["migration"])
    if "server" in values:
        told = {"status": {"database": {"statefulSet": "postgres", **values["server"]}}}
        newer.rest.merge(newer.see(case), told, newer.namespace, "status")
    by_hand = written.by_helm(tmp_path, values)
    injected = _admit(newer, written.without_gate(by_hand), eventually)
    golden(case, injected, PODS)
    assert _admit(newer, by_hand, eventually) == injected


def test_the_service_of_a_stateful_set_is_called_like_it_unless_the_template_says_otherwise(tmp_path: Path) -> None:
    pod = written.by_helm(
        tmp_path, {"name": "users", "containers": [PLAIN], "migration": CASES["stateful-set"]["migration"]}
    )
    env = {one["name"]: one.get("value") for one in pod["spec"]["initContainers"][0]["env"]}
    assert (env["PGHOST"], env["PGPORT"]) == ("postgres.shop.svc", "5432")


def test_an_older_cluster_refuses_a_pod_whose_template_has_no_gate(
    older: Shop, tmp_path: Path, eventually: Eventually
) -> None:
    bare = written.without_gate(written.by_helm(tmp_path, {"name": "users", "containers": [PLAIN], "migration": {}}))
    assert "needs the init container alembic-gate" in _is_refused(older, bare, eventually)


def test_an_older_cluster_refuses_a_gate_that_was_left_behind_with_another_image(
    older: Shop, tmp_path: Path, eventually: Eventually
) -> None:
    pod = written.by_helm(tmp_path, {"name": "users", "containers": [PLAIN], "migration": {}})
    pod["spec"]["containers"][0]["image"] = "registry.test/users:2"
    assert "must have the image of the container app, registry.test/users:2" in _is_refused(older, pod, eventually)


def _workload(kind: str, *, name: str, **spec: Any) -> Manifest:
    labels = {"app": name}
    template = {
        "metadata": {"labels": labels},
        "spec": {"containers": [RICH, PLAIN | {"name": "second"}], **WORK, **spec},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": name, "labels": {MIGRATION: name}},
        "spec": {"selector": {"matchLabels": labels}, "template": template},
    }


def _pod(workload: Manifest) -> Manifest:
    """Return the pod that a controller would make of a workload."""
    template: Manifest = workload["spec"]["template"]
    return {"apiVersion": "v1", "kind": "Pod", "spec": template["spec"]} | {
        "metadata": template["metadata"] | {"name": workload["metadata"]["name"]}
    }


def _without_order(pod: Manifest) -> Manifest:
    """Leave out in which order things stand where that means nothing: Kustomize puts what it adds first."""
    for container in pod["spec"]["initContainers"]:
        container["volumeMounts"].sort(key=lambda mount: str(mount["mountPath"]))
    pod["spec"]["volumes"].sort(key=lambda volume: str(volume["name"]))
    return pod


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "DaemonSet"])
def test_the_component_writes_the_pod_that_a_newer_cluster_makes_where_env_py_connects(
    kind: str, api_server: ApiServer, older: Shop, tmp_path: Path, eventually: Eventually, golden: Golden
) -> None:
    name = kind.lower()
    by_hand = _pod(written.by_kustomize(api_server, tmp_path, _workload(kind, name=name)))
    assert by_hand["metadata"]["labels"] == {"app": name, MIGRATION: name}
    golden("component", _without_order(_admit(older, by_hand, eventually)), PODS)


def test_a_newer_cluster_makes_the_pod_that_the_component_writes(
    newer: Shop, eventually: Eventually, golden: Golden
) -> None:
    newer.migrate("component")
    bare = _pod(_workload("Deployment", name="component"))
    bare["metadata"]["labels"][MIGRATION] = "component"
    golden("component", _without_order(_admit(newer, bare, eventually)), PODS)


def test_a_patch_tells_the_component_what_the_migration_says(api_server: ApiServer, tmp_path: Path) -> None:
    where = "/spec/template/spec/initContainers/0"
    settings = [
        {"op": "add", "path": f"{where}/command/-", "value": "--database=environment"},
        {"op": "add", "path": f"{where}/env/0", "value": {"name": "PGHOST", "value": "postgres"}},
    ]
    patch = {"target": {"labelSelector": MIGRATION}, "patch": json.dumps(settings)}
    gate = _gate(written.by_kustomize(api_server, tmp_path, _workload("Deployment", name="users"), patch))
    assert gate["command"] == ["python3", "/alembic-operator/runner.pyz", "gate", "--database=environment"]
    assert gate["env"] == [{"name": "PGHOST", "value": "postgres"}, *RICH["env"]]


def test_a_patch_moves_the_gate_of_the_component_behind_a_native_sidecar(api_server: ApiServer, tmp_path: Path) -> None:
    where = "/spec/template/spec/initContainers"
    behind = [{"op": "move", "from": f"{where}/0", "path": f"{where}/1"}]
    patch = {"target": {"kind": "Deployment"}, "patch": json.dumps(behind)}
    workload = _workload("Deployment", name="users", initContainers=[PROXY, AFTER])
    made = written.by_kustomize(api_server, tmp_path, workload, patch)
    assert [one["name"] for one in made["spec"]["template"]["spec"]["initContainers"]] == [
        "proxy",
        "alembic-gate",
        "warm",
    ]


def test_the_component_leaves_a_workload_without_the_label_alone(api_server: ApiServer, tmp_path: Path) -> None:
    workload = _workload("Deployment", name="users")
    del workload["metadata"]["labels"]
    assert written.by_kustomize(api_server, tmp_path, workload) == workload


def test_with_the_component_for_names_everything_follows_prefixes_and_generated_secrets(
    api_server: ApiServer, tmp_path: Path
) -> None:
    migration = {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {"name": "users"},
        "spec": {
            "source": {"workloadRef": {"kind": "Deployment", "name": "users"}},
            "database": {"statefulSetRef": {"name": "postgres"}, "name": "shop", **LOGIN},
            "dependsOn": [{"name": "users"}],
            "policy": {"awaitImport": "past"},
        },
    }
    claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "users-data"}}
    made = written.kustomize(
        api_server,
        tmp_path,
        [
            migration,
            an_import(named="past"),
            claim,
            _workload("Deployment", name="users"),
            _workload("StatefulSet", name="postgres"),
        ],
        components=["components/gate", "components/names"],
        secretGenerator=[{"name": "db", "literals": ["user=shop"]}],
        namePrefix="my-",
    )
    by_kind = {one["kind"]: one for one in made}
    spec, deployment = by_kind[KIND]["spec"], by_kind["Deployment"]
    secret = by_kind["Secret"]["metadata"]["name"]
    assert secret.startswith("my-db-")
    assert spec["source"]["workloadRef"]["name"] == "my-users"
    assert spec["dependsOn"] == [{"name": "my-users"}]
    past = by_kind["DatabaseImport"]
    assert past["spec"]["migrationRef"] == {"name": "my-users"}
    assert past["spec"]["from"]["sqlite"]["volume"]["persistentVolumeClaim"] == {"claimName": "my-users-data"}
    assert past["metadata"]["name"] == spec["policy"]["awaitImport"] == "my-past"
    assert spec["database"]["statefulSetRef"] == {"name": "my-postgres"}
    assert {spec["database"][key]["name"] for key in LOGIN} == {secret}
    assert deployment["metadata"]["labels"][MIGRATION] == "my-users"
    assert deployment["spec"]["template"]["metadata"]["labels"][MIGRATION] == "my-users"


def _gate(workload: Manifest) -> Manifest:
    gate: Manifest = workload["spec"]["template"]["spec"]["initContainers"][0]
    return gate


def test_the_example_that_is_written_by_hand_has_what_the_library_chart_writes(tmp_path: Path) -> None:
    text = (written.PROJECT / "examples" / "gate-written.yaml").read_text()
    migration, deployment = yaml.safe_load_all(text)
    template = deployment["spec"]["template"]
    values = {"name": "users", "containers": template["spec"]["containers"], "migration": migration["spec"]}
    pod = written.by_helm(tmp_path, values)
    assert template["spec"]["initContainers"] == pod["spec"]["initContainers"]
    assert template["spec"]["volumes"] == pod["spec"]["volumes"]
    assert template["metadata"]["annotations"] == pod["metadata"]["annotations"]
