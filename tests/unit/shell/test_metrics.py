"""What is told of one migration, from statuses that a real API server does not have at hand, and what it may cost."""

import asyncio
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from prometheus_client import generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.openmetrics.exposition import generate_latest as generate_open_metrics
from prometheus_client.registry import Collector

from alembic_operator.api.status import LastRun, Status
from alembic_operator.kube.cache import Key
from alembic_operator.shell.metrics import families as f
from alembic_operator.shell.metrics.endpoint import rendered
from alembic_operator.shell.metrics.migrations import samples
from alembic_operator.shell.metrics.tally import BOUNDS, Tally

KEY = Key("shop", "users")
RUNNING = {"attempt": 1, "startedAt": "2026-01-01T00:00:00Z"}
START = 1767225600.0


def told(status: Any) -> dict[str, float]:
    return {family.name: value for family, _, value in samples({"spec": {}, "status": status}, ())}


def test_the_last_sign_of_progress_is_told_while_a_run_lasts() -> None:
    progress = {"at": "2026-01-01T00:09:00Z", "movedAt": "2026-01-01T00:05:00Z"}
    assert told({"lastRun": RUNNING, "progress": progress})[f.PROGRESS.name] == START + 300
    assert f.PROGRESS.name not in told({"lastRun": RUNNING})
    ended = RUNNING | {"finishedAt": "2026-01-01T00:06:00Z"}
    assert f.PROGRESS.name not in told({"lastRun": ended, "progress": progress})


@pytest.mark.parametrize(
    "status",
    [None, [], {"conditions": 7, "lastRun": [], "history": {}}, {"lastRun": {"startedAt": "no", "applied": [{}, 1]}}],
)
def test_a_status_that_somebody_else_wrote_is_read_too(status: Any) -> None:
    assert told(status)[f.READY.name] == 0


def test_a_run_is_counted_once_however_often_its_status_is_written() -> None:
    tally = Tally()
    run = {"attempt": 1, "finished_at": "2026-01-01T00:00:09Z", "outcome": "LockTimeout"}
    before, after = Status(), Status.model_validate({"last_run": run}, by_name=True)
    for first, then in ((before, after), (after, after)):
        tally.written(KEY, first, then)
    assert tally.runs == {KEY: {"LockTimeout": 1}}
    assert tally.lock_timeouts == {KEY: 1}
    tally.forget(KEY)
    assert not tally.runs
    assert not tally.lock_timeouts


def passed(left: str, came: str = "00", **run: str) -> list[int]:
    """Return how many waited for up to 5 ms, and for up to 5 s, when a pod passes in the look after the first one."""
    tally = Tally()
    last = LastRun(attempt=1, **{name: f"2026-01-01T00:00:{second}Z" for name, second in run.items()})
    migration = SimpleNamespace(status=SimpleNamespace(last_run=last))
    times = {"started_at": f"2026-01-01T00:00:{came}Z", "finished_at": f"2026-01-01T00:00:{left}Z"}
    for opened in (False, True):
        pod = SimpleNamespace(name="p", gate=SimpleNamespace(opened=opened, **times))
        tally.seen(KEY, SimpleNamespace(gated=(pod,), migration=migration))  # type: ignore[arg-type]
    counts = tally.gate_delays.counts
    return [counts[0], sum(counts[1 : BOUNDS.index(5.0) + 1])]


def test_a_held_pod_is_counted_also_when_it_passes_before_its_run_is_told_to_have_ended() -> None:
    assert passed("30", started_at="10", finished_at="27") == [0, 1]
    assert passed("30", started_at="10") == passed("30", started_at="10", finished_at="31") == [1, 0]


def test_a_pod_that_did_not_wait_or_not_for_this_run_is_not_counted() -> None:
    assert passed("30", "29", started_at="10") == [0, 0]
    assert passed("30", "20", started_at="01", finished_at="15") == [0, 0]
    assert passed("30", started_at="40") == [0, 0]


class Two(Collector):
    def collect(self) -> Iterator[GaugeMetricFamily]:
        yield from (GaugeMetricFamily("one", "1", value=1), GaugeMetricFamily("two", "2", value=2))


def test_rendered_family_by_family_the_text_is_that_of_the_whole() -> None:
    whole = SimpleNamespace(collect=Two().collect)
    for encode in (generate_latest, generate_open_metrics):
        assert b"".join(rendered(Two(), encode)) == encode(whole)


def test_a_look_that_fails_is_counted_as_an_error() -> None:
    tally = Tally()
    with pytest.raises(asyncio.CancelledError), tally.timed():
        raise asyncio.CancelledError
    with tally.timed():
        pass
    assert [sum(tally.looks[result].counts) for result in ("error", "success")] == [1, 1]
