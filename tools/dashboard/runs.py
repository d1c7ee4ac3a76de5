"""The row about runs: how they ended, how long they took, and who waited for them."""

from alembic_operator.shell.metrics import families as f
from alembic_operator.shell.metrics.families import PREFIX
from tools.dashboard.panels import WHO, Panel, Query, ago, each, of, quantile

_SLOWEST = f"topk(30, sum by (namespace, name) ({of(f.SECONDS)}))"
_LOCKS = 'part="locks"'


def _part(name: str) -> str:
    seconds = each(of(f.SECONDS, f'part="{name}"'))
    return f"{seconds} and on (namespace, name) {_SLOWEST}"


RUNS = (
    Panel(
        "Runs that ended, by outcome",
        "Counted by the operator since its start. What was not there before counts whole, so that a migration's first "
        "run is seen too, which increase() leaves out.",
        "timeseries",
        8,
        (
            Query(
                f"sum by (outcome) (clamp_min({of(f.RUNS)} - "
                f"({of(f.RUNS)} offset $__rate_interval or 0 * {of(f.RUNS)}), 0))",
                "{{outcome}}",
            ),
        ),
    ),
    Panel(
        "Seconds of the last run",
        "The ten migrations whose last run took longest, from the start of its pod to its end.",
        "timeseries",
        8,
        (Query(f"topk(10, sum by (namespace, name) ({of(f.SECONDS)}))", WHO),),
        "s",
    ),
    Panel(
        "Waits for locks",
        "The ten migrations whose last run waited longest: for another migration, or with revisions that gave up "
        "because of a session that held a lock. The log names its pid.",
        "timeseries",
        8,
        (Query(f"topk(10, {each(of(f.SECONDS, _LOCKS))})", WHO),),
        "s",
    ),
    Panel(
        "Last runs",
        "The thirty slowest, in parts. Waits for locks: for another migration, and for those that a revision gave "
        "up for. Rest: the pod's start, Python and its imports.",
        "table",
        24,
        (
            Query(_SLOWEST, "Whole", "s"),
            Query(_part("locks"), "Waits for locks", "s"),
            Query(_part("revisions"), "Revisions", "s"),
            Query(_part("read-back"), "Read back", "s"),
            Query(_part("rest"), "Rest", "s"),
            Query(f"{each(of(f.ATTEMPTS))} and on (namespace, name) {_SLOWEST}", "Attempt"),
            Query(f"{ago(f.SUCCESS)} and on (namespace, name) {_SLOWEST}", "Last success", "s"),
        ),
        height=6,
    ),
    Panel(
        "Runs that gave up because of a lock",
        "Others held a lock on a table for longer than policy.lockTimeout, again and again. The log names their pid.",
        "timeseries",
        6,
        (Query(f"sum by (namespace, name) (increase({of(f.LOCK_TIMEOUTS)}[$__rate_interval]))", WHO),),
    ),
    Panel(
        "Attempts",
        "Which attempt of its specification the last run is, where it is not the first.",
        "timeseries",
        6,
        (Query(f"{each(of(f.ATTEMPTS))} > 1", WHO),),
        nothing="all went well at once",
    ),
    Panel(
        "How long pods still waited after the run",
        "Pods that had been held. Most look again after a few seconds, and pass before the run has ended: 0.",
        "timeseries",
        8,
        (
            Query(quantile(0.5, f.GATE_DELAY, "$__range"), "half of them"),
            Query(quantile(0.95, f.GATE_DELAY, "$__range"), "19 of 20"),
        ),
        "s",
        nothing="no pod had waited",
    ),
    Panel(
        "Passed within 60 s",
        "The share of the pods that had been held; of the time that is shown.",
        "stat",
        4,
        (
            Query(
                f'sum(increase({PREFIX}{f.GATE_DELAY.name}_bucket{{le="60.0"}}[$__range])) / '
                f"(sum(increase({PREFIX}{f.GATE_DELAY.name}_count[$__range])) > 0)"
            ),
        ),
        "percentunit",
        nothing="no pod had waited",
    ),
)
