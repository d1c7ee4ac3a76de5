"""spec.strategy InitContainer on a real node: pods migrate by themselves, once, and the status tells it as of a Job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from alembic_operator.contract import Result
from alembic_operator.core.names import GATE_CONTAINER
from demo.scene import Migration as Told
from tests.e2e.containers import kill
from tests.e2e.migration import PATIENCE
from tests.e2e.shop import BROKEN, REVISIONS
from tests.e2e.workloads import gate_of, is_held, is_ready

if TYPE_CHECKING:
    from tests.e2e.conftest import Stage
    from tests.e2e.migration import Manifest
    from tests.e2e.shop import App, OpenShop, Shop

PODS = 10
BY_PODS = {"strategy": "InitContainer"}
TIMES = {"startedAt", "finishedAt", "lastTransitionTime", "seconds", "lockSeconds", "readBackSeconds"}
OF_ITS_OWN_RUN = {"job", "pod", "inputs", "knownImages", *TIMES}


def results(app: App) -> list[Result]:
    """Return what the gates of all pods reported."""
    statuses = [one for pod in app.pods() for one in pod["status"]["initContainerStatuses"]]
    ends = [one["state"]["terminated"]["message"] for one in statuses if one["name"] == GATE_CONTAINER]
    found = [Result.from_json(message) for message in ends]
    return [one for one in found if one]


def plain(value: Any) -> Any:
    """Return a status without what differs between any two runs."""
    match value:
        case dict():
            return {key: plain(one) for key, one in value.items() if key not in OF_ITS_OWN_RUN}
        case list():
            return [plain(one) for one in value]
        case str():
            return value.partition(" applied in ")[0]
        case _:
            return value


def reasons(shop: Shop, stage: Stage) -> list[str]:
    """Return the reasons that the status went through."""
    states = stage.evidence.states("databasemigrations", shop.migration.name)
    found = [Told.of(state).reason for state in states]
    return [one for one, before in zip(found, ["", *found], strict=False) if one != before]


def the_pod_at_work(shop: Shop) -> str:
    """Return the pod whose gate runs: a moment before, the status still tells of the run that ended."""

    def its_gate_runs(raw: Manifest) -> bool:
        return any(
            pod["metadata"]["name"] == raw["status"]["lastRun"]["pod"] and is_held(pod) for pod in shop.app.pods()
        )

    shop.migration.until(its_gate_runs, "told of the pod that migrates")
    return str(shop.migration.status()["lastRun"]["pod"])


def test_of_ten_pods_at_once_one_migrates_and_the_status_is_that_of_a_job(open_shop: OpenShop, stage: Stage) -> None:
    shop, by_job = open_shop.prepare("ten", **BY_PODS), open_shop.prepare("by-job")
    shop.manifests[-1]["spec"]["replicas"] = PODS
    shop.deploy()
    shop.migration.until_ready()
    shop.app.until_rolled_out()
    reports = results(shop.app)
    assert len(reports) == PODS
    (busy,) = [one for one in reports if one.applied_count]
    assert shop.migration.database.heads() == [REVISIONS["v1"]]
    status = shop.migration.status()
    assert [one["revision"] for one in status["lastRun"]["applied"]] == [one.revision for one in busy.applied]
    assert (shop.migration.jobs(), len(status["history"])) == ([], 1)
    assert reasons(shop, stage)[-2:] == ["Migrating", "UpToDate"]
    by_job.manifests[-1]["spec"]["replicas"] = 0
    by_job.deploy()
    by_job.migration.until_ready()
    assert plain(status) == plain(by_job.migration.status())


def test_a_gate_that_is_killed_in_the_middle_and_a_pod_that_is_deleted_lose_nothing(open_shop: OpenShop) -> None:
    shop = open_shop("killed-gates", **BY_PODS)
    shop.hold()
    shop.app.ship("v2")
    shop.until_held()
    kill(shop.migration.access, the_pod_at_work(shop), GATE_CONTAINER)
    shop.migration.until_reason("Retrying")
    shop.until_held()
    shop.migration.access.kubectl("delete", "pod", the_pod_at_work(shop), "--wait=false")
    shop.release()
    shop.app.until_rolled_out(2 * PATIENCE)
    shop.until_rolled_out("v2")
    assert shop.migration.database.heads() == [REVISIONS["v2"]]
    assert sum(bool(one.applied_count) for one in results(shop.app)) == 1
    assert shop.problems() == []


def test_a_revision_that_fails_stalls_while_old_pods_serve_and_a_mended_one_goes_through(open_shop: OpenShop) -> None:
    shop = open_shop("failing-gates", **BY_PODS)
    shop.app.ship(BROKEN)
    told = shop.migration.until_stalled()
    assert told.reason == "RevisionFailed"
    assert shop.migration.status()["lastRun"]["error"]["sqlstate"] == "23505"
    assert len([pod for pod in shop.app.pods("v1") if is_ready(pod)]) == 2
    shop.app.undo()  # no pod of v1 is new, and none has seen what was applied before the revision that failed
    assert "kubectl rollout restart deployment/failing-gates" in shop.migration.until_reason("WaitingForPods").message
    shop.migration.access.kubectl("rollout", "restart", "deployment/failing-gates")
    shop.migration.until_reason("DatabaseAhead")
    shop.app.until_rolled_out(2 * PATIENCE)
    shop.app.ship("v4")
    shop.app.until_rolled_out(2 * PATIENCE)
    shop.until_rolled_out("v4")
    assert shop.migration.database.heads() == [REVISIONS["v4"]]
    outcomes = [one["outcome"] for one in shop.migration.status()["history"]]
    assert outcomes == ["UpToDate", "DatabaseAhead", "RevisionFailed", "UpToDate"]
    assert BROKEN not in shop.answered()
    assert shop.problems() == []


def test_a_workload_that_is_scaled_to_zero_and_back_stays_ready(open_shop: OpenShop) -> None:
    shop = open_shop("asleep", **BY_PODS)
    before = shop.migration.status()
    shop.app.scale(0)
    shop.migration.until(lambda _: not shop.app.pods(), "without pods")
    shop.app.scale(2)
    shop.app.until_rolled_out()
    assert _ready_again(shop) == before  # also since when it is Ready
    assert all(gate_of(pod) for pod in shop.app.pods())


def _ready_again(shop: Shop) -> Manifest:
    shop.migration.until(lambda raw: not raw["status"].get("heldPods"), "holding nobody")
    return shop.migration.status()


def test_a_change_of_the_specification_waits_for_new_pods_and_says_how_to_make_them(open_shop: OpenShop) -> None:
    shop = open_shop("changed-spec", **BY_PODS)
    shop.migration.patch(policy={"lockTimeout": "3s"})
    told = shop.migration.until_reason("WaitingForPods")
    assert "kubectl rollout restart deployment/changed-spec" in told.message
    shop.migration.access.kubectl("rollout", "restart", "deployment/changed-spec")
    shop.app.until_rolled_out(2 * PATIENCE)
    shop.migration.until_ready()
    shop.migration.patch(strategy="Job", policy={"lockTimeout": "4s"})
    shop.migration.until(lambda raw: bool(raw["status"]["lastRun"].get("job")), "running a Job")
    shop.migration.until_ready()
    assert shop.problems() == []
