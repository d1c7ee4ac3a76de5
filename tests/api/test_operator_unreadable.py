"""Objects that no reader can make sense of: they stop nobody, and their migration says so."""

import json

import pytest

from alembic_operator.core.names import ATTEMPT, MIGRATION_LABEL
from tests.api.operator_process import MakeOperator, OperatorProcess
from tests.api.rest import JSON, Rest, path_of
from tests.api.shop import EVENT, IMAGE, JOB, MIGRATION, Shop, message, until
from tests.api.workloads import ROLLOUT, Workload, define_rollouts

pytest_plugins = ["tests.api.operator_fixtures"]

DIGITS = "9" * 5000
LEVELS = 5000
"""The API server takes up to 10,000; Python reads a thousand by itself."""

SAID = (
    f'Deployment users: spec.strategy.rollingUpdate.maxSurge is "{DIGITS[:40]}… (5001 characters)", not a number of',
    f'metadata.annotations[{ATTEMPT}] is "{DIGITS[:40]}… (5000 characters)", not a number from 1 to 1000000',
    'Rollout web: spec.strategy.canary.maxUnavailable is "one", not a number of pods or a percentage',
)


@pytest.fixture(scope="module", autouse=True)
def rollouts(admin: Rest) -> None:
    define_rollouts(admin)


def poison(shop: Shop) -> None:
    """Put the three objects beside a migration that has its Job."""
    Workload(shop).create(strategy={"rollingUpdate": {"maxSurge": f"{DIGITS}%", "maxUnavailable": 0}})
    template = {"metadata": {"labels": {MIGRATION_LABEL: "users"}}, "spec": {"containers": [{"name": "app"}]}}
    spec = {"template": template, "strategy": {"canary": {"maxUnavailable": "one"}}}
    shop.rest.create(ROLLOUT | {"metadata": {"name": "web"}, "spec": spec}, shop.namespace)
    shop.rest.merge(JOB | shop.job(), {"metadata": {"annotations": {ATTEMPT: DIGITS}}}, shop.namespace)


def create_deep(shop: Shop) -> None:
    """Create a migration with as deep a jobTemplate as the API server takes, in words that Python cannot make."""
    deep = '{"a":' * LEVELS + "1" + "}" * LEVELS
    manifest = json.dumps(MIGRATION | {"metadata": {"name": "deep"}, "spec": {"source": IMAGE, "jobTemplate": 0}})
    body = manifest.replace('"jobTemplate": 0', f'"jobTemplate": {deep}')
    shop.rest.connection.request("POST", path_of(MIGRATION, shop.namespace), body, {"Content-Type": JSON})
    answer = shop.rest.connection.getresponse()
    assert (answer.status, bool(answer.read())) == (201, True)


def start_again(operator: OperatorProcess) -> None:
    """Let everything be listed anew."""
    assert operator.stop() == 0
    operator.start()


def test_three_objects_that_cannot_be_read_stop_nobody_and_their_migration_says_so(
    empty_shop: Shop, other_shop: Shop, new_operator: MakeOperator
) -> None:
    operator = new_operator(empty_shop.namespace, other_shop.namespace, with_rollouts=True)
    empty_shop.migrate()
    poison(empty_shop)
    for text in SAID:
        empty_shop.says(text)
    start_again(operator)
    other_shop.migrate()
    other_shop.succeeds()
    assert all(text in empty_shop.says("cannot read") for text in SAID)
    status = empty_shop.succeeds()
    assert all(text in message(status) for text in SAID)
    assert len(str(status)) < 16_384
    start_again(operator)
    assert other_shop.becomes("UpToDate")
    events = empty_shop.rest.items(EVENT, empty_shop.namespace)
    told = [one for one in events if one["reason"] == "Unreadable"]
    assert sorted(one["regarding"]["kind"] for one in told) == ["Deployment", "Job", "Rollout"]
    assert operator.log.read_text().count('"event": "unreadable"') == 3


def test_a_migration_nested_deeper_than_python_reads_stops_nobody_and_says_so(
    empty_shop: Shop, other_shop: Shop, new_operator: MakeOperator
) -> None:
    operator = new_operator(empty_shop.namespace, other_shop.namespace)
    create_deep(empty_shop)
    (said,) = until(lambda: [one["note"] for one in empty_shop.events("deep")])
    assert said == "InvalidSpec: spec.jobTemplate is nested deeper than 64 levels; make it smaller"
    start_again(operator)
    empty_shop.migrate()
    empty_shop.succeeds()
    other_shop.migrate()
    other_shop.succeeds()
    assert operator.readiness() == "ok\n"
