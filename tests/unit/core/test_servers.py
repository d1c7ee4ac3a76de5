"""Tenants on several servers: what their pods report becomes one status, and none is forgotten."""

from dataclasses import replace

import pytest

from alembic_operator.api.meta import SENTENCE_LENGTH
from alembic_operator.api.reasons import Effect
from alembic_operator.contract import Failure, Result
from alembic_operator.contract.fleet import Fleet, Group
from alembic_operator.contract.progress import Progress
from alembic_operator.core import names
from alembic_operator.core.actions import Plan
from alembic_operator.core.observation.jobs import read_job
from alembic_operator.core.observation.pods import Pod, read_pod
from alembic_operator.core.observation.progress import together
from alembic_operator.core.observation.reading import Manifest
from tests.unit.core.builders import DATABASE, created, deleted, ended, ready, running, the_job, told
from tests.unit.core.life import Life

EU, US = "eu", "us"
SERVERS = [{"name": EU}, {"name": US, "host": "us.test"}]
SPEC: Manifest = {"database": DATABASE | {"host": "eu.test"}, "tenants": {"pattern": "ws%", "servers": SERVERS}}
GOOD = Result("UpToDate", (), ("b2",), ("b2",), tenants=Fleet(64, 64))
GROUP = Group(2, ("ws_1", "ws_2"), "RevisionFailed", "b2", "23505", "INSERT INTO t", "duplicate key")
BAD = Result(
    "RevisionFailed",
    target=("b2",),
    error=Failure("62 of 64 tenants are up to date", "23505", "b2"),
    tenants=Fleet(64, 62, 0, 2, failures=(GROUP,)),
)
AWAY = Result("DatabaseUnreachable", error=Failure("connection refused"))

End = tuple[int, Result] | None
"""Exit code and report of the last pod of a server; None: it never had one."""


def run(ends: dict[str, End], failure: str = "FailedIndexes") -> tuple[Life, Plan]:
    """Return a life in which each server's pod has ended, and what is planned then."""
    life = Life(SPEC)
    life.look()
    life.pass_time(5)
    failed = failure and any(end is None or end[0] for end in ends.values())
    job = replace(life.job, outcome="Failed" if failed else "Complete", finished_at=life._now())
    job = replace(job, failure=failure if failed else "")
    pods = tuple(a_pod(job.name, job.uid, server, *end) for server, end in ends.items() if end)
    life.seen = replace(life.seen, jobs=(job,), pods=pods)
    return life, life.look()


def a_pod(job: str, uid: str, server: str, code: int, result: Result | None) -> Pod:
    return ended(job, code, result, name=f"{job}-{server}", job_uid=uid, server=server)


def test_each_server_has_an_index_of_the_job_and_its_own_variables() -> None:
    spec = the_job(Life(SPEC | {"policy": {"backoffLimit": 1}}).look())["spec"]
    indexes = {name: spec[name] for name in ("completionMode", "completions", "parallelism", "maxFailedIndexes")}
    assert indexes == {"completionMode": "Indexed", "completions": 2, "parallelism": 2, "maxFailedIndexes": 2}
    assert (spec["backoffLimitPerIndex"], "backoffLimit" in spec) == (1, False)
    assert [one["action"] for one in spec["podFailurePolicy"]["rules"]] == ["Ignore", "FailIndex"]
    variables = {one["name"]: one.get("value") for one in spec["template"]["spec"]["containers"][0]["env"]}
    assert (variables["PGHOST"], variables["PGHOST_us"], "PGHOST_eu" in variables) == ("eu.test", "us.test", False)


def test_a_pod_is_of_the_server_that_its_index_names() -> None:
    raw = {"annotations": {names.SERVERS: "eu,us"}, "labels": {names.INDEX_LABEL: "1"}}
    assert (read_pod({"metadata": raw}).server, read_job({"metadata": raw}).servers) == (US, (EU, US))
    for strange in ("2", "-1", "x", "9" * 99):
        assert read_pod({"metadata": raw | {"labels": {names.INDEX_LABEL: strange}}}).server == ""


def test_a_migration_is_ready_when_every_server_says_that_all_its_tenants_are() -> None:
    life, planned = run({EU: (0, GOOD), US: (0, GOOD)})
    assert told(planned) == (Effect.READY, "UpToDate")
    assert ready(planned).message == "128 of 128 tenants are up to date"
    assert life.status.tenants
    assert life.status.tenants.shown == "128/128"


def test_tenants_that_fail_alike_on_two_servers_are_one_group_and_each_says_its_server() -> None:
    life, planned = run({EU: (70, BAD), US: (70, BAD)})
    assert told(planned) == (Effect.STALLED, "RevisionFailed")
    groups = "124 of 128 tenants are up to date; 4 failed in b2 with 23505: eu/ws_1, eu/ws_2, us/ws_1, us/ws_2"
    assert ready(planned).message == f"{groups}; duplicate key"
    assert life.status.tenants
    assert [one.count for one in life.status.tenants.failures] == [4]


@pytest.mark.parametrize(
    ("ends", "expected", "said"),
    [
        ({EU: (0, GOOD), US: (75, AWAY)}, (Effect.RECONCILING, "DatabaseUnreachable"), "server us: connection refused"),
        ({EU: (70, BAD), US: (75, AWAY)}, (Effect.STALLED, "RevisionFailed"), "eu/ws_1, eu/ws_2"),
        ({EU: (70, BAD), US: None}, (Effect.STALLED, "RevisionFailed"), "eu/ws_1, eu/ws_2"),
    ],
    ids=["unreachable", "unreachable beside a failure", "never begun"],
)
def test_a_server_of_which_nothing_is_known_is_told_and_not_counted(
    ends: dict[str, End], expected: tuple[Effect, str], said: str
) -> None:
    life, planned = run(ends)
    assert told(planned) == expected
    message = ready(planned).message
    assert said in message
    assert "nothing is known of those of server us" in message
    assert life.status.tenants
    assert (life.status.tenants.total, life.status.tenants.silent) == (64, (US,))
    assert life.status.tenants.shown.endswith("/64+?")


def test_what_each_server_complains_of_is_among_the_warnings() -> None:
    life, _ = run({EU: (70, BAD), US: (75, AWAY)})
    assert life.status.last_run
    assert life.status.last_run.warnings == ("server us: connection refused",)


def test_what_is_as_long_as_a_status_can_hold_it_still_fits_with_the_name_of_its_server() -> None:
    heads = tuple(f"{number:03}" for number in range(64))
    long = replace(AWAY, to=heads, error=Failure("x" * SENTENCE_LENGTH))
    life, planned = run({EU: (75, replace(long, to=tuple(f"e{one}" for one in heads))), US: (75, long)})
    assert told(planned) == (Effect.RECONCILING, "DatabaseUnreachable")
    assert life.status.last_run
    assert life.status.last_run.error
    assert (life.status.last_run.error.message or "").startswith("server eu: xxx")


def test_a_failure_that_time_heals_is_tried_again_on_all_servers() -> None:
    life, _ = run({EU: (0, GOOD), US: (75, AWAY)})
    life.pass_time(60)
    assert deleted(life.look())
    assert created(life.look())


def test_a_job_that_is_complete_runs_again_when_one_report_is_gone() -> None:
    _, planned = run({EU: (0, GOOD), US: None}, failure="")
    assert told(planned) == (Effect.RECONCILING, "Retrying")
    assert deleted(planned)


def test_it_is_not_ready_where_a_server_says_nothing_of_its_tenants() -> None:
    _, planned = run({EU: (0, GOOD), US: (0, replace(GOOD, tenants=None))})
    assert told(planned) == (Effect.RECONCILING, "TenantsBehind")


def test_progress_counts_the_tenants_of_all_servers_also_of_those_that_are_done() -> None:
    job = Life(SPEC)
    job.look()
    name, uid = job.job.name, job.job.uid
    pod = running(name, job_uid=uid, server=US)
    answer = Progress(5, 5, 5, tenants=Fleet(64, 30, 34, phase="Tenants", eta_seconds=90, slowest="ws_7"))
    done, other = a_pod(name, uid, EU, 0, GOOD), a_pod("old", "old", EU, 70, BAD)
    found = together((pod, done, other), [(pod, answer)])
    assert found
    assert found.tenants
    assert found.tenants.silent == ()
    starting = together((pod, running(name, job_uid=uid, server=EU)), [(pod, answer)])
    assert starting
    assert starting.tenants
    assert (starting.tenants.total, starting.tenants.silent) == (64, (EU,)), "one that has not answered is not counted"
    assert str(found) == "Tenants: 94 of 128 done, 90 s left, slowest us/ws_7"
