"""Whatever the API server refuses is said in the object, as what it is, and heals when it is not refused any more."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from alembic_operator.core.names import RUNNER_CONFIG_MAP
from devcluster.controlplane import ApiServer
from tests.api import webhook
from tests.api.rest import Manifest, RefusedError
from tests.api.shop import JOB, MIGRATION, Shop, conditions, message, reasons, until

pytest_plugins = ["tests.api.operator_fixtures"]

CONFIG_MAP: Manifest = {"apiVersion": "v1", "kind": "ConfigMap"}
ADMISSION = "admissionregistration.k8s.io/v1"
RECONCILING = {"Ready": "False", "Reconciling": "True"}
STALLED = {"Ready": "False", "Stalled": "True"}

NO: dict[str, Manifest] = {
    "no code": {"message": "it must not"},
    "400": {"code": 400, "message": "it must not"},
    "401": {"code": 401, "reason": "Unauthorized", "message": "it must not"},
    "403": {"code": 403, "reason": "Forbidden", "message": "it must not"},
    "404, as if there were no such kind": {"code": 404, "reason": "NotFound", "message": "it must not"},
    "409, as if there were one": {"code": 409, "reason": "AlreadyExists", "message": "it must not"},
    "418": {"code": 418, "message": "it must not"},
    "422, as if a field were wrong": {
        "code": 422,
        "reason": "Invalid",
        "message": "it must not",
        "details": {"causes": [{"field": "spec.template", "message": "no"}]},
    },
    "429": {"code": 429, "reason": "TooManyRequests", "message": "it must not", "details": {"retryAfterSeconds": 1}},
    "500": {"code": 500, "message": "it must not"},
    "400 and very long": {"code": 400, "message": "it must not " + "y" * 50_000},
}


@contextmanager
def installed(shop: Shop, *manifests: Manifest) -> Iterator[None]:
    """Have objects of the cluster for a while."""
    for one in manifests:
        shop.rest.create(one)
    try:
        yield
    finally:
        for one in reversed(manifests):
            shop.rest.delete(one)


def refuses(shop: Shop, manifest: Manifest) -> bool:
    """Tell whether the API server refuses an object now, as somebody else would create it."""
    try:
        shop.rest.create(manifest | {"metadata": {"name": "a-trial"}}, shop.namespace, dryRun="All")
    except RefusedError:
        return True
    return False


A_JOB = JOB | {"spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "a", "image": "b"}]}}}}


@pytest.mark.parametrize("answer", [pytest.param(one, id=name) for name, one in NO.items()])
def test_a_job_that_a_webhook_denies_is_not_admitted_and_comes_when_it_may(
    shop: Shop, cluster: ApiServer, answer: Manifest
) -> None:
    said: Manifest = {"allowed": False, "status": answer}
    with (
        webhook.answering(cluster, lambda _: said) as client,
        installed(shop, webhook.validating(client, shop.namespace, "batch", "jobs")),
    ):
        until(lambda: refuses(shop, A_JOB))
        shop.migrate()
        status = shop.becomes("JobForbidden")
        assert conditions(status) == RECONCILING
        assert 'the Job is not admitted: admission webhook "late.test.local" denied the request: it' in message(status)
        assert len(message(status)) < 1100
        said.clear()
        shop.job()
        shop.becomes("Pending")


def policy(shop: Shop, group: str, resource: str, expression: str = "false", **more: Any) -> tuple[Manifest, Manifest]:
    """Return a policy that denies in one namespace, and its binding."""
    rule = {"apiGroups": [group], "apiVersions": ["*"], "operations": ["CREATE"], "resources": [resource]}
    validation = {"expression": expression, "message": "it must not"} | more
    spec = {"matchConstraints": {"resourceRules": [rule]}, "validations": [validation]}
    here = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": shop.namespace}}}
    bound = {"policyName": shop.namespace, "validationActions": ["Deny"], "matchResources": here}
    metadata = {"apiVersion": ADMISSION, "metadata": {"name": shop.namespace}}
    kind = "ValidatingAdmissionPolicy"
    return metadata | {"kind": kind, "spec": spec}, metadata | {"kind": f"{kind}Binding", "spec": bound}


@pytest.mark.parametrize("reason", ["", "Forbidden", "Invalid", "RequestEntityTooLarge"])
def test_a_job_that_a_policy_denies_is_not_admitted_and_comes_when_it_may(shop: Shop, reason: str) -> None:
    with installed(shop, *policy(shop, "batch", "jobs", **({"reason": reason} if reason else {}))):
        until(lambda: refuses(shop, A_JOB))
        shop.migrate()
        status = shop.becomes("JobForbidden")
        assert conditions(status) == RECONCILING
        assert "denied request: it must not" in message(status)
    shop.job()
    shop.becomes("Pending")


def test_a_runner_that_a_policy_denies_is_said_as_what_it_is(shop: Shop) -> None:
    with installed(shop, *policy(shop, "", "configmaps", "!has(object.binaryData)")):
        until(lambda: refuses(shop, CONFIG_MAP | {"binaryData": {"a": "YQ=="}}))
        shop.migrate()
        status = shop.becomes("RunnerForbidden")
        assert conditions(status) == RECONCILING
        assert message(status).startswith(f"ConfigMap {RUNNER_CONFIG_MAP} is not admitted: ")
        assert "Job" not in message(status)
        assert shop.jobs() == []
    shop.job()
    shop.becomes("Pending")


def template(**pod: Any) -> Manifest:
    return {"spec": {"template": {"spec": pod}}}


WRONG: dict[str, tuple[Manifest, str]] = {
    "a number out of range": ({"spec": {"parallelism": -1}}, "spec.parallelism: Invalid value: -1"),
    "a field of another type": ({"spec": {"parallelism": "x"}}, "JobSpec.spec.parallelism of type int32"),
    "a specification that is none": ({"spec": "x"}, "spec.template.spec.containers: Required value"),
    "a name that is none": (template(containers=[{"name": {}}]), "template.spec.containers.name of type string"),
    "an item without its name": (template(containers=[{"image": "x"}]), "spec.template.spec.containers[1].name"),
    "a field that does not exist": (template(tolerationz=[]), 'unknown field "spec.template.spec.tolerationz"'),
    "a directive that does not exist": ({"spec": {"$patch": "burn"}}, 'unknown field "spec.$patch"'),
    "very long": (template(containers=[{"name": "X" * 40_000}]), "spec.template.spec.containers[1].name"),
}


@pytest.mark.parametrize(("wrong", "said"), [pytest.param(*case, id=name) for name, case in WRONG.items()])
def test_a_template_that_is_wrong_stalls_and_heals_when_it_is_corrected(shop: Shop, wrong: Manifest, said: str) -> None:
    shop.migrate(jobTemplate=wrong)
    status = shop.becomes("JobInvalid")
    assert conditions(status) == STALLED
    assert said in message(status)
    assert len(message(status)) < 1200
    assert message(status).endswith("correct spec.jobTemplate or the source")
    shop.change(jobTemplate=None)
    shop.job()
    shop.becomes("Pending")


@contextmanager
def broken_webhook(shop: Shop, cluster: ApiServer, probe: Callable[[], bool], *asked: str) -> Iterator[None]:
    """Have a webhook that is down; return when the API server asks it."""
    with webhook.answering(cluster, lambda _: {}) as client:
        pass
    with installed(shop, webhook.validating(client, shop.namespace, *asked)):
        until(probe)
        yield


def test_a_webhook_that_is_down_is_told_with_the_time_and_passes(shop: Shop, cluster: ApiServer) -> None:
    with broken_webhook(shop, cluster, lambda: refuses(shop, A_JOB), "batch", "jobs"):
        shop.migrate()
        status = shop.becomes("ApiServerRefuses")
        assert conditions(status) == RECONCILING
        assert 'the operator cannot create jobs: Internal error occurred: failed calling webhook "late' in message(
            status
        )
        assert message(status).startswith("since 20")
        assert until(lambda: shop.occasions() == ["Held"], shop.events)
        told = shop.see()
        assert shop.changes(MIGRATION, told) == []
    shop.job()
    shop.becomes("Pending")
    shop.succeeds()
    assert until(lambda: shop.occasions() == ["Held", "Started", "Succeeded"], shop.events)


def test_a_ready_migration_never_says_that_a_job_was_created_which_was_not(shop: Shop, cluster: ApiServer) -> None:
    shop.migrate()
    shop.succeeds()
    first = shop.job()
    with broken_webhook(shop, cluster, lambda: refuses(shop, A_JOB), "batch", "jobs"):
        before = shop.see()
        shop.change(alembic={"target": "b2"})
        shop.becomes("ApiServerRefuses")
        assert conditions(shop.status()) == RECONCILING
        told = [reasons(one["object"]["status"]) for one in shop.changes(MIGRATION, before)]
        assert told == [{"UpToDate"}, {"Pending"}, {"ApiServerRefuses"}]
        assert shop.occasions().count("Started") == 1
    shop.job(besides=(first,))
    shop.becomes("Pending")


def test_a_status_that_is_refused_is_told_by_one_event(shop: Shop, cluster: ApiServer) -> None:
    said: Manifest = {"allowed": False, "status": {"code": 404, "reason": "NotFound", "message": "not here"}}
    with (
        webhook.answering(cluster, lambda _: said) as client,
        installed(
            shop, webhook.validating(client, shop.namespace, "alembic-operator.dev", "databasemigrations/status")
        ),
    ):
        shop.migrate("other", suspend=True)
        until(lambda: _status_is_refused(shop))
        shop.migrate()
        shop.job()
        (event,) = until(shop.events)
        assert event["note"].startswith("its status cannot be written: admission webhook")
        said.clear()
        shop.becomes("Pending")
        assert shop.occasions() == ["Held"]


def _status_is_refused(shop: Shop) -> bool:
    try:
        shop.rest.merge(
            MIGRATION | {"metadata": {"name": "other"}}, {"status": {"heldPods": 1}}, shop.namespace, "status"
        )
    except RefusedError:
        return True
    return False
