"""The row about tenants: how many stand how, and whose migrations lag."""

from alembic_operator.shell.metrics import families as f
from tools.dashboard.panels import WHO, Panel, Query, each, of

_COUNTED = 'state!="drifted"'
_EACH_STATE = each(of(f.TENANTS), "state")
_FAILED = each(of(f.TENANTS, 'state="failed"'))
_UP_TO_DATE = each(of(f.TENANTS, 'state="up-to-date"'))
_ALL = f"sum by (namespace, name) ({each(of(f.TENANTS, _COUNTED), 'state')})"

TENANTS = (
    Panel(
        "Tenants by state",
        "Of all chosen migrations with spec.tenants. Who is drifted has other tables than most, and is counted in one "
        "of the others, too.",
        "timeseries",
        8,
        (Query(f"sum by (state) ({_EACH_STATE})", "{{state}}"),),
        nothing="no migration has tenants",
    ),
    Panel(
        "Tenants that failed",
        "In the run under way, or in the last one. `kubectl alembic tenants NAME --failed` names each, with its error.",
        "timeseries",
        8,
        (Query(f"{_FAILED} > 0", WHO),),
        nothing="none has failed",
    ),
    Panel(
        "Share that is up to date",
        "Of the tenants of each migration: how far a rollout over all of them is.",
        "timeseries",
        8,
        (Query(f"{_UP_TO_DATE} / ({_ALL} > 0)", WHO),),
        "percentunit",
        nothing="no migration has tenants",
    ),
)
