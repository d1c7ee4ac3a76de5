"""The row about the operator itself: its work, its requests, what it takes."""

from alembic_operator.shell.metrics import families as f
from alembic_operator.shell.metrics.families import PREFIX
from tools.dashboard.panels import Panel, Query, quantile

_OURS = f"and on (job, instance) {PREFIX}{f.BUILD.name}"
_REFUSED = PREFIX + f.REQUESTS.name + '{code!~"2..|404"}'


def _rate(family: f.Family, suffix: str = "") -> str:
    return f"rate({PREFIX}{family.name}{suffix}[$__rate_interval])"


OPERATOR = (
    Panel(
        "Leaders",
        "Processes that act. 0: nobody does, and new migrations do not start. Others may stand by.",
        "stat",
        4,
        (Query(f"sum({PREFIX}{f.LEADER.name})"),),
        steps=(("red", -1), ("green", 1), ("red", 2)),
        height=4,
    ),
    Panel(
        "Version",
        "Of each process.",
        "stat",
        4,
        (Query(f"max by (version) ({PREFIX}{f.BUILD.name})", "{{version}}"),),
        height=4,
    ),
    Panel(
        "Cannot be read",
        "Resources of a namespace that the API server does not let the operator read: it is not served.",
        "stat",
        4,
        (Query(f"count({PREFIX}{f.UNREADABLE.name}) or vector(0)"),),
        steps=(("red", 1),),
        height=4,
    ),
    Panel(
        "Looks that failed",
        "Of the time that is shown. The log has each one; the operator looks again.",
        "stat",
        4,
        (Query(f'sum(increase({PREFIX}{f.RECONCILE.name}_count{{result="error"}}[$__range]))'),),
        steps=(("yellow", 1),),
        height=4,
    ),
    Panel(
        "Policies of the gate",
        "1: the admission policy is there with its binding. Without both, pods start whatever the database contains. "
        "Kubernetes before 1.36 has only validation; with watchNamespaces the operator may not look.",
        "stat",
        4,
        (Query(f"max by (policy) ({PREFIX}{f.POLICIES.name})", "{{policy}}"),),
        steps=(("yellow", -1), ("green", 1)),
        nothing="not looked at",
        height=4,
    ),
    Panel(
        "Queue",
        "Migrations that wait for their turn. It is empty but for moments.",
        "timeseries",
        4,
        (Query(f"max by (instance) ({PREFIX}{f.QUEUE.name})", "{{instance}}"),),
        height=4,
    ),
    Panel(
        "How long a look takes",
        "From the cache to the written status.",
        "timeseries",
        8,
        (
            Query(quantile(0.5, f.RECONCILE, "$__rate_interval"), "half"),
            Query(quantile(0.99, f.RECONCILE, "$__rate_interval"), "99 of 100"),
        ),
        "s",
    ),
    Panel(
        "Looks",
        "At a migration, by result.",
        "timeseries",
        8,
        (Query(f"sum by (result) ({_rate(f.RECONCILE, '_count')})", "{{result}}"),),
        "ops",
    ),
    Panel(
        "Watches begun again",
        "Watches and lists that failed, by resource. A few after an update of the API server are normal.",
        "timeseries",
        8,
        (Query(f"sum by (resource) ({PREFIX}{f.WATCHES.name})", "{{resource}}"),),
        nothing="none",
    ),
    Panel(
        "Requests to the API server",
        "By verb and resource; those of Kopf, which watches the migrations, are not among them.",
        "timeseries",
        8,
        (Query(f"sum by (verb, resource) ({_rate(f.REQUESTS)})", "{{verb}} {{resource}}"),),
        "reqps",
    ),
    Panel(
        "Requests that were refused",
        "By code, without 404: 403 a missing right, 409 somebody was quicker, 429 too many, 0 no answer.",
        "timeseries",
        8,
        (Query(f"sum by (code) (rate({_REFUSED}[$__rate_interval]))", "{{code}}"),),
        "reqps",
        nothing="none",
    ),
    Panel(
        "Memory",
        "Of each process. The container's limit is a value of the chart, resources.limits.memory.",
        "timeseries",
        4,
        (Query(f"process_resident_memory_bytes {_OURS}", "{{instance}}"),),
        "bytes",
    ),
    Panel(
        "Processor",
        "Seconds of processor time in each second.",
        "timeseries",
        4,
        (Query(f"rate(process_cpu_seconds_total[$__rate_interval]) {_OURS}", "{{instance}}"),),
        "percentunit",
    ),
)
