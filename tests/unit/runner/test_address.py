"""Where the environment says the database is."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from alembic_operator.runner.database.address import Address, from_environment, parse

PASSWORDS = [
    "simple",
    "p@ss",
    "a:b",
    "a/b",
    "100%",
    "with space",
    "'quoted\"",
    "pässwörd",
    "p@ss/w:rd%20 'q\"é",
    "?#&=",
    "@",
    "[]",
]


@pytest.mark.parametrize("password", PASSWORDS)
@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+asyncpg", "postgresql+psycopg2"])
def test_an_encoded_password_is_read(scheme: str, password: str) -> None:
    address = parse(f"{scheme}://owner:{quote(password, safe='')}@db.shop.svc:5433/shop")
    assert address == Address("db.shop.svc", "5433", "owner", password, "shop")


@pytest.mark.parametrize("password", ["p@ss", "a:b", "a/b", "a@b@c", "with space", "p@ss/w:rd 'q\"é"])
def test_a_password_that_nobody_encoded_is_read_too(password: str) -> None:
    assert parse(f"postgresql://owner:{password}@db:5432/shop") == Address("db", "5432", "owner", password, "shop")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql://db", Address("db")),
        ("postgresql://db/shop", Address("db", database="shop")),
        ("postgresql://owner@db/shop", Address("db", user="owner", database="shop")),
        ("postgresql://[::1]:5433/shop", Address("::1", "5433", database="shop")),
        ("postgresql://a:1,b:2/shop", Address("a,b", "1,2", database="shop")),
        ("postgresql:///shop?host=/run/postgresql", Address("/run/postgresql", database="shop")),
        ("postgresql://db/shop?sslmode=require", Address("db", database="shop", sslmode="require")),
        ("postgresql://db/shop?ssl=true", Address("db", database="shop", sslmode="require")),
        ("postgresql://db/shop?ssl=require", Address("db", database="shop", sslmode="require")),
        (
            "postgresql://db/s?connect_timeout=3&application_name=a@b",
            Address("db", database="s", options=(("connect_timeout", "3"), ("application_name", "a@b"))),
        ),
    ],
)
def test_the_parts_of_a_url_are_optional(url: str, expected: Address) -> None:
    assert parse(url) == expected


@pytest.mark.parametrize("url", ["mysql://u:geheim@h/d", "sqlite:///geheim", "geheim", "", "postgresql:geheim"])
def test_what_is_not_a_postgresql_url_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ValueError, match="DATABASE_URL") as refused:
        parse(url)
    assert "geheim" not in str(refused.value)


def test_a_host_of_its_own_wins_over_an_applications_url() -> None:
    environ = {"PGHOST": "db", "PGUSER": "owner", "DATABASE_URL": "postgresql://other:x@elsewhere/shop"}
    assert from_environment(environ) == Address("db", user="owner")


def test_what_a_url_leaves_open_is_filled_from_libpqs_names() -> None:
    environ = {"PGHOST": "", "DATABASE_URL": "postgresql://db/shop", "PGUSER": "owner", "PGPASSWORD": "secret"}
    assert from_environment(environ) == Address("db", user="owner", password="secret", database="shop")


def test_an_environment_without_a_host_has_no_address() -> None:
    assert from_environment({"PGUSER": "owner"}) is None


GIVEN = {"host": "db", "port": "5433", "user": "owner", "password": "s", "dbname": "shop", "sslmode": "require"}


@pytest.mark.parametrize(
    ("driver", "before", "after"),
    [
        (
            "psycopg2",
            {"host": "old", "port": 1, "user": "u", "password": "p", "dbname": "d", "hostaddr": "10.0.0.1"},
            {**GIVEN, "hostaddr": ""},
        ),
        (
            "psycopg2",
            {"service": "there", "database": "d", "user": "u"},
            {**GIVEN, "hostaddr": "", "service": "there"},
        ),
        (
            "asyncpg",
            {"host": ["old", "older"], "port": [1, 2], "user": "u", "database": "d", "ssl": object(), "dsn": "x"},
            {"host": "db", "port": 5433, "user": "owner", "password": "s", "database": "shop", "ssl": "require"},
        ),
    ],
)
def test_a_drivers_arguments_are_rewritten(driver: str, before: dict[str, Any], after: dict[str, Any]) -> None:
    Address("db", "5433", "owner", "s", "shop", "require").apply(driver, before)
    assert before == after


def test_what_the_address_does_not_say_stays() -> None:
    cparams = {"host": "old", "user": "u", "password": "p", "dbname": "d", "options": "-c x=y"}
    Address("db").apply("psycopg", cparams)
    assert cparams == {"host": "db", "hostaddr": "", "user": "u", "password": "p", "dbname": "d", "options": "-c x=y"}


def test_rewriting_twice_is_rewriting_once() -> None:
    cparams: dict[str, Any] = {"host": "old"}
    address = Address("a,b", "1,2", "owner", "s", "shop")
    address.apply("asyncpg", cparams)
    once = dict(cparams)
    address.apply("asyncpg", cparams)
    assert cparams == once == {"host": ["a", "b"], "port": [1, 2], "user": "owner", "password": "s", "database": "shop"}


def test_a_driver_is_given_what_it_understands_of_a_query() -> None:
    address = parse("postgresql://db/s?connect_timeout=3&sslrootcert=/a%20b&prepared_statement_cache_size=0")
    libpq: dict[str, Any] = {}
    address.apply("psycopg", libpq)
    assert libpq == {"host": "db", "hostaddr": "", "dbname": "s", "connect_timeout": "3", "sslrootcert": "/a b"}
    asyncpg: dict[str, Any] = {}
    address.apply("asyncpg", asyncpg)
    assert asyncpg == {"host": "db", "port": 5432, "database": "s", "dsn": "postgresql://?sslrootcert=%2Fa+b"}
