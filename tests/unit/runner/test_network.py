"""What a driver is told, so that it notices a dead network."""

from __future__ import annotations

from typing import Any

import pytest

from alembic_operator.runner.database import network

LIBPQ = {
    "connect_timeout": 10,
    "keepalives": 1,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 2,
    "tcp_user_timeout": 9_000,
}


@pytest.mark.parametrize(
    ("driver", "given", "told"),
    [
        ("psycopg2", {}, LIBPQ),
        ("psycopg", {}, LIBPQ),
        ("psycopg_async", {}, LIBPQ),
        (
            "psycopg2",
            {"keepalives_idle": 60, "connect_timeout": 3},
            {**LIBPQ, "keepalives_idle": 60, "connect_timeout": 3},
        ),
        ("asyncpg", {}, {"timeout": 10}),
        ("asyncpg", {"timeout": 3}, {"timeout": 3}),
        ("pg8000", {}, {"timeout": 10}),
    ],
)
def test_a_driver_is_bounded_in_time_unless_env_py_bounds_it(
    driver: str, given: dict[str, Any], told: dict[str, Any]
) -> None:
    network.client_side(driver, given)
    assert given == told
