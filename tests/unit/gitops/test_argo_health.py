"""The health check for Argo CD, on objects that the operator's own plan made."""

from pathlib import Path
from typing import Any

import lupa
import pytest
import yaml

from alembic_operator.api.reasons import Effect, Reason
from alembic_operator.core.status import conditions
from tests.conftest import Golden
from tests.unit.core.builders import NOW
from tests.unit.gitops.argo import health_of
from tests.unit.gitops.scenes import SCENES, Health, manifest

ARGOCD = Path(__file__).parents[3] / "gitops" / "argocd"
FOLDER = ARGOCD / "resource_customizations" / "alembic-operator.dev" / "DatabaseMigration"
SCRIPT = (FOLDER / "health.lua").read_text()
NOT_LOOKED_AT = "The operator has not looked at this specification yet"

HEALTH = {
    Effect.READY: Health.HEALTHY,
    Effect.RECONCILING: Health.PROGRESSING,
    Effect.STALLED: Health.DEGRADED,
}


def expected(scene: str) -> dict[str, str]:
    health, make = SCENES[scene]
    migration = make().seen.migration
    if migration.status.observed_generation != migration.generation:
        return {"status": str(health), "message": NOT_LOOKED_AT}
    ready = migration.status.conditions[0]
    return {"status": str(health), "message": f"{ready.reason}: {ready.message}"}


@pytest.mark.parametrize("scene", SCENES)
def test_the_test_data_is_what_the_operator_writes_today(scene: str, golden: Golden) -> None:
    golden(scene, manifest(SCENES[scene][1]()), FOLDER / "testdata")


def test_the_list_of_tests_has_every_scene_and_no_other(golden: Golden) -> None:
    tests = [{"inputPath": f"testdata/{scene}.yaml", "healthStatus": expected(scene)} for scene in SCENES]
    golden("health_test", {"tests": tests}, FOLDER)
    assert {path.stem for path in (FOLDER / "testdata").iterdir()} == set(SCENES)


@pytest.mark.parametrize("scene", SCENES)
def test_the_script_says_what_the_list_of_tests_says(scene: str) -> None:
    listed = yaml.safe_load((FOLDER / "health_test.yaml").read_text())["tests"]
    (wanted,) = (one["healthStatus"] for one in listed if one["inputPath"] == f"testdata/{scene}.yaml")
    told = health_of(SCRIPT, yaml.safe_load((FOLDER / "testdata" / f"{scene}.yaml").read_text()))
    assert told == wanted


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_the_health_of_its_effect(reason: Reason) -> None:
    written = conditions.conditions((), reason, "why", generation=3, now=NOW)
    told = health_of(
        SCRIPT,
        {
            "metadata": {"generation": 3},
            "status": {
                "observedGeneration": 3,
                "conditions": [one.model_dump(mode="json", by_alias=True) for one in written],
            },
        },
    )
    wanted = Health.SUSPENDED if reason is Reason.SUSPENDED else HEALTH[reason.effect]
    assert told == {"status": wanted, "message": f"{reason}: why"}


def status(*given: Any, generation: Any = 1) -> dict[str, Any]:
    return {"metadata": {"generation": 1}, "status": {"observedGeneration": generation, "conditions": given}}


READY = {"type": "Ready", "status": "True", "reason": "UpToDate", "message": "done"}
ODD: dict[str, dict[str, Any]] = {
    "nothing at all": {},
    "no status": {"metadata": {"generation": 1}},
    "a status of null": {"metadata": {"generation": 1}, "status": None},
    "a status that is a text": {"metadata": {"generation": 1}, "status": "Ready"},
    "no generation on either side": {"metadata": {}, "status": {"conditions": [READY]}},
    "metadata that is a text": {"metadata": "users", "status": {"observedGeneration": 1, "conditions": [READY]}},
    "a generation that is a text": status(READY, generation="1"),
    "no conditions": {"metadata": {"generation": 1}, "status": {"observedGeneration": 1}},
    "empty conditions": status(),
    "conditions that are a text": {
        "metadata": {"generation": 1},
        "status": {"observedGeneration": 1, "conditions": "x"},
    },
    "conditions that are a map": {
        "metadata": {"generation": 1},
        "status": {"observedGeneration": 1, "conditions": READY},
    },
    "a condition that is a text": status("Ready"),
    "a condition without a type": status({"status": "True"}),
    "a condition with nothing but its type": status({"type": "Ready"}),
    "a status that is no text": status(READY | {"status": True}),
    "a status that is unknown": status(READY | {"status": "Unknown"}),
    "Ready beside Reconciling": status(READY, READY | {"type": "Reconciling"}),
}


@pytest.mark.parametrize("what", ODD)
def test_an_object_of_another_shape_is_progressing_and_no_error(what: str) -> None:
    assert health_of(SCRIPT, ODD[what])["status"] == Health.PROGRESSING


@pytest.mark.parametrize("call", ['string.upper("a")', '("a"):upper()', "math.floor(1)", "os.time()", "io.read()"])
def test_the_libraries_that_argo_cd_closes_are_closed_here(call: str) -> None:
    with pytest.raises(lupa.lua51.LuaError):
        health_of(f"return {{status = {call}}}", {})


def test_the_snippet_for_argocd_cm_holds_the_same_script() -> None:
    config_map = yaml.safe_load((ARGOCD / "argocd-cm.yaml").read_text())
    key = "resource.customizations.health.alembic-operator.dev_{}"
    assert config_map["data"] == {key.format(kind): SCRIPT for kind in ("DatabaseMigration", "DatabaseImport")}
