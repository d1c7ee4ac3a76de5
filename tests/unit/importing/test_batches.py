"""Many values at once are written as each of them alone, or not at all."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as any_of

from alembic_operator.importing.facts.shapes import Column
from alembic_operator.importing.facts.unfit import Unfit, UnfitError
from alembic_operator.importing.mapping import batches
from alembic_operator.importing.mapping.fields import field

POSTGRESQL_REFUSES = {Unfit.DATE, Unfit.UUID, Unfit.JSON, Unfit.EMPTY}
MONEY = (10 << 16 | 2) + 4
COLUMNS = [
    *(Column("c", name, name) for name in ("bool", "int2", "int4", "int8", "float8", "numeric", "text", "bytea")),
    *(Column("c", name, name) for name in ("uuid", "json", "date", "time", "timestamp", "timestamptz")),
    Column("c", "numeric", "numeric(10,2)", MONEY),
    Column("c", "varchar", "varchar(3)", 7),
    Column("c", "bpchar", "char(3)", 7),
    Column("c", "enum", "mood", labels=("good", "b\\d")),
]
NUMBERS = any_of.integers(-(2**63), 2**63 - 1) | any_of.integers(-2, 2) | any_of.floats(allow_nan=False)
CENTS = any_of.integers(-(10**10), 10**10).map(lambda cents: cents / 100)
WORDS = any_of.text(any_of.characters(exclude_categories=["Cs"]) | any_of.sampled_from("\\\n\t\r\0 "), max_size=4)
TIMES = any_of.datetimes().map(str) | any_of.dates().map(str) | any_of.times().map(str)
KEYS = any_of.uuids().map(str) | any_of.uuids().map(lambda one: one.hex.upper())
LABELS = any_of.sampled_from(["good", "b\\d"])
DAY = "2024-02-29"
ALL = (NUMBERS, CENTS, WORDS, TIMES, KEYS, LABELS, any_of.binary(max_size=3), any_of.just(-0.0), any_of.none())


@given(
    column=any_of.sampled_from(COLUMNS),
    values=any_of.one_of(*(any_of.lists(one, min_size=1, max_size=4) for one in (*ALL, any_of.one_of(*ALL)))),
)
def test_many_values_are_written_as_each_alone(column: Column, values: list[int | float | str | bytes | None]) -> None:
    one = field(column)
    assert one
    some = [value for value in values if value is not None]
    written = one.batch(some) if some else None
    if written is None:
        return
    assert len(written) == len(some)
    for value, said in zip(some, written, strict=True):
        try:
            assert [said] == list(replace(one, batch=batches.never).written([value]))
        except UnfitError as error:
            assert error.unfit in POSTGRESQL_REFUSES  # noqa: PT017  it prints the rest in its own way


@pytest.mark.parametrize(
    ("type_", "values", "said"),
    [
        ("text", ["a", None, "\\N\n\t\r\b\v\f"], ["a", "\\N", "\\\\N\\n\\t\\r\\b\\v\\f"]),
        ("float8", [1.0, 10.05, -0.0, 1e15, 1e-05], ["1", "10.05", "-0", "1e+15", "1e-05"]),
        (
            "timestamp",
            ["2024-02-29 00:00:00", "2024-02-29 10:00:00.500000"],
            ["2024-02-29 00:00:00", "2024-02-29 10:00:00.5"],
        ),
        ("time", ["10:00:00.000000", None], ["10:00:00", "\\N"]),
        ("int4", [None, None], ["\\N", "\\N"]),
        ("int4", [1, "7", 3.0], ["1", "7", "3"]),
    ],
)
def test_null_has_its_own_word_and_what_is_not_usual_does_not_spoil_the_rest(
    type_: str, values: list[int | float | str | bytes | None], said: list[str]
) -> None:
    one = field(Column("c", type_, type_))
    assert one
    assert list(one.written(values)) == said
