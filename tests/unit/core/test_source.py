from typing import Any

import pytest

from alembic_operator.core.observation import source
from alembic_operator.core.observation.source import Missing, PodParts
from tests.unit.core.workloads import APP, POD, a_deployment

SERVING = {
    "name",
    "command",
    "args",
    "ports",
    "livenessProbe",
    "readinessProbe",
    "startupProbe",
    "lifecycle",
    "terminationMessagePolicy",
    "stdin",
    "tty",
}
OF_THE_WORKLOAD = {
    "containers",
    "initContainers",
    "restartPolicy",
    "terminationGracePeriodSeconds",
    "hostname",
    "subdomain",
    "enableServiceLinks",
    "schedulerName",
    "shareProcessNamespace",
    "automountServiceAccountToken",
    "topologySpreadConstraints",
}


DEEP: dict[str, Any] = {}
for _ in range(2000):
    DEEP = {"a": DEEP}


def app() -> PodParts:
    found = source.containers(a_deployment())["app"]
    assert isinstance(found, PodParts)
    return found


def test_the_container_keeps_what_alembic_needs_and_drops_what_serves() -> None:
    kept = {name: value for name, value in APP.items() if name not in SERVING}
    kept["volumeMounts"] = APP["volumeMounts"][:2]
    assert app().container == kept


def test_the_pod_keeps_identity_placement_and_name_resolution() -> None:
    kept = {name: value for name, value in POD.items() if name not in OF_THE_WORKLOAD}
    kept["volumes"] = POD["volumes"][:2]
    assert app().pod == kept


def test_a_mount_of_a_claim_template_is_dropped_with_its_claim() -> None:
    assert "store" in [one["name"] for one in APP["volumeMounts"]]
    assert "store" not in str(app())


def test_a_container_without_mounts_has_no_volumes() -> None:
    template = {"containers": [{"name": "app", "image": "users:1"}], "volumes": [{"name": "tmp", "emptyDir": {}}]}
    parts = source.containers({"spec": {"template": {"spec": template}}})
    assert parts == {"app": PodParts({"image": "users:1"}, {})}


@pytest.mark.parametrize("workload", [{}, {"spec": {}}, {"spec": {"template": {}}}], ids=str)
def test_a_workload_without_a_template_has_no_containers(workload: dict[str, dict[str, object]]) -> None:
    assert source.containers(workload) == {}


@pytest.mark.parametrize(("wanted", "chosen"), [(None, "app"), ("app", "app"), ("metrics", "metrics")])
def test_the_first_container_is_chosen_unless_one_is_named(wanted: str | None, chosen: str) -> None:
    parts = source.containers(a_deployment())
    assert source.of_workload("Deployment", "users", parts, wanted) == parts[chosen]


MISSHAPEN: dict[str, tuple[Any, str]] = {
    "containers": ({"containers": 5}, "spec.template.spec.containers is 5, not a list"),
    "env": (
        {"containers": [{"name": "app", "env": [{"name": "A"}, {"value": "b"}]}]},
        "spec.template.spec.containers[app].env has an entry without a name",
    ),
    "image": (
        {"containers": [{"name": "app", "image": {}}]},
        "spec.template.spec.containers[app].image is an object with 0 entries, not a text",
    ),
    "a security context": (
        {"containers": [{"name": "app"}], "securityContext": "root"},
        'spec.template.spec.securityContext is "root", not an object',
    ),
    "an environment without end": (
        {"containers": [{"name": "app", "env": [{"name": "A", "value": "x" * 300_000}]}]},
        "spec.template.spec.containers[app], with those before it, has more than 262144 characters",
    ),
    "affinity without end": (
        {"containers": [{"name": "app"}], "affinity": DEEP},
        "spec.template.spec.containers[app], with those before it, is nested deeper than 64 levels",
    ),
}


@pytest.mark.parametrize(("template", "said"), MISSHAPEN.values(), ids=MISSHAPEN)
def test_what_cannot_be_taken_over_is_told(template: Any, said: str) -> None:
    parts = source.containers({"spec": {"template": {"spec": template}}})
    expected = Missing(f"Rollout users cannot be taken over: {said}", "correct it there")
    assert source.of_workload("Rollout", "users", parts, None) == expected


def test_a_container_that_cannot_be_taken_over_is_in_the_way_of_no_other() -> None:
    large = {"name": "large", "env": [{"name": "A", "value": "x" * 300_000}]}
    parts = source.containers({"spec": {"template": {"spec": {"containers": [large, {"name": "app"}]}}}})
    assert source.of_workload("Deployment", "users", parts, "app") == PodParts({}, {})
    assert isinstance(source.of_workload("Deployment", "users", parts, "large"), Missing)


def test_of_a_thousand_containers_some_are_kept_and_the_others_are_not_called_missing() -> None:
    many = [{"name": f"c{number}"} for number in range(1000)]
    parts = source.containers({"spec": {"template": {"spec": {"containers": many}}}})
    assert len(parts) == 33
    assert source.of_workload("Deployment", "users", parts, "c31") == PodParts({}, {})
    said = "spec.template.spec.containers has more than 32, and only these are read"
    assert source.of_workload("Deployment", "users", parts, "c32") == Missing(
        f"Deployment users cannot be taken over: {said}", "correct it there"
    )


def test_of_many_containers_that_could_be_named_some_are() -> None:
    parts = source.containers({"spec": {"template": {"spec": {"containers": [{"name": f"c{n}"} for n in range(9)]}}}})
    missing = source.of_workload("Deployment", "users", parts, "app")
    assert isinstance(missing, Missing)
    assert missing.advice.endswith("can be: c0, c1, c2, c3, c4, c5, c6, c7, ...")


def test_a_workload_without_containers_says_that_there_is_none_to_name() -> None:
    assert source.of_workload("Rollout", "users", {}, "app") == Missing(
        "Rollout users has no container 'app'", "spec.source.workloadRef.container can be: none"
    )


def files(content: dict[str, str], config: str = "alembic.ini") -> PodParts:
    found = source.of_config_map("users-migrations", {"data": content}, config, "operator:1")
    assert isinstance(found, PodParts)
    return found


def test_the_files_of_a_config_map_go_where_alembic_looks_for_them() -> None:
    content = {"b2_users.py": "b", "env.py": "e", "alembic.ini": "i", "script.py.mako": "m", "a1.py": "a"}
    (volume,) = files(content).pod["volumes"]
    assert {one["key"]: one["path"] for one in volume["configMap"]["items"]} == {
        "a1.py": "versions/a1.py",
        "alembic.ini": "alembic.ini",
        "b2_users.py": "versions/b2_users.py",
        "env.py": "env.py",
        "script.py.mako": "script.py.mako",
    }


def test_another_content_of_a_config_map_is_another_environment() -> None:
    one, same, other = files({"alembic.ini": "", "env.py": "1"}), files({"env.py": "1", "alembic.ini": ""}), None
    other = files({"alembic.ini": "", "env.py": "2"})
    assert one == same
    assert one.container["env"] != other.container["env"]


def test_a_config_map_may_call_its_configuration_as_it_likes() -> None:
    assert files({"pyproject.toml": "", "env.py": ""}, config="pyproject.toml").container["image"] == "operator:1"
