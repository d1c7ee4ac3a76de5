"""The plain case on a real node: a project in a ConfigMap, run once."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from alembic_operator.contract.progress import PROGRESS_PORTS
from alembic_operator.core.names import CONTAINER
from demo.expectation import until
from demo.scene import Migration as Told
from tests.e2e.containers import bar
from tests.e2e.migration import PATIENCE
from tests.e2e.project import HALF, chain, revision

if TYPE_CHECKING:
    from tests.e2e.conftest import Stage, Start


def test_a_project_in_a_config_map_is_migrated_and_its_status_says_what_the_database_says(
    start: Start, stage: Stage
) -> None:
    migration = start("plain", chain("r1", "r2"))
    told = migration.until_ready()
    status = migration.status()
    assert told.reason == "UpToDate"
    assert migration.database.applied() == ["r1", "r2"]
    assert migration.database.heads() == ["r2"] == status["revisions"]["current"] == status["revisions"]["target"]
    assert status["revisions"]["pending"] == 0
    assert [one["revision"] for one in status["lastRun"]["applied"]] == ["r1", "r2"]
    assert len(status["history"]) == len(migration.jobs()) == len(migration.pods()) == 1
    states = [Told.of(state).reason for state in stage.evidence.states("databasemigrations", migration.name)]
    told_of = [one for one in states if one != "JobForbidden"]  # an API server that has just been told of the kind
    assert told_of == ["", "Pending", "Migrating", "UpToDate"]  # one write a change, and no change told twice


def test_the_status_says_how_far_a_run_is_and_who_is_in_its_way(start: Start) -> None:
    files = revision("r1", None, "SELECT 1") | revision("r2", "r1", "DROP TABLE blocking")
    migration = start("in-the-way", files, suspend=True)
    migration.database.rows("CREATE TABLE blocking (id int)")
    with ThreadPoolExecutor(1) as aside:
        holder = aside.submit(migration.database.rows, "BEGIN; LOCK TABLE blocking; SELECT step('r3', true); COMMIT")
        until(lambda: migration.database.began("r3") or None, PATIENCE, "nobody holds the lock")
        migration.patch(suspend=False)
        told = migration.until(lambda raw: "waitingFor" in raw["status"].get("progress", {}), "waiting for the session")
        progress = migration.status()["progress"]
        asked = migration.access.get("pods", migration.pod())["metadata"]
        path = f"/api/v1/namespaces/{asked['namespace']}/pods/{asked['name']}:17432/proxy/"
        answer = json.loads(migration.access.kubectl("get", "--raw", path))
        migration.database.release("r3")
        holder.result()
    assert (answer["run"].partition("/")[0], answer["revision"]) == (asked["namespace"], "r2")
    assert told.reason == "Migrating"
    assert re.match(r"revision 2 of 2, r2, for .*: waits for .*pid \d+ \(psql, active for \d+ s\)", told.message)
    assert (progress["revision"], progress["index"], progress["of"]) == ("r2", 2, 2)
    assert (progress["waitingFor"]["application"], progress["waitingFor"]["user"]) == ("psql", "shop")
    migration.until_ready()
    assert "progress" not in migration.status()


def test_a_pod_that_cannot_be_asked_how_far_it_is_runs_as_any_other(start: Start, stage: Stage) -> None:
    """As behind a NetworkPolicy, which this node cannot enforce: the packets stop at the pod's own network."""
    verdicts = {"silent": "drop", "refused": "reject with icmpx admin-prohibited"}
    runs = {verdict: start(name, chain("r1", held=("r1",))) for name, verdict in verdicts.items()}
    for one in runs.values():
        one.until_begun("r1")
    barriers = [bar(one.access, one.pod(), CONTAINER, PROGRESS_PORTS, verdict) for verdict, one in runs.items()]
    barred = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")  # on a busy machine they have answered once by then
    twice = len(PROGRESS_PORTS) + 1  # each time up to as many, where they are refused; two where they are dropped
    until(lambda: all(one.arrived() >= twice for one in barriers) or None, PATIENCE, "nobody asks twice")
    for migration in runs.values():
        migration.database.release("r1")
        assert migration.until_ready().reason == "UpToDate"
        told = stage.evidence.states("databasemigrations", migration.name)
        reasons = dict.fromkeys(Told.of(state).reason for state in told)
        assert [one for one in reasons if one != "JobForbidden"] == ["", "Pending", "Migrating", "UpToDate"]
        answers = [state["status"]["progress"]["at"] for state in told if state.get("status", {}).get("progress")]
        assert max(answers, default="") <= barred


def test_a_migration_goes_down_to_its_target_only_when_its_policy_allows_that(start: Start) -> None:
    migration = start("down", chain("r1", "r2"))
    migration.until_ready()
    migration.patch(alembic={"target": "r1"})
    assert migration.until_reason("UpToDate").current == ("r2",)
    assert migration.database.heads() == ["r2"]
    migration.patch(policy={"downgrade": "Allow"})
    assert migration.until_reason("UpToDate").current == ("r1",)
    assert migration.database.heads() == ["r1"]
    assert [one["revision"] for one in migration.status()["lastRun"]["applied"]] == ["r2"]


def test_a_revision_of_which_a_part_is_committed_stalls_and_the_status_lists_the_part(start: Start) -> None:
    migration = start("half", {"r1.py": HALF})
    assert migration.until_stalled().reason == "PartlyApplied"
    error = migration.status()["lastRun"]["error"]
    assert (error["revision"], error["sqlstate"]) == ("r1", "22012")
    assert error["committed"] == ["create table half (id int)"]
    migration.retry()
    assert "an earlier run ended in the middle of revision r1" in migration.until_stalled().message
    assert len(migration.pods()) <= 2
