"""How single values are written, and which are refused and why."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as any_of

from alembic_operator.importing.facts.unfit import Unfit, UnfitError
from alembic_operator.importing.mapping import arrays, json_values, moments, values
from alembic_operator.importing.mapping.values import Convert, Stored

INTEGER = values.integer(-(2**31), 2**31 - 1)
MONEY = values.numeric(10, 2)
WORDS = r'{a,NULL,"NULL","","b c","\"","Ω,"}'

WRITTEN: list[tuple[Convert, str, Stored, str]] = [
    (INTEGER, "integer", 7, "7"),
    (INTEGER, "real", 7.0, "7"),
    (INTEGER, "text", b"-7", "-7"),
    (values.boolean, "integer", 1, "t"),
    (values.boolean, "text", b"f", "f"),
    (values.boolean, "text", b"TRUE", "t"),
    (values.double, "real", 0.1, "0.1"),
    (values.double, "real", 1.0, "1"),
    (values.double, "real", 1e15, "1e+15"),
    (values.double, "real", -1234567890123456.0, "-1.234567890123456e+15"),
    (values.double, "real", 1564840210854434.5, "1.5648402108544345e+15"),
    (values.double, "real", float("inf"), "Infinity"),
    (values.double, "integer", 3, "3"),
    (values.single, "real", 0.5, "0.5"),
    (MONEY, "real", 19.99, "19.99"),
    (MONEY, "real", 0.1 + 0.2, "0.30"),  # as the application reads it
    (MONEY, "integer", 5, "5.00"),
    (MONEY, "text", b"-0.00", "0.00"),
    (values.numeric(None, 0), "real", 1e20, "100000000000000000000"),
    (values.numeric(None, 0), "text", b"1.500", "1.5"),
    (values.numeric(None, 0), "text", b"0e999999999", "0"),
    (values.numeric(78, 0), "text", b"9" * 78, "9" * 78),
    (values.numeric(40, 10), "text", b"123456789012345678901234567890.5", "123456789012345678901234567890.5000000000"),
    (values.numeric(3, -2), "integer", 12300, "12300"),
    (values.text(5), "text", "Ωμέγα".encode(), "Ωμέγα"),
    (values.text(None), "integer", 42, "42"),
    (values.text(None, "text"), "blob", b"abc", "abc"),
    (values.text(None, "hex"), "blob", b"\xff\x00", "ff00"),
    (values.padded(3), "text", b"ab  ", "ab"),
    (values.binary(), "blob", b"\xff", "\\xff"),
    (values.binary("bytes"), "text", b"ab", "\\x6162"),
    (values.identifier, "text", b"0123456789ABCDEF0123456789abcdef", "01234567-89ab-cdef-0123-456789abcdef"),
    (values.identifier, "blob", bytes(16), "00000000-0000-0000-0000-000000000000"),
    (values.label(("new", "old")), "text", b"old", "old"),
    (moments.timestamp(), "text", b"2024-02-29 12:00:00.000001", "2024-02-29 12:00:00.000001"),
    (moments.timestamp(), "text", b"2024-02-29T12:00:00Z", "2024-02-29 12:00:00"),
    (moments.timestamp("milliseconds"), "integer", 1_700_000_000_123, "2023-11-14 22:13:20.123"),
    (moments.timestamp("seconds"), "real", 0.5, "1970-01-01 00:00:00.5"),
    (moments.instant(), "text", b"2024-01-01 01:00:00+02:00", "2023-12-31 23:00:00+00"),
    (moments.instant(), "text", b"2024-01-01", "2024-01-01 00:00:00+00"),
    (moments.day(), "text", b"2024-02-29 00:00:00.000000", "2024-02-29"),
    (moments.clock, "text", b"23:59:59", "23:59:59"),
    (moments.timestamp(), "text", b"2024-02-29 12:00:00.123456000", "2024-02-29 12:00:00.123456"),
    (moments.within(0, moments.instant()), "text", b"2024-02-29 12:00:00.000", "2024-02-29 12:00:00+00"),
    (moments.within(1, moments.interval()), "text", b"1970-01-01 00:00:01.5", "1.500000"),
    (moments.interval(), "text", b"1970-01-02 00:00:00.500000", "86400.500000"),
    (moments.interval(), "text", b"1969-12-31 23:59:59.500000", "-0.500000"),
    (json_values.as_written, "text", b'{"b": 1.10, "a": "\\u0000"}', '{"b": 1.10, "a": "\\u0000"}'),
    (json_values.as_written, "integer", 5, "5"),
    (arrays.listed(values.text(9)), "text", '["a", null, "NULL", "", "b c", "\\"", "Ω,"]'.encode(), WORDS),
    (arrays.listed(values.double), "text", b"[1, 1.5, -0.0]", "{1,1.5,-0}"),
    (arrays.listed(values.boolean), "text", b" [true, 0]", "{t,f}"),
    (arrays.listed(INTEGER), "text", b"[]", "{}"),
    (json_values.as_written, "text", b"[" * 3000 + b"]" * 3000, "[" * 3000 + "]" * 3000),
    (json_values.normal, "text", b"[-0e999999999, 0e-2, 1e-3]", "[0, 0.00, 0.001]"),
    (json_values.normal, "text", b'{"bb":1.10,"a":[1e2,-0,null],"a":"\\u00e9"}', '{"a": "é", "bb": 1.10}'),
]


@pytest.mark.parametrize(("convert", "storage", "stored", "written"), WRITTEN)
def test_a_value_is_written_as_postgresql_prints_it(
    convert: Convert, storage: str, stored: Stored, written: str
) -> None:
    assert convert(storage, stored) == written


REFUSED: list[tuple[Convert, str, Stored, Unfit]] = [
    (INTEGER, "integer", 2**31, Unfit.RANGE),
    (INTEGER, "real", 1.5, Unfit.TYPE),
    (INTEGER, "text", b"", Unfit.EMPTY),
    (INTEGER, "text", b"007", Unfit.TYPE),
    (INTEGER, "blob", b"7", Unfit.TYPE),
    (values.boolean, "integer", 2, Unfit.TYPE),
    (values.boolean, "text", b"", Unfit.EMPTY),
    (values.double, "integer", 2**53 + 1, Unfit.PRECISION),
    (values.double, "text", b"1.5", Unfit.TYPE),
    (values.single, "real", 0.1, Unfit.PRECISION),
    (values.single, "real", 1e300, Unfit.RANGE),
    (MONEY, "real", 0.125, Unfit.PRECISION),
    (MONEY, "integer", 10**8, Unfit.RANGE),
    (MONEY, "text", b"many", Unfit.TYPE),
    (MONEY, "text", b"1_000", Unfit.TYPE),
    (MONEY, "text", b" 1", Unfit.TYPE),
    (MONEY, "text", "１２".encode(), Unfit.TYPE),  # noqa: RUF001
    (MONEY, "text", b"1e999999999", Unfit.RANGE),
    (MONEY, "text", b"1e-999999999", Unfit.PRECISION),
    (values.numeric(None, 0), "text", b"1e131072", Unfit.RANGE),
    (values.numeric(None, 0), "text", b"1e-16384", Unfit.PRECISION),
    (values.numeric(5, -2), "integer", 12345, Unfit.PRECISION),
    (MONEY, "real", float("inf"), Unfit.RANGE),
    (values.text(3), "text", b"abc ", Unfit.LENGTH),  # PostgreSQL would cut the space off without a word
    (values.text(None), "text", b"a\0b", Unfit.NUL),
    (values.text(None), "text", b"\xc4\x73", Unfit.ENCODING),
    (values.text(None), "blob", b"abc", Unfit.BYTES),
    (values.text(None), "real", 1.5, Unfit.TYPE),
    (values.text(None, "text"), "blob", b"\xff", Unfit.ENCODING),
    (values.binary(), "text", b"ab", Unfit.TYPE),
    (values.identifier, "text", b"0123", Unfit.UUID),
    (values.identifier, "real", 1e31, Unfit.UUID),
    (values.label(("new",)), "text", b"old", Unfit.LABEL),
    (moments.timestamp(), "integer", 1_700_000_000_123, Unfit.EPOCH),
    (moments.timestamp(), "integer", 0, Unfit.EPOCH),
    (moments.timestamp(), "text", b"2024-02-30 00:00:00", Unfit.DATE),
    (moments.timestamp(), "text", b"0000-00-00 00:00:00", Unfit.DATE),
    (moments.timestamp(), "text", b"", Unfit.EMPTY),
    (moments.timestamp(), "text", b"2024-01-01 00:00:00+02:00", Unfit.ZONE),
    (moments.timestamp("seconds"), "integer", 1_700_000_000_123, Unfit.DATE),
    (moments.instant(), "text", b"0001-01-01 00:00:00+02:00", Unfit.DATE),
    (moments.day(), "text", b"2024-02-29 12:00:00", Unfit.PRECISION),
    (moments.timestamp(), "text", b"2024-01-01 12:00:00.1234567", Unfit.PRECISION),
    (moments.instant(), "text", b"2024-01-01 12:00:00.123456789Z", Unfit.PRECISION),
    (moments.within(3, moments.timestamp()), "text", b"2024-01-01 12:00:00.1234", Unfit.PRECISION),
    (moments.within(0, moments.interval()), "text", b"1970-01-01 00:00:01.5", Unfit.PRECISION),
    (moments.clock, "text", b"12:00:00.1234567", Unfit.PRECISION),
    (moments.clock, "text", b"25:00:00", Unfit.DATE),
    (arrays.listed(INTEGER), "text", b"[[1]]", Unfit.JSON),
    (arrays.listed(INTEGER), "text", b"{1,2}", Unfit.JSON),
    (arrays.listed(INTEGER), "text", b"[3000000000]", Unfit.RANGE),
    (arrays.listed(INTEGER), "text", b"", Unfit.EMPTY),
    (arrays.listed(INTEGER), "integer", 1, Unfit.TYPE),
    (arrays.listed(values.text(None)), "text", b'["\\ud800"]', Unfit.JSON),
    (arrays.listed(values.text(None)), "text", b'["\\u0000"]', Unfit.NUL),
    (json_values.as_written, "text", b"NaN", Unfit.JSON),
    (json_values.as_written, "text", b"{'a': 1}", Unfit.JSON),
    (json_values.as_written, "blob", b"{}", Unfit.BYTES),
    (json_values.normal, "text", b'"\\u0000"', Unfit.JSON),
    (json_values.normal, "text", b'{"\\ud800": 1}', Unfit.JSON),
    (json_values.normal, "text", b"[" * 3000 + b"]" * 3000, Unfit.JSON),
    (json_values.normal, "text", b"1e131072", Unfit.JSON),
    (json_values.normal, "text", b"1e-16384", Unfit.JSON),
]


@pytest.mark.parametrize(("convert", "storage", "stored", "unfit"), REFUSED)
def test_a_value_that_would_be_changed_or_refused_is_told_by_its_class(
    convert: Convert, storage: str, stored: Stored, unfit: Unfit
) -> None:
    with pytest.raises(UnfitError) as refused:
        convert(storage, stored)
    assert refused.value.unfit == unfit


@given(any_of.floats(allow_nan=False))
def test_a_double_is_read_back_as_the_same_number(number: float) -> None:
    assert struct.pack("d", float(values.double("real", number))) == struct.pack("d", number)
