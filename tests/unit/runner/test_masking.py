"""What is kept out of the log."""

from __future__ import annotations

import base64
import json
import shlex
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

import pytest

from alembic_operator.runner.process.journal import Journal
from alembic_operator.runner.process.masking import Secrets, configured, statement, without_values

if TYPE_CHECKING:
    from pathlib import Path

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
        json.dumps(SECRET, ensure_ascii=False)[1:-1],
        quote(SECRET, safe=" +"),
        SECRET.replace("@", "%40").replace("/", "%2F").replace(":", "%3A"),
        SECRET.replace("\\", "\\\\").replace("'", "\\'"),
        SECRET.replace("%", "%%"),
        SECRET.replace("'", "''"),
        json.dumps(repr(SECRET)[1:-1])[1:-1],
        shlex.quote(SECRET)[1:-1],
        base64.b64encode(SECRET.encode()).decode(),
    ],
)
def test_a_secret_is_masked_in_every_form(form: str) -> None:
    secrets = Secrets(SECRET)
    assert secrets.mask(f"postgresql://owner:{form}@db/shop") == "postgresql://owner:***@db/shop"


def test_an_encoded_secret_is_masked_when_it_is_decoded() -> None:
    assert Secrets("a%40b").mask("a@b a%40b") == "*** ***"


def test_a_longer_secret_is_masked_before_one_that_begins_it() -> None:
    assert Secrets("abc", "abcdef").mask("abcdef abc") == "*** ***"


def test_a_secret_that_ends_with_a_line_is_masked_without_it_too() -> None:
    assert Secrets("hidden\n").mask("hidden 'hidden\\n' hidden\n") == "*** '***' ***"


def test_a_part_of_a_secret_is_a_word_like_any_other() -> None:
    assert Secrets("hidden").mask("idde hidde idden hidden") == "idde hidde idden ***"


def test_a_very_short_secret_is_masked_as_a_word_and_mangles_no_others() -> None:
    assert (
        Secrets("x").mask("max_connections of x, postgresql://x:x@db")
        == "max_connections of ***, postgresql://***:***@db"
    )


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("cannot parse 'postgresql://shop:hidden@db/shop'", "cannot parse 'postgresql://shop:***@db/shop'"),
        ("postgresql://shop:hid@den/x@db/shop", "postgresql://shop:***@db/shop"),
        ("host=db password=hidden user=shop", "host=db password=*** user=shop"),
        ("host=db password='hid den' user=shop", "host=db password=*** user=shop"),
        ("postgresql:///shop?host=db&password=hidden&user=x", "postgresql:///shop?host=db&password=***&user=x"),
        ("{'user': 'x', 'password': 'hidden'}", "{'user': 'x', 'password': '***'}"),
        ("ALTER ROLE shop PASSWORD 'hid''den' VALID", "ALTER ROLE shop PASSWORD '***' VALID"),
        ('{"url":"http://db:8080","mail":"a@b"}', '{"url":"http://db:8080","mail":"a@b"}'),
        ("http://db:8080/a@b, password authentication failed", "http://db:8080/a@b, password authentication failed"),
    ],
)
def test_a_password_that_nobody_knew_is_masked_by_where_it_stands(text: str, masked: str) -> None:
    assert Secrets().mask(text) == masked


@pytest.mark.parametrize(
    "text", ["://a:b", "password=", "'password':'", "password '", "token_", "password: a ", "password = '"]
)
def test_a_text_that_is_almost_a_password_all_along_does_not_take_long(text: str) -> None:
    assert Secrets("hidden").mask(text * 5_000)


def test_without_secrets_nothing_changes() -> None:
    secrets = Secrets("")
    for none in (None, 7, ""):
        secrets.learn(none)
    assert secrets.mask("None 7 text") == "None 7 text"


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
        ("-- it's\nalter role x password 'hidden' -- 'hidden'", "alter role x password ?"),
        ("/* it's */ insert into \"it's\" values ('hidden')", 'insert into "it\'s" values (?)'),
        ("insert into t values ('C:\\', 'hidden')", "insert into t values (?, ?)"),
        ("insert into t values ('never ends", "insert into t values (?"),
    ],
)
def test_literals_of_a_statement_are_masked(sql: str, masked: str) -> None:
    assert statement(sql) == masked


def test_a_long_statement_is_cut() -> None:
    assert len(statement("select " + "a, " * 1000)) < 410
    assert statement("a" * 401) == "a" * 400 + "..."
    assert statement("a" * 400) == "a" * 400


@pytest.mark.parametrize(
    "line",
    [
        "ungültige Eingabesyntax für Typ integer: »hidden«",
        "syntaxe en entrée invalide pour le type integer : « hidden »",
        'invalid input syntax for type integer: "hidden"',
    ],
)
def test_a_value_that_was_not_understood_is_masked_in_whatever_language(line: str) -> None:
    assert "hidden" not in without_values(line, "22P02")


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("'%' must be followed by '%' or '(', found: '%40hush%2Fhush@db/shop'", "found: '***@db/shop'"),
        ("bad interpolation variable reference '%(hush/hush@db'", "'%(***@db'"),
        ("invalid literal for int() with base 10: 'hush'", "base 10: '***'"),
        ('could not translate host name "hush@db" to address', 'host name "***@db" to address'),
        ('invalid port number: "vErY"', 'invalid port number: "***"'),
        ("[type=url, input_value='postgresql+psy...y%40hush%2Fhush@db/shop']", "input_value='***@db/shop']"),
        ("input_value='postgresql://app:vErY%40hus...'", "input_value='postgresql://app:***...'"),
        ("No closing quotation in ErY@hush/", "No closing quotation in ***"),
        ('missing "=" after "Y@hush/hush" in connection info string', 'after "***" in connection info string'),
    ],
)
def test_a_part_of_a_secret_is_masked_in_the_words_of_an_error(text: str, masked: str) -> None:
    found = Secrets("vErY%40hush%2Fhush").mask_error(text)
    assert found.endswith(masked)
    assert "hus" not in found


def test_the_end_of_a_url_that_nobody_knew_is_masked_too() -> None:
    assert Secrets().mask_error("found: '%40hush@db:5432/shop'") == "found: '***@db:5432/shop'"
    assert (
        Secrets().mask_error("mail of 'a' to b@db/shop, as psycopg says") == "mail of 'a' to b@db/shop, as psycopg says"
    )


@pytest.mark.parametrize("secret", ["postgres", "alembic", "Password", "postgresql-admin-user", "localhost1"])
def test_a_secret_of_common_words_hides_no_hint_and_still_no_url(secret: str) -> None:
    text = 'run `alembic heads`; database "postgres" on localhost:5432; postgresql+psycopg2://x; password of the user'
    assert Secrets(secret).mask_error(text) == text
    assert Secrets(secret).mask_error(f"postgresql://x:{secret}@db/shop password={secret}") in (
        "postgresql://x:***@db/shop password=***",
        f"postgresql://x:{secret}@db/shop password=***",  # "password" itself: nothing is said by it
    )


def test_a_secret_of_a_few_letters_is_no_part_of_a_longer_word() -> None:
    assert Secrets("share").mask("shared shareholders share share_of") == "shared shareholders *** share_of"


def test_long_texts_of_errors_are_masked_in_little_time() -> None:
    text = "a line of an error log with very and so on\n" * 20_000
    assert Secrets("vErY%40hush%2Fhush").mask_error(text) == text


def test_the_passwords_of_a_configuration_are_known_before_anybody_reads_it(tmp_path: Path) -> None:
    ini = tmp_path / "alembic.ini"
    ini.write_text("[alembic]\nsqlalchemy.url = postgresql://app:hush%%40hush@db/shop\ndb_password = 'other-one'\n")
    assert configured(str(ini)) == {"hush%%40hush", "hush%40hush", "other-one"}
    assert configured(str(tmp_path / "none.ini")) == set()


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("host:5432/?Action=connect&X-Amz-Signature=0af1b2&x=y", "host:5432/?Action=connect&X-Amz-Signature=***&x=y"),
        ('  password: "hid%den', "  password: ***"),
        ("rest@db:5432/shop: refused", "***@db:5432/shop: refused"),
    ],
)
def test_an_error_that_quotes_settings_or_a_signed_address_shows_no_secret(text: str, masked: str) -> None:
    assert Secrets().mask_error(text) == masked


@pytest.mark.parametrize(
    ("line", "masked"),
    [
        ('    password = "hush-1', '    password = "***'),
        ("    os.environ['PGPASSWORD'] = 'hush-1", "    os.environ['PGPASSWORD'] = '***"),
        ('    SECRET_KEY: str | None = f"hush-1', '    SECRET_KEY: str | None = f"***'),
        ('    TOKEN = """hush-1 ', '    TOKEN = """***'),
        ('    connect(host="db", password="hush-1, user="me")', '    connect(host="db", password=***me")'),
        ('    connect("host=db password=\'hush-1 user=me")', "    connect(\"host=db password='***"),
        ('    DB_PASSWORD = "hush\\"-1" + 1', '    DB_PASSWORD = "***" + 1'),
        ("""    {"api_key": 'hush-1', "retries": 3 + '2'}""", """    {"api_key": '***', "retries": 3 + '2'}"""),
        ('    op.execute("ALTER ROLE x PASSWORD \'hush-1 ")', "    op.execute(\"ALTER ROLE x PASSWORD '***'"),
        ("    passed, tokens = 'a', 'b", "    passed, tokens = 'a', 'b"),
        ('    password = os.environ["DB_PASSWORD"', '    password = os.environ["DB_PASSWORD"'),
    ],
)
def test_a_line_of_a_source_in_a_traceback_shows_no_secret_although_its_quote_may_never_end(
    line: str, masked: str
) -> None:
    assert Secrets().mask_error(f"{line}\n    ^^^\nSyntaxError: wrong") == f"{masked}\n    ^^^\nSyntaxError: wrong"


@pytest.mark.parametrize(
    ("line", "masked"),
    [
        ("""unterminated quoted string at or near "'hush""", """unterminated quoted string at or near "?"""),
        ("""syntax error at or near "E'hush'\"""", 'syntax error at or near "?"'),
        ("Fehler bei »'hush'«", "Fehler bei »?«"),
        ("erreur de syntaxe sur ou près de « $a$hush »", "erreur de syntaxe sur ou près de «? »"),
        ('syntax error at or near "FORM"', 'syntax error at or near "FORM"'),
    ],
)
def test_a_statement_that_cannot_be_read_shows_none_of_its_texts(line: str, masked: str) -> None:
    assert without_values(line, "42601") == masked


@pytest.mark.parametrize("common", ["a", "new", "12"])
def test_a_password_that_is_a_common_word_mangles_no_hint(common: str) -> None:
    assert Secrets(common).mask(f"deploy {common} image") == f"deploy {common} image"
