"""What `kubectl alembic why` asks, of whom, and how it says an error."""

from pathlib import Path
from typing import Any

import pytest

from alembic_operator.kubectl.main import main
from tests.unit.kubectl.objects import held_pod, migration, operator, pod
from tests.unit.kubectl.scripted import script, write

LABEL = "alembic-operator.dev/migration"


def policy(name: str, label: str = LABEL) -> dict[str, Any]:
    looks = {"matchConstraints": {"objectSelector": {"matchExpressions": [{"key": label, "operator": "Exists"}]}}}
    return {"metadata": {"name": name, "creationTimestamp": "2026-11-01T00:00:00Z"}, "spec": looks}


def binding(name: str, *namespaces: str) -> dict[str, Any]:
    where = {"key": "kubernetes.io/metadata.name", "operator": "In", "values": list(namespaces)}
    selected = {"matchResources": {"namespaceSelector": {"matchExpressions": [where]}}} if namespaces else {}
    return {"metadata": {"name": name}, "spec": {"policyName": name} | selected}


@pytest.mark.parametrize(
    ("policies", "bindings", "said"),
    [
        ([policy("gate")], [binding("gate")], "it is older than its label"),
        ([policy("gate")], [binding("gate", "till", "shop")], "it is older than its label"),
        ([policy("gate")], [binding("gate", "till")], "the admission policies are gone"),
        ([policy("gate")], [], "the admission policies are gone"),
        ([policy("gate", "else")], [binding("gate")], "the admission policies are gone"),
    ],
)
def test_only_policies_that_look_after_gates_in_the_namespace_count(
    policies: list[Any],
    bindings: list[Any],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    answers = {
        "validatingadmissionpolicybindings": bindings,
        "validatingadmissionpolicies": policies,
        "pods": [],
        "pod": pod(),
        "databasemigrations": migration(),
        "deployments": [operator()],
    }
    script(tmp_path, monkeypatch, answers)
    assert main(["why", "users-1"]) == 2
    assert said in " ".join(capsys.readouterr().out.split())


def test_of_a_workload_the_pods_that_wait_come_first_and_the_others_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    through = pod(gate={"terminated": {"exitCode": 0}})
    workload = {"kind": "Deployment", "metadata": {"name": "users"}, "spec": {"selector": {"matchLabels": {"a": "b"}}}}
    pods = [through, held_pod("a"), held_pod("b"), held_pod("c"), held_pod("d")]
    script(tmp_path, monkeypatch, {"deployment/users": workload, "databasemigrations": migration(), "pods": pods})
    assert main(["why", "deployment/users"]) == 2
    told = [one for one in capsys.readouterr().out.splitlines() if one and not one.startswith(" ")]
    assert told == [*(f"pod {name} waits at its gate" for name in "abc"), "and 2 pods more"]


def test_an_error_of_the_cluster_cannot_steer_the_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, monkeypatch, "printf 'error: \\033[2Jgone\\n' >&2; exit 1")
    assert main(["why", "users-1"]) == 1
    assert capsys.readouterr().err == "error: \\x1b[2Jgone\n"
