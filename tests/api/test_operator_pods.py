"""What keeps a migration pod from starting is said in the kubelet's own words, and heals by itself."""

import pytest

from alembic_operator.contract import ExitCode, Failure, Result
from tests.api.shop import JOB, POD, SUCCESS, Shop, conditions, message, until

pytest_plugins = ["tests.api.operator_fixtures"]

INTERRUPTED = Result("Interrupted", error=Failure("asked to stop"))
WAITS = [
    ("CreateContainerConfigError", 'secret "users-db" not found', "SecretNotFound"),
    ("CreateContainerConfigError", "couldn't find key url in Secret shop/users-db", "SecretNotFound"),
    (
        "ImagePullBackOff",
        'Back-off pulling image "registry.test/users:1": ErrImagePull: no such tag',
        "ImagePullFailed",
    ),
    ("CreateContainerConfigError", "container has runAsNonRoot and image will run as root", "ContainerRefused"),
]


@pytest.mark.parametrize(("waiting", "said", "reason"), WAITS)
def test_a_waiting_container_is_explained_and_heals(shop: Shop, waiting: str, said: str, reason: str) -> None:
    shop.migrate()
    pod = shop.pod()
    shop.kubelet.cannot_start(pod, waiting, said)
    status = shop.becomes(reason)
    assert conditions(status) == {"Ready": "False", "Reconciling": "True"}
    assert said.rsplit("ErrImagePull: ", maxsplit=1)[-1] in message(status)
    assert until(lambda: shop.occasions() == ["Started", "Held"], shop.events)
    shop.kubelet.starts(pod)
    shop.becomes("Migrating")
    shop.kubelet.ends(pod, ExitCode.OK, SUCCESS)
    shop.becomes("UpToDate")


def test_a_pod_that_no_node_takes_is_explained_and_heals(shop: Shop) -> None:
    shop.migrate()
    pod = shop.pod()
    shop.kubelet.finds_no_node(pod, "0/3 nodes are available: 3 Insufficient memory.")
    assert "3 Insufficient memory" in message(shop.becomes("Unschedulable"))
    shop.kubelet.binds(pod)
    shop.becomes("Pending")
    shop.kubelet.starts(pod)
    shop.becomes("Migrating")


def test_a_pod_that_is_not_admitted_is_explained(shop: Shop) -> None:
    shop.allow_none("pods")
    shop.migrate()
    job = shop.job()
    status = shop.becomes("PodNotCreated")
    assert conditions(status) == {"Ready": "False", "Reconciling": "True"}
    assert f"kubectl describe job {job['metadata']['name']}" in message(status)


def test_a_job_that_is_not_admitted_is_explained(shop: Shop) -> None:
    shop.allow_none("count/jobs.batch")
    shop.migrate()
    status = shop.becomes("JobForbidden")
    assert conditions(status) == {"Ready": "False", "Reconciling": "True"}
    assert "exceeded quota" in message(status)


def test_a_job_that_is_invalid_stalls_and_a_corrected_template_heals_it(shop: Shop) -> None:
    shop.migrate(jobTemplate={"spec": {"parallelism": -1}})
    status = shop.becomes("JobInvalid")
    assert conditions(status) == {"Ready": "False", "Stalled": "True"}
    assert "spec.parallelism" in message(status)
    assert until(lambda: shop.occasions() == ["Failed"], shop.events)
    shop.change(jobTemplate=None)
    shop.becomes("Pending")
    shop.succeeds()


def test_the_pod_of_an_image_is_admitted_where_pod_security_is_restricted(shop: Shop) -> None:
    shop.label({"pod-security.kubernetes.io/enforce": "restricted"})
    shop.migrate()
    shop.succeeds()


def test_a_pod_that_is_evicted_is_replaced_without_an_attempt(shop: Shop) -> None:
    shop.migrate(policy={"backoffLimit": 0})
    first = shop.pod()
    shop.kubelet.starts(first)
    shop.becomes("Migrating")
    shop.kubelet.evicts(first)
    second = shop.pod(besides=(first,))
    shop.kubelet.ends(second, ExitCode.OK, SUCCESS)
    assert shop.becomes("UpToDate")["lastRun"]["attempt"] == 1


def test_a_pod_that_is_deleted_is_replaced(shop: Shop) -> None:
    shop.migrate()
    first = shop.pod()
    shop.kubelet.binds(first)
    shop.kubelet.starts(first)
    shop.becomes("Migrating")
    shop.rest.delete(POD | {"metadata": first["metadata"]}, shop.namespace)
    shop.kubelet.ends(first, ExitCode.TERMINATED, INTERRUPTED)
    shop.kubelet.removes(first)
    second = shop.pod(besides=(first,))
    shop.becomes("Pending")
    shop.kubelet.starts(second)
    shop.becomes("Migrating")
    shop.kubelet.ends(second, ExitCode.OK, SUCCESS)
    shop.becomes("UpToDate")


def test_a_job_that_is_deleted_while_it_runs_is_made_again_when_its_pod_is_gone(shop: Shop) -> None:
    shop.migrate()
    job, pod = shop.job(), shop.pod()
    shop.kubelet.binds(pod)
    shop.kubelet.starts(pod)
    shop.becomes("Migrating")
    shop.rest.delete(JOB | {"metadata": job["metadata"]}, shop.namespace, propagationPolicy="Foreground")
    shop.becomes("WaitingForPreviousJob")
    assert [one["metadata"]["uid"] for one in shop.jobs()] == [job["metadata"]["uid"]]
    shop.kubelet.ends(pod, ExitCode.TERMINATED)
    shop.kubelet.removes(pod)
    again = shop.job(besides=(job,))
    assert again["metadata"]["name"] == job["metadata"]["name"]
    shop.kubelet.ends(shop.pod(besides=(pod,)), ExitCode.OK, SUCCESS)
    shop.becomes("UpToDate")
