"""Everything in `examples/` does what it says, as it stands there."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from demo import setup
from demo.expectation import UnmetError, until
from demo.operators import release_of
from demo.screen import Screen
from demo.setup import PROJECT
from devcluster.recipe import Recipe
from tests.e2e.database import OWNER, Database
from tests.e2e.migration import PATIENCE, Migration

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from demo.access import Access

FOLDER = PROJECT / "examples"
EXAMPLES = sorted(FOLDER.glob("*.yaml"))
BINDING = "mutatingadmissionpolicybinding"
LABEL_ALONE = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "label-alone", "labels": {"alembic-operator.dev/migration": "users-gated"}},
    "spec": {"containers": [{"name": "app", "image": "localhost/users:v1"}]},
}


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


@pytest.fixture
def _as_before_1_36(access: Access) -> Iterator[None]:
    """Take the gate's injection away for a while: what is left is what older API servers serve."""
    which = f"--selector=app.kubernetes.io/instance={release_of(access.namespace)}"
    found = access.get(BINDING, which)["items"]
    assert found
    access.kubectl("delete", BINDING, which)
    until(lambda: not _injects(access) or None, PATIENCE, "the gate is still injected")
    yield
    for binding in found:
        kept = {key: binding["metadata"].get(key) for key in ("name", "labels", "annotations")}
        access.apply_text(json.dumps(binding | {"metadata": kept}))
    until(lambda: _injects(access) or None, PATIENCE, "the gate is not injected again")


def _injects(access: Access) -> bool:
    try:
        made = access.kubectl(
            "create", "--dry-run=server", "--filename=-", "--output=name", stdin=json.dumps(LABEL_ALONE)
        )
    except UnmetError:
        return False
    return bool(made)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_example_reaches_ready(path: Path, access: Access) -> None:
    _until_all_are_there(access, path.read_text())


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


@pytest.mark.usefixtures("_as_before_1_36")
def test_the_component_writes_a_gate_that_holds_where_none_is_injected(access: Access) -> None:
    text = _kustomize(access, "cluster-before-1.36")
    access.apply_text(text)
    _until_all_are_there(access, text)
    assert _ask(access, "chat", "/")["kept by"] == "postgresql"
    _are_from_their_template(access, "chat")


@pytest.mark.usefixtures("_as_before_1_36")
def test_the_library_chart_writes_a_gate_that_holds_where_none_is_injected(access: Access, tmp_path: Path) -> None:
    for folder in ("examples/helm-subchart", "charts/alembic-gate"):
        shutil.copytree(PROJECT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("charts", "Chart.lock"))
    chart, name = str(tmp_path / "examples/helm-subchart"), "users-chart"
    image = access.cluster.reference("localhost/users:v1")
    access.helm("dependency", "update", chart)
    command = ["upgrade", "--install", name, chart, f"--namespace={access.namespace}", f"--set=image={image}"]
    access.helm(*command, "--wait", "--timeout=180s")
    Migration(access, name, Database(access, OWNER)).until_ready()
    _are_from_their_template(access, name)
    access.helm("uninstall", name, f"--namespace={access.namespace}", "--wait")


def _kustomize(access: Access, overlay: str) -> str:
    return access.kubectl("kustomize", str(FOLDER / "kustomize" / overlay))


def _until_all_are_there(access: Access, *texts: str) -> None:
    for name in _names(texts, "DatabaseMigration"):
        Migration(access, name, Database(access, OWNER)).until_ready()
    for name in _names(texts, "Deployment"):
        access.kubectl("rollout", "status", f"deployment/{name}", "--timeout=180s")


def _names(texts: tuple[str, ...], kind: str) -> list[str]:
    documents: list[dict[str, Any]] = [one for text in texts for one in yaml.safe_load_all(text)]
    return [str(one["metadata"]["name"]) for one in documents if one["kind"] == kind]


def _ask(access: Access, service: str, path: str) -> dict[str, Any]:
    url = f"/api/v1/namespaces/{access.namespace}/services/{service}:http/proxy{path}"
    answer: dict[str, Any] = json.loads(access.kubectl("get", f"--raw={url}"))
    return answer


def _gates(access: Access, selector: str) -> list[dict[str, Any]]:
    pods = access.get("pods", f"--selector={selector}", "--field-selector=status.phase=Running")["items"]
    return [one for pod in pods for one in pod["spec"].get("initContainers", ()) if one["name"] == "alembic-gate"]


def _are_from_their_template(access: Access, deployment: str) -> None:
    template = access.get("deployment", deployment)["spec"]["template"]["spec"]
    gates = _gates(access, f"app={deployment}")
    assert gates
    assert all(gate == template["initContainers"][0] for gate in gates)
