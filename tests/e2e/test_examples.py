"""Everything in `examples/` does what it says, as it stands there."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from demo import setup
from demo.expectation import until
from demo.screen import Screen
from demo.setup import PROJECT
from devcluster.recipe import Recipe
from tests.e2e.database import OWNER, Database
from tests.e2e.migration import PATIENCE, Migration

if TYPE_CHECKING:
    from pathlib import Path

    from demo.access import Access

FOLDER = PROJECT / "examples"
EXAMPLES = sorted(FOLDER.glob("*.yaml"))
TOGETHER = 300.0
"""Seconds for a migration when all of them start at the same moment, on a machine that has other work too."""


@pytest.fixture(scope="module", autouse=True)
def _all_applied(access: Access) -> None:
    """Apply all single files at once: they share a database, and must not be in each other's way."""
    for path in EXAMPLES:
        access.apply_text(path.read_text())


@pytest.fixture(scope="module", autouse=True)
def _chat_image(access: Access) -> None:
    """Build the image of the folder `kustomize`."""
    assert access
    chat = PROJECT / "migrations" / "chat"
    setup.build(Screen(colours=False), Recipe(chat / "Dockerfile", "localhost/chat:v1", chat))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_example_reaches_ready(path: Path, access: Access) -> None:
    _until_all_are_there(access, path.read_text())


def test_the_preview_has_a_database_of_its_own(access: Access) -> None:
    preview = (FOLDER / "preview.yaml").read_text()
    _until_all_are_there(access, preview)
    own = Database(access, "users_pr_42")
    assert tuple(own.heads()) == Migration(access, "users-preview", own).told().current != ()


def test_the_plain_files_make_a_service_in_the_order_of_their_numbers(access: Access) -> None:
    files = sorted((FOLDER / "kubectl").iterdir())
    for path in files:
        access.apply_text(path.read_text())
    _until_all_are_there(access, *(path.read_text() for path in files))
    assert _ask(access, "users-plain", "/users")["release"] == "v1"


def test_blue_serves_until_green_has_its_revisions_and_everybody_is_sent_there(access: Access) -> None:
    blue, green, switch = (path.read_text() for path in sorted((FOLDER / "blue-green").iterdir()))
    access.apply_text((FOLDER / "kubectl" / "1-database.yaml").read_text())
    access.apply_text(blue)
    _until_all_are_there(access, blue)
    access.apply_text(green)
    access.kubectl("rollout", "restart", "deployment/users-blue")  # what v1 needs is there, however far v2 has come
    _until_all_are_there(access, blue, green)
    assert _ask(access, "users-bluegreen", "/users")["release"] == "v1"
    access.apply_text(switch)

    def at_green() -> bool | None:
        return _ask(access, "users-bluegreen", "/users")["release"] == "v2" or None

    until(at_green, PATIENCE, "green does not answer")


def test_the_quota_counts_the_migrations_of_its_namespace(access: Access) -> None:
    elsewhere = replace(access, namespace=f"{access.namespace}-quota")
    access.apply_text(json.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": elsewhere.namespace}}))
    elsewhere.apply_text((FOLDER / "quota" / "quota.yaml").read_text())

    def counted() -> dict[str, str] | None:
        used: dict[str, str] | None = elsewhere.get("quota", "databasemigrations").get("status", {}).get("used")
        return used

    assert until(counted, PATIENCE, "nobody counts") == {"count/databasemigrations.alembic-operator.dev": "0"}
    access.kubectl("delete", "namespace", elsewhere.namespace, "--wait=false")


def test_the_local_overlay_keeps_its_conversations_in_sqlite_and_knows_of_no_migration(access: Access) -> None:
    text = _kustomize(access, "local")
    assert "alembic-operator.dev" not in text
    access.apply_text(text)
    _until_all_are_there(access, text)
    assert _ask(access, "chat", "/") == {"conversations": 0, "kept by": "sqlite"}
    access.kubectl("delete", "deployment", "chat", "--cascade=foreground")


def test_the_cluster_overlay_keeps_them_in_postgresql_after_its_migration(access: Access) -> None:
    text = _kustomize(access, "cluster")
    access.apply_text(text)
    _until_all_are_there(access, text)
    assert _ask(access, "chat", "/") == {"conversations": 0, "kept by": "postgresql"}
    assert _gates(access, "app=chat")


def test_no_example_puts_its_rollout_at_risk(access: Access) -> None:
    events = access.get("events", "--field-selector=reason=RolloutAtRisk")["items"]
    assert [one["message"] for one in events] == []


def test_the_component_writes_a_gate_that_works_where_none_is_injected(access: Access) -> None:
    text = _without_injection(_kustomize(access, "cluster-before-1.36"), "chat")
    access.apply_text(text)
    _until_all_are_there(access, text)
    assert _ask(access, "chat", "/")["kept by"] == "postgresql"
    _are_from_their_template(access, "chat")


def test_the_library_chart_writes_a_gate_that_works_where_none_is_injected(access: Access, tmp_path: Path) -> None:
    for folder in ("examples/helm-subchart", "charts/alembic-gate"):
        shutil.copytree(PROJECT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("charts", "Chart.lock"))
    chart, name = str(tmp_path / "examples/helm-subchart"), "users-chart"
    image = access.cluster.reference("localhost/users:v1")
    access.helm("dependency", "update", chart)
    command = ["upgrade", "--install", name, chart, f"--namespace={access.namespace}", f"--set=image={image}"]
    access.helm(*command, "--wait", f"--timeout={TOGETHER:.0f}s")
    text = _without_injection(access.helm("get", "manifest", name, f"--namespace={access.namespace}"), name)
    access.apply_text(text)
    _until_all_are_there(access, text)
    _are_from_their_template(access, name)


def _kustomize(access: Access, overlay: str) -> str:
    return access.kubectl("kustomize", str(FOLDER / "kustomize" / overlay))


def _without_injection(text: str, migration: str) -> str:
    """Let the label name a migration that is not there: so the API server adds nothing, like one before 1.36."""
    label = "alembic-operator.dev/migration"
    assert f"{label}: {migration}\n" in text
    return text.replace(f"{label}: {migration}\n", f"{label}: elsewhere\n")


def _until_all_are_there(access: Access, *texts: str) -> None:
    for name in _names(texts, "DatabaseMigration"):
        Migration(access, name, Database(access, OWNER)).until_ready(TOGETHER)
    for name in _names(texts, "Deployment"):
        access.kubectl("rollout", "status", f"deployment/{name}", f"--timeout={TOGETHER:.0f}s")


def _names(texts: tuple[str, ...], kind: str) -> list[str]:
    documents: list[dict[str, Any]] = [one for text in texts for one in yaml.safe_load_all(text)]
    return [str(one["metadata"]["name"]) for one in documents if one["kind"] == kind]


def _ask(access: Access, service: str, path: str) -> dict[str, Any]:
    url = f"/api/v1/namespaces/{access.namespace}/services/{service}:http/proxy{path}"
    answer: dict[str, Any] = json.loads(access.kubectl("get", f"--raw={url}"))
    return answer


def _gates(access: Access, selector: str) -> list[dict[str, Any]]:
    pods = access.get("pods", f"--selector={selector}", "--field-selector=status.phase=Running")["items"]
    stay = [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]
    return [one for pod in stay for one in pod["spec"].get("initContainers", ()) if one["name"] == "alembic-gate"]


def _are_from_their_template(access: Access, deployment: str) -> None:
    template = access.get("deployment", deployment)["spec"]["template"]["spec"]
    gates = _gates(access, f"app={deployment}")
    assert gates == template["initContainers"] * len(gates)
    assert gates
