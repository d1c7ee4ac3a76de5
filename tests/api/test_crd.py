"""The CRD on a real API server: how it is served, what it fills in, what it keeps, and how status is written."""

from typing import Any

import pytest

from alembic_operator.api.crd import crd
from alembic_operator.api.fleet import TenantsStatus
from alembic_operator.api.meta import Condition
from alembic_operator.api.status import (
    Applied,
    Build,
    DatabaseStatus,
    HistoryEntry,
    LastRun,
    Progress,
    RevisionsStatus,
    RunError,
    ShownRevisions,
    Status,
    WaitingFor,
)
from alembic_operator.api.v1alpha1 import API_VERSION, GROUP, KIND, PLURAL, VERSION
from tests.api.rest import RefusedError, Rest

NOW = "2026-01-01T00:00:00Z"
STATUS = Status(
    observed_generation=1,
    conditions=(
        Condition(
            type="Ready",
            status="True",
            reason="UpToDate",
            message="The database contains cd34.",
            last_transition_time=NOW,
            observed_generation=1,
        ),
    ),
    image="registry/users@sha256:0",
    database=DatabaseStatus(stateful_set="postgres", host="postgres.shop.svc", port=5432),
    revisions=RevisionsStatus(current=("ab12", "cd34"), target=("ab12", "cd34"), pending=0),
    shown=ShownRevisions(current="ab12, cd34", target="ab12, ef56", pending="?"),
    tenants=TenantsStatus(shown="126/128", total=128, up_to_date=126, failed=2),
    last_run=LastRun(
        job="users-0123456789",
        attempt=2,
        started_at=NOW,
        finished_at=NOW,
        from_=("ab11",),
        to=("ab12", "cd34"),
        applied=(Applied(revision="ab12", seconds=1.0), Applied(revision="cd34", seconds=0.25)),
        error=RunError(sqlstate="42P01", revision="cd34", statement="SELECT ?", message="no table", hint="create it"),
    ),
    progress=Progress(
        revision="cd34",
        index=2,
        of=3,
        since=NOW,
        statement="CREATE INDEX CONCURRENTLY i ON t (a)",
        waiting_for=WaitingFor(pid=4711, application="reporting", user="app", state="active", query_age="31m5s"),
        build=Build(command="CREATE INDEX CONCURRENTLY", phase="building index", done=3, total=5_000_000_000),
        at=NOW,
        moved_at=NOW,
    ),
    history=(HistoryEntry(finished_at=NOW, from_=("ab11",), to=("ab12",), image="users:1", outcome="UpToDate"),),
    known_images=("sha256:0",),
    held_pods=2,
).model_dump(by_alias=True, exclude_none=True, mode="json")


def migration(name: str = "users", **spec: Any) -> dict[str, Any]:
    spec = {"source": {"image": "registry/users:1.4"}} | spec
    return {"apiVersion": API_VERSION, "kind": KIND, "metadata": {"name": name}, "spec": spec}


def only_status(status: dict[str, Any], name: str = "users") -> dict[str, Any]:
    return {"apiVersion": API_VERSION, "kind": KIND, "metadata": {"name": name}, "status": status}


def test_the_api_server_takes_the_crd_for_structural_and_serves_it(rest: Rest) -> None:
    manifest = crd()
    found = rest.get(manifest, "", manifest["metadata"]["name"])
    conditions = {one["type"]: one["status"] for one in found["status"]["conditions"]}
    assert conditions == {"NamesAccepted": "True", "Established": "True"}


def test_the_api_server_warns_of_nothing_in_the_crd(rest: Rest) -> None:
    manifest = crd()
    manifest["metadata"]["name"] = f"others.{GROUP}"
    manifest["spec"]["names"] = {"kind": "Other", "plural": "others"}
    rest.create(manifest, dryRun="All")
    assert rest.warnings == []


def test_the_api_server_keeps_the_crd_as_it_is_written(rest: Rest) -> None:
    manifest = crd()
    found = rest.get(manifest, "", manifest["metadata"]["name"])
    assert found["spec"]["versions"] == manifest["spec"]["versions"]


def test_kubectl_knows_the_short_name_and_the_category(rest: Rest) -> None:
    known = {one["name"]: one for one in rest.request("GET", f"/apis/{GROUP}/{VERSION}")["resources"]}
    main, status = known["databasemigrations"], known["databasemigrations/status"]
    assert (main["name"], main["shortNames"], main["categories"]) == (PLURAL, ["dbm"], ["alembic"])
    assert status["name"] == f"{PLURAL}/status"


def test_the_smallest_object_is_read_back_with_every_default(rest: Rest, namespace: str) -> None:
    rest.create(migration(source={"workloadRef": {"name": "users"}}), namespace)
    found = rest.get(migration(), namespace, "users")
    assert found["spec"] == {
        "source": {"workloadRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "users"}},
        "alembic": {"config": "alembic.ini", "section": "alembic", "target": "heads", "python": "python3"},
        "strategy": "Job",
        "policy": {
            "lockTimeout": "2s",
            "statementTimeout": "0s",
            "settlingTime": "2s",
            "deadline": "1h",
            "backoffLimit": 3,
            "databaseAhead": "Allow",
            "downgrade": "Forbid",
        },
        "suspend": False,
        "ttlSecondsAfterFinished": 86400,
    }


def test_a_new_object_says_that_nobody_has_looked_at_it(rest: Rest, namespace: str) -> None:
    rest.create(migration(), namespace)
    found = rest.get(migration(), namespace, "users")
    assert found["status"] == {"observedGeneration": -1, "heldPods": 0}
    assert found["metadata"]["generation"] == 1


def test_a_new_object_cannot_bring_a_status(rest: Rest, namespace: str) -> None:
    made = rest.create(migration() | {"status": STATUS}, namespace)
    assert made["status"] == {"observedGeneration": -1, "heldPods": 0}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"sourec": {}}, "spec.sourec"),
        ({"policy": {"locktimeout": "2s"}}, "spec.policy.locktimeout"),
        ({"dependsOn": [{"name": "chat", "namespace": "shop"}]}, "spec.dependsOn[0].namespace"),
    ],
)
def test_a_field_that_does_not_exist_is_refused_by_name(rest: Rest, changes: dict[str, Any], field: str) -> None:
    with pytest.raises(RefusedError, match="unknown field") as refusal:
        rest.create(migration(**changes), "default", dryRun="All")
    assert f'"{field}"' in refusal.value.message


def test_a_field_that_does_not_exist_is_dropped_when_the_client_does_not_care(rest: Rest, namespace: str) -> None:
    made = rest.create(migration(policy={"locktimeout": "9s"}), namespace, fieldValidation="Ignore")
    assert "locktimeout" not in made["spec"]["policy"]


def test_the_job_template_keeps_whatever_it_is_given(rest: Rest, namespace: str) -> None:
    template = {
        "metadata": {"labels": {"team": "shop"}},
        "spec": {"template": {"spec": {"tolerations": [{"operator": "Exists"}], "nodeSelector": {"disk": "ssd"}}}},
    }
    rest.create(migration(jobTemplate=template), namespace)
    assert rest.get(migration(), namespace, "users")["spec"]["jobTemplate"] == template


def test_the_columns_say_what_the_database_contains(rest: Rest, namespace: str) -> None:
    rest.create(migration("agents"), namespace)
    rest.create(migration(), namespace)
    rest.apply(only_status(STATUS), namespace, "status")
    table = rest.table(migration(), namespace)
    columns = [one["name"] for one in table["columnDefinitions"]]
    assert columns == ["Name", "Ready", "Reason", "Current", "Target", "Pending", "Tenants", "Held", "Age", "Message"]
    assert [one["name"] for one in table["columnDefinitions"] if one["priority"]] == ["Target", "Message"]
    new, ready = (dict(zip(columns, row["cells"], strict=True)) for row in table["rows"])
    assert new.pop("Age")
    unknown = dict.fromkeys(("Ready", "Reason", "Current", "Target", "Pending", "Tenants", "Message"))
    assert new == {"Name": "agents", "Held": 0} | unknown
    assert ready.pop("Age")
    assert ready == {
        "Name": "users",
        "Ready": "True",
        "Reason": "UpToDate",
        "Current": "ab12, cd34",
        "Target": "ab12, ef56",
        "Pending": "?",
        "Tenants": "126/128",
        "Held": 2,
        "Message": "The database contains cd34.",
    }


def test_a_status_with_every_field_is_read_back_as_it_was_written(rest: Rest, namespace: str) -> None:
    rest.create(migration(), namespace)
    rest.apply(only_status(STATUS), namespace, "status")
    assert rest.get(migration(), namespace, "users")["status"] == STATUS


def test_a_status_is_written_without_a_new_generation_and_leaves_the_spec_alone(rest: Rest, namespace: str) -> None:
    made = rest.create(migration(), namespace)
    rest.merge(migration(), {"spec": {"suspend": True}, "status": STATUS}, namespace, "status")
    found = rest.get(migration(), namespace, "users")
    assert found["metadata"]["generation"] == 1
    assert found["spec"] == made["spec"]
    assert found["status"] == STATUS


def test_a_spec_is_written_with_a_new_generation_and_leaves_the_status_alone(rest: Rest, namespace: str) -> None:
    rest.create(migration(), namespace)
    rest.apply(only_status(STATUS), namespace, "status")
    rest.merge(migration(), {"spec": {"suspend": True}, "status": {"observedGeneration": 9}}, namespace)
    found = rest.get(migration(), namespace, "users")
    assert found["metadata"]["generation"] == 2
    assert found["spec"]["suspend"] is True
    assert found["status"] == STATUS


def test_applying_the_same_status_again_changes_nothing(rest: Rest, namespace: str) -> None:
    rest.create(migration(), namespace)
    first = rest.apply(only_status(STATUS), namespace, "status")
    second = rest.apply(only_status(STATUS), namespace, "status")
    assert second["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]
    assert second["metadata"]["managedFields"] == first["metadata"]["managedFields"]


def test_applying_a_status_without_a_condition_removes_it(rest: Rest, namespace: str) -> None:
    rest.create(migration(), namespace)
    stalled = STATUS["conditions"][0] | {"type": "Stalled", "reason": "RevisionFailed"}
    both = STATUS | {"conditions": [*STATUS["conditions"], stalled]}
    assert len(rest.apply(only_status(both), namespace, "status")["status"]["conditions"]) == 2
    assert rest.apply(only_status(STATUS), namespace, "status")["status"] == STATUS


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"type": "Ready", "status": "Maybe"}, "status.conditions[0].status"),
        ({"reason": "two words"}, "status.conditions[0].reason"),
        ({"lastTransitionTime": "yesterday"}, "status.conditions[0].lastTransitionTime"),
        ({"message": "x" * 32769}, "status.conditions[0].message"),
    ],
)
def test_a_condition_that_is_none_is_refused(rest: Rest, namespace: str, changes: dict[str, Any], field: str) -> None:
    rest.create(migration(), namespace)
    broken = STATUS | {"conditions": [STATUS["conditions"][0] | changes]}
    with pytest.raises(RefusedError) as refusal:
        rest.apply(only_status(broken), namespace, "status")
    assert field in dict(refusal.value.blamed)


def test_a_dependency_is_applied_by_two_managers_side_by_side(rest: Rest, namespace: str) -> None:
    rest.create(migration(dependsOn=[{"name": "agents"}]), namespace)
    rest.apply(migration(dependsOn=[{"name": "chat"}]), namespace)
    names = [one["name"] for one in rest.get(migration(), namespace, "users")["spec"]["dependsOn"]]
    assert names == ["agents", "chat"]
