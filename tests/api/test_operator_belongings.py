"""Only what a migration itself has made counts: labels and names alone are nobody's word."""

from typing import Any

from alembic_operator.contract import ExitCode
from alembic_operator.core import names
from alembic_operator.core.manifests import job
from alembic_operator.core.observation import source
from alembic_operator.core.observation.migrations import read_migration
from tests.api.rest import Manifest, Rest
from tests.api.shop import JOB, MIGRATION, POD, SUCCESS, Shop, message, until

pytest_plugins = ["tests.api.operator_fixtures"]

LABELS = {names.MANAGED_BY: names.OPERATOR, names.RUN_LABEL: "users", names.MIGRATION_LABEL: "users"}
USERS: Manifest = MIGRATION | {"metadata": {"name": "users"}}


def names_of(raw: Manifest) -> tuple[str, str]:
    """Return the two names that the Job of a migration can have."""
    migration = read_migration(raw)
    assert migration.spec is not None
    assert migration.spec.source.image is not None
    inputs = job.what_matters(migration, migration.spec, source.of_image(migration.spec.source.image), None)
    return names.job_name("users", inputs), names.job_name("users", [inputs, migration.uid])


def a_job(name: str, labels: dict[str, str], **spec: Any) -> Manifest:
    pod = {"restartPolicy": "Never", "containers": [{"name": "report", "image": "registry.test/report"}]}
    template = {"metadata": {"labels": labels}, "spec": pod}
    return JOB | {"metadata": {"name": name, "labels": labels}, "spec": {"template": template} | spec}


def orphan(shop: Shop) -> Manifest:
    """Delete the migration and leave its Job; return that as it is then."""
    shop.rest.delete(USERS, shop.namespace, propagationPolicy="Orphan")
    until(lambda: not shop.exists(MIGRATION, "users"))
    (left,) = shop.jobs()
    assert "ownerReferences" not in left["metadata"]
    return left


def test_a_migration_that_was_deleted_and_left_its_job_starts_anew_at_once(shop: Shop) -> None:
    shop.migrate()
    first_pod = shop.pod()
    shop.kubelet.starts(first_pod)
    shop.becomes("Migrating")
    left = orphan(shop)
    shop.migrate()
    own = shop.job(besides=(left,))
    assert own["metadata"]["name"] == names_of(shop.see())[1]
    shop.kubelet.ends(first_pod, ExitCode.OK, SUCCESS)
    shop.kubelet.ends(shop.pod(besides=(first_pod,)), ExitCode.OK, SUCCESS)
    assert shop.becomes("UpToDate")["lastRun"]["job"] == own["metadata"]["name"]
    assert shop.exists(JOB, left["metadata"]["name"])


def test_an_orphaned_job_that_has_succeeded_is_not_believed(shop: Shop) -> None:
    shop.migrate()
    shop.succeeds()
    done = shop.pod()
    left = orphan(shop)
    shop.migrate()
    shop.becomes("Pending")
    shop.kubelet.ends(shop.pod(besides=(done,)), ExitCode.OK, SUCCESS)
    assert len(shop.becomes("UpToDate")["history"]) == 1
    assert left["metadata"]["uid"] in [one["metadata"]["uid"] for one in shop.jobs()]


def test_a_migration_that_was_deleted_with_its_job_waits_for_that_and_takes_the_same_name(shop: Shop) -> None:
    shop.migrate()
    first, pod = shop.job(), shop.pod()
    shop.kubelet.binds(pod)  # its deletion waits for the kubelet, and the Job's for the pod's
    shop.kubelet.starts(pod)
    shop.rest.delete(JOB | {"metadata": first["metadata"]}, shop.namespace, propagationPolicy="Foreground")
    shop.rest.delete(USERS, shop.namespace)
    shop.migrate()
    shop.says("belongs to a deleted migration of the same name; a new one starts when it is gone")
    shop.kubelet.ends(pod, ExitCode.TERMINATED)
    shop.kubelet.removes(pod)
    assert shop.job(besides=(first,))["metadata"]["name"] == first["metadata"]["name"]


def test_a_bare_job_that_has_the_name_is_left_alone(shop: Shop) -> None:
    usual, other = names_of(shop.migrate(suspend=True))
    bare = shop.rest.create(a_job(usual, {}, suspend=True), shop.namespace)
    shop.change(suspend=False)
    assert shop.job()["metadata"]["name"] == other
    shop.succeeds()
    assert shop.rest.get(JOB, shop.namespace, usual)["metadata"]["uid"] == bare["metadata"]["uid"]


def test_jobs_of_both_names_are_told_with_what_to_do_and_never_deleted(shop: Shop) -> None:
    both = names_of(shop.migrate(suspend=True))
    jobs = [shop.rest.create(a_job(name, LABELS, suspend=True), shop.namespace) for name in both]
    shop.change(suspend=False)
    shop.says(f"kubectl delete job {both[1]} --namespace {shop.namespace}")
    assert {one["metadata"]["uid"] for one in jobs} == {one["metadata"]["uid"] for one in shop.jobs()}
    shop.rest.delete(jobs[1], shop.namespace, propagationPolicy="Background")
    assert shop.job(besides=jobs)["metadata"]["name"] == both[1]


def test_a_job_that_only_has_the_labels_is_neither_waited_for_nor_deleted(shop: Shop) -> None:
    nightly = shop.rest.create(a_job("nightly-report", LABELS), shop.namespace)
    until(shop.pods)
    (pod,) = shop.pods()
    shop.kubelet.starts(pod)
    shop.migrate()
    own = shop.job(besides=(nightly,))
    until(lambda: len(shop.pods()) == 2)
    shop.kubelet.ends(shop.pod(besides=(pod,)), ExitCode.OK, SUCCESS)
    assert shop.becomes("UpToDate")["lastRun"]["job"] == own["metadata"]["name"]
    assert "deletionTimestamp" not in shop.rest.get(JOB, shop.namespace, "nightly-report")["metadata"]


def test_a_pod_that_only_has_the_labels_holds_nothing_and_reports_nothing(shop: Shop) -> None:
    labelled = [a_pod(shop.rest, shop.namespace, name) for name in ("running", "reporting")]
    shop.kubelet.starts(labelled[0])
    shop.kubelet.ends(labelled[1], ExitCode.OK, SUCCESS)
    shop.migrate()
    shop.job()
    assert "was created" in message(shop.becomes("Pending"))
    shop.kubelet.ends(shop.pod(besides=labelled), ExitCode.OK, SUCCESS)
    shop.becomes("UpToDate")


def a_pod(rest: Rest, namespace: str, name: str) -> Manifest:
    containers = [{"name": names.CONTAINER, "image": "registry.test/users:1"}]
    about = {"name": name, "labels": LABELS}
    created: Manifest = rest.create(POD | {"metadata": about, "spec": {"containers": containers}}, namespace)
    return created
