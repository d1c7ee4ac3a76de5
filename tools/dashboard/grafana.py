"""Write the dashboard in Grafana's own words: `charts/alembic-operator/files/dashboard.json`."""

import json
from collections.abc import Iterator
from string import ascii_uppercase
from typing import Any

from tools.dashboard import now, operator, runs, tenants
from tools.dashboard.panels import COLORS, Panel, Query

Json = dict[str, Any]
ROWS = {"Now": now.NOW, "Runs": runs.RUNS, "Tenants": tenants.TENANTS, "Operator": operator.OPERATOR}
SCHEMA = 39
"""Of Grafana 11; newer ones bring it up to date when they read it."""
COLUMNS = 24
_SOURCE = {"type": "prometheus", "uid": "${datasource}"}


def dashboard() -> str:
    """Return the JSON, as it is imported and as the chart installs it."""
    return json.dumps(_whole(), indent=1, ensure_ascii=False) + "\n"


def _whole() -> Json:
    return {
        "uid": "alembic-operator",
        "title": "Alembic migrations",
        "description": "Who is held and why, how runs went, and how the operator does. Made for alembic-operator.",
        "tags": ["alembic-operator"],
        "schemaVersion": SCHEMA,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "timezone": "",
        "templating": {"list": [_datasource(), *map(_variable, ("namespace", "name"))]},
        "annotations": {"list": []},
        "links": [],
        "panels": list(_panels()),
    }


def _datasource() -> Json:
    return {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"}


def _variable(label: str) -> Json:
    within = '{namespace=~"$namespace"}' if label == "name" else ""
    asked = f"label_values(alembic_operator_migration_ready{within}, {label})"
    return {
        "name": label,
        "label": {"namespace": "Namespace", "name": "Migration"}[label],
        "type": "query",
        "datasource": _SOURCE,
        "query": {"query": asked, "refId": label},
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"text": "All", "value": "$__all"},
    }


def _panels() -> Iterator[Json]:
    number, top = 1, 0
    for title, panels in ROWS.items():
        yield {"id": number, "type": "row", "title": title, "collapsed": False, "panels": [],
               "gridPos": {"x": 0, "y": top, "w": COLUMNS, "h": 1}}  # fmt: skip
        number, top, left, high = number + 1, top + 1, 0, 0
        for panel in panels:
            if left + panel.width > COLUMNS:
                left, top, high = 0, top + high, 0
            place = {"x": left, "y": top, "w": panel.width, "h": panel.height}
            yield {"id": number, "gridPos": place} | _panel(panel)
            number, left, high = number + 1, left + panel.width, max(high, panel.height)
        top += high


def _panel(panel: Panel) -> Json:
    table = panel.kind == "table"
    targets = [
        _target(letter, query, at_once=table or panel.kind == "stat", table=table)
        for letter, query in zip(ascii_uppercase, panel.queries, strict=False)
    ]
    drawn = {
        "type": panel.kind,
        "title": panel.title,
        "description": panel.description,
        "datasource": _SOURCE,
        "targets": targets,
        "fieldConfig": {"defaults": _defaults(panel), "overrides": list(_overrides(panel))},
        "options": _options(panel),
    }
    return drawn | {"transformations": _transformations(panel)} if table else drawn


def _target(letter: str, query: Query, *, at_once: bool, table: bool) -> Json:
    return {
        "refId": letter,
        "datasource": _SOURCE,
        "expr": query.expr,
        "legendFormat": query.legend or "__auto",
        "format": "table" if table else "time_series",
        "instant": at_once,
        "range": not at_once,
    }


def _defaults(panel: Panel) -> Json:
    steps = [{"color": "green", "value": None}, *({"color": one, "value": value} for one, value in panel.steps)]
    drawn = {"lineWidth": 1, "fillOpacity": 10, "showPoints": "auto", "spanNulls": False}
    return {
        "unit": panel.unit,
        "color": {"mode": "palette-classic" if panel.kind == "timeseries" else "thresholds"},
        "thresholds": {"mode": "absolute", "steps": steps},
        **({"noValue": panel.nothing} if panel.nothing else {}),
        "custom": drawn if panel.kind == "timeseries" else {},
        **({"min": 0} if panel.kind == "timeseries" else {}),
    }


def _overrides(panel: Panel) -> Iterator[Json]:
    if panel.kind == "table":
        for query in panel.queries:
            if query.unit:
                yield _override(query.legend, "unit", query.unit)
    if "{{effect}}" in [one.legend for one in panel.queries]:
        for state, color in COLORS.items():
            yield _override(state, "color", {"mode": "fixed", "fixedColor": color})


def _override(name: str, setting: str, value: Any) -> Json:
    return {"matcher": {"id": "byName", "options": name}, "properties": [{"id": setting, "value": value}]}


def _options(panel: Panel) -> Json:
    match panel.kind:
        case "stat":
            named = any("version" in one.legend for one in panel.queries)
            return {
                "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
                "colorMode": "value",
                "graphMode": "none",
                "textMode": "name" if named else "auto",
            }
        case "table":
            return {"showHeader": True, "cellHeight": "sm"}
        case _:
            return {
                "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
                "tooltip": {"mode": "multi", "sort": "desc"},
            }


def _transformations(panel: Panel) -> list[Json]:
    """Make one row of each migration, with a column of each query."""
    values = {f"Value #{letter}": one.legend for letter, one in zip(ascii_uppercase, panel.queries, strict=False)}
    labels = {"namespace": "Namespace", "name": "Migration", "effect": "State", "reason": "Reason"}
    hidden = {"Time": True} | {value: True for value, legend in values.items() if not legend}
    order = {name: place for place, name in enumerate((*labels, *values))}
    renamed = labels | {value: legend for value, legend in values.items() if legend}
    return [
        {"id": "merge", "options": {}},
        {"id": "organize", "options": {"excludeByName": hidden, "indexByName": order, "renameByName": renamed}},
    ]
