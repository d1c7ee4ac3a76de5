"""Write the reference page of the metrics, from the list that the operator serves them by."""

from alembic_operator.shell.metrics import families
from tools.tables import table

INTRO = """\
The operator serves `GET /metrics` on the port of the chart's value `metrics.port`, as text or, for who accepts it,
as OpenMetrics. What is told of a migration is read from its status at the moment of the scrape; counters and histograms
begin with the process. A leader and those that stand by all answer; only the leader tells of migrations. Revisions
stand in `migration_info` only; no label has a tenant, a pod or SQL. The [dashboard](../howto/dashboard.md) shows these,
and [Alerts](../howto/alerts.md) says what to do about them. It asks for no login and holds names of namespaces,
migrations and images: a NetworkPolicy keeps others away. `process_resident_memory_bytes`, `process_cpu_seconds_total`
and others of `process_` are told too, as by most programs."""


def page(origin: str) -> str:
    """Return every metric with its labels."""
    parts = [f"<!-- {origin} -->", "# Metrics", INTRO]
    groups = {
        "Of each migration": families.OF_MIGRATIONS,
        "Of each import": families.OF_IMPORTS,
        "Of the operator": families.OF_THE_OPERATOR,
    }
    for title, group in groups.items():
        parts += [f"## {title}", _table(group)]
    return "\n\n".join(parts) + "\n"


def _table(group: tuple[families.Family, ...]) -> str:
    rows = ((f"`{families.PREFIX}{one.name}`", one.kind, _code(one.labels), one.meaning) for one in group)
    return table(("Metric", "Type", "Labels", "Meaning"), rows)


def _code(words: tuple[str, ...]) -> str:
    return " ".join(f"`{one}`" for one in words)
