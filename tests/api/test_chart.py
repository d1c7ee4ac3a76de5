"""What Helm makes of the chart: refusals, namespaces, security, and rights that match the code."""

from collections.abc import Iterator

import pytest
import yaml

from alembic_operator.kube.permissions import NAMED_VERBS, OWN_VERBS, POLICY_VERBS, VERBS
from tests.api.chart import CHART, INJECTS, Manifest, of_kind, render, run_helm

INJECTION = ["MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding"]
VALIDATION = ["ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"]


def pod_spec(manifests: list[Manifest]) -> Manifest:
    spec: Manifest = of_kind(manifests, "Deployment")[0]["spec"]["template"]["spec"]
    return spec


def rights(role: Manifest) -> Iterator[tuple[str, str, str, str]]:
    """Yield each group, resource, name and verb; no name: all of them."""
    for rule in role["rules"]:
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                for name in rule.get("resourceNames", [""]):
                    yield from ((group, resource, name, verb) for verb in rule["verbs"])


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
def test_a_value_that_the_chart_does_not_know_is_refused_by_name(argument: str, complaint: str) -> None:
    done = run_helm("--set-json", argument)
    assert done.returncode != 0
    assert complaint in done.stderr


def test_by_default_one_cluster_role_serves_the_whole_cluster() -> None:
    manifests = render()
    kinds = sorted(manifest["kind"] for manifest in manifests)
    assert kinds == [
        "ClusterRole",  # the operator's
        "ClusterRole",  # and to look whether the gate's policies are there
        "ClusterRole",  # of who views
        "ClusterRole",  # of who edits
        *["ClusterRoleBinding"] * 2,
        *["CustomResourceDefinition"] * 2,
        "Deployment",
        "Role",
        "RoleBinding",
        "ServiceAccount",
        *[VALIDATION[0]] * 3,
        *[VALIDATION[1]] * 3,
    ]
    assert not [word for word in pod_spec(manifests)["containers"][0]["args"] if word.startswith("--namespace")]


def test_watched_namespaces_get_a_role_each_and_nothing_is_cluster_wide() -> None:
    manifests = render("--set", "watchNamespaces={shop,blog}", "--set", "rights.clusterRoles=false")
    assert not of_kind(manifests, "ClusterRole")
    assert not of_kind(manifests, "ClusterRoleBinding")
    for kind in ("Role", "RoleBinding"):
        assert [each["metadata"]["namespace"] for each in of_kind(manifests, kind)] == ["shop", "blog", "operators"]
    for binding in of_kind(manifests, "RoleBinding"):
        assert binding["subjects"][0]["namespace"] == "operators"
    assert {"--namespace=shop", "--namespace=blog"} <= set(pod_spec(manifests)["containers"][0]["args"])


def test_role_and_cluster_role_have_the_same_rules() -> None:
    everywhere = of_kind(render(), "ClusterRole")[0]
    here = of_kind(render("--set", "watchNamespaces={shop}"), "Role")[0]
    assert everywhere["rules"] == here["rules"]


def test_the_operator_has_no_right_on_secrets_and_none_with_a_star() -> None:
    granted = set(rights(of_kind(render("--set", "argoRollouts.enabled=true"), "ClusterRole")[0]))
    assert not [right for right in granted if "*" in right or right[1] == "secrets"]


def test_the_role_allows_exactly_what_the_code_calls() -> None:
    called = {
        (resource.group, f"{resource.plural}/{subresource}".rstrip("/"), "", verb)
        for (resource, subresource), verbs in VERBS.items()
        for verb in verbs
    } | {
        (resource.group, resource.plural, name, verb)
        for (resource, name), verbs in NAMED_VERBS.items()
        for verb in verbs
    }
    assert set(rights(of_kind(render("--set", "argoRollouts.enabled=true"), "ClusterRole")[0])) == called


POLICIES = ("MutatingAdmissionPolicy", "ValidatingAdmissionPolicy")


def test_the_operator_may_look_at_the_policies_of_its_release_where_it_serves_the_whole_cluster() -> None:
    installed = render("--set", "fullnameOverride=op", INJECTS)
    role = of_kind(installed, "ClusterRole")[1]
    ((name,), others) = ([one["metadata"]["name"] for one in of_kind(installed, kind)] for kind in POLICIES)
    assert name in others
    assert set(rights(role)) == {(one.group, one.plural, name, "get") for one in POLICY_VERBS}
    assert f"--gate-policies={name}" in pod_spec(installed)["containers"][0]["args"]


@pytest.mark.parametrize("value", ["watchNamespaces={shop}", "gate.policies=false", "metrics.enabled=false"])
def test_the_operator_has_no_right_on_policies_where_it_tells_nobody_of_them(value: str) -> None:
    installed = render("--set", value)
    assert "policies" not in " ".join(one["metadata"]["name"] for one in of_kind(installed, "ClusterRole"))
    assert "--gate-policies" not in " ".join(pod_spec(installed)["containers"][0]["args"])


def test_in_its_own_namespace_the_operator_may_keep_one_lease_by_its_name_and_nothing_else() -> None:
    role = of_kind(render("--set", "fullnameOverride=op"), "Role")[0]
    assert role["metadata"]["namespace"] == "operators"
    called = {(resource.group, resource.plural, "op", verb) for resource, verbs in OWN_VERBS.items() for verb in verbs}
    assert set(rights(role)) == called


def test_every_pod_competes_for_the_lease_of_its_release() -> None:
    words = pod_spec(render("--set", "fullnameOverride=op"))["containers"][0]["args"]
    assert {"--lease-namespace=operators", "--lease-name=op"} <= set(words)


def test_two_replicas_are_spread_over_nodes_and_not_drained_at_once() -> None:
    alone, both = render(), render("--set", "replicas=2")
    assert not of_kind(alone, "PodDisruptionBudget")
    assert "topologySpreadConstraints" not in pod_spec(alone)
    labels = of_kind(both, "Deployment")[0]["spec"]["template"]["metadata"]["labels"]
    budget, (spread,) = of_kind(both, "PodDisruptionBudget")[0], pod_spec(both)["topologySpreadConstraints"]
    for selector in (budget["spec"]["selector"], spread["labelSelector"]):
        assert selector["matchLabels"].items() <= labels.items()


def test_argo_rollouts_are_asked_for_only_when_they_are_switched_on() -> None:
    without, with_them = render(), render("--set", "argoRollouts.enabled=true")
    more = set(rights(of_kind(with_them, "ClusterRole")[0])) - set(rights(of_kind(without, "ClusterRole")[0]))
    assert more == {("argoproj.io", "rollouts", "", verb) for verb in ("get", "list", "watch")}
    assert "--watch-rollouts" in pod_spec(with_them)["containers"][0]["args"]
    assert "--watch-rollouts" not in pod_spec(without)["containers"][0]["args"]


def test_the_pod_passes_the_restricted_pod_security_standard() -> None:
    spec = pod_spec(render())
    assert spec["securityContext"] == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    for container in spec["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


def test_the_custom_resource_definitions_are_the_generated_ones_and_are_kept() -> None:
    generated = [yaml.safe_load((CHART / "files" / name).read_text()) for name in ("crd.yaml", "crd-imports.yaml")]
    kept = of_kind(render(), "CustomResourceDefinition")
    assert {one["metadata"]["annotations"]["helm.sh/resource-policy"] for one in kept} == {"keep"}
    assert [one["spec"] for one in kept] == [one["spec"] for one in generated]
    assert of_kind(render("--set", "crds.keep=false"), "CustomResourceDefinition") == generated
    assert not of_kind(render("--set", "crds.install=false"), "CustomResourceDefinition")


def test_a_digest_wins_over_a_tag_and_the_runner_is_installed_from_the_same_image() -> None:
    digest = "sha256:" + "0" * 64
    manifests = render("--set", f"image.repository=registry/op,image.tag=v1,image.digest={digest}")
    container = pod_spec(manifests)["containers"][0]
    assert container["image"] == f"registry/op@{digest}"
    assert f"--runner-image=registry/op@{digest}" in container["args"]


def policies(*arguments: str, of: str = "-gate") -> list[Manifest]:
    found = [one for one in render(*arguments) if one["kind"] in INJECTION + VALIDATION]
    return [one for one in found if one["metadata"]["name"].endswith(of)]


def test_gates_are_put_into_pods_where_the_api_server_can_do_that() -> None:
    assert [one["kind"] for one in policies()] == VALIDATION
    assert [one["kind"] for one in policies(INJECTS)] == INJECTION + VALIDATION


def test_no_admission_policy_is_installed_where_that_is_not_wanted() -> None:
    assert policies(INJECTS, "--set", "gate.policies=false") == []
    assert policies(INJECTS, "--set", "rights.policies=false", of="") == policies(INJECTS)
    assert policies(INJECTS, "--set", "rights.policies=false,gate.policies=false", of="") == []


def test_the_policies_of_two_releases_of_namespaces_have_two_names_and_are_bound_to_those_namespaces() -> None:
    assert {one["metadata"]["name"] for one in policies(INJECTS)} == {"release-alembic-operator-gate"}
    found = policies(INJECTS, "--set", "watchNamespaces={shop,blog}")
    assert {one["metadata"]["name"] for one in found} == {"operators-release-alembic-operator-gate"}
    everything = policies(INJECTS, "--set", "watchNamespaces={shop,blog}", of="")
    for one in (one for one in everything if one["kind"].endswith("Binding")):
        binding = one["spec"]
        assert binding["policyName"] == one["metadata"]["name"]
        assert binding["policyName"].startswith("operators-release-alembic-operator-")
        (wanted,) = binding["matchResources"]["namespaceSelector"]["matchExpressions"]
        assert wanted == {"key": "kubernetes.io/metadata.name", "operator": "In", "values": ["shop", "blog"]}


@pytest.mark.parametrize(
    ("values", "limited"),
    [
        ("", False),
        ("rights.policies=false", True),
        ("rights.policies=false,rights.limitJobTemplate=false", False),
        ("rights.limitJobTemplate=true", True),
    ],
)
def test_job_templates_are_limited_where_no_policy_asks_for_rights_unless_told_otherwise(
    values: str, limited: bool
) -> None:
    words = pod_spec(render("--set", values))["containers"][0]["args"]
    assert ("--limit-job-template" in words) == limited


def test_migration_pods_are_asked_how_far_they_are_unless_told_otherwise() -> None:
    for value, asks in (("true", True), ("false", False)):
        assert ("--progress" in pod_spec(render("--set", f"progress.enabled={value}"))["containers"][0]["args"]) == asks
    assert "--progress" in pod_spec(render())["containers"][0]["args"]


WIKI = "https://wiki.example/alerts.html"


def test_prometheus_is_told_where_to_scrape_and_when_to_alert_only_where_asked() -> None:
    asked = render(
        *("--set", "metrics.podMonitor.enabled=true", "--set", "metrics.podMonitor.labels.team=db"),
        *("--set", "metrics.rules.enabled=true", "--set", f"metrics.rules.runbooks={WIKI}"),
    )
    (monitor,), (rule,) = of_kind(asked, "PodMonitor"), of_kind(asked, "PrometheusRule")
    template = of_kind(asked, "Deployment")[0]["spec"]["template"]
    (container,) = template["spec"]["containers"]
    assert monitor["spec"]["selector"]["matchLabels"].items() <= template["metadata"]["labels"].items()
    assert monitor["metadata"]["labels"]["team"] == "db"
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
    assert {"name": endpoint["port"], "containerPort": 9090} in container["ports"]
    assert "--metrics-port=9090" in container["args"]
    runbooks = [one["annotations"]["runbook_url"] for one in rule["spec"]["groups"][0]["rules"]]
    assert all(one.startswith(f"{WIKI}#alembic") for one in runbooks)
    assert "{{ $labels.namespace }}" in rule["spec"]["groups"][0]["rules"][0]["annotations"]["description"]


@pytest.mark.parametrize("page", ["", "docs/howto"])
def test_an_alert_that_would_lead_nowhere_is_refused(page: str) -> None:
    refused = run_helm("--set", "metrics.rules.enabled=true", "--set", f"metrics.rules.runbooks={page}")
    assert "runbooks" in refused.stderr


def test_grafana_finds_the_dashboard_only_where_asked() -> None:
    assert of_kind(render(), "ConfigMap") == []
    folder = (
        "--set",
        "metrics.dashboard.enabled=true",
        "--set",
        "metrics.dashboard.annotations.grafana_folder=Databases",
    )
    (installed,) = of_kind(render(*folder), "ConfigMap")
    assert installed["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert installed["metadata"]["annotations"] == {"grafana_folder": "Databases"}
    assert installed["data"] == {"alembic-operator.json": (CHART / "files" / "dashboard.json").read_text()}


def test_without_metrics_there_is_no_port_and_nothing_that_needs_one() -> None:
    (container,) = pod_spec(render("--set", "metrics.enabled=false"))["containers"]
    assert "metrics" not in [one["name"] for one in container["ports"]]
    assert not [one for one in container["args"] if one.startswith("--metrics-port")]
    for value in ("podMonitor", "rules", "dashboard"):
        refused = run_helm("--set", "metrics.enabled=false", "--set", f"metrics.{value}.enabled=true")
        assert f"metrics.{value}.enabled needs metrics.enabled=true" in refused.stderr
