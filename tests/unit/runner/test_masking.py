"""What is kept out of the log."""

from __future__ import annotations

import json
from urllib.parse import quote, quote_plus

import pytest

from alembic_operator.runner.process.journal import Journal
from alembic_operator.runner.process.masking import Secrets, statement

SECRET = "p@ss/w:rd%20 'q\"é\\+"


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        quote(SECRET),
        quote(SECRET, safe=""),
        quote(SECRET, safe="").lower(),
        quote_plus(SECRET),
        repr(SECRET)[1:-1],
        ascii(SECRET)[1:-1],
        json.dumps(SECRET)[1:-1],
        SECRET.replace("%", "%%"),
    ],
)
def test_a_secret_is_masked_in_every_form(form: str) -> None:
    secrets = Secrets(SECRET)
    assert secrets.mask(f"postgresql://owner:{form}@db/shop") == "postgresql://owner:***@db/shop"


def test_an_encoded_secret_is_masked_when_it_is_decoded() -> None:
    assert Secrets("a%40b").mask("a@b a%40b") == "*** ***"


def test_a_longer_secret_is_masked_before_one_that_begins_it() -> None:
    assert Secrets("abc", "abcdef").mask("abcdef abc") == "*** ***"


def test_without_secrets_nothing_changes() -> None:
    assert Secrets("").mask("text") == "text"


def test_a_line_of_the_journal_stays_json_when_a_secret_is_masked() -> None:
    lines: list[str] = []
    Journal(lines.append, Secrets("event", '"')).info("connected", url='x"event"y', heads=("event",), ms=3)
    (line,) = lines
    fields = json.loads(line)
    assert (fields["event"], fields["url"], fields["heads"], fields["ms"]) == (
        "connected",
        "x******\x2a\x2a\x2ay",
        ["***"],
        3,
    )
    assert fields["time"].endswith("Z")


@pytest.mark.parametrize(
    ("sql", "masked"),
    [
        ("insert into t values ('alice', 42, 1.5)", "insert into t values (?, ?, ?)"),
        ("update t set a = 'it''s', b = E'\\'x'", "update t set a = ?, b = ?"),
        ("do $$ begin secret end $$", "do ?"),
        ("select $body$ a $$ b $body$ from t", "select ? from t"),
        ("select * from t1 where a = $1 and b2 = %(b_1)s", "select * from t1 where a = $1 and b2 = %(b_1)s"),
        ("select\n  1,\n\t2", "select ?, ?"),
        ("insert into t values ('never ends", "insert into t values (?"),
    ],
)
def test_literals_of_a_statement_are_masked(sql: str, masked: str) -> None:
    assert statement(sql) == masked


def test_a_long_statement_is_cut() -> None:
    assert len(statement("select " + "a, " * 1000)) < 410
