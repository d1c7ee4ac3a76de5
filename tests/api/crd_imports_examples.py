"""DatabaseImports that the CRD takes, and that it refuses, with the field and the words."""

from typing import Any

from alembic_operator.api.imports import KIND
from alembic_operator.api.v1alpha1 import API_VERSION
from tests.api.crd_examples import DEADLINE, PATTERN

CLAIM = {"persistentVolumeClaim": {"claimName": "users-data"}}
SQLITE = {"volume": CLAIM, "path": "data/app.db"}
SPEC = {"migrationRef": {"name": "users"}, "from": {"sqlite": SQLITE}}
KEPT_MIGRATION = "an import runs once, into one database: make another DatabaseImport for another migration"
FROM_THE_TOP = "write the way to the file from the top of the volume, without a slash before it and without .."
CHOICE = "Unsupported value"
LONG_NAME = "the names of Jobs are made from this one: use at most 45 characters"


def an_import(*, named: str = "users", source: dict[str, Any] = SQLITE, **spec: Any) -> dict[str, Any]:
    wanted = SPEC | {"from": {"sqlite": source}} | spec
    return {"apiVersion": API_VERSION, "kind": KIND, "metadata": {"name": named}, "spec": wanted}


def sqlite(**changes: Any) -> dict[str, Any]:
    return an_import(source=SQLITE | changes)


ACCEPTED = {
    "an import": an_import(),
    "an import with a name of 45 characters": an_import(named="a" * 45),
    "an import of a file whose name has dots": sqlite(path="..data/a..b/...db"),
    "all of an import": an_import(
        source=SQLITE | {"revision": "a1", "env": [{"name": "USE_POSTGRES", "value": "false"}]},
        tables={"exclude": ["cache_*", "users.avatar"]},
        columns=[{"column": "users.created_at", "as": "Milliseconds"}],
        onBadRow="Quarantine",
        orphans="SetNull",
        verify="Counts",
        passes="Two",
        cutover={"workload": {"kind": "StatefulSet", "name": "users-on-sqlite"}},
        deadline="90m",
        jobTemplate={"spec": {"template": {"spec": {"nodeSelector": {"disk": "fast"}}}}},
        ttlSecondsAfterFinished=600,
    ),
}
REFUSED = {
    "two passes, and nobody is stopped": (
        an_import(passes="Two"),
        "spec.cutover",
        "name in spec.cutover.workload who is to be stopped for the second pass",
    ),
    "an import with a long name": (an_import(named="a" * 46), "metadata.name", LONG_NAME),
    "an import of an absolute path": (sqlite(path="/data/app.db"), "spec.from.sqlite.path", FROM_THE_TOP),
    "an import from above the volume": (sqlite(path="data/../../etc/app.db"), "spec.from.sqlite.path", FROM_THE_TOP),
    "an import from no claim": (
        sqlite(volume={"persistentVolumeClaim": {"claimName": "Data"}}),
        "spec.from.sqlite.volume.persistentVolumeClaim.claimName",
        PATTERN,
    ),
    "an import into no migration": (an_import(migrationRef={"name": "a b"}), "spec.migrationRef.name", PATTERN),
    "a variable with an equals sign": (sqlite(env=[{"name": "A=b"}]), "spec.from.sqlite.env[0].name", PATTERN),
    "a column without its table": (
        an_import(columns=[{"column": "users at", "as": "Seconds"}]),
        "spec.columns[0].column",
        PATTERN,
    ),
    "a column as nothing known": (
        an_import(columns=[{"column": "users.at", "as": "Days"}]),
        "spec.columns[0].as",
        CHOICE,
    ),
    **{
        f"an import with another {field}": (an_import() | {"spec": SPEC | {field: "Other"}}, f"spec.{field}", CHOICE)
        for field in ("onBadRow", "orphans", "verify", "passes")
    },
    "an import that stops a pod": (
        an_import(cutover={"workload": {"kind": "Pod", "name": "users"}}),
        "spec.cutover.workload.kind",
        CHOICE,
    ),
    "an import that stops nobody": (
        an_import(cutover={"workload": {"kind": "Deployment", "name": "a b"}}),
        "spec.cutover.workload.name",
        PATTERN,
    ),
    "an import without time": (an_import(deadline="0s"), "spec.deadline", DEADLINE),
    "an import with a deadline that is none": (an_import(deadline="soon"), "spec.deadline", PATTERN),
}
