"""Each command: ask, diagnose, print; the exit code is returned."""

from collections.abc import Callable

from alembic_operator.kubectl.commands import asking, bundle, changes, imports, logs, records, status, why
from alembic_operator.kubectl.commands.call import Call

COMMANDS: dict[str, Callable[[Call], int]] = {
    "status": status.status,
    "imports": imports.imports,
    "why": why.why,
    "history": records.history,
    "tenants": asking.tenants,
    "logs": logs.logs,
    "tree": records.tree,
    "explain": records.explain,
    "check": asking.check,
    "plan": asking.plan,
    "support-bundle": bundle.support_bundle,
    "retry": changes.retry,
    "suspend": changes.suspend,
    "resume": changes.resume,
}
