"""What Flux and kubectl make of a status, asked of the real API server, where no operator hurries to change it."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from devcluster.controlplane import ApiServer
from tests.api.conftest import Eventually
from tests.api.rest import RefusedError, Rest

GITOPS = Path(__file__).parents[2] / "gitops"
CUSTOMIZATIONS = GITOPS / "argocd" / "resource_customizations" / "alembic-operator.dev"


def scenes(kind: str) -> dict[str, dict[str, Any]]:
    return {path.stem: yaml.safe_load(path.read_text()) for path in (CUSTOMIZATIONS / kind / "testdata").iterdir()}


OF_MIGRATIONS, OF_IMPORTS = scenes("DatabaseMigration"), scenes("DatabaseImport")
SCENES = OF_MIGRATIONS | {f"{name}_import": one for name, one in OF_IMPORTS.items()}
"""An object in every state, as the operator's own rules write it; the name begins with its health in Argo CD."""

FOUND = {"healthy": "failed false, current true", "degraded": "failed true, current false"}

JUDGED = "judged"
ADMISSION = "/apis/admissionregistration.k8s.io/v1"
POLICY = {
    "matchConstraints": {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": JUDGED}},
        "resourceRules": [
            {
                "apiGroups": ["alembic-operator.dev"],
                "apiVersions": ["v1alpha1"],
                "operations": ["UPDATE"],
                "resources": ["databasemigrations/status", "databaseimports/status"],
            }
        ],
    }
}


def expressions() -> dict[str, str]:
    """Return those that the Kustomization gives to Flux."""
    documents = yaml.safe_load_all((GITOPS / "flux" / "kustomizations.yaml").read_text())
    (given,) = (one for document in documents for one in document["spec"].get("healthCheckExprs", ()))
    assert (given.pop("apiVersion"), given.pop("kind")) == ("alembic-operator.dev/v1alpha1", "DatabaseMigration")
    return dict(given)


@pytest.fixture(scope="module")
def flux(rest: Rest) -> Rest:
    """Let the API server's CEL, which is the library that Flux uses, refuse each status with what Flux would find."""
    # For Flux the fields of the object are the variables; `exists` makes one of the name `status` here.
    found = [f"'{name} ' + string([object.status].exists(status, {text}))" for name, text in expressions().items()]
    validation = {"expression": "false", "messageExpression": " + ', ' + ".join(found)}
    rest.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": JUDGED}})
    for plural, spec in (
        ("validatingadmissionpolicies", POLICY | {"validations": [validation]}),
        ("validatingadmissionpolicybindings", {"policyName": JUDGED, "validationActions": ["Deny"]}),
    ):
        rest.request("POST", f"{ADMISSION}/{plural}", {"metadata": {"name": JUDGED}, "spec": spec})
    return rest


def written(rest: Rest, scene: str, namespace: str) -> dict[str, Any]:
    """Make an object of the scene's specification, and return it under a name of its own, without a status."""
    given = SCENES[scene]
    bare = {**given, "metadata": {"name": scene.lower().replace("_", "-")}}
    del bare["status"]
    rest.create(bare, namespace)
    return bare


@pytest.mark.parametrize("scene", SCENES)
def test_flux_finds_by_the_expressions_what_argo_cd_finds_by_the_script(
    scene: str, flux: Rest, eventually: Eventually
) -> None:
    migration, status = written(flux, scene, JUDGED), SCENES[scene]["status"]

    def answer() -> str:
        try:
            flux.merge(migration, {"status": status}, JUDGED, "status")
        except RefusedError as refused:
            return refused.message
        return ""  # the policy does not work yet

    said = eventually(answer)
    if status["observedGeneration"] == SCENES[scene]["metadata"]["generation"]:
        assert said.endswith(FOUND.get(scene.partition("_")[0], "failed false, current false"))
    else:  # Flux itself finds that it is in progress, and asks no expression; they must not fail all the same
        assert "failed " in said


READY, STALLED = "healthy_upToDate", "degraded_revisionFailed"


def finds(server: ApiServer, namespace: str, name: str, condition: str, patience: str = "1s") -> bool:
    """Tell whether kubectl finds what it waits for."""
    where = [f"--kubeconfig={server.kubeconfig}", f"--namespace={namespace}"]
    command: list[str | Path] = [
        server.kubectl,
        *where,
        "wait",
        f"dbm/{name}",
        f"--for=condition={condition}",
        f"--timeout={patience}",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0 or "timed out waiting" in done.stderr, done.stderr
    return done.returncode == 0


@pytest.mark.parametrize(("scene", "condition"), [(READY, "Ready"), (STALLED, "Stalled")])
def test_kubectl_does_not_take_the_condition_of_an_old_specification_for_an_answer(
    scene: str, condition: str, api_server: ApiServer, rest: Rest, namespace: str
) -> None:
    migration = written(rest, scene, namespace)
    name = migration["metadata"]["name"]
    assert not finds(api_server, namespace, name, condition), "nobody has looked at it"
    rest.merge(migration, {"status": SCENES[scene]["status"]}, namespace, "status")
    assert finds(api_server, namespace, name, condition, "60s")
    rest.merge(migration, {"spec": {"source": {"image": "users:1.5"}}}, namespace)
    assert not finds(api_server, namespace, name, condition), "nobody has looked at the new specification"


@pytest.mark.parametrize(("scene", "other"), [(READY, "Stalled"), (STALLED, "Ready")])
def test_kubectl_waits_for_a_condition_that_is_not_there(
    scene: str, other: str, api_server: ApiServer, rest: Rest, namespace: str
) -> None:
    migration = written(rest, scene, namespace)
    rest.merge(migration, {"status": SCENES[scene]["status"]}, namespace, "status")
    assert not finds(api_server, namespace, migration["metadata"]["name"], other)


WAVES = ("database", "migration", "workload")


def test_the_manifests_of_the_waves_are_valid_and_follow_one_another(rest: Rest, namespace: str) -> None:
    for number, name in enumerate(WAVES):
        for wanted in yaml.safe_load_all((GITOPS / "argocd" / "waves" / f"{name}.yaml").read_text()):
            stored = rest.create(wanted, namespace)
            assert stored["metadata"]["annotations"] == {"argocd.argoproj.io/sync-wave": str(number)}
            # The Deployment of a workloadRef comes a wave too late: Argo CD would wait for ever.
            assert "workloadRef" not in stored["spec"].get("source", {})


def test_the_snippet_for_argocd_cm_is_a_valid_config_map(rest: Rest, namespace: str) -> None:
    snippet = yaml.safe_load((GITOPS / "argocd" / "argocd-cm.yaml").read_text())
    snippet["metadata"]["namespace"] = namespace
    rest.create(snippet, namespace)
