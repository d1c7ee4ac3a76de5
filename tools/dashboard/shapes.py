"""Draw what is inside of one panel: numbers, lines or a table, as SVG."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from itertools import cycle
from string import ascii_uppercase
from typing import Any, NamedTuple

from tools.dashboard.units import written

Json = dict[str, Any]
Answers = Mapping[str, Sequence[Json]]
"""By the letter of a query the series that it has found, as Prometheus writes them."""

LINES = ("#7eb26d", "#eab839", "#6ed0e0", "#ef843c", "#e24d42", "#1f78c1", "#ba43a9", "#705da0")
COLORS = {"green": "#56d364", "yellow": "#e3b341", "red": "#ff7b72"}
_STATES = {"Stalled": "red", "Reconciling": "yellow"}
GREY = "#8b949e"
LINE_HEIGHT = 17
MOST = 4
"""Entries of a legend; the picture says how many more there are."""


class Box(NamedTuple):
    """Where a panel's inside is."""

    x: float
    y: float
    width: float
    height: float


def text(x: float, y: float, words: str, **style: str) -> str:
    """Write words."""
    marks = "".join(f' {name.replace("_", "-")}="{value}"' for name, value in style.items())
    return f'<text x="{x:.0f}" y="{y:.0f}"{marks}>{escape(words, quote=False)}</text>'


def inside(panel: Json, answers: Answers, box: Box) -> Iterator[str]:
    """Draw a panel's inside, or what it says where there is nothing."""
    if not list(_series(panel, answers)):
        words = panel["fieldConfig"]["defaults"].get("noValue", "no data")
        return iter([text(box.x + box.width / 2, box.y + box.height / 2, words, text_anchor="middle", fill=GREY)])
    return _KINDS[panel["type"]](panel, answers, box)


def _numbers(panel: Json, answers: Answers, box: Box) -> Iterator[str]:
    found = [(_legend(one, target), float(one["value"][1])) for target, one in _series(panel, answers)]
    wide = box.width / len(found)
    for place, (legend, value) in enumerate(found):
        middle = box.x + wide * (place + 0.5)
        words = legend if panel["options"]["textMode"] == "name" else written(value, _unit(panel))
        color = COLORS[_color(panel, legend, value)]
        style = {"text_anchor": "middle", "fill": color, "font_size": "26", "font_weight": "600"}
        yield text(middle, box.y + box.height * 0.55, words, **style)
        if len(found) > 1:
            yield text(middle, box.y + box.height * 0.85, legend, text_anchor="middle", fill=GREY)


def _curves(panel: Json, answers: Answers, box: Box) -> Iterator[str]:
    drawn = [(_legend(one, target), _points(one)) for target, one in _series(panel, answers)]
    legend_lines = min(len(drawn), MOST) + (len(drawn) > MOST)
    area = Box(box.x + 62, box.y + 6, box.width - 68, box.height - 12 - LINE_HEIGHT * legend_lines)
    times = [at for _, points in drawn for at, _ in points]
    first, last = min(times), max(*times, min(times) + 1)
    top = max(0.0, *(value for _, points in drawn for _, value in points)) or 1
    for share in (0.0, 0.5, 1.0):
        y = area.y + area.height * (1 - share)
        yield f'<path d="M{area.x:.0f} {y:.0f}h{area.width:.0f}" stroke="#30363d"/>'
        yield text(area.x - 5, y + 4, written(top * share, _unit(panel)), text_anchor="end", fill=GREY)
    for number, ((legend, points), color) in enumerate(zip(drawn, cycle(LINES), strict=False)):
        path = " ".join(
            f"{area.x + area.width * (at - first) / (last - first):.0f},{area.y + area.height * (1 - value / top):.1f}"
            for at, value in _bends(points)
        )
        yield f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="1.5"/>'
        if number < MOST:
            yield text(area.x, area.y + area.height + LINE_HEIGHT * (number + 1), legend, fill=color)
    if len(drawn) > MOST:
        words = f"and {len(drawn) - MOST} more"
        yield text(area.x, area.y + area.height + LINE_HEIGHT * legend_lines, words, fill=GREY)


def _table(panel: Json, answers: Answers, box: Box) -> Iterator[str]:
    organized = panel["transformations"][-1]["options"]
    names: dict[str, str] = organized["renameByName"]
    units = {one["matcher"]["options"]: one["properties"][0]["value"] for one in panel["fieldConfig"]["overrides"]}
    rows: dict[tuple[str, str], dict[str, str]] = {}
    for letter, found in answers.items():
        for one in found:
            labels = one["metric"]
            row = rows.setdefault((labels["namespace"], labels["name"]), {})
            row |= {names[label]: value for label, value in labels.items() if label in names}
            if title := names.get(f"Value #{letter}"):
                row[title] = written(float(one["value"][1]), units.get(title, "short"))
    shown = [title for title in names.values() if any(title in row for row in rows.values())]
    cells = [[title, *(row.get(title, "") for row in rows.values())] for title in shown]
    longest = [max(map(len, column)) + 2 for column in cells]
    x = box.x + 8
    for column, length in zip(cells, longest, strict=True):
        for line, words in enumerate(column[: int(box.height / LINE_HEIGHT / 1.3)]):
            yield text(x, box.y + LINE_HEIGHT * (1 + 1.3 * line), words, fill=_ink(words) if line else GREY)
        x += (box.width - 8) * length / sum(longest)


def _ink(words: str) -> str:
    return COLORS[_STATES[words]] if words in _STATES else "#c9d1d9"


_KINDS = {"stat": _numbers, "timeseries": _curves, "table": _table}


def _series(panel: Json, answers: Answers) -> Iterator[tuple[Json, Json]]:
    for letter, target in zip(ascii_uppercase, panel["targets"], strict=False):
        for one in answers.get(letter, ()):
            if "values" in one or one["value"][1] != "NaN":
                yield target, one


def _points(one: Json) -> list[tuple[float, float]]:
    return [(at, float(value)) for at, value in one["values"] if value != "NaN"]


def _bends(points: Iterable[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    """Leave out what lies within a level line: the picture stays small."""
    kept = list(points)
    for number, one in enumerate(kept):
        around = kept[max(number - 1, 0) : number + 2]
        if number in (0, len(kept) - 1) or len({value for _, value in around}) > 1:
            yield one


def _legend(one: Json, target: Json) -> str:
    written_so: str = target["legendFormat"]
    if written_so == "__auto":
        return ", ".join(one["metric"].values())
    return re.sub(r"{{(\w+)}}", lambda found: one["metric"].get(found[1], ""), written_so)


def _unit(panel: Json) -> str:
    unit: str = panel["fieldConfig"]["defaults"]["unit"]
    return unit


def _color(panel: Json, legend: str, value: float) -> str:
    for one in panel["fieldConfig"]["overrides"]:
        if one["matcher"]["options"] == legend:
            fixed: str = one["properties"][0]["value"]["fixedColor"]
            return fixed
    found: str = "green"
    for step in panel["fieldConfig"]["defaults"]["thresholds"]["steps"]:
        if step["value"] is None or value >= step["value"]:
            found = step["color"]
    return found
