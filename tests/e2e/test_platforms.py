"""What platforms demand: any user id, a read-only root file system, and tools that wait for the status."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from demo.expectation import UnmetError
from tests.e2e.database import Database
from tests.e2e.migration import Migration, database, manifest
from tests.e2e.project import chain, config_map, revision

if TYPE_CHECKING:
    from pathlib import Path

    from demo.access import Access
    from tests.e2e.conftest import Start

UID = 1000650000
CHART = "apiVersion: v2\nname: app\nversion: 1.0.0\n"


def test_a_migration_runs_as_any_user_on_a_read_only_file_system_in_a_restricted_namespace(
    start: Start, access: Access
) -> None:
    container = {"name": "migrate", "securityContext": {"readOnlyRootFilesystem": True}}
    pod = {"securityContext": {"runAsUser": UID, "fsGroup": UID}, "containers": [container]}
    migration = start("any-user", chain("r1"), jobTemplate={"spec": {"template": {"spec": pod}}})
    migration.until_ready()
    spec = migration.pods()[0]["spec"]
    assert spec["securityContext"]["runAsUser"] == UID
    assert spec["containers"][0]["securityContext"]["readOnlyRootFilesystem"]
    labels = access.get("namespace", access.namespace)["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


def test_kubectl_wait_and_helm_wait_end_when_the_migration_is_ready(access: Access, tmp_path: Path) -> None:
    where = Database(access, "waited_for").create()
    _install(access, tmp_path, where.name, chain("r1"))
    migration = Migration(access, "waited-for", where)
    assert migration.told().ready
    assert where.applied() == ["r1"]
    access.kubectl("wait", "--for=condition=Ready", f"dbm/{migration.name}", "--timeout=1s")


def test_helm_fails_at_once_with_the_migrations_own_words_when_it_is_stalled(access: Access, tmp_path: Path) -> None:
    where = Database(access, "stalled").create()
    with pytest.raises(UnmetError, match="division by zero"):
        _install(access, tmp_path, where.name, revision("r1", None, "SELECT 1 / 0"))
    assert Migration(access, "stalled", where).told().stalled


def _install(access: Access, folder: Path, database_name: str, files: dict[str, str]) -> None:
    """Install a chart with a project and its migration, as an application's own chart would have them."""
    name = database_name.replace("_", "-")
    spec = {"source": {"configMapRef": {"name": name}}, "database": database(database_name)}
    (folder / "templates").mkdir()
    (folder / "Chart.yaml").write_text(CHART)
    for file, content in (("project", config_map(name, files)), ("migration", manifest(name, spec))):
        (folder / "templates" / f"{file}.yaml").write_text(json.dumps(content))
    where = f"--namespace={access.namespace}"
    access.helm("upgrade", "--install", name, str(folder), where, "--wait", "--timeout=120s")
