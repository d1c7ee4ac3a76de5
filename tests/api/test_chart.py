"""What Helm makes of the chart: refusals, namespaces, security, and rights that match the code."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from alembic_operator.kube.permissions import VERBS
from devcluster import binaries, settings

CHART = Path(__file__).parents[2] / "charts" / "alembic-operator"
Manifest = dict[str, Any]


@pytest.fixture(scope="module")
def helm() -> Path:
    where = settings.from_environment(os.environ)
    binaries.ensure(where, ["helm"])
    return binaries.path(where, "helm")


def run_helm(helm: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command: list[str | Path] = [helm, "template", "release", CHART, "--namespace", "operators", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def render(helm: Path, *arguments: str) -> list[Manifest]:
    done = run_helm(helm, *arguments)
    assert done.returncode == 0, done.stderr
    return [manifest for manifest in yaml.safe_load_all(done.stdout) if manifest]


def of_kind(manifests: list[Manifest], kind: str) -> list[Manifest]:
    return [manifest for manifest in manifests if manifest["kind"] == kind]


def pod_spec(manifests: list[Manifest]) -> Manifest:
    spec: Manifest = of_kind(manifests, "Deployment")[0]["spec"]["template"]["spec"]
    return spec


def rights(role: Manifest) -> Iterator[tuple[str, str, str]]:
    for rule in role["rules"]:
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                yield from ((group, resource, verb) for verb in rule["verbs"])


@pytest.mark.parametrize(
    ("argument", "complaint"),
    [
        ("watchNamespace=[]", "additional properties 'watchNamespace' not allowed"),
        ('image={"registry":"registry.example"}', "additional properties 'registry' not allowed"),
        ('resources={"request":{"cpu":"1"}}', "additional properties 'request' not allowed"),
        ('watchNamespaces=["No_Namespace"]', "/watchNamespaces/0"),
        ('image={"digest":"latest"}', "/image/digest"),
        ('logFormat="yaml"', "/logFormat"),
    ],
)
def test_a_value_that_the_chart_does_not_know_is_refused_by_name(helm: Path, argument: str, complaint: str) -> None:
    done = run_helm(helm, "--set-json", argument)
    assert done.returncode != 0
    assert complaint in done.stderr


def test_by_default_one_cluster_role_serves_the_whole_cluster(helm: Path) -> None:
    manifests = render(helm)
    kinds = sorted(manifest["kind"] for manifest in manifests)
    expected = ["ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition", "Deployment", "ServiceAccount"]
    assert kinds == expected
    assert not [word for word in pod_spec(manifests)["containers"][0]["args"] if word.startswith("--namespace")]


def test_watched_namespaces_get_a_role_each_and_nothing_is_cluster_wide(helm: Path) -> None:
    manifests = render(helm, "--set", "watchNamespaces={shop,blog}")
    assert not of_kind(manifests, "ClusterRole")
    assert not of_kind(manifests, "ClusterRoleBinding")
    for kind in ("Role", "RoleBinding"):
        assert [each["metadata"]["namespace"] for each in of_kind(manifests, kind)] == ["shop", "blog"]
    for binding in of_kind(manifests, "RoleBinding"):
        assert binding["subjects"][0]["namespace"] == "operators"
    assert {"--namespace=shop", "--namespace=blog"} <= set(pod_spec(manifests)["containers"][0]["args"])


def test_role_and_cluster_role_have_the_same_rules(helm: Path) -> None:
    everywhere = of_kind(render(helm), "ClusterRole")[0]
    here = of_kind(render(helm, "--set", "watchNamespaces={shop}"), "Role")[0]
    assert everywhere["rules"] == here["rules"]


def test_the_operator_has_no_right_on_secrets_and_none_with_a_star(helm: Path) -> None:
    granted = set(rights(of_kind(render(helm, "--set", "argoRollouts.enabled=true"), "ClusterRole")[0]))
    assert not [right for right in granted if "*" in right or right[1] == "secrets"]


def test_the_role_allows_exactly_what_the_code_calls(helm: Path) -> None:
    called = {
        (resource.group, f"{resource.plural}/{subresource}".rstrip("/"), verb)
        for (resource, subresource), verbs in VERBS.items()
        for verb in verbs
    }
    assert set(rights(of_kind(render(helm, "--set", "argoRollouts.enabled=true"), "ClusterRole")[0])) == called


def test_argo_rollouts_are_asked_for_only_when_they_are_switched_on(helm: Path) -> None:
    without, with_them = render(helm), render(helm, "--set", "argoRollouts.enabled=true")
    more = set(rights(of_kind(with_them, "ClusterRole")[0])) - set(rights(of_kind(without, "ClusterRole")[0]))
    assert more == {("argoproj.io", "rollouts", verb) for verb in ("get", "list", "watch")}
    assert "--watch-rollouts" in pod_spec(with_them)["containers"][0]["args"]
    assert "--watch-rollouts" not in pod_spec(without)["containers"][0]["args"]


def test_the_pod_passes_the_restricted_pod_security_standard(helm: Path) -> None:
    spec = pod_spec(render(helm))
    assert spec["securityContext"] == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    for container in spec["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


def test_the_custom_resource_definition_is_the_generated_one_and_is_kept(helm: Path) -> None:
    generated = yaml.safe_load((CHART / "files" / "crd.yaml").read_text())
    kept = of_kind(render(helm), "CustomResourceDefinition")[0]
    assert kept["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"
    assert kept["spec"] == generated["spec"]
    assert of_kind(render(helm, "--set", "crds.keep=false"), "CustomResourceDefinition") == [generated]
    assert not of_kind(render(helm, "--set", "crds.install=false"), "CustomResourceDefinition")


def test_a_digest_wins_over_a_tag_and_the_runner_is_installed_from_the_same_image(helm: Path) -> None:
    digest = "sha256:" + "0" * 64
    manifests = render(helm, "--set", f"image.repository=registry/op,image.tag=v1,image.digest={digest}")
    container = pod_spec(manifests)["containers"][0]
    assert container["image"] == f"registry/op@{digest}"
    assert f"--runner-image=registry/op@{digest}" in container["args"]
