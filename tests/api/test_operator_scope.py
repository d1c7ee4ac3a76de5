"""What the operator leaves alone: secrets, and migrations that are being deleted."""

import json

from alembic_operator.contract import ExitCode
from tests.api.operator_process import OperatorProcess
from tests.api.shop import BROKEN, JOB, MIGRATION, Shop, until

pytest_plugins = ["tests.api.operator_fixtures"]

PASSWORD = "correct-horse-battery-staple"


def test_a_deleted_migration_takes_its_job_and_pod_along_and_nothing_is_written_after_it(shop: Shop) -> None:
    created = shop.migrate()
    job, pod = shop.job(), shop.pod()
    shop.kubelet.starts(pod)
    shop.becomes("Migrating")
    shop.rest.delete(MIGRATION | {"metadata": {"name": "users"}}, shop.namespace)
    until(lambda: not shop.jobs() and not shop.pods())
    told = shop.changes(MIGRATION, created)
    assert [one["type"] for one in told].count("DELETED") == 1
    assert told[-1]["type"] == "DELETED"
    assert [one["object"]["metadata"]["uid"] for one in shop.changes(JOB, created)][-1] == job["metadata"]["uid"]
    assert shop.occasions() == ["Started"]


def test_a_migration_that_is_made_again_waits_for_the_job_of_the_deleted_one(shop: Shop) -> None:
    shop.migrate()
    job, pod = shop.job(), shop.pod()
    shop.kubelet.binds(pod)
    shop.kubelet.starts(pod)
    shop.becomes("Migrating")
    shop.rest.delete(MIGRATION | {"metadata": {"name": "users"}}, shop.namespace)
    shop.migrate()
    shop.becomes("WaitingForPreviousJob")
    until(lambda: "deletionTimestamp" in shop.pods()[0]["metadata"])
    shop.kubelet.ends(pod, ExitCode.TERMINATED)
    shop.kubelet.removes(pod)
    again = shop.job(besides=(job,))
    assert again["metadata"]["name"] == job["metadata"]["name"]


def test_no_value_of_a_secret_appears_anywhere(shop: Shop, operator: OperatorProcess) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db"}, "stringData": {"password": PASSWORD}}
    shop.rest.create(secret, shop.namespace)
    key = {"name": "db", "key": "password"}
    database = {"host": "db", "name": "shop", "userFrom": key, "passwordFrom": key}
    shop.migrate(database=database)
    shop.kubelet.ends(shop.pod(), ExitCode.FAILED, BROKEN)
    shop.becomes("RevisionFailed")
    until(lambda: len(shop.events()) == 2)
    written = json.dumps([shop.see(), shop.jobs(), shop.pods(), shop.events()]) + operator.log.read_text()
    assert PASSWORD not in written


def test_the_log_is_json_and_says_what_happened(shop: Shop, operator: OperatorProcess) -> None:
    shop.migrate()
    shop.succeeds()
    until(lambda: operator.log.read_text().count(shop.namespace) == 2)
    lines = [json.loads(line) for line in operator.log.read_text().splitlines()]
    mine = [line for line in lines if line.get("namespace") == shop.namespace]
    assert [line["event"] for line in mine] == ["started", "succeeded"]
    assert {line["name"] for line in mine} == {"users"}
    assert not [line for line in lines if line["level"] not in ("info", "warning")]
