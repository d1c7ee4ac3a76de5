"""An administrator installs the chart, upgrades and uninstalls it; Helm asks the real API server what it serves."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from alembic_operator.api.v1alpha1 import API_VERSION, KIND
from devcluster.controlplane import ApiServer
from tests.api.chart import CHART, helm
from tests.api.conftest import Eventually, connect
from tests.api.gates import INJECTION, Door, new_namespace, pod
from tests.api.rest import Manifest, RefusedError, Rest

RELEASE = HOME = "alembic-operator"
DEPLOYMENT: Manifest = {"apiVersion": "apps/v1", "kind": "Deployment"}
MIGRATION: Manifest = {"apiVersion": API_VERSION, "kind": KIND}
VALIDATION = INJECTION | {"kind": "ValidatingAdmissionPolicy"}

Helm = Callable[..., str]


@pytest.fixture
def run(bare_server: ApiServer) -> Helm:
    """Run Helm as an administrator of a new cluster, and return what it prints."""

    def run(*words: str) -> str:
        where = [f"--kubeconfig={bare_server.kubeconfig}", f"--namespace={HOME}"]
        command = [str(helm()), words[0], RELEASE, *words[1:], *where]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return str(done.stdout)

    return run


@pytest.fixture
def admin(bare_server: ApiServer) -> Iterator[Rest]:
    with closing(connect(bare_server)) as client:
        yield client


def install(run: Helm, *values: str) -> str:
    return run("upgrade", str(CHART), "--install", "--create-namespace", *(f"--set={value}" for value in values))


def policies(admin: Rest) -> set[str]:
    """Return of which kinds the chart's policies are there."""
    kinds = [kind for kind in (INJECTION, VALIDATION) if admin.serves(kind)]
    return {kind["kind"] for kind in kinds if admin.items(kind, "")}


def is_gone(admin: Rest, kind: Manifest, namespace: str, name: str) -> bool:
    try:
        admin.get(kind, namespace, name)
    except RefusedError as refused:
        return refused.code == 404
    return False


def test_helm_installs_the_policies_that_the_api_server_can_have_and_says_what_pods_need(
    run: Helm, admin: Rest, eventually: Eventually
) -> None:
    told = install(run)
    injects = admin.serves(INJECTION)
    assert policies(admin) == {VALIDATION["kind"], *([INJECTION["kind"]] if injects else [])}
    assert ("Pods with a label that names it wait until the database contains" in told) == injects
    assert ("are refused unless their template brings the init container alembic-gate" in told) == (not injects)
    sentence = "there is no DatabaseMigration users" if injects else "needs the init container alembic-gate"
    door = Door(admin, new_namespace(admin))
    eventually(lambda: sentence in door.when_refused(pod()))  # at first the server may not know the kind


def test_an_upgrade_replaces_what_is_there_and_an_uninstallation_leaves_only_the_definition_with_its_migrations(
    run: Helm, admin: Rest, eventually: Eventually
) -> None:
    install(run)
    eventually(lambda: admin.serves(MIGRATION))
    door = Door(admin, new_namespace(admin))
    door.migrate()
    install(run, "image.tag=other")
    (container,) = admin.get(DEPLOYMENT, HOME, RELEASE)["spec"]["template"]["spec"]["containers"]
    assert container["image"].endswith(":other")
    assert policies(admin)
    run("uninstall")
    assert policies(admin) == set()
    assert is_gone(admin, DEPLOYMENT, HOME, RELEASE)
    assert [one["metadata"]["name"] for one in admin.items(MIGRATION, door.namespace)] == ["users"]
