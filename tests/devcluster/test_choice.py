"""Which cluster is used."""

from __future__ import annotations

from pathlib import Path

import pytest

from devcluster import cluster, settings
from devcluster.cluster import Choice, choose
from devcluster.external import External
from devcluster.failure import FailureError
from devcluster.kind import Kind
from devcluster.native import Native

OWN = Path("/state/admin.kubeconfig")


@pytest.mark.parametrize(
    ("environment", "docker", "choice"),
    [
        ({}, False, Choice.NATIVE),
        ({}, True, Choice.KIND),
        ({"KUBECONFIG": "/home/me/.kube/config"}, True, Choice.EXTERNAL),
        ({"KUBECONFIG": ""}, False, Choice.NATIVE),
        ({"KUBECONFIG": str(OWN)}, False, Choice.NATIVE),
        ({"DEVCLUSTER": "native"}, True, Choice.NATIVE),
        ({"DEVCLUSTER": "native", "KUBECONFIG": "/home/me/.kube/config"}, True, Choice.NATIVE),
        ({"DEVCLUSTER": "kind"}, False, Choice.KIND),
    ],
)
def test_what_is_asked_for_wins_over_what_is_there(environment: dict[str, str], docker: bool, choice: Choice) -> None:
    assert choose(environment, OWN, lambda: docker) is choice


def test_docker_is_not_asked_when_the_answer_does_not_matter() -> None:
    def never() -> bool:
        raise AssertionError

    assert choose({"DEVCLUSTER": "native"}, OWN, never) is Choice.NATIVE
    assert choose({"KUBECONFIG": "/other"}, OWN, never) is Choice.EXTERNAL


def test_an_unknown_kind_is_answered_with_the_known_ones() -> None:
    with pytest.raises(FailureError, match="external, kind, native"):
        choose({"DEVCLUSTER": "minikube"}, OWN, lambda: False)


@pytest.mark.parametrize(("forced", "kind"), [("native", Native), ("kind", Kind), ("external", External)])
def test_every_choice_leads_to_its_cluster(tmp_path: Path, forced: str, kind: type) -> None:
    environment = {"DEVCLUSTER": forced, "KUBECONFIG": "/other", "HOME": str(tmp_path)}
    assert isinstance(cluster.connect(environment, settings.from_environment(environment)), kind)


def test_an_external_cluster_needs_a_kubeconfig(tmp_path: Path) -> None:
    with pytest.raises(FailureError, match="needs KUBECONFIG"):
        cluster.connect({"DEVCLUSTER": "external"}, settings.from_environment({"HOME": str(tmp_path)}))


def external(registry: str) -> External:
    return External(settings.from_environment({"HOME": "/home/me"}), Path("/other"), registry)


def test_an_external_cluster_pulls_from_the_registry_that_is_given() -> None:
    assert external("registry.example/team/").reference("localhost/app:1") == "registry.example/team/app:1"


def test_an_external_cluster_pulls_base_images_from_where_everybody_does() -> None:
    assert external("").reference("localhost/postgres:18") == "postgres:18"


def test_without_a_registry_the_message_says_what_to_set() -> None:
    with pytest.raises(FailureError, match="IMAGE_REGISTRY="):
        external("").reference("localhost/app:1")


def test_state_and_cache_follow_the_xdg_variables() -> None:
    default = settings.from_environment({"HOME": "/home/me"})
    assert default.state == Path("/home/me/.local/state/alembic-operator/cluster")
    assert default.cache == Path("/home/me/.cache/alembic-operator")
    moved = settings.from_environment({"HOME": "/home/me", "XDG_STATE_HOME": "/s", "XDG_CACHE_HOME": "/c"})
    assert (moved.state, moved.cache) == (Path("/s/alembic-operator/cluster"), Path("/c/alembic-operator"))
    chosen = settings.from_environment({"HOME": "/home/me", "KUBERNETES": "1.35.4"})
    assert (default.kubernetes, chosen.kubernetes) == ("", "1.35.4")
    assert moved.lock.parent == moved.state.parent
