"""The health check of imports for Argo CD: the script of migrations, on objects that the operator's own rules made."""

import pytest
import yaml

from tests.conftest import Golden
from tests.unit.gitops.argo import health_of
from tests.unit.gitops.import_scenes import SCENES, manifest
from tests.unit.gitops.test_argo_health import ARGOCD, NOT_LOOKED_AT, SCRIPT

FOLDER = ARGOCD / "resource_customizations" / "alembic-operator.dev" / "DatabaseImport"


def expected(scene: str) -> dict[str, str]:
    health, make = SCENES[scene]
    past = make()
    if past.status.observed_generation != past.generation:
        return {"status": str(health), "message": NOT_LOOKED_AT}
    ready = past.status.conditions[0]
    return {"status": str(health), "message": f"{ready.reason}: {ready.message}"}


def test_the_script_is_that_of_migrations() -> None:
    assert (FOLDER / "health.lua").read_text() == SCRIPT


def test_the_list_of_tests_has_every_scene_and_no_other(golden: Golden) -> None:
    tests = [{"inputPath": f"testdata/{scene}.yaml", "healthStatus": expected(scene)} for scene in SCENES]
    golden("health_test", {"tests": tests}, FOLDER)
    assert {path.stem for path in (FOLDER / "testdata").iterdir()} == set(SCENES)


@pytest.mark.parametrize("scene", SCENES)
def test_the_script_says_of_what_the_operator_writes_today_what_is_expected(scene: str, golden: Golden) -> None:
    golden(scene, manifest(SCENES[scene][1]()), FOLDER / "testdata")
    assert health_of(SCRIPT, yaml.safe_load((FOLDER / "testdata" / f"{scene}.yaml").read_text())) == expected(scene)
