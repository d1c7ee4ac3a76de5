"""Hints for objects that exist already, or do not."""

from __future__ import annotations

from alembic_operator.api.reasons import Reason
from alembic_operator.runner.process.hints.line import AGAIN, REVISION, UNDOING, Line

_EXISTS = ("42P07", "42701", "42710", "42P06", "42723")
_SCHEMAS = (Reason.REVISION_FAILED, Reason.ENV_FAILED)

LINES = {
    "a column named twice": Line(
        "The statement names the column twice, or as PostgreSQL names its own: correct the revision and deploy a new"
        " image.",
        REVISION,
        ("42701",),
        r"specified more than once|conflicts with a system column",
    ),
    "the type of an enum exists": Line(
        "An earlier table made the type, or a downgrade() left it. Use it as it is:"
        " postgresql.ENUM(..., create_type=False); sa.Enum() ignores create_type.",
        REVISION,
        ("42710",),
        r'\btype "[^"]*" already exists',
    ),
    "a role exists": Line(
        "Roles belong to the whole server, not to this database: create it only where it is missing, or outside of the"
        " revisions.",
        REVISION,
        ("42710",),
        r'\brole "[^"]*" already exists',
    ),
    "an extension or a schema exists": Line(
        "Somebody made it before: write CREATE ... IF NOT EXISTS, and deploy a new image.",
        REVISION,
        ("42710", "42P06"),
        r'\b(?:extension|schema) "[^"]*" already exists',
    ),
    "a downgrade() that finds something else": Line(
        "The database is not as downgrade() expects it: correct that in a new image (DROP ... IF EXISTS), or choose a"
        " target above it; the database stays at this revision.",
        REVISION,
        (*_EXISTS, "42704", "42P01", "42703"),
        place=UNDOING,
    ),
    "it exists": Line(
        "Somebody else made it (create_all() at the start of the application, a change by hand), or a revision was"
        f" applied in part. Remove it; or, where all that the revision makes is there, stamp the database with"
        f" it.{AGAIN}",
        REVISION,
        _EXISTS,
    ),
    "a constraint or an index of another name": Line(
        "It has another name here, or is gone already (a change by hand, a revision that was applied in part). Look"
        " (\\d TABLE): PostgreSQL names what a revision does not. Then correct the revision; DROP ... IF EXISTS fits"
        " both.",
        REVISION,
        ("42704",),
        r'\b(?:constraint|index) "[^"]*".* does not exist',
    ),
    "a role does not exist": Line(
        f"Roles belong to the server and come with no database: create it there, or only grant where it exists.{AGAIN}",
        REVISION,
        ("42704",),
        r'\brole "[^"]*" does not exist',
    ),
    "a setting that the server does not know": Line(
        "This server does not know the setting: it is of another version of PostgreSQL, or of an extension that is not"
        " loaded.",
        REVISION,
        ("42704",),
        r"unrecognized configuration parameter",
    ),
    "a type that the index cannot hold": Line(
        "This kind of index does not fit the type: take jsonb in place of json, or name an operator class"
        " (postgresql_ops).",
        REVISION,
        ("42704",),
        r"has no default operator class",
    ),
    "a schema does not exist": Line(
        "Create the schema in a revision before (CREATE SCHEMA IF NOT EXISTS), or correct its name: in the revision,"
        " spec.database.schema or the search path.",
        _SCHEMAS,
        ("3F000",),
    ),
    "a table or a column does not exist": Line(
        "It is not there, or its schema is not on the search path. What the application makes itself (create_all()) a"
        " revision cannot count on; a database stamped too far ahead lacks it, too.",
        REVISION,
        ("42P01", "42703"),
    ),
    "it does not exist": Line(
        "It was never made here, a change by hand removed it, or a revision that was applied in part did.",
        REVISION,
        ("42704",),
    ),
}
