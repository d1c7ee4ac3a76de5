"""Draw the dashboard from what a Prometheus has answered to its queries, as SVG. It is not Grafana that draws."""

from collections.abc import Callable, Iterator
from typing import Any

from tools.dashboard.shapes import Answers, Box, inside, text

Json = dict[str, Any]
WIDTH, COLUMN, LINE, GAP = 1320, 55, 32, 6
HEAD = 22
"""Of a panel, for its title."""
_STYLE = 'font-family="sans-serif" font-size="12" fill="#c9d1d9"'


def draw(dashboard: Json, answers: Callable[[Json], Answers]) -> str:
    """Return the picture; `answers` gives what the queries of a panel have found."""
    panels = dashboard["panels"]
    height = LINE * max(one["gridPos"]["y"] + one["gridPos"]["h"] for one in panels) + GAP
    start = f'<svg viewBox="0 0 {WIDTH} {height}" xmlns="http://www.w3.org/2000/svg" {_STYLE}>'
    drawn = (line for one in panels for line in _panel(one, answers))
    return "\n".join((start, '<rect width="100%" height="100%" fill="#111217"/>', *drawn, "</svg>")) + "\n"


def _panel(panel: Json, answers: Callable[[Json], Answers]) -> Iterator[str]:
    place = panel["gridPos"]
    box = Box(place["x"] * COLUMN + GAP, place["y"] * LINE + GAP, place["w"] * COLUMN - GAP, place["h"] * LINE - GAP)
    if panel["type"] == "row":
        yield text(box.x + 4, box.y + 18, panel["title"], font_size="16", font_weight="600")
        return
    yield f'<rect x="{box.x}" y="{box.y}" width="{box.width}" height="{box.height}" rx="3" fill="#181b1f"/>'
    yield text(box.x + 8, box.y + 16, panel["title"], font_weight="600")
    # What does not fit is cut off, as Grafana does.
    yield f'<svg x="{box.x}" y="{box.y + HEAD}" width="{box.width}" height="{box.height - HEAD}">'
    yield from inside(panel, answers(panel), Box(0, 0, box.width, box.height - HEAD))
    yield "</svg>"
