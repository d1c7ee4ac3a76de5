"""How far a run is: read from what its pod answers, told in the status while it runs, and of no matter to its Job."""

import json
from dataclasses import asdict, replace
from typing import Any

import pytest

from alembic_operator.api.status import Build as ToldBuild
from alembic_operator.api.status import Progress as Told
from alembic_operator.api.status import Status
from alembic_operator.api.status import WaitingFor as ToldWaitingFor
from alembic_operator.contract.progress import PROGRESS_BYTES, Build, Progress, WaitingFor
from alembic_operator.core.observation.progress import read_progress
from alembic_operator.core.plan import plan
from tests.unit.core.builders import NOW, ON_POSTGRES, UP_TO_DATE, at, name_of, ready, seen, the_job, what_matters
from tests.unit.core.life import Life

RUN = "shop/users-0123456789"
BEGUN = NOW.timestamp()
FULL = Progress(
    at=BEGUN + 240,
    since=BEGUN,
    moved=BEGUN + 60,
    run=RUN,
    revision="b60f27d9e1a3",
    index=3,
    of=7,
    statement="CREATE INDEX CONCURRENTLY i ON t (a)",
    seconds=12.5,
    waiting_for=WaitingFor(4711, "reporting", "app", "idle in transaction", 1865.5),
    build=Build("CREATE INDEX CONCURRENTLY", "waiting for old snapshots", 1, 2),
    note="another migration",
)


def answer(**changes: Any) -> bytes:
    return b"HTTP/1.0 200 OK\r\nContent-Length: 9\r\n\r\n" + json.dumps(asdict(FULL) | changes).encode()


def test_an_answer_is_read_as_the_runner_has_written_it() -> None:
    assert read_progress(answer(colour="red"), RUN) == FULL


RUBBISH = {
    "nothing": b"",
    "no HTTP": b"SSH-2.0-OpenSSH_9.2p1\r\n\r\n",
    "another status": answer().replace(b"200 OK", b"404 Not Found"),
    "no JSON": b"HTTP/1.0 200 OK\r\n\r\n<html>",
    "deep nesting": b"HTTP/1.0 200 OK\r\n\r\n" + b"[" * 8000,
    "a list": b"HTTP/1.0 200 OK\r\n\r\n[]",
    "another run of the same node": answer(run="shop/agents-0123456789"),
    "a run that is no text": answer(run=["shop"]),
    "more than is read": answer(note="x" * PROGRESS_BYTES),
    "no times": answer(at=None),
    "a time that is a text": answer(since="2026-03-01T12:00:00Z"),
    "a time that is true": answer(at=True),
    "a time beyond all": answer(at=1e300),
    "a time that is none": answer(moved=float("nan")),
    "a number of 5,000 digits": answer(index=0).replace(b'"index": 0', b'"index": ' + b"9" * 5000),
}


@pytest.mark.parametrize("case", RUBBISH)
def test_rubbish_counts_as_no_answer(case: str) -> None:
    assert read_progress(RUBBISH[case], RUN) is None


@pytest.mark.parametrize(
    ("spoilt", "left"),
    [
        ({"waiting_for": [1]}, {"waiting_for": None}),
        ({"waiting_for": {"pid": "4711"}}, {"waiting_for": None}),
        ({"build": {"command": 7}}, {"build": None}),
        ({"build": {"command": "COPY", "done": -1, "total": 2**70}}, {"build": Build("COPY")}),
        ({"index": "3", "of": None, "seconds": "x"}, {"index": 0, "of": 0, "seconds": 0.0}),
        ({"since": FULL.at + 9, "moved": FULL.at + 9}, {"since": FULL.at, "moved": FULL.at}),
        ({"statement": "a\x1b[2Jb\nc"}, {"statement": "a [2Jb c"}),
        ({"revision": "r" * 300}, {"revision": f"{'r' * 252}…"}),
    ],
)
def test_a_part_that_cannot_be_read_counts_as_absent_and_a_text_steers_no_terminal(
    spoilt: dict[str, Any], left: dict[str, Any]
) -> None:
    assert read_progress(answer(**spoilt), RUN) == replace(FULL, **left)


def migrating() -> Life:
    life = Life(asks_progress=True)
    life.look()
    life.pod_runs()
    return life


def test_a_run_that_has_answered_is_told_with_its_sentence_until_it_ends() -> None:
    life = migrating()
    quiet = ready(life.look()).message
    assert life.status.progress is None
    life.seen = replace(life.seen, progress=FULL)
    planned = life.look()
    assert ready(planned).message == str(FULL)
    assert planned.requeue_after is None
    assert life.status.progress == Told(
        revision="b60f27d9e1a3",
        index=3,
        of=7,
        since=at(0),
        statement="CREATE INDEX CONCURRENTLY i ON t (a)",
        waiting_for=ToldWaitingFor(
            pid=4711, application="reporting", user="app", state="idle in transaction", query_age="31m5s"
        ),
        build=ToldBuild(command="CREATE INDEX CONCURRENTLY", phase="waiting for old snapshots", done=1, total=2),
        at=at(240),
        moved_at=at(60),
    )
    told = life.status
    life.pass_time(5)
    life.look()
    assert life.status == told, "the time alone makes no other status"
    life.job_ends(result=UP_TO_DATE)
    assert ready(life.look()).message != quiet
    assert life.status.progress is None


def test_a_silent_run_stands_as_one_that_nobody_asks() -> None:
    asked, unasked = migrating(), Life()
    unasked.look()
    unasked.pod_runs()
    assert asked.look().status == unasked.look().status


def test_a_run_that_knows_little_is_told_by_what_it_knows() -> None:
    life = migrating()
    little = Progress(at=BEGUN, since=BEGUN, moved=BEGUN, run=RUN, note="waiting for env.py", waiting_for=WaitingFor(0))
    life.seen = replace(life.seen, progress=little)
    life.look()
    told = Told(since=at(), at=at(), moved_at=at(), waiting_for=ToldWaitingFor(pid=0))
    assert life.status == Status.model_validate(life.status.model_dump() | {"progress": told.model_dump()})


@pytest.mark.parametrize("spec", [None, ON_POSTGRES], ids=["plain", "with a database"])
def test_a_job_that_can_be_asked_has_the_name_and_the_command_of_one_that_cannot(spec: dict[str, Any] | None) -> None:
    """Or all would run again when the chart's value is changed, and an older runner could not read its command line."""
    asked, unasked = seen(spec, asks_progress=True), seen(spec)
    assert what_matters(asked) == what_matters(unasked)
    ours, theirs = the_job(plan(asked)), the_job(plan(unasked))
    (container,) = ours["spec"]["template"]["spec"]["containers"]
    assert container["env"].pop() == {"name": "ALEMBIC_OPERATOR_PROGRESS", "value": f"shop/{name_of(unasked)}"}
    assert ours == theirs
