"""What tools that wait for a status make of a migration: Helm, whose watcher is the kstatus library, and kubectl."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
import yaml

from demo.expectation import UnmetError
from demo.setup import PROJECT
from tests.e2e.database import Database
from tests.e2e.migration import Manifest, Migration, database, manifest
from tests.e2e.project import chain, config_map, revision
from tests.e2e.workloads import deployment, template

if TYPE_CHECKING:
    from pathlib import Path

    from demo.access import Access

CHART = "apiVersion: v2\nname: app\nversion: 1.0.0\n"
PATIENT = "--timeout=300s"
TIMED_OUT = "context deadline exceeded"
GOOD, BROKEN = "localhost/users:v1", "localhost/users:v3"
"""Releases of the users service; the revision of one of them fails."""


@dataclass(frozen=True)
class Release:
    """A chart that a test writes, and what Helm makes of it."""

    access: Access
    name: str
    folder: Path

    def write(self, *manifests: Manifest) -> None:
        """Write the chart anew."""
        templates = self.folder / "templates"
        templates.mkdir(exist_ok=True)
        (self.folder / "Chart.yaml").write_text(CHART)
        for number, content in enumerate(manifests):
            (templates / f"{number}.yaml").write_text(json.dumps(content))

    def install(self, *options: str) -> None:
        """Install or upgrade it."""
        where = f"--namespace={self.access.namespace}"
        self.access.helm("upgrade", "--install", self.name, str(self.folder), where, *options)


def migration_of(release: Release) -> Migration:
    return Migration(release.access, release.name, Database(release.access, release.name.replace("-", "_")))


def alone(release: Release, files: dict[str, str]) -> Migration:
    """Write a chart that holds a migration and its project, and nothing that waits for it."""
    migration = migration_of(release)
    spec = {"source": {"configMapRef": {"name": release.name}}, "database": database(migration.database.name)}
    release.write(config_map(release.name, files), manifest(release.name, spec))
    migration.database.create()
    return migration


def together(release: Release, image: str, **deadline: int) -> Migration:
    """Write a chart that holds a Deployment and its migration; the label alone makes the pods wait."""
    migration = migration_of(release)
    pod = template(release.name, release.name, release.access.cluster.reference(image), migration.database.name)
    workload = deployment(release.name, pod, replicas=1)
    workload["spec"] |= deadline
    source = {"workloadRef": {"kind": "Deployment", "name": release.name}}
    spec = {"source": source, "database": database(migration.database.name)}
    release.write(manifest(release.name, spec), workload)
    migration.database.create()
    return migration


def kubectl_wait(migration: Migration, condition: str, patience: str = PATIENT) -> None:
    migration.access.kubectl("wait", f"dbm/{migration.name}", f"--for=condition={condition}", patience)


def kubectl_waits_in_vain(migration: Migration, condition: str) -> None:
    with pytest.raises(UnmetError, match="timed out"):
        kubectl_wait(migration, condition, "--timeout=1s")


def test_helm_and_kubectl_wait_until_the_migration_is_ready(access: Access, tmp_path: Path) -> None:
    release = Release(access, "helm-alone", tmp_path)
    migration = alone(release, chain("r1"))
    release.install("--wait", PATIENT)
    assert migration.told().ready
    assert migration.database.applied() == ["r1"]
    kubectl_wait(migration, "Ready")
    kubectl_waits_in_vain(migration, "Stalled")


def test_helm_fails_at_once_with_the_migrations_own_words_when_it_is_stalled(access: Access, tmp_path: Path) -> None:
    release = Release(access, "helm-stalled", tmp_path)
    migration = alone(release, revision("r1", None, "SELECT 1 / 0"))
    with pytest.raises(UnmetError, match=r"status: Failed, message: .*division by zero") as failure:
        release.install("--wait", PATIENT)
    assert TIMED_OUT not in str(failure.value)
    assert migration.told().stalled
    kubectl_wait(migration, "Stalled")
    kubectl_waits_in_vain(migration, "Ready")


def test_a_mended_chart_succeeds_and_is_not_held_against_the_old_status(access: Access, tmp_path: Path) -> None:
    release = Release(access, "helm-mended", tmp_path)
    migration = alone(release, revision("r1", None, "SELECT 1 / 0"))
    with pytest.raises(UnmetError):
        release.install("--wait", PATIENT)
    mended = {"source": {"configMapRef": {"name": f"{release.name}-2"}}, "database": database(migration.database.name)}
    release.write(config_map(f"{release.name}-2", chain("r1")), manifest(release.name, mended))
    release.install("--wait", PATIENT)
    assert migration.told().ready
    assert migration.database.applied() == ["r1"]


def test_kubectl_that_waits_while_the_migration_runs_returns_when_it_is_ready(access: Access, tmp_path: Path) -> None:
    release = Release(access, "kubectl-waits", tmp_path)
    migration = alone(release, chain("r1", held=("r1",)))
    release.install()
    migration.until_begun("r1")
    kubectl_waits_in_vain(migration, "Ready")
    migration.database.release("r1")
    kubectl_wait(migration, "Ready")
    assert migration.database.applied() == ["r1"]


def test_helm_waits_for_a_migration_and_the_deployment_behind_it_in_one_release(access: Access, tmp_path: Path) -> None:
    release = Release(access, "helm-together", tmp_path)
    migration = together(release, GOOD)
    release.install("--wait", PATIENT)
    assert migration.told().ready
    kubectl_wait(migration, "Ready")
    assert access.get("deployment", release.name)["status"]["availableReplicas"] == 1


def test_a_stalled_migration_beside_its_deployment_fails_helm_at_the_progress_deadline(
    access: Access, tmp_path: Path
) -> None:
    release = Release(access, "helm-deadline", tmp_path)
    migration = together(release, BROKEN, progressDeadlineSeconds=30)
    with pytest.raises(UnmetError) as failure:
        release.install("--wait", PATIENT)
    told = migration.told()
    assert told.stalled
    assert f"status: Failed, message: {told.message.partition(';')[0]}" in str(failure.value)
    assert "Progress deadline exceeded" in str(failure.value)
    assert TIMED_OUT not in str(failure.value)


def test_a_stalled_migration_beside_its_deployment_fails_helm_at_the_timeout_when_that_is_first(
    access: Access, tmp_path: Path
) -> None:
    release = Release(access, "helm-timeout", tmp_path)
    migration = together(release, BROKEN)
    release.install()
    migration.until_stalled()
    with pytest.raises(UnmetError) as failure:
        release.install("--wait", "--timeout=5s")
    assert "status: Failed, message:" in str(failure.value)
    assert TIMED_OUT in str(failure.value)


def test_a_release_of_an_image_alone_needs_the_settings_of_the_application_in_its_job_template(
    access: Access, tmp_path: Path
) -> None:
    release = Release(access, "helm-image", tmp_path)
    migration = migration_of(release)
    spec = {"source": {"image": access.cluster.reference(GOOD)}, "database": database(migration.database.name)}
    release.write(manifest(release.name, spec))
    migration.database.create()
    with pytest.raises(UnmetError, match="status: Failed, message:"):
        release.install("--wait", PATIENT)
    assert migration.told().reason == "EnvFailed"
    example = yaml.safe_load((PROJECT / "examples" / "image.yaml").read_text())
    release.write(manifest(release.name, spec | {"jobTemplate": example["spec"]["jobTemplate"]}))
    release.install("--wait", PATIENT)
    assert migration.told().ready
