"""What is told of one migration, from statuses that a real API server does not have at hand, and what it may cost."""

import asyncio
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from prometheus_client import Metric, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.openmetrics.exposition import generate_latest as generate_open_metrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_open_metrics
from prometheus_client.parser import text_string_to_metric_families as read_text
from prometheus_client.registry import Collector

from alembic_operator.api.status import LastRun, Status
from alembic_operator.kube.cache import Key
from alembic_operator.shell.metrics import families as f
from alembic_operator.shell.metrics.collector import headed
from alembic_operator.shell.metrics.endpoint import rendered
from alembic_operator.shell.metrics.lines import Lines
from alembic_operator.shell.metrics.migrations import of_import, samples
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


def by_state(status: Any) -> dict[str, float]:
    found = samples({"spec": {}, "status": status}, ())
    return {labels[0]: value for family, labels, value in found if family is f.TENANTS}


def test_tenants_are_counted_by_state_and_none_is_named() -> None:
    tenants = {"shown": "120/128", "upToDate": 120, "behind": 6, "failed": 2, "failures": [{"names": ["ws_1"]}]}
    assert by_state({"tenants": tenants}) == {"up-to-date": 120, "behind": 6, "failed": 2, "drifted": 0}
    assert by_state({"tenants": {"shown": "?/128", "total": 128}}) == by_state({}) == {}


@pytest.mark.parametrize(
    "status",
    [None, [], {"conditions": 7, "lastRun": [], "history": {}}, {"lastRun": {"startedAt": "no", "applied": [{}, 1]}}],
)
def test_a_status_that_somebody_else_wrote_is_read_too(status: Any) -> None:
    assert told(status)[f.READY.name] == 0
    assert [(family.name, value) for family, _, value in of_import({"status": status})] == [(f.IMPORT_READY.name, 0)]


def test_rows_and_seconds_of_an_import_are_told_when_it_has_ended() -> None:
    ready = {"type": "Ready", "status": "True", "reason": "Imported"}
    status = {"conditions": [ready], "rows": 7000, "downtimeSeconds": 9.5}
    assert list(of_import({"status": status})) == [
        (f.IMPORT_READY, (), True),
        (f.IMPORT_REASON, ("Imported", "Ready"), 1),
        (f.IMPORT_ROWS, (), 7000),
        (f.IMPORT_SECONDS, (), 9.5),
    ]


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


LABELS = ('registry/"users"\n', "b2,\\c3", "", "Job")


class Three(Collector):
    """The families of an operator with two migrations, as the operator or as prometheus_client writes them."""

    def collect(self) -> Iterator[Metric]:
        yield from (GaugeMetricFamily("one", "1", value=1), GaugeMetricFamily("two", "2", value=2))

    def written(self) -> Iterator[tuple[Metric, Iterator[bytes]]]:
        lines = Lines((f.INFO, f.RUNS))
        for name in ("users", "chat"):
            lines.add(Key("shop", name), [(f.INFO, LABELS, 1), (f.RUNS, ("UpToDate",), 1_767_225_600.5)])
        yield from ((headed(one), lines.pop(one)) for one in (f.INFO, f.RUNS))

    def whole(self) -> Iterator[Metric]:
        info, runs = headed(f.INFO), headed(f.RUNS)
        for name in ("users", "chat"):
            info.add_metric(["shop", name, *LABELS], 1)
            runs.add_metric(["shop", name, "UpToDate"], 1_767_225_600.5)
        yield from (info, runs, *self.collect())


@pytest.mark.parametrize(("encode", "read"), [(generate_latest, read_text), (generate_open_metrics, read_open_metrics)])
def test_rendered_in_parts_the_text_says_what_prometheus_client_would_say(encode: Any, read: Any) -> None:
    whole = encode(SimpleNamespace(collect=Three().whole)).decode()
    assert list(read(b"".join(rendered(Three(), encode)).decode())) == list(read(whole))


def test_a_look_that_fails_is_counted_as_an_error() -> None:
    tally = Tally()
    with pytest.raises(asyncio.CancelledError), tally.timed():
        raise asyncio.CancelledError
    with tally.timed():
        pass
    assert [sum(tally.looks[result].counts) for result in ("error", "success")] == [1, 1]
