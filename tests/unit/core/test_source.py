import pytest

from alembic_operator.core import source
from alembic_operator.core.observation import Missing, PodParts
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


def app() -> PodParts:
    return source.containers(a_deployment())["app"]


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
