"""An import whose pod, operator and PostgreSQL are killed in the middle of COPY: nothing half is seen, and it ends."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from alembic_operator.core.names import IMPORT_LABEL
from demo.expectation import until
from tests.e2e.containers import kill
from tests.e2e.migration import PATIENCE
from tests.e2e.operation import FORCE
from tests.e2e.project import ENV, revision

if TYPE_CHECKING:
    from collections.abc import Callable

    from demo.access import Access
    from tests.e2e.conftest import Start
    from tests.e2e.database import Database
    from tests.e2e.operation import Operator

NAME, ROWS = "past", 400_000
ON_BOTH = ENV.replace(
    '"postgresql+psycopg://"', '"sqlite:////tmp/none.db" if "PAST" in os.environ else "postgresql+psycopg://"'
)
CREATE = "CREATE TABLE events (id INTEGER PRIMARY KEY, at TIMESTAMP NOT NULL, body TEXT NOT NULL)"
FILL = f"""
import sqlite3
with sqlite3.connect("/data/past.db") as file:
    file.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
    file.execute("INSERT INTO alembic_version VALUES ('r1')")
    file.execute("{CREATE}")
    rows = ((one, "2026-03-01 12:00:00", "event %d " % one * 8) for one in range({ROWS}))
    file.executemany("INSERT INTO events VALUES (?, ?, ?)", rows)
"""
CLAIM = {
    "apiVersion": "v1",
    "kind": "PersistentVolumeClaim",
    "metadata": {"name": NAME},
    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
}
POD: dict[str, Any] = {
    "restartPolicy": "Never",
    "securityContext": {"runAsNonRoot": True, "runAsUser": 10001, "seccompProfile": {"type": "RuntimeDefault"}},
    "containers": [
        {
            "name": "fill",
            "image": "localhost/users:v1",
            "command": ["python3", "-c", FILL],
            "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
            "volumeMounts": [{"name": "data", "mountPath": "/data"}],
        }
    ],
    "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": NAME}}],
}
FILLING = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "fill"}, "spec": {"template": {"spec": POD}}}
IMPORT = {
    "apiVersion": "alembic-operator.dev/v1alpha1",
    "kind": "DatabaseImport",
    "metadata": {"name": NAME},
    "spec": {
        "migrationRef": {"name": NAME},
        "from": {
            "sqlite": {
                "volume": {"persistentVolumeClaim": {"claimName": NAME}},
                "path": "past.db",
                "env": [{"name": "PAST", "value": "yes"}],
            }
        },
    },
}


def copying(access: Access, database: Database, but: str = "") -> str:
    """Wait until a pod, another one than that, is in the middle of COPY; return its name."""

    def found() -> str | None:
        pods = access.get("pods", f"--selector={IMPORT_LABEL}={NAME}")["items"]
        alive = [one["metadata"]["name"] for one in pods if one["status"]["phase"] == "Running"]
        begun = database.rows("SELECT 1 FROM pg_stat_progress_copy WHERE tuples_processed > 1000")
        return alive[-1] if begun and alive and alive[-1] != but else None

    return until(found, PATIENCE, "no pod copies rows")


def test_an_import_goes_on_after_its_pod_the_operator_and_postgresql_were_killed_in_the_middle_of_copy(
    access: Access, start: Start, apply: Callable[[Any], None], operator: Operator
) -> None:
    apply(CLAIM)
    apply(FILLING)
    migration = start(NAME, revision("r1", None, CREATE), env=f"import os\n{ON_BOTH}", policy={"awaitImport": NAME})
    migration.until_ready()
    access.kubectl("wait", "--for=condition=Complete", "job/fill", f"--timeout={PATIENCE:.0f}s")
    database, visible = migration.database, "SELECT count(*) FROM events"
    apply(IMPORT)

    first = copying(access, database)
    kill(access, first, "load")
    operator.kill_process()
    assert database.rows(visible) == ["0"]

    copying(access, database, first)
    access.kubectl("delete", "pod", "postgres-0", *FORCE)
    until(lambda: _answers(database), PATIENCE, "PostgreSQL does not come back")
    assert database.rows(visible) == ["0"]

    access.kubectl("wait", "--for=condition=Ready", f"dbi/{NAME}", "--timeout=300s")
    status = access.get("dbi", NAME)["status"]
    assert (status["rows"], status["equal"]) == (ROWS, True)
    assert database.rows("SELECT count(*), count(DISTINCT body), max(id) FROM events") == [f"{ROWS}|{ROWS}|{ROWS - 1}"]
    assert database.rows("SELECT name, rows FROM alembic_operator_imported") == [f"{NAME}|{ROWS}"]
    events = access.get("events.events.k8s.io", f"--field-selector=regarding.kind=DatabaseImport,regarding.name={NAME}")
    told = [one["reason"] for one in events["items"]]
    assert told.count("Succeeded") == 1, json.dumps(told)


def _answers(database: Database) -> bool | None:
    try:
        return database.rows("SELECT 1") == ["1"] or None
    except Exception:  # noqa: BLE001  whatever kubectl and psql say of a server that starts
        return None
