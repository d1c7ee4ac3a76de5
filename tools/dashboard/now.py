"""The row for the one who was woken up: who is held, why, since when."""

from alembic_operator.shell.metrics import families as f
from tools.dashboard.panels import WHO, Panel, Query, ago, each, of

_NOT_READY = "and on (namespace, name) " + of(f.REASON, 'effect!="Ready"')

NOW = (
    Panel(
        "Migrations by state",
        "Ready: the database contains what the image needs. Reconciling: the operator works, waits, or tries again. "
        "Stalled: waiting does not help; somebody must change something.",
        "stat",
        7,
        (Query(f"sum by (effect) ({of(f.REASON)})", "{{effect}}"),),
        height=4,
    ),
    Panel(
        "Pods held",
        "Pods that have been waiting at their gate for some seconds. Old pods are never held.",
        "stat",
        3,
        (Query(f"sum({of(f.HELD)})"),),
        steps=(("yellow", 1),),
        height=4,
    ),
    Panel(
        "Held for",
        "How long the pod waits at its gate that came first. The alert AlembicPodsHeld fires after 10 minutes.",
        "stat",
        4,
        (Query(f"time() - min({of(f.HELD_SINCE)})"),),
        "s",
        (("yellow", 60), ("red", 600)),
        "no pod waits",
        height=4,
    ),
    Panel(
        "Longest run under way",
        "How long the run has been going on that started first.",
        "stat",
        4,
        (Query(f"time() - min({of(f.STARTED)})"),),
        "s",
        (("yellow", 300),),
        "none runs",
        height=4,
    ),
    Panel(
        "Pods without a gate",
        "Pods with the label of a migration that no admission policy saw: they start whatever the database contains.",
        "stat",
        3,
        (Query(f"sum({of(f.UNGATED)})"),),
        steps=(("red", 1),),
        nothing="0",
        height=4,
    ),
    Panel(
        "Alerts firing",
        "Of the operator's alerts, if Prometheus evaluates them. docs/howto/alerts.md says what to do about each one.",
        "stat",
        3,
        (Query('count(ALERTS{alertname=~"Alembic.*", alertstate="firing"}) or vector(0)'),),
        steps=(("red", 1),),
        height=4,
    ),
    Panel(
        "Not ready: who, why, since when",
        "Each migration that is not Ready. `kubectl alembic why POD` and the condition's message say more.",
        "table",
        24,
        (
            Query(each(of(f.REASON, 'effect!="Ready"'), "effect", "reason")),
            Query(f"{each(of(f.HELD))} {_NOT_READY}", "Pods held"),
            Query(f"{ago(f.HELD_SINCE)} {_NOT_READY}", "Held for", "s"),
            Query(f"{each(of(f.PENDING))} {_NOT_READY}", "Missing revisions"),
            Query(f"{ago(f.STARTED)} {_NOT_READY}", "Runs for", "s"),
            Query(f"{ago(f.PROGRESS)} {_NOT_READY}", "Last sign", "s"),
            Query(f"{each(of(f.ATTEMPTS))} {_NOT_READY}", "Attempt"),
        ),
        nothing="all are ready",
        height=6,
    ),
    Panel(
        "Pods held, by migration",
        "How many pods waited at their gate, and when they passed.",
        "timeseries",
        8,
        (Query(each(of(f.HELD)), WHO),),
    ),
    Panel(
        "Missing revisions",
        "Revisions between the database and the image. The number falls as revisions are committed.",
        "timeseries",
        8,
        (Query(each(of(f.PENDING)), WHO),),
    ),
    Panel(
        "Runs under way",
        "How long each run has lasted, and how long ago it gave its last sign of progress. A slow run gives one again "
        "and again; where that line rises with the other, the run is stuck.",
        "timeseries",
        8,
        (Query(ago(f.STARTED), f"{WHO} runs for"), Query(ago(f.PROGRESS), f"{WHO} last sign")),
        "s",
    ),
)
