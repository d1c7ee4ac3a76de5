"""The dashboard can be imported, is readable without explanation, and asks for metrics that exist."""

import json
import re
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from alembic_operator.shell.metrics.families import INFO, OF_MIGRATIONS, OF_THE_OPERATOR, PREFIX, READY

FILE = Path(__file__).parents[3] / "charts" / "alembic-operator" / "files" / "dashboard.json"
DASHBOARD: dict[str, Any] = json.loads(FILE.read_text())
PANELS: list[dict[str, Any]] = [one for one in DASHBOARD["panels"] if one["type"] != "row"]
KNOWN = {PREFIX + one.name for one in (*OF_MIGRATIONS, *OF_THE_OPERATOR)}
UNITS = {"short", "s", "bytes", "percentunit", "ops", "reqps"}
COLUMNS = 24


def asked() -> set[str]:
    text = " ".join(one["expr"] for panel in PANELS for one in panel["targets"])
    return {re.sub("_(bucket|count)$", "", one) for one in re.findall(rf"{PREFIX}\w+", text)}


def test_it_has_four_rows_and_a_data_source_to_choose() -> None:
    assert [one["title"] for one in DASHBOARD["panels"] if one["type"] == "row"] == [
        "Now",
        "Runs",
        "Tenants",
        "Operator",
    ]
    assert [one["name"] for one in DASHBOARD["templating"]["list"]] == ["datasource", "namespace", "name"]
    sources = {one["datasource"]["uid"] for panel in PANELS for one in (panel, *panel["targets"])}
    assert sources == {"${datasource}"}


@pytest.mark.parametrize("panel", PANELS, ids=lambda one: str(one["title"]))
def test_each_panel_says_what_it_shows_in_which_unit(panel: dict[str, Any]) -> None:
    assert panel["type"] in ("stat", "timeseries", "table")
    assert panel["description"].endswith(".")
    assert panel["fieldConfig"]["defaults"]["unit"] in UNITS
    assert [one["refId"] for one in panel["targets"]] == list("ABCDEFGHI"[: len(panel["targets"])])


def test_no_panel_hides_another_one() -> None:
    assert len({one["id"] for one in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    for one, other in combinations([one["gridPos"] for one in DASHBOARD["panels"]], 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        below = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or below
        assert one["x"] + one["w"] <= COLUMNS


def test_it_shows_every_metric_but_those_that_say_the_same() -> None:
    assert asked() == KNOWN - {PREFIX + one.name for one in (READY, INFO)}
