"""What platforms demand: any user id and a read-only root file system."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.e2e.project import chain

if TYPE_CHECKING:
    from demo.access import Access
    from tests.e2e.conftest import Start

UID = 1000650000


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
