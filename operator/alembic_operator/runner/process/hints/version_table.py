"""Hints for what fails when Alembic itself writes, or reads, its version table: nothing is wrong with the revision."""

from __future__ import annotations

from alembic_operator.api.reasons import Reason
from alembic_operator.runner.process.hints.line import AGAIN, REVISION, Line

_WRITES = (
    r"\[SQL: (?:INSERT INTO \S+ \(version_num\)|UPDATE \S+ SET version_num=|DELETE FROM \S+ WHERE \S*version_num = )"
)
"""What Alembic records a revision with, as SQLAlchemy quotes it behind the server's words."""
_INNOCENT = "Nothing is wrong with the revision."

LINES = {
    "the name of the revision is too long": Line(
        "The revision's name does not fit into version_num: take a shorter one, or widen that column in env.py or in a"
        " revision before.",
        REVISION,
        ("22001",),
        r"version_num",
    ),
    "the version table is a view": Line(
        "A view that cannot be written stands where Alembic's version table should be: remove or rename it, or let"
        f" version_table in env.py name a table. {_INNOCENT}{AGAIN}",
        REVISION,
        ("55000",),
        _WRITES,
    ),
    "the version table refuses": Line(
        "A trigger, a rule or a constraint of the version table refuses what Alembic writes there: take it away (\\d"
        f" shows it). {_INNOCENT}{AGAIN}",
        REVISION,
        words=_WRITES,
    ),
    "the version table drops what is written": Line(
        "A trigger, a rule or row-level security of the version table drops what Alembic writes there (\\d shows"
        f" them), or somebody changed its row meanwhile. {_INNOCENT}{AGAIN}",
        REVISION,
        words=r"Online migration expected to match",
    ),
    "the version table is another table": Line(
        "The table of that name has no column version_num: it is not Alembic's. Let version_table in env.py name"
        f" another one, or rename this one or its column.{AGAIN}",
        (Reason.VERSION_TABLE_DAMAGED,),
        ("42703",),
    ),
}
