"""The resource DatabaseImport, version v1alpha1: it runs once."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from alembic_operator.api.meta import (
    Condition,
    Deadline,
    LocalReference,
    Message,
    Model,
    Name,
    Revision,
    Text,
    Timestamp,
    rule,
)

KIND = "DatabaseImport"
PLURAL = "databaseimports"
SHORT_NAME = "dbi"

_LISTS: JsonDict = {"x-kubernetes-list-type": "atomic"}

Column = Annotated[str, Field(min_length=3, max_length=253, pattern=r"^[^.=\s]+\.[^=\s]+$")]
Pattern = Annotated[
    str, Field(min_length=1, max_length=253, description="A table, or `table.column`; `*` is any text.")
]
File = Annotated[
    str,
    Field(
        min_length=1,
        max_length=1024,
        json_schema_extra={
            "x-kubernetes-validations": [
                rule(
                    "!self.startsWith('/') && !self.split('/').exists(part, part == '..')",
                    "write the way to the file from the top of the volume, without a slash before it and without ..",
                )
            ]
        },
    ),
]


class Claim(Model):
    """A PersistentVolumeClaim of the namespace."""

    claim_name: Name
    """Its name."""


class Volume(Model):
    """Where the file lies."""

    persistent_volume_claim: Claim
    """The claim that the application has kept its file on. It is mounted read-only."""


class Variable(Model):
    """One variable of an environment."""

    name: Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[^=\s]+$")]
    """Its name."""
    value: Annotated[str, Field(max_length=4096)] = ""
    """Its value. Visible to whoever can read the object: no secrets here."""


class Sqlite(Model):
    """A SQLite file."""

    volume: Volume
    """Where it lies."""
    path: File
    """The way to it from the top of the volume, such as `data/app.db`."""
    revision: Revision | None = None
    """The revision that its schema is at, for a file without a version table, as `create_all()` leaves it. The schemas
    are compared."""
    env: Annotated[
        tuple[Variable, ...],
        Field(
            max_length=64, json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]}
        ),
    ] = ()
    """Variables with which the application used SQLite, such as `USE_POSTGRES=false`; instead of those of the same name
    in the migration's source, while its scripts upgrade the copy."""


class From(Model):
    """Where the rows come from."""

    sqlite: Sqlite
    """A SQLite file. The import works on a copy."""


class Tables(Model):
    """Which tables are imported."""

    exclude: Annotated[tuple[Pattern, ...], Field(max_length=256, json_schema_extra=_LISTS)] = ()
    """Tables, or columns as `table.column`, that are left out."""


class Reading(Model):
    """What the values of one column are, where that cannot be seen."""

    column: Column
    """`table.column`."""
    as_: Annotated[Literal["Seconds", "Milliseconds", "Microseconds", "Text", "Hex", "Bytes"], Field(alias="as")]
    """Seconds, Milliseconds, Microseconds: numbers since 1970 in a column of times. Text, Hex: how bytes in a column of
    texts are written. Bytes: texts in a column of bytes are their bytes."""


class Stopped(Model):
    """A workload that is scaled to zero before the second pass."""

    kind: Literal["Deployment", "StatefulSet"] = "Deployment"
    """Deployment or StatefulSet."""
    name: Name
    """Its name, in the import's namespace."""


class Cutover(Model):
    """Who has to stand still for the second pass."""

    workload: Stopped
    """The application that writes to the file. The second pass starts when somebody has scaled it to zero, and no pod
    that has the claim is left."""


class ImportSpec(Model):
    """What should be imported, and into which migration's database."""

    migration_ref: LocalReference
    """The DatabaseMigration of this namespace whose database is filled, once it is Ready: its address, user, role,
    schema and revisions count. It needs spec.database, and no spec.tenants."""
    from_: Annotated[From, Field(alias="from")]
    """Where the rows come from."""
    tables: Tables = Tables()
    """Which tables are imported. Default: all."""
    columns: Annotated[
        tuple[Reading, ...],
        Field(
            max_length=256,
            json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["column"]},
        ),
    ] = ()
    """What the values of columns are, where that cannot be seen."""
    on_bad_row: Literal["Stop", "Quarantine"] = "Stop"
    """What becomes of rows that PostgreSQL cannot take as they are. Stop: nothing is imported. Quarantine: they go into
    the table `alembic_operator_rejects`, and all others are imported."""
    orphans: Literal["Stop", "SetNull", "Quarantine"] = "Stop"
    """What becomes of rows that refer to rows that are not there. SetNull: the reference becomes NULL."""
    verify: Literal["Full", "Counts"] = "Full"
    """What is compared before anything is visible. Full: checksums of all rows. Counts: numbers of rows and values, and
    sums of integers."""
    passes: Literal["One", "Two"] = "One"
    """Two: a first pass carries the file over while the application goes on; when it is stopped, a second one follows
    with what has changed since. Needs cutover."""
    cutover: Cutover | None = None
    """Who has to stand still for the second of two passes."""
    deadline: Deadline = "6h"
    """Limit of one Job, with all its pods."""
    job_template: (
        Annotated[dict[str, Any], Field(json_schema_extra={"x-kubernetes-preserve-unknown-fields": True})] | None
    ) = None
    """Merged last into the Job, as that of a DatabaseMigration. The containers are called `copy` and `upgrade`, among
    the initContainers, and `load`."""
    ttl_seconds_after_finished: Annotated[int, Field(ge=0, le=2147483647)] = 86400
    """How long a finished Job and its logs are kept, in seconds; at least 60, also in jobTemplate. The status keeps
    what came of it."""

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                rule(
                    "self.migrationRef == oldSelf.migrationRef",
                    "an import runs once, into one database: make another DatabaseImport for another migration",
                    field=".migrationRef",
                ),
                rule(
                    "self.passes != 'Two' || has(self.cutover)",
                    "name in spec.cutover.workload who is to be stopped for the second pass",
                    field=".cutover",
                ),
            ]
        }
    )


class ImportFinding(Model):
    """Something that stands in the way, or was dealt with."""

    kind: Annotated[str, Field(max_length=64)]
    """What it is, in one word."""
    table: Text
    """The table."""
    column: Annotated[str, Field(max_length=253)] | None = None
    """The column; absent when it is about the table."""
    rows: int = 0
    """How many rows; 0: it is not about rows."""
    row_ids: Annotated[
        tuple[Annotated[int, Field(description="A row id in SQLite.")], ...],
        Field(max_length=3, json_schema_extra=_LISTS),
    ] = ()
    """The first of them."""
    message: Message = ""
    """What to do."""


class ImportProgress(Model):
    """How far the load is, as its pod said when it was asked last."""

    doing: Annotated[str, Field(max_length=1024)]
    """In words."""
    table: Text | None = None
    """The table; absent while it looks at all of them."""
    rows: int = 0
    """How many of its rows were loaded, or compared."""
    total: int | None = None
    """How many rows it has; absent while unknown."""
    rows_per_second: int | None = None
    """How many in a second."""
    eta_seconds: int | None = None
    """Seconds until it is through with the table, at this pace."""
    at: Timestamp
    """When all this was so."""


class ImportStatus(Model):
    """What the operator found and did."""

    observed_generation: int = -1
    """The metadata.generation that was looked at last; -1: nobody looked yet."""
    conditions: Annotated[
        tuple[Condition, ...],
        Field(
            max_length=8, json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]}
        ),
    ] = ()
    """Ready, always; Reconciling and Stalled while they are true."""
    job: Text | None = None
    """The last Job."""
    attempt: int = 0
    """1 for the first Job of this specification; increased each time the operator makes it anew."""
    started_at: Timestamp | None = None
    """When that Job started."""
    finished_at: Timestamp | None = None
    """When it ended; absent while it runs."""
    outcome: Annotated[str, Field(max_length=64)] | None = None
    """The reason that it ended with; absent while it runs."""
    progress: ImportProgress | None = None
    """How far it is, while it loads: asked of the pod every 10 s."""
    first_pass_at: Timestamp | None = None
    """When the first of two passes was complete: the second follows when the application is stopped."""
    imported_at: Timestamp | None = None
    """When the import was complete. From then on nothing is imported again."""
    imported_generation: int | None = None
    """The metadata.generation of that time. What was changed in the specification since then does nothing."""
    sha256: Annotated[str, Field(max_length=64)] | None = None
    """Of the file, as `sha256sum` tells it, unless a write-ahead log beside it held changes."""
    tables: int | None = None
    """How many tables were imported."""
    rows: int | None = None
    """How many rows."""
    rows_per_second: int | None = None
    """How many of them in a second: scanned, loaded and verified."""
    quarantined: int | None = None
    """How many rows and values were put aside."""
    equal: bool | None = None
    """Whether both ends were compared, and equal."""
    downtime_seconds: float | None = None
    """How long the Job took, with the start of its pods, of two passes the second one's: for so long the application
    must stand still."""
    findings: Annotated[tuple[ImportFinding, ...], Field(max_length=10, json_schema_extra=_LISTS)] = ()
    """What stands in the way, or was told; the first ten."""
    findings_total: int = 0
    """How many there are."""
