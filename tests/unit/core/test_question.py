"""A Job that asks the runner: it has the pod of a run, and is never taken for one."""

from typing import Any

import pytest

from alembic_operator.core import names
from alembic_operator.core.manifests import job, question
from alembic_operator.core.observation.reading import Manifest
from alembic_operator.core.observation.source import of_image
from tests.unit.core.builders import DATABASE, POSTGRES, a_migration, a_spec

OURS = (names.MIGRATION_LABEL, names.RUN_LABEL)


def asked(command: str = "check", **spec: Any) -> Manifest:
    migration = a_migration({"source": {"image": "shop:2"}, "database": DATABASE} | spec)
    return question.build(command, migration, of_image("shop:2"), POSTGRES)


def test_it_differs_from_the_pod_of_a_run_by_the_command_alone() -> None:
    spec = a_spec(database=DATABASE)
    run = job.pod(spec, of_image("shop:2"), POSTGRES)
    found = asked()["spec"]["template"]["spec"]
    (own,), (theirs,) = found.pop("containers"), run.pop("containers")
    assert own.pop("command") == ["check" if one == "upgrade" else one for one in theirs.pop("command")]
    assert (found, own) == (run, theirs)


def test_neither_it_nor_its_pod_looks_like_a_run_and_nobody_controls_it() -> None:
    template = {
        "metadata": {"labels": {"team": "users", names.RUN_LABEL: "users"}},
        "spec": {"template": {"metadata": {"labels": {"team": "users", names.MIGRATION_LABEL: "users"}}}},
    }
    found = asked(jobTemplate=template)
    for one in (found, found["spec"]["template"]):
        assert not set(OURS) & set(one["metadata"]["labels"])
        assert one["metadata"]["labels"] == {"team": "users", "alembic-operator.dev/question": "check"}
    (owner,) = found["metadata"]["ownerReferences"]
    assert (owner["name"], "controller" in owner) == ("users", False)
    assert found["metadata"]["generateName"] == "users-check-"
    assert (found["spec"]["backoffLimit"], found["spec"]["ttlSecondsAfterFinished"]) == (0, 600)


@pytest.mark.parametrize(
    "container",
    [
        {"name": "migrate", "command": ["sh", "-c", "runner.pyz upgrade"]},
        {"name": "migrate", "args": ["upgrade"]},
        {"name": "migrate", "$patch": "delete"},
    ],
)
def test_a_template_with_a_command_of_its_own_is_refused_because_that_might_change_the_database(
    container: Manifest,
) -> None:
    with pytest.raises(ValueError, match="has a command of its own for the container migrate"):
        asked(jobTemplate={"spec": {"template": {"spec": {"containers": [container]}}}})


def test_one_pod_is_asked_about_the_tenants_of_all_servers() -> None:
    servers = [{"name": "eu", "host": "eu.test"}, {"name": "us"}]
    template = {"spec": {"maxFailedIndexes": 0, "parallelism": 1}}
    found = asked("tenants", tenants={"pattern": "ws%", "servers": servers}, jobTemplate=template)
    assert set(found["spec"]) & {"completionMode", "completions", "parallelism", "maxFailedIndexes"} == set()
    assert names.SERVERS not in found["spec"]["template"]["metadata"]["annotations"]
    assert found["spec"]["podFailurePolicy"]["rules"][1]["action"] == "FailJob"
    (container,) = found["spec"]["template"]["spec"]["containers"]
    assert "PGHOST_eu" in [one["name"] for one in container["env"]]
    assert '"servers":["eu","us"]' in container["command"][-1]
