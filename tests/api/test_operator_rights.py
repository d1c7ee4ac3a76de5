"""The operator under its own policies, and what it does where there are none."""

import base64
from collections.abc import Iterator

import pytest

from tests.api.chart import INJECTS, render
from tests.api.gates import INJECTION, POLICIES
from tests.api.operator_process import HOME, MakeOperator, OperatorProcess
from tests.api.people import RUNNER, forbidden, is_let
from tests.api.rest import Manifest, Rest
from tests.api.shop import Shop, message, until

pytest_plugins = ["tests.api.operator_fixtures"]

EVIL = {"runner.pyz": base64.b64encode(b"import os").decode()}
OURS = {"runner.pyz": base64.b64encode(b"runner").decode()}
WRITTEN = "ConfigMap alembic-operator-runner was written by "


def in_place(shop: Shop) -> Manifest:
    """Return what is in the runner's place, without what the API server adds."""
    found = shop.rest.get(RUNNER, shop.namespace, RUNNER["metadata"]["name"])
    return {name: found[name] for name in ("data", "binaryData", "immutable") if name in found}


@pytest.fixture
def guarded(admin: Rest, new_operator: MakeOperator, empty_shop: Shop) -> Iterator[OperatorProcess]:
    """Have every policy of the chart, and the operator of whom they tell."""
    operator = new_operator(empty_shop.namespace)
    served, account = f"watchNamespaces={{{empty_shop.namespace}}}", f"serviceAccount.name={operator.name}"
    injects = [INJECTS] if admin.serves(INJECTION) else []
    everything = render("--namespace", HOME, "--set", f"{served},{account}", *injects)
    found = [one for one in everything if one["kind"].startswith(POLICIES)]
    for one in found:
        admin.create(one)
    until(lambda: not is_let(lambda: admin.create(RUNNER, empty_shop.namespace, dryRun="All")))
    yield operator
    for one in reversed(found):
        admin.delete(one)


def test_the_operator_works_under_its_own_policies(guarded: OperatorProcess, empty_shop: Shop) -> None:
    empty_shop.migrate()
    empty_shop.succeeds()
    assert in_place(empty_shop) == {"binaryData": OURS}
    forbidden(lambda: empty_shop.rest.merge(RUNNER, {"binaryData": EVIL}, empty_shop.namespace))
    guarded.stop()
    guarded.runner.write_bytes(b"newer runner")
    guarded.start()
    until(lambda: in_place(empty_shop)["binaryData"] != OURS)
    assert "orbidden" not in guarded.log.read_text()


BEFORE: dict[str, Manifest] = {
    "other content": {"binaryData": EVIL},
    "a text": {"binaryData": None, "data": {"runner.pyz": "import os"}},
    "a file beside it": {"binaryData": OURS | {"sitecustomize.py": EVIL["runner.pyz"]}},
    "other content that is locked": {"binaryData": EVIL, "immutable": True},
}


@pytest.mark.parametrize("there", BEFORE.values(), ids=BEFORE)
def test_what_somebody_has_put_in_the_runners_place_is_replaced_and_told(
    new_operator: MakeOperator, empty_shop: Shop, there: Manifest
) -> None:
    empty_shop.rest.create(RUNNER | there, empty_shop.namespace)
    operator = new_operator(empty_shop.namespace)
    empty_shop.migrate()
    empty_shop.pod()
    assert in_place(empty_shop) == {"binaryData": OURS}
    until(lambda: "RunnerReplaced" in empty_shop.occasions(), empty_shop.events)
    (told,) = [one for one in empty_shop.events() if one["reason"] == "RunnerReplaced"]
    assert (told["type"], told["note"].startswith(WRITTEN)) == ("Warning", True)
    until(lambda: operator.said("runnerreplaced"))


def test_a_runner_that_was_replaced_meanwhile_is_ours_again_before_the_next_job_uses_it(
    new_operator: MakeOperator, empty_shop: Shop
) -> None:
    new_operator(empty_shop.namespace)
    empty_shop.migrate()
    first = empty_shop.job()
    empty_shop.succeeds()
    empty_shop.rest.apply(RUNNER | {"binaryData": EVIL}, empty_shop.namespace)
    empty_shop.annotate({"alembic-operator.dev/retry": "1"})
    empty_shop.job(besides=(first,))
    assert in_place(empty_shop) == {"binaryData": OURS}
    until(lambda: "RunnerReplaced" in empty_shop.occasions(), empty_shop.events)
    (told,) = [one["note"] for one in empty_shop.events() if one["reason"] == "RunnerReplaced"]
    assert told.startswith(f"{WRITTEN}test (Apply, ")


def test_with_the_flag_a_job_template_that_asks_for_more_is_stalled_until_it_does_not(
    new_operator: MakeOperator, empty_shop: Shop
) -> None:
    operator = new_operator(empty_shop.namespace)
    operator.stop()
    operator.arguments += ("--limit-job-template",)
    operator.start()
    pod: Manifest = {"serviceAccountName": "other", "nodeSelector": {"disk": "fast"}}
    empty_shop.migrate(jobTemplate={"spec": {"template": {"spec": pod}}})
    said = message(empty_shop.becomes("InvalidSpec"))
    assert said.startswith("spec.jobTemplate.spec.template.spec.serviceAccountName is not taken: ")
    assert empty_shop.jobs() == []
    empty_shop.change(jobTemplate={"spec": {"template": {"spec": {"serviceAccountName": None}}}})
    assert empty_shop.job()["spec"]["template"]["spec"]["nodeSelector"] == {"disk": "fast"}
