"""Hints for statements that the server refuses: transactions, rows, types."""

from __future__ import annotations

from alembic_operator.runner.process.hints.line import CODE, REVISION, Line

_BLOCK = "`with op.get_context().autocommit_block():`"

LINES = {
    "the transaction has begun": Line(
        "The transaction has begun before: set its isolation level in env.py, isolation_level of create_engine().",
        REVISION,
        ("25001",),
        r"must (?:be called before|not be called in)",
    ),
    "outside of a transaction": Line(
        f"It cannot run in a transaction. Write {_BLOCK} around it, for example around op.create_index(...,"
        " postgresql_concurrently=True); plain SQL needs an op.execute() of its own.",
        REVISION,
        ("25001",),
    ),
    "a new value of an enum": Line(
        f"A new value of an enum can be used only after it is committed. Write {_BLOCK} around the ALTER TYPE, or use"
        " the value in a revision of its own.",
        REVISION,
        ("55P04",),
    ),
    "after an error that the script caught": Line(
        "An earlier statement failed, and the script went on. Write `with op.get_bind().begin_nested():` around what"
        " may fail, or IF EXISTS into it.",
        CODE,
        ("25P02",),
    ),
    "a transaction that the script ended": Line(
        f"The script or env.py ended the transaction by itself, by COMMIT or ROLLBACK: write {_BLOCK} instead.",
        CODE,
        words=r"Can't operate on closed transaction",
    ),
    "rows wait for their triggers": Line(
        "Changed rows wait for deferred constraints: execute SET CONSTRAINTS ALL IMMEDIATE before it, or change rows"
        " and table in two revisions.",
        REVISION,
        ("55006",),
        r"pending trigger events",
    ),
    "a result that is still read": Line(
        "A result of this revision is still being read: fetch all of it, for example with .all(), before the table is"
        " changed.",
        REVISION,
        ("55006",),
        r"in this session",
    ),
    "other objects need it": Line(
        "Other objects need it; the log names them. Drop them before, in the revision, and make them again after.",
        REVISION,
        ("2BP01",),
    ),
    "other objects need the column's type": Line(
        "A view, a trigger, a policy or a generated column uses it. Drop that before, in the revision, and make it"
        " again after.",
        REVISION,
        words=r"cannot alter type of a column used|cannot alter type of a column .* is used",
    ),
    "a view changes its columns": Line(
        "CREATE OR REPLACE VIEW only adds columns at the end: drop the view before.",
        REVISION,
        ("42P16",),
        r"of view|from view|view column",
    ),
    "a column gets NOT NULL over rows": Line(
        "Rows have no value for it: give them one in the revision first (UPDATE, or a server_default).",
        REVISION,
        ("23502",),
        r"contains null values",
    ),
    "rows break the new constraint": Line(
        "Rows break what the revision wants to enforce: correct them, in the database or in the revision before this"
        " step.",
        REVISION,
        words=r"could not create unique index|could not create exclusion constraint"
        r'|check constraint "[^"]*" .* is violated by some row',
    ),
    "rows have no parent": Line(
        "A row refers to another one that is not there: correct the rows, in the database or in the revision before"
        " it.",
        REVISION,
        ("23503",),
        r"insert or update on table",
    ),
    "rows that others refer to": Line(
        "Rows of the other table refer to them: delete or correct these before.",
        REVISION,
        ("23503",),
    ),
    "a value that an enum lacks": Line(
        "The enum has no such value, spelled like this: add it in a revision before (ALTER TYPE ... ADD VALUE)."
        " sa.Enum() of a Python class stores the names of its members, not their values.",
        REVISION,
        ("22P02",),
        r"invalid input value for enum",
    ),
    "a type that is not cast": Line(
        'PostgreSQL does not convert it by itself: give op.alter_column() postgresql_using="COLUMN::TYPE", and drop a'
        " default of the column before.",
        REVISION,
        ("42804",),
        r"cannot be cast automatically",
    ),
    "several statements at once": Line(
        "The driver sends one statement at a time here: give each an op.execute() of its own.",
        REVISION,
        ("42601",),
        r"multiple commands into a prepared statement",
    ),
    "somebody cancelled it": Line(
        "Somebody cancelled the statement (pg_cancel_backend): ask who and why.", REVISION, ("57014",)
    ),
}
