"""Passwords that the environment shows as such."""

from __future__ import annotations

import pytest

from alembic_operator.runner.process.masking import passwords


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("QUEUE_PASSWORD", "h1dden!", {"h1dden!"}),
        ("mysql_passwd", "h1dden!", {"h1dden!"}),
        ("DB_PASS", "h1dden!", {"h1dden!"}),
        ("PWD", "/home/shop", set()),
        ("PG_TOKEN", "h1dden!", {"h1dden!"}),
        ("SECRET_KEY", "h1dden!", {"h1dden!"}),
        ("STRIPE_API_KEY", "h1dden!", {"h1dden!"}),
        ("SECRET_NAME", "shop-database", set()),
        ("DATABASE_CREDENTIALS", "shop:h1d:den!", {"h1d:den!"}),
        ("GOOGLE_APPLICATION_CREDENTIALS", "/run/secrets/key.json", set()),
        ("ANY_URL", "postgresql:///shop?host=db&user=shop&password=h1dden!", {"h1dden!"}),
        ("CONNINFO", "host=db password=h1dden! user=shop", {"h1dden!"}),
        ("ANY_URL", "redis://:h1dden!@cache:6379/0", {"h1dden!"}),
        ("ANY_URL", "postgresql+asyncpg://shop:h1dd%40en@db/shop?x=y", {"h1dd%40en"}),
        ("ANY_URL", "postgresql://shop:h1dd@en/x@db/shop", {"h1dd@en/x"}),
        ("TWO_URLS", "amqp://a:h1dden1@x amqp://a:h1dden2@y", {"h1dden1", "h1dden2"}),
        ("ANY_PASSWORD", "short", set()),
        ("ANY_PASSWORD", "longer", {"longer"}),
        ("DB_PASSWORD_FILE", "/run/secrets/db", set()),
        ("HOME_PAGE", "https://example.org:8080/a@b", set()),
        ("TEXT", "a: b@c", set()),
    ],
)
def test_passwords_are_found_in_names_and_urls(name: str, value: str, found: set[str]) -> None:
    assert passwords({name: value}) == found
