"""A DatabaseImport from outside: it waits for its migration, runs once, and says how it stands."""

from dataclasses import dataclass
from typing import Any

import pytest

from alembic_operator.api.imports import KIND
from alembic_operator.api.v1alpha1 import API_VERSION
from alembic_operator.contract.imports import ImportAnswer, Told
from alembic_operator.core.names import IMPORT_LABEL, RETRY
from tests.api.kubelet import NOW
from tests.api.operator_process import MakeOperator
from tests.api.rest import Manifest
from tests.api.shop import EVENT, JOB, POD, Shop, conditions, message, reasons, until

pytest_plugins = ["tests.api.operator_fixtures"]

IMPORT: Manifest = {"apiVersion": API_VERSION, "kind": KIND}
QUOTA: Manifest = {"apiVersion": "v1", "kind": "ResourceQuota"}
SQLITE = {"volume": {"persistentVolumeClaim": {"claimName": "users-data"}}, "path": "data/app.db"}
DATABASE = {"host": "db", "name": "users", "userFrom": {"name": "db", "key": "user"}}
DONE = ImportAnswer("imported", tables=2, rows=7000, seconds=3.5, sha256="ab" * 32, equal=True)
FOUND = ImportAnswer(
    "findings", findings=(Told("orphans", "posts", "author", 3, (4, 5, 6), "refer to no row of users"),), total=12
)


@dataclass(frozen=True)
class Importer:
    """One DatabaseImport of a namespace, and the kubelet for its pods."""

    shop: Shop
    name: str = "past"

    def begin(self, **spec: Any) -> None:
        wanted = {"migrationRef": {"name": "users"}, "from": {"sqlite": SQLITE}} | spec
        self.shop.rest.create(IMPORT | {"metadata": {"name": self.name}, "spec": wanted}, self.shop.namespace)

    def see(self) -> Manifest:
        found: Manifest = self.shop.rest.get(IMPORT, self.shop.namespace, self.name)
        return found

    def becomes(self, reason: str) -> Manifest:
        def status() -> Manifest:
            return self.see().get("status") or {}

        until(lambda: reasons(status()) == {reason}, status)
        return status()

    def events(self) -> list[tuple[str, str]]:
        """Return what was told of it: what for, and the first word."""
        about = {"kind": KIND, "name": self.name}
        found = [
            one for one in self.shop.rest.items(EVENT, self.shop.namespace) if about.items() <= one["regarding"].items()
        ]
        told = sorted(found, key=lambda one: str(one["eventTime"]))
        return [(one["reason"], one["note"].split()[0]) for one in told if one["action"] == "Import"]

    def all(self, kind: Manifest) -> list[Manifest]:
        found = self.shop.rest.items(kind, self.shop.namespace, labelSelector=f"{IMPORT_LABEL}={self.name}")
        return sorted(found, key=lambda one: int(one["metadata"]["resourceVersion"]))

    def pod(self, *besides: Manifest) -> Manifest:
        known = {one["metadata"]["uid"] for one in besides}

        def new() -> list[Manifest]:
            return [one for one in self.all(POD) if one["metadata"]["uid"] not in known]

        return until(new)[0]

    def says(
        self, pod: Manifest, phase: str, *ended: tuple[str, int, str], running: str = "", address: str = ""
    ) -> None:
        """Have containers ended, each with an exit code and a termination message, and one running."""
        states = {
            name: {"terminated": {"exitCode": code, "message": text, "startedAt": NOW, "finishedAt": NOW}}
            for name, code, text in ended
        } | ({running: {"running": {"startedAt": NOW}}} if running else {})
        waiting: Manifest = {"waiting": {"reason": "PodInitializing"}}
        told = [
            {
                "name": name,
                "image": "registry.test/any:1",
                "imageID": "",
                "ready": False,
                "restartCount": 0,
                "state": states.get(name, waiting),
            }
            for name in ("copy", "upgrade", "load")
        ]
        status = {"phase": phase, "startTime": NOW, "initContainerStatuses": told[:2], "containerStatuses": told[2:]}
        status |= {"podIP": address, "podIPs": [{"ip": address}]} if address else {}
        manifest = POD | {"metadata": {"name": pod["metadata"]["name"]}}
        self.shop.rest.merge(manifest, {"status": status}, self.shop.namespace, "status")

    def ends(self, pod: Manifest, answer: ImportAnswer, code: int = 0) -> None:
        steps = (("copy", 0, ""), ("upgrade", 0, ""), ("load", code, answer.to_json()))
        self.says(pod, "Failed" if code else "Succeeded", *steps)


@pytest.fixture
def past(shop: Shop) -> Importer:
    return Importer(shop)


def test_an_import_waits_for_its_migration_runs_once_and_tells_what_it_did(past: Importer) -> None:
    past.begin()
    assert "DatabaseMigration users does not exist" in message(past.becomes("WaitingForMigration"))
    past.shop.migrate(database=DATABASE)
    past.shop.succeeds()
    status = past.becomes("Pending")
    assert conditions(status) == {"Ready": "False", "Reconciling": "True"}
    pod = past.pod()
    (job,) = past.all(JOB)
    copy, upgrade = pod["spec"]["initContainers"]
    (load,) = pod["spec"]["containers"]
    assert (copy["image"], upgrade["image"]) == (load["image"], "registry.test/users:1")
    assert "/alembic-source/data/app.db" in copy["command"]
    assert "--target=b2" in upgrade["command"]
    assert [one["name"] for one in upgrade["env"]] == ["TMPDIR"]  # no address of PostgreSQL beside SQLite's scripts
    past.says(pod, "Running", ("copy", 0, ""), ("upgrade", 0, ""), running="load")
    status = past.becomes("Importing")
    assert message(status).startswith(f"pod {pod['metadata']['name']} scans, loads and verifies")
    assert "set spec.policy.awaitImport: past in the migration" in message(status)
    past.ends(pod, DONE)
    status = past.becomes("Imported")
    assert conditions(status) == {"Ready": "True"}
    assert (status["tables"], status["rows"], status["rowsPerSecond"], status["equal"]) == (2, 7000, 2000, True)
    assert status["job"] == job["metadata"]["name"]
    assert until(lambda: past.events()[1:] and past.events()[-2:]) == [("Started", "Job"), ("Succeeded", "7000")]
    past.shop.rest.delete(JOB | job, past.shop.namespace, propagationPolicy="Background")
    until(lambda: past.all(JOB) == [])
    past.shop.change(source={"image": "registry.test/users:2"})
    past.shop.rest.merge(
        IMPORT | {"metadata": {"name": past.name}}, {"spec": {"verify": "Counts"}}, past.shop.namespace
    )
    until(lambda: past.see()["status"]["observedGeneration"] == 2)
    assert conditions(past.see()["status"]) == {"Ready": "True"}
    assert past.all(JOB) == []


def test_findings_stop_it_until_a_person_has_mended_them_and_says_so(past: Importer) -> None:
    past.shop.migrate(database=DATABASE)
    past.shop.succeeds()
    past.begin()
    pod = past.pod()
    past.ends(pod, FOUND, 70)
    status = past.becomes("Findings")
    assert conditions(status) == {"Ready": "False", "Stalled": "True"}
    assert message(status).startswith(
        "12 findings stand in the way, and nothing was written; posts.author: refer to no"
    )
    assert status["findingsTotal"] == 12
    assert until(lambda: past.events()[1:]) == [("Failed", "Findings:")]
    assert status["findings"][0]["rowIds"] == [4, 5, 6]
    annotation = {"metadata": {"annotations": {RETRY: "mended"}}}
    past.shop.rest.merge(IMPORT | {"metadata": {"name": past.name}}, annotation, past.shop.namespace)
    past.ends(past.pod(pod), DONE)
    status = past.becomes("Imported")
    assert "findings" not in status


def test_a_job_that_is_invalid_or_beyond_a_quota_is_told_once_and_goes_on_when_that_is_mended(past: Importer) -> None:
    past.shop.migrate(database=DATABASE)
    past.shop.succeeds()
    past.begin(jobTemplate={"spec": {"template": {"spec": {"restartPolicy": "Always"}}}})
    status = past.becomes("JobInvalid")
    assert conditions(status) == {"Ready": "False", "Stalled": "True"}
    before = past.see()["metadata"]["resourceVersion"]
    itself = IMPORT | {"metadata": {"name": past.name}}
    past.shop.rest.merge(itself, {"spec": {"ttlSecondsAfterFinished": 600}}, past.shop.namespace)
    until(lambda: past.see()["status"]["observedGeneration"] == 2)
    assert past.becomes("JobInvalid")["outcome"] == "JobInvalid"
    told = past.shop.changes(itself, {"metadata": {"resourceVersion": before}})
    assert {one["object"]["status"]["conditions"][0]["reason"] for one in told} == {"JobInvalid"}
    assert past.events() == [("Failed", "JobInvalid:")]
    past.shop.allow_none("count/jobs.batch")
    past.shop.rest.merge(itself, {"spec": {"jobTemplate": None}}, past.shop.namespace)
    assert "exceeded quota: none" in message(past.becomes("JobForbidden"))
    past.shop.rest.delete(QUOTA | {"metadata": {"name": "none"}}, past.shop.namespace)
    past.shop.rest.merge(itself, {"spec": {"deadline": "2h"}}, past.shop.namespace)  # or a minute
    past.ends(past.pod(), DONE)
    past.becomes("Imported")


def test_a_killed_pod_is_followed_by_another_and_an_operator_that_comes_later_goes_on(
    empty_shop: Shop, new_operator: MakeOperator
) -> None:
    past, operator = Importer(empty_shop), new_operator(empty_shop.namespace)
    empty_shop.migrate(database=DATABASE)
    empty_shop.succeeds()
    past.begin()
    first = past.pod()
    past.says(first, "Running", ("copy", 0, ""), ("upgrade", 0, ""), running="load")
    past.becomes("Importing")
    operator.kill()
    past.says(first, "Failed", ("copy", 0, ""), ("upgrade", 0, ""), ("load", 137, ""))
    second = past.pod(first)  # of the same Job, while nobody looks
    past.ends(second, DONE)
    until(lambda: past.all(JOB)[0]["status"].get("succeeded"))
    operator.start()
    assert past.becomes("Imported")["rows"] == 7000
    assert len(past.all(JOB)) == 1


def test_a_migration_without_an_address_or_with_tenants_is_none_to_import_into(past: Importer) -> None:
    past.shop.migrate()
    past.begin()
    assert "has no spec.database" in message(past.becomes("InvalidSpec"))
