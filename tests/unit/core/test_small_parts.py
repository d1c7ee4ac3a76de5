"""Parts of the core that fit on a line each: pace, names, times and dependencies."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from alembic_operator.core import names, times
from alembic_operator.core.decide.endings import delay
from alembic_operator.core.observation import reading
from alembic_operator.core.observation.dependencies import cycle


@pytest.mark.parametrize(("attempt", "minutes"), [(1, 1), (2, 2), (3, 4), (4, 8), (5, 10), (6, 10), (10**9, 10)])
def test_the_slow_pace_doubles_up_to_ten_minutes(attempt: int, minutes: int) -> None:
    assert delay(attempt) == timedelta(minutes=minutes)


def test_a_digest_does_not_depend_on_the_order_of_keys() -> None:
    assert names.digest({"a": 1, "b": {"c": 2, "d": 3}}) == names.digest({"b": {"d": 3, "c": 2}, "a": 1})
    assert names.digest({"a": [1, 2]}) != names.digest({"a": [2, 1]})


def test_the_name_of_a_job_is_the_migrations_with_ten_digits() -> None:
    assert names.job_name("users", {}) == "users-44136fa355"


@pytest.mark.parametrize(
    "moment",
    [
        datetime(2026, 3, 1, 12, tzinfo=UTC),
        datetime(2026, 3, 1, 12, 0, 0, 999999, tzinfo=UTC),
        datetime(2026, 3, 1, 14, tzinfo=timezone(timedelta(hours=2))),
    ],
    ids=str,
)
def test_the_same_second_is_always_the_same_text(moment: datetime) -> None:
    assert times.text(moment) == "2026-03-01T12:00:00Z"
    assert reading.moment("2026-03-01T12:00:00Z") == moment.replace(microsecond=0)


CYCLES: dict[str, tuple[dict[str, tuple[str, ...]], tuple[str, ...]]] = {
    "nothing": ({}, ()),
    "a chain": ({"a": ("b",), "b": ("c",)}, ()),
    "a diamond": ({"a": ("b", "c"), "b": ("d",), "c": ("d",)}, ()),
    "itself": ({"a": ("a",)}, ("a", "a")),
    "a pair": ({"a": ("b",), "b": ("a",)}, ("a", "b", "a")),
    "a long way round": ({"a": ("x", "b"), "b": ("c",), "c": ("y", "a")}, ("a", "b", "c", "a")),
    "a cycle of others": ({"a": ("b",), "b": ("c",), "c": ("b",)}, ()),
}


@pytest.mark.parametrize(("edges", "path"), [pytest.param(*case, id=name) for name, case in CYCLES.items()])
def test_a_way_back_to_the_start_is_found_in(edges: dict[str, tuple[str, ...]], path: tuple[str, ...]) -> None:
    assert cycle("a", edges) == path
