"""The picture of the dashboard: what the queries have found is in it, whatever that is."""

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from tools.dashboard.picture import draw
from tools.dashboard.units import written

ROOT = Path(__file__).parents[3]
DASHBOARD: dict[str, Any] = json.loads((ROOT / "charts/alembic-operator/files/dashboard.json").read_text())
PICTURE = ROOT / "docs" / "pictures" / "dashboard.svg"
LABELS = {"namespace": "shop", "name": "users<1>", "effect": "Stalled", "reason": "RevisionFailed", "version": "0.1.0"}


def found(panel: dict[str, Any], value: str = "75") -> dict[str, list[dict[str, Any]]]:
    values = [[at, value] for at in range(100, 160, 3)]
    return {one["refId"]: [{"metric": LABELS, "value": values[0], "values": values}] for one in panel["targets"]}


def words(svg: str) -> list[str]:
    return [one.text or "" for one in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


def test_it_shows_titles_numbers_lines_and_rows() -> None:
    shown = words(draw(DASHBOARD, found))
    assert {one["title"] for one in DASHBOARD["panels"]} <= set(shown)
    assert {"1.25 min", "75 B", "7,500 %", "75/s", "Stalled", "RevisionFailed", "shop/users<1>", "0.1.0"} <= set(shown)


def test_where_nothing_is_found_it_says_what_the_panel_says() -> None:
    shown = words(draw(DASHBOARD, lambda _: {}))
    assert {"no pod waits", "all are ready", "no data"} <= set(shown)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0, "s", "0 s"),
        (0.0042, "s", "4.2 ms"),
        (7200, "s", "2 h"),
        (172800, "s", "2 d"),
        (83 * 2**20, "bytes", "83 MiB"),
        (2**41, "bytes", "2,048 GiB"),
        (0.5, "percentunit", "50 %"),
        (1.5, "ops", "1.5/s"),
        (12345, "short", "12,345"),
    ],
)
def test_a_number_has_its_unit(value: float, unit: str, text: str) -> None:
    assert written(value, unit) == text


def test_the_picture_in_the_documentation_has_every_panel() -> None:
    assert {one["title"] for one in DASHBOARD["panels"]} <= set(words(PICTURE.read_text()))
