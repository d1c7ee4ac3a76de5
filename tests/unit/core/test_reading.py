from datetime import UTC, datetime
from typing import Any

import pytest

from alembic_operator.core.observation import reading
from alembic_operator.core.observation.reading import MOST, Reading

ANYTHING: list[Any] = [None, True, 0, -1, 10**5000, 1.5, float("inf"), "", "9" * 5000, "\ud800", [], [1], {}, {"a": 1}]
"""One of each kind that JSON has, some of a size that nobody expects."""


def test_what_is_not_there_is_empty_at_any_depth() -> None:
    raw = {"spec": {"replicas": 1}}
    assert reading.fields(raw, "spec", "template", "spec") == {}
    assert reading.items(raw, "status", "conditions") == []
    assert reading.text(raw, "metadata", "name") == ""
    assert reading.number(raw, "spec", "paused") is None


@pytest.mark.parametrize("value", ANYTHING, ids=range(len(ANYTHING)))
def test_every_accessor_returns_for_every_value_in_every_place(value: Any) -> None:
    for raw in (value, {"a": value}, {"a": {"b": value}}):
        assert isinstance(reading.fields(raw, "a", "b"), dict)
        assert all(isinstance(one, dict) for one in reading.items(raw, "a", "b"))
        reading.text(raw, "a", "b").encode()
        assert reading.number(raw, "a", "b", most=9) in (None, 0)
        assert len(reading.shown(raw)) < 100
        looked = Reading(raw)
        (
            looked.fields("a", "b"),
            looked.items("a", "b"),
            looked.text("a", "b"),
            looked.number("a", "b"),
            looked.time("a"),
        )
        assert all(len(one) < 200 for one in looked.unreadable)
    assert reading.moment(value) is None
    assert reading.whole(value) is None


def test_a_list_gives_its_objects_and_a_reading_says_that_there_was_more() -> None:
    raw = {"spec": {"containers": [{"name": "web"}, 7, None]}}
    assert reading.items(raw, "spec", "containers") == [{"name": "web"}]
    looked = Reading(raw)
    assert looked.items("spec", "containers") == [{"name": "web"}]
    assert looked.unreadable == ("spec.containers has 2 entries that are no objects",)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("one", 'spec.replicas is "one", not a number'),
        ("9" * 5000, f'spec.replicas is "{"9" * 40}… (5000 characters)", not a number'),
        (10**5000, "spec.replicas is a number beyond 64 bits, not a whole number from 0 to 9"),
        (-1, "spec.replicas is -1, not a whole number from 0 to 9"),
        (True, "spec.replicas is true, not a whole number from 0 to 9"),
        (1.5, "spec.replicas is 1.5, not a number"),
        ({"a": 1}, "spec.replicas is an object with 1 entries, not a number"),
    ],
    ids=range(7),
)
def test_a_reading_names_the_field_and_shows_the_beginning_of_its_value(value: Any, said: str) -> None:
    looked = Reading({"spec": {"replicas": value}})
    assert looked.number("spec", "replicas", most=9) is None
    assert looked.unreadable == (said,)


def test_a_reading_names_the_field_that_is_in_the_way() -> None:
    looked = Reading({"spec": [1, 2]})
    assert looked.text("spec", "template", "name") == ""
    assert looked.unreadable == ("spec is a list with 2 entries, not an object",)


def test_a_reading_writes_a_name_with_dots_in_brackets() -> None:
    looked = Reading({"metadata": {"annotations": {"example.com/attempt": 7}}})
    looked.text("metadata", "annotations", "example.com/attempt")
    assert looked.unreadable == ("metadata.annotations[example.com/attempt] is 7, not a text",)


def test_a_reading_says_each_thing_once_and_no_more_than_some() -> None:
    looked = Reading(dict.fromkeys(map(str, range(100)), 1))
    for name in (*map(str, range(100)), "0"):
        looked.text(name)
    assert len(looked.unreadable) == len(set(looked.unreadable)) == 8


@pytest.mark.parametrize(
    "written",
    [
        "",
        "now",
        "2026-01-01",
        "2026-01-01T00:00:00",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59Z",
        "9" * 100_000,
    ],
    ids=range(7),
)
def test_a_time_that_a_cluster_cannot_have_is_none(written: str) -> None:
    assert reading.moment(written) is None


def test_a_time_of_any_zone_is_read() -> None:
    assert reading.moment("2026-01-01T02:00:00.5+02:00") == datetime(2026, 1, 1, 0, 0, 0, 500_000, tzinfo=UTC)


def test_a_number_in_a_text_has_at_most_64_bits() -> None:
    assert reading.whole("7") == 7
    assert reading.whole(str(MOST)) == MOST
    assert reading.whole(str(MOST + 1)) is None
    assert reading.whole("٣") is None
    assert reading.whole("0", least=1) is None


def test_half_of_a_surrogate_pair_becomes_a_question_mark() -> None:
    assert reading.text({"a": "x\ud800é"}, "a") == "x?é"
