"""Every metric family of the operator: its name, what it means, its labels. The reference page is made of this."""

from typing import NamedTuple

PREFIX = "alembic_operator_"
_EACH = ("namespace", "name")


class Family(NamedTuple):
    """A metric family; PREFIX comes before its name."""

    name: str
    kind: str
    """gauge, counter or histogram."""
    meaning: str
    labels: tuple[str, ...] = ()


READY = Family("migration_ready", "gauge", "1 while Ready is True, else 0.", _EACH)
REASON = Family(
    "migration_reason",
    "gauge",
    "1 for the reason of the conditions. `effect` is Ready, Reconciling or Stalled.",
    (*_EACH, "reason", "effect"),
)
INFO = Family(
    "migration_info",
    "gauge",
    "1; the labels have the image that ran, the database heads, the script heads and spec.strategy.",
    (*_EACH, "image", "current", "target", "strategy"),
)
PENDING = Family("migration_pending_revisions", "gauge", "Revisions that are missing; absent while unknown.", _EACH)
HELD = Family("migration_held_pods", "gauge", "Pods that have been waiting at their gate for some seconds.", _EACH)
HELD_SINCE = Family(
    "migration_held_since_timestamp_seconds",
    "gauge",
    "Since when the pod waits at its gate that has been waiting there for longest; absent while none waits.",
    _EACH,
)
UNGATED = Family(
    "migration_ungated_pods",
    "gauge",
    "Pods with the label of a migration that have no gate although nothing says why: no admission policy saw them.",
    _EACH,
)
STARTED = Family(
    "migration_run_started_timestamp_seconds", "gauge", "When the run started; absent while none is under way.", _EACH
)
PROGRESS = Family(
    "migration_run_progress_timestamp_seconds",
    "gauge",
    "The last sign of progress of the run under way, as in status.progress.movedAt; it separates slow from stuck.",
    _EACH,
)
SUCCESS = Family("migration_last_success_timestamp_seconds", "gauge", "When the last run ended with Ready=True.", _EACH)
SECONDS = Family(
    "migration_run_seconds",
    "gauge",
    "Seconds of the last finished run. `part` is `locks` (waiting for them), `revisions`, `read-back`, or `rest`.",
    (*_EACH, "part"),
)
ATTEMPTS = Family("migration_run_attempts", "gauge", "Which attempt of its specification the last run is.", _EACH)
TENANTS = Family(
    "tenants",
    "gauge",
    "Tenants of a migration, as the run under way or the last one says. `state` is up-to-date, behind, failed or "
    "drifted; who is drifted is counted in one of the others, too. Absent without spec.tenants.",
    (*_EACH, "state"),
)
RUNS = Family(
    "migration_runs_total",
    "counter",
    "Finished runs since the operator started, by the reason that they ended with.",
    (*_EACH, "outcome"),
)
LOCK_TIMEOUTS = Family(
    "migration_lock_timeouts_total",
    "counter",
    "Of these, runs that gave up because others held a lock (LockTimeout, or SQLSTATE 55P03).",
    _EACH,
)
GATE_DELAY = Family(
    "gate_delay_seconds",
    "histogram",
    "How long pods that had waited still waited at their gate after the end of the run; 0 for who passed before that.",
)
RECONCILE = Family(
    "reconcile_duration_seconds", "histogram", "Looks at a migration, by result: success or error.", ("result",)
)
QUEUE = Family("queue_depth", "gauge", "Migrations that wait for their turn.")
REQUESTS = Family(
    "api_requests_total",
    "counter",
    "Requests to the API server; code 0: no answer came. Kopf's own are not among them.",
    ("verb", "resource", "code"),
)
WATCHES = Family(
    "watch_restarts_total", "counter", "Watches and lists that failed and were begun again.", ("resource",)
)
UNREADABLE = Family(
    "unreadable",
    "gauge",
    "1 for what the API server does not let be read; an empty namespace is all of them.",
    ("resource", "namespace"),
)
POLICIES = Family(
    "gate_policy",
    "gauge",
    "1 while the gate's admission policy is there with its binding, else 0: `injection` puts gates into pods (from "
    "Kubernetes 1.36 on), `validation` refuses pods without. Absent with watchNamespaces: the operator may not look.",
    ("policy",),
)
LEADER = Family("leader", "gauge", "1 while this process acts; 0 while it stands by.")
BUILD = Family("build_info", "gauge", "1; the version of the operator, and of Python.", ("version", "python"))

IMPORT_READY = Family("import_ready", "gauge", "1 while Ready of a DatabaseImport is True, else 0.", _EACH)
IMPORT_REASON = Family(
    "import_reason",
    "gauge",
    "1 for the reason of its conditions. `effect` is Ready, Reconciling or Stalled.",
    (*_EACH, "reason", "effect"),
)
IMPORT_ROWS = Family("import_rows", "gauge", "Rows that were imported; absent before the end.", _EACH)
IMPORT_SECONDS = Family(
    "import_seconds", "gauge", "How long its Job took that imported them, with the start of its pods.", _EACH
)

OF_IMPORTS = (IMPORT_READY, IMPORT_REASON, IMPORT_ROWS, IMPORT_SECONDS)
OF_MIGRATIONS = (
    READY, REASON, INFO, PENDING, HELD, HELD_SINCE, UNGATED, STARTED, PROGRESS, SUCCESS, SECONDS, ATTEMPTS,
    TENANTS, RUNS, LOCK_TIMEOUTS,
)  # fmt: skip
OF_THE_OPERATOR = (GATE_DELAY, RECONCILE, QUEUE, REQUESTS, WATCHES, UNREADABLE, POLICIES, LEADER, BUILD)
