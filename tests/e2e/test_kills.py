"""Whatever is killed, at any moment: every revision is applied once, no two runs overlap, and the status is right."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alembic_operator.core.names import CONTAINER, RUN_LABEL
from tests.e2e.containers import kill
from tests.e2e.migration import PATIENCE
from tests.e2e.operation import FORCE
from tests.e2e.plugin import begin
from tests.e2e.project import chain, revision, step

if TYPE_CHECKING:
    from tests.e2e.conftest import Stage, Start
    from tests.e2e.migration import Migration
    from tests.e2e.operation import Operator

IMMORTAL = "SET client_connection_check_interval = 0"
"""The server then does not notice that its client is gone before the statement ends, as old ones never do."""


def ran_once(migration: Migration) -> bool:
    status, pods, jobs = migration.status(), migration.pods(), migration.jobs()
    return (len(jobs), len(pods), len(status["history"]), status["lastRun"]["attempt"]) == (1, 1, 1, 1)


def test_an_operator_killed_while_a_job_runs_lets_it_run_once_and_reports_it(start: Start, operator: Operator) -> None:
    migration = start("killed-operator", chain("r1", "r2", held=("r1", "r2")))
    migration.until_begun("r1")
    operator.kill_process()
    migration.database.release("r1")
    migration.until_begun("r2")
    operator.kill_pod()
    migration.database.release("r2")
    migration.until_ready()
    assert migration.database.applied() == ["r1", "r2"]
    assert ran_once(migration)


def test_an_operator_killed_as_the_job_finishes_reports_it_once(start: Start, operator: Operator) -> None:
    migration = start("killed-at-the-end", chain("r1", held=("r1",)))
    migration.until_begun("r1")
    job = migration.jobs()[0]["metadata"]["name"]
    migration.database.release("r1")
    migration.access.kubectl("wait", "--for=condition=complete", f"job/{job}", "--timeout=60s")
    operator.kill_process()
    migration.until_ready()
    assert migration.database.applied() == ["r1"]
    assert ran_once(migration)


def test_a_job_that_finished_while_no_operator_ran_is_reported_and_one_whose_report_is_lost_applies_nothing_again(
    start: Start, operator: Operator
) -> None:
    finished, lost = (start(name, chain("r1", held=("r1",))) for name in ("finished-unseen", "finished-and-lost"))
    for migration in (finished, lost):
        migration.until_begun("r1")
    operator.stop()
    for migration in (finished, lost):
        migration.database.release("r1")
    selector = f"--selector={RUN_LABEL} in ({finished.name}, {lost.name})"
    finished.access.kubectl("wait", "--for=condition=complete", "job", selector, "--timeout=60s")
    lost.access.kubectl("delete", "job", f"--selector={RUN_LABEL}={lost.name}")
    assert not finished.told().ready
    operator.start()
    for migration in (finished, lost):
        migration.until_ready()
        assert migration.database.applied() == ["r1"]
        assert migration.database.began("r1") == 1
    assert ran_once(finished)


def test_a_migration_pod_killed_in_the_middle_of_a_revision_is_tried_again_after_its_orphan_has_ended(
    start: Start, stage: Stage
) -> None:
    orphaning = chain("r1") | revision("r2", "r1", IMMORTAL, step("r2", held=True))
    killed, deleted = start("killed-process", orphaning), start("deleted-pod", chain("r1", "r2", held=("r2",)))
    for migration in (killed, deleted):
        migration.until_begun("r2")
    stage.evidence.logs(stage.access, deleted.pod())
    following = begin(stage.access, "logs", killed.name, "--follow")
    kill(stage.access, killed.pod(), CONTAINER)
    stage.access.kubectl("delete", "pod", deleted.pod(), *FORCE)
    killed.until_logged("waiting for the orphan of a migration")
    killed.database.release("r2")
    for migration in (killed, deleted):
        migration.until_ready()
        assert migration.database.applied() == ["r1", "r2"]
        assert [migration.database.began(name) for name in ("r1", "r2")] == [1, 2]
        assert migration.database.overlapped() == 0
        assert len(migration.jobs()) == 1
    followed, aside = following.communicate(timeout=PATIENCE)
    assert (following.returncode, aside.count("another attempt, pod killed-process-")) == (0, 1), aside
    assert (followed.count(" started command=upgrade "), followed.count(" ended reason=UpToDate ")) == (2, 1), followed
