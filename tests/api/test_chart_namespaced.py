"""Who has no right on the cluster can install the chart all the same, for namespaces that are his, and it works."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from alembic_operator.kube.cluster import IMPORTS, MIGRATIONS
from alembic_operator.kube.permissions import VERBS
from devcluster.controlplane import ApiServer
from tests.api.chart import CHART, helm
from tests.api.operator_process import HOME, OperatorProcess, access
from tests.api.rest import Manifest, Rest
from tests.api.shop import Shop

pytest_plugins = ["tests.api.operator_fixtures"]

RBAC = "rbac.authorization.k8s.io"
RELEASE = "alembic-operator"
DEPLOYMENT: Manifest = {"apiVersion": "apps/v1", "kind": "Deployment"}
WITHOUT_CLUSTER_RIGHTS = (
    "crds.install=false",
    "gate.policies=false",
    "rights.policies=false",
    "rights.clusterRoles=false",
)

ADMIN = ("system:aggregate-to-admin", "system:aggregate-to-edit", "system:aggregate-to-view")
"""The parts of the ClusterRole `admin`; no controller runs here that would put them together."""

TO_GRANT = [
    {
        "apiGroups": [resource.group],
        "resources": ["/".join(filter(None, (resource.plural, subresource)))],
        "verbs": sorted(verbs),
    }
    for (resource, subresource), verbs in VERBS.items()
    if resource in (MIGRATIONS, IMPORTS)
]
"""What an installer needs besides the ClusterRole `admin` of his namespace: nobody can give away more than he has."""
EVENTS = {"apiGroups": ["events.k8s.io"], "resources": ["events"], "verbs": ["create"]}
ADMIN_HAS_EVENTS = 35
"""From Kubernetes 1.35 on the ClusterRole `admin` has them."""


def to_grant(admin: Rest) -> list[Manifest]:
    """Return the rules, which are more on an older server."""
    return TO_GRANT if admin.minor() >= ADMIN_HAS_EVENTS else [*TO_GRANT, EVENTS]


Install = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def install(cluster: ApiServer, admin: Rest, empty_shop: Shop, other_shop: Shop, tmp_path: Path) -> Install:
    """Install the chart into the other namespace, as a person who may do there and in the shop what `admin` may."""
    installer = empty_shop.namespace
    admin.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": installer}}, HOME)
    granted = {"apiVersion": f"{RBAC}/v1", "kind": "Role", "metadata": {"name": "installer"}, "rules": to_grant(admin)}
    admin.create(granted, empty_shop.namespace)
    roles = [(empty_shop, "Role", "installer")]
    roles += [(shop, "ClusterRole", name) for shop in (empty_shop, other_shop) for name in ADMIN]
    for shop, kind, name in roles:
        binding = {
            "apiVersion": f"{RBAC}/v1",
            "kind": "RoleBinding",
            "metadata": {"name": f"installer-{name.replace(':', '-')}"},
            "roleRef": {"apiGroup": RBAC, "kind": kind, "name": name},
            "subjects": [{"kind": "ServiceAccount", "name": installer, "namespace": HOME}],
        }
        admin.create(binding, shop.namespace)
    kubeconfig = access(admin, cluster, installer, tmp_path)

    def run(*values: str) -> "subprocess.CompletedProcess[str]":
        command: list[Any] = [helm(), "upgrade", "--install", RELEASE, CHART, f"--kubeconfig={kubeconfig}"]
        command += [f"--namespace={other_shop.namespace}", f"--set=watchNamespaces={{{empty_shop.namespace}}}"]
        return subprocess.run(
            [*command, *(f"--set={value}" for value in values)], capture_output=True, text=True, check=False
        )

    return run


def test_an_installer_without_cluster_rights_leaves_the_definition_and_the_policies_out_and_the_operator_works(
    install: Install, cluster: ApiServer, admin: Rest, empty_shop: Shop, other_shop: Shop, tmp_path: Path
) -> None:
    done = install(*WITHOUT_CLUSTER_RIGHTS, "replicas=2")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Not installed:") == len(WITHOUT_CLUSTER_RIGHTS)
    deployment = admin.get(DEPLOYMENT, other_shop.namespace, RELEASE)
    pod = deployment["spec"]["template"]["spec"]
    flags = [word for word in pod["containers"][0]["args"] if word.startswith(("--namespace", "--lease", "--limit"))]
    kubeconfig = access(admin, cluster, pod["serviceAccountName"], tmp_path, other_shop.namespace)
    assert "--limit-job-template" in flags
    operator = OperatorProcess(kubeconfig, tuple(flags)).start()
    empty_shop.migrate()
    empty_shop.succeeds()
    assert "orbidden" not in operator.log.read_text()
    assert operator.stop() == 0


NEEDED = dict(
    zip(
        WITHOUT_CLUSTER_RIGHTS,
        ("customresourcedefinitions", "admissionpolic", "admissionpolic", "clusterroles"),
        strict=True,
    )
)


@pytest.mark.parametrize(("left_in", "refused"), NEEDED.items(), ids=NEEDED)
def test_what_needs_rights_on_the_cluster_is(install: Install, left_in: str, refused: str) -> None:
    done = install(*(value for value in WITHOUT_CLUSTER_RIGHTS if value != left_in))
    assert done.returncode != 0
    assert refused in done.stderr
    assert "cannot" in done.stderr
    assert "at the cluster scope" in done.stderr
