"""What tools that wait for a status make of a migration: Helm, whose watcher is the kstatus library, and kubectl."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from demo.expectation import UnmetError
from tests.e2e.database import Database
from tests.e2e.migration import Manifest, Migration, database, manifest
from tests.e2e.project import chain, config_map, revision
from tests.e2e.workloads import deployment, template

if TYPE_CHECKING:
    from pathlib import Path

    from demo.access import Access

CHART = "apiVersion: v2\nname: app\nversion: 1.0.0\n"
PATIENT = "--timeout=120s"
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


@pytest.fixture
def release(access: Access, tmp_path: Path, request: pytest.FixtureRequest) -> Release:
    return Release(access, request.param, tmp_path)


def named(name: str) -> pytest.MarkDecorator:
    """Name the release of a test; its migration, workload and database have the same name."""
    return pytest.mark.parametrize("release", [name], indirect=True, ids=[""])


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
    return migration


def kubectl_wait(migration: Migration, condition: str, timeout: str = "1s") -> None:
    migration.access.kubectl("wait", f"dbm/{migration.name}", f"--for=condition={condition}", f"--timeout={timeout}")


@named("helm-alone")
def test_helm_and_kubectl_wait_until_the_migration_is_ready(release: Release) -> None:
    migration = alone(release, chain("r1"))
    release.install("--wait", PATIENT)
    assert migration.told().ready
    assert migration.database.applied() == ["r1"]
    kubectl_wait(migration, "Ready")
    with pytest.raises(UnmetError, match="timed out"):
        kubectl_wait(migration, "Stalled")


@named("helm-stalled")
def test_helm_fails_at_once_with_the_migrations_own_words_when_it_is_stalled(release: Release) -> None:
    migration = alone(release, revision("r1", None, "SELECT 1 / 0"))
    with pytest.raises(UnmetError, match=r"status: Failed, message: .*division by zero"):
        release.install("--wait", PATIENT)
    assert migration.told().stalled
    kubectl_wait(migration, "Stalled")
    with pytest.raises(UnmetError, match="timed out"):
        kubectl_wait(migration, "Ready")


@named("helm-mended")
def test_a_mended_chart_succeeds_and_is_not_held_against_the_old_status(release: Release) -> None:
    migration = alone(release, revision("r1", None, "SELECT 1 / 0"))
    with pytest.raises(UnmetError):
        release.install("--wait", PATIENT)
    mended = {"source": {"configMapRef": {"name": f"{release.name}-2"}}, "database": database(migration.database.name)}
    release.write(config_map(f"{release.name}-2", chain("r1")), manifest(release.name, mended))
    release.install("--wait", PATIENT)
    assert migration.told().ready
    assert migration.database.applied() == ["r1"]


@named("kubectl-waits")
def test_kubectl_that_waits_while_the_migration_runs_returns_when_it_is_ready(release: Release) -> None:
    migration = alone(release, chain("r1", held=("r1",)))
    release.install()
    migration.until_begun("r1")
    with pytest.raises(UnmetError, match="timed out"):
        kubectl_wait(migration, "Ready")
    migration.database.release("r1")
    kubectl_wait(migration, "Ready", "120s")
    assert migration.database.applied() == ["r1"]


@named("helm-together")
def test_helm_waits_for_a_migration_and_the_deployment_behind_it_in_one_release(release: Release) -> None:
    migration = together(release, GOOD)
    migration.database.create()
    release.install("--wait", PATIENT)
    assert migration.told().ready
    kubectl_wait(migration, "Ready")
    assert release.access.get("deployment", release.name)["status"]["availableReplicas"] == 1


@named("helm-deadline")
def test_a_stalled_migration_beside_its_deployment_fails_helm_at_the_progress_deadline(release: Release) -> None:
    migration = together(release, BROKEN, progressDeadlineSeconds=30)
    migration.database.create()
    with pytest.raises(UnmetError) as failure:
        release.install("--wait", PATIENT)
    told = migration.told()
    assert told.stalled
    assert f"status: Failed, message: {told.message.partition(';')[0]}" in str(failure.value)
    assert "Progress deadline exceeded" in str(failure.value)
    assert "context deadline exceeded" not in str(failure.value)


@named("helm-timeout")
def test_a_stalled_migration_beside_its_deployment_fails_helm_at_the_timeout_when_that_is_first(
    release: Release,
) -> None:
    migration = together(release, BROKEN)
    migration.database.create()
    release.install()
    migration.until_stalled()
    with pytest.raises(UnmetError) as failure:
        release.install("--wait", "--timeout=5s")
    assert "status: Failed, message:" in str(failure.value)
    assert "context deadline exceeded" in str(failure.value)
