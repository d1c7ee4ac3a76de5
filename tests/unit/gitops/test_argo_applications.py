"""The manifests for Argo CD, as far as they can be judged without it."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from alembic_operator.core import names
from alembic_operator.core.plan import plan
from tests.unit.core.builders import seen, the_job

ROOT = Path(__file__).parents[3]
ARGOCD = ROOT / "gitops" / "argocd"
ONE_WAVE, WAVES = "application.yaml", "application-waves.yaml"


def application(name: str) -> dict[str, Any]:
    return dict(yaml.safe_load((ARGOCD / name).read_text()))


@pytest.mark.parametrize("name", [ONE_WAVE, WAVES])
def test_what_is_applied_on_the_servers_side_is_compared_there(name: str) -> None:
    given = application(name)
    assert given["spec"]["syncPolicy"]["syncOptions"] == ["ServerSideApply=true"]
    assert given["metadata"]["annotations"] == {"argocd.argoproj.io/compare-options": "ServerSideDiff=true"}


def test_with_waves_a_sync_that_failed_does_not_keep_the_commit_that_mends_it_waiting() -> None:
    waves = application(WAVES)
    assert waves["spec"]["syncPolicy"].pop("retry") == {"limit": 0}
    assert waves == application(ONE_WAVE)


def test_the_migration_of_the_waves_has_the_environment_of_the_deployment() -> None:
    migration, workload = (
        yaml.safe_load((ARGOCD / "waves" / f"{name}.yaml").read_text()) for name in ("migration", "workload")
    )
    job = the_job(plan(seen(migration["spec"])))
    ((migrate,), (users,)) = (one["spec"]["template"]["spec"]["containers"] for one in (job, workload))
    assert migrate["envFrom"] == users["envFrom"]
    assert migration["spec"]["source"]["image"] == users["image"]


def test_the_page_names_the_one_object_that_is_an_orphan() -> None:
    page = (ROOT / "docs" / "howto" / "argo-cd.md").read_text()
    (shown,) = (yaml.safe_load(text.partition("```")[0]) for text in page.split("```yaml\n")[1:])
    assert shown["spec"]["orphanedResources"]["ignore"] == [{"kind": "ConfigMap", "name": names.RUNNER_CONFIG_MAP}]
