"""A wait that lasts is told again and again, more and more rarely."""

from alembic_operator.runner.process.pace import Pace


def _told(pace: Pace, begun: int, minutes: int) -> list[int]:
    """Return the minutes in which a gate that asks every second would tell it."""
    return [now // 60 - begun for now in range(begun * 60, (begun + minutes) * 60) if pace.is_due(float(now))]


def test_an_unchanged_wait_is_told_after_a_minute_and_at_last_every_quarter_of_an_hour() -> None:
    pace = Pace()
    pace.begin(600.0)
    assert _told(pace, 10, 121) == [1, 3, 7, 15, 30, 45, 60, 75, 90, 105, 120]
    assert pace.minutes(600.0 + 7260) == 121


def test_a_change_begins_anew() -> None:
    pace = Pace()
    pace.begin(0.0)
    _told(pace, 0, 60)
    pace.begin(3600.0)
    assert _told(pace, 60, 4) == [1, 3]
    assert pace.minutes(3659.0) == 0
