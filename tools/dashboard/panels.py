"""A panel of the dashboard, as short as it can be said; grafana.py has Grafana's words for it."""

from dataclasses import dataclass

from alembic_operator.shell.metrics.families import PREFIX, Family

CHOSEN = 'namespace=~"$namespace", name=~"$name"'
"""The migrations that are chosen at the top of the dashboard."""
WHO = "{{namespace}}/{{name}}"
"""A migration in a legend."""
COLORS = {"Ready": "green", "Reconciling": "yellow", "Stalled": "red"}


@dataclass(frozen=True)
class Query:
    """One query; its text stands in the legend or, in a table, above the column."""

    expr: str
    legend: str = ""
    unit: str = ""
    """Of the column; a panel that is no table has one unit."""


@dataclass(frozen=True)
class Panel:
    """One panel."""

    title: str
    description: str
    kind: str
    """stat, timeseries or table, as Grafana calls them."""
    width: int
    """Of 24."""
    queries: tuple[Query, ...]
    unit: str = "short"
    steps: tuple[tuple[str, float], ...] = ()
    """From which value on there is which colour; green before."""
    nothing: str = ""
    """What is shown where there is no data, because that is good news."""
    height: int = 7


def of(family: Family, more: str = "") -> str:
    """Select a metric of the chosen migrations."""
    return f"{PREFIX}{family.name}{{{CHOSEN}{', ' + more if more else ''}}}"


def each(expression: str, *labels: str) -> str:
    """Keep namespace and name, and these labels: which operator told it is of no interest."""
    return f"max by ({', '.join(('namespace', 'name', *labels))}) ({expression})"


def ago(family: Family) -> str:
    """Return how long ago that was, for each of the chosen migrations."""
    return f"time() - {each(of(family))}"


def quantile(share: float, family: Family, over: str) -> str:
    """Return below what this share of a histogram's values lay."""
    return f"histogram_quantile({share}, sum by (le) (increase({PREFIX}{family.name}_bucket[{over}])))"
