"""What a run looks like from outside: its Job, its status, its Events, and how little is written for it."""

import subprocess

import pytest

from alembic_operator.contract import ExitCode, Failure, Result
from devcluster.controlplane import ApiServer
from tests.api.kubelet import DIGEST
from tests.api.rest import Manifest
from tests.api.shop import BROKEN, JOB, MIGRATION, SUCCESS, Shop, conditions, message, until

pytest_plugins = ["tests.api.operator_fixtures"]

UNREACHABLE = Result("DatabaseUnreachable", error=Failure("connection refused", hint="is the server up?"))


def test_an_image_is_migrated_and_the_status_tells_each_step(shop: Shop) -> None:
    shop.migrate()
    status = shop.becomes("Pending")
    assert conditions(status) == {"Ready": "False", "Reconciling": "True"}
    job = shop.job()
    shop.kubelet.starts(shop.pod())
    status = shop.becomes("Migrating")
    assert status["lastRun"]["job"] == job["metadata"]["name"]
    status = shop.succeeds()
    assert conditions(status) == {"Ready": "True"}
    assert status["observedGeneration"] == 1
    assert status["image"] == DIGEST
    assert status["revisions"] == {"current": ["b2"], "target": ["b2"], "pending": 0, "databaseAhead": False}
    assert status["lastRun"]["applied"] == [{"revision": "a1", "seconds": 0.02}, {"revision": "b2", "seconds": 1.5}]
    assert [one["outcome"] for one in status["history"]] == ["UpToDate"]
    assert message(status) == "the database contains b2; 2 revisions applied in 1.5 s"
    assert until(lambda: shop.occasions() == ["Started", "Succeeded"], shop.events)


def test_a_whole_run_is_three_status_writes_and_one_job(shop: Shop) -> None:
    created = shop.migrate()
    shop.succeeds()
    assert [one["type"] for one in shop.changes(MIGRATION, created)] == ["MODIFIED"] * 3
    assert [one["type"] for one in shop.changes(JOB, created)].count("ADDED") == 1


def test_kubectl_can_wait_for_it(shop: Shop, cluster: ApiServer) -> None:
    shop.migrate()
    command: list[str] = [str(cluster.kubectl), f"--kubeconfig={cluster.kubeconfig}", f"--namespace={shop.namespace}"]
    waiting = subprocess.Popen([*command, "wait", "--for=condition=Ready", "--timeout=20s", "dbm/users"])
    shop.succeeds()
    assert waiting.wait(timeout=20) == 0


def test_a_broken_revision_stalls_and_a_corrected_image_heals_it(shop: Shop) -> None:
    shop.migrate()
    first, failed = shop.job(), shop.pod()
    shop.kubelet.ends(failed, ExitCode.FAILED, BROKEN)
    status = shop.becomes("RevisionFailed")
    assert conditions(status) == {"Ready": "False", "Stalled": "True"}
    assert message(status).startswith('revision b2: SQLSTATE 42P01: relation "user" does not exist')
    assert status["revisions"]["current"] == ["a1"]
    assert status["lastRun"]["error"]["sqlstate"] == "42P01"
    assert until(lambda: shop.occasions() == ["Started", "Failed"], shop.events)
    shop.change(source={"image": "registry.test/users:2"})
    second = shop.job(besides=(first,))
    assert second["metadata"]["name"] != first["metadata"]["name"]
    shop.kubelet.ends(shop.pod(besides=(failed,)), ExitCode.OK, SUCCESS)
    status = shop.becomes("UpToDate")
    assert conditions(status) == {"Ready": "True"}
    assert [one["outcome"] for one in status["history"]] == ["UpToDate", "RevisionFailed"]
    assert status["observedGeneration"] == 2


def test_a_database_that_is_down_is_asked_again_by_the_same_job(shop: Shop) -> None:
    shop.migrate()
    job, first = shop.job(), shop.pod()
    shop.kubelet.ends(first, ExitCode.TRY_AGAIN, UNREACHABLE)
    status = shop.becomes("DatabaseUnreachable")
    assert conditions(status) == {"Ready": "False", "Reconciling": "True"}
    assert f"Job {job['metadata']['name']} tries again" in message(status)
    second = shop.pod(besides=(first,))
    shop.kubelet.ends(second, ExitCode.TRY_AGAIN, UNREACHABLE)
    third = shop.pod(besides=(first, second))
    shop.kubelet.starts(third)
    shop.becomes("Migrating")
    shop.kubelet.ends(third, ExitCode.OK, SUCCESS)
    assert conditions(shop.becomes("UpToDate")) == {"Ready": "True"}
    assert [one["metadata"]["uid"] for one in shop.jobs()] == [job["metadata"]["uid"]]


def test_a_refused_password_is_tried_again_later_and_not_at_once(shop: Shop) -> None:
    shop.migrate()
    job = shop.job()
    shop.kubelet.ends(shop.pod(), ExitCode.REFUSED, Result("AuthenticationFailed", error=Failure("refused", "28P01")))
    shop.says("attempt 2 starts at")
    status = shop.becomes("AuthenticationFailed")
    assert conditions(status) == {"Ready": "False", "Reconciling": "True"}
    until(lambda: shop.jobs()[0]["status"].get("conditions"))
    assert shop.changes(JOB, shop.jobs()[0]) == []
    assert [one["metadata"]["uid"] for one in shop.jobs()] == [job["metadata"]["uid"]]


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (ExitCode.USAGE, "ConfigInvalid"),
        (ExitCode.SCRIPTS, "MultipleHeads"),
        (ExitCode.DATABASE_AHEAD, "DatabaseAheadBlocked"),
        (ExitCode.FAILED, "PartlyApplied"),
    ],
)
def test_what_waiting_cannot_heal_stalls_after_one_pod(shop: Shop, code: ExitCode, reason: str) -> None:
    shop.migrate()
    shop.kubelet.ends(shop.pod(), code, Result(reason, error=Failure("so it is", committed=("INSERT INTO t",))))
    status = shop.becomes(reason)
    assert conditions(status) == {"Ready": "False", "Stalled": "True"}
    assert status["lastRun"]["error"]["committed"] == ["INSERT INTO t"]
    assert len(shop.pods()) == 1


def test_a_pod_that_ends_without_a_report_is_tried_again(shop: Shop) -> None:
    shop.migrate()
    first = shop.pod()
    shop.kubelet.ends(first, 1, "Traceback: no Result")
    assert first["metadata"]["name"] in message(shop.becomes("Retrying"))
    shop.kubelet.ends(shop.pod(besides=(first,)), ExitCode.OK, SUCCESS)
    shop.becomes("UpToDate")


def test_a_database_that_is_ahead_is_ready_and_says_so(shop: Shop) -> None:
    shop.migrate()
    warned = ("look",) * 20
    status = shop.succeeds(result=Result("DatabaseAhead", ("c3",), ("c3",), ("b2",), ahead=True, warnings=warned))
    assert conditions(status) == {"Ready": "True"}
    assert status["lastRun"]["warnings"] == ["look"] * 16
    assert status["revisions"]["databaseAhead"] is True


def test_only_a_run_before_any_revision_was_seen_may_make_the_database(shop: Shop) -> None:
    database = {"host": "db", "name": "shop", "userFrom": {"name": "db", "key": "user"}, "create": {"ifMissing": True}}
    shop.migrate(database=database)
    first = shop.job()
    asked = ["--create-database", "IfMissing"]
    assert [word for word in command(first) if word in asked] == asked
    shop.succeeds()
    gone = Result("DatabaseNotFound", error=Failure('database "shop" does not exist', "3D000"))
    for version in ("2", "3"):
        before = shop.jobs(), shop.pods()
        shop.change(source={"image": f"registry.test/users:{version}"})
        assert asked[0] not in command(shop.job(besides=before[0]))
        shop.kubelet.ends(shop.pod(besides=before[1]), ExitCode.REFUSED, gone)
        shop.says('database "shop" does not exist')
        assert shop.status()["revisions"]["current"] == ["b2"]


def command(job: Manifest) -> list[str]:
    (container,) = job["spec"]["template"]["spec"]["containers"]
    found: list[str] = container["command"]
    return found
