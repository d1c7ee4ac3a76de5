"""Whatever breaks around an import is told in words, and what time can heal goes on by itself."""

from typing import Any

import pytest

from alembic_operator.api.imports import ImportStatus
from alembic_operator.api.meta import Condition
from alembic_operator.api.reasons import Effect
from alembic_operator.api.status import Status
from alembic_operator.contract.imports import ImportAnswer, Told
from alembic_operator.core.actions import CreateJob
from alembic_operator.core.imports.case import Case
from alembic_operator.core.imports.decide import decide
from alembic_operator.core.imports.notices import notices, requeue_after
from alembic_operator.core.imports.observation import read_import_pod
from alembic_operator.core.imports.status import status_after
from alembic_operator.core.observation.observation import Refusal
from alembic_operator.core.observation.reading import Manifest
from tests.unit.core.builders import ON_POSTGRES, a_migration, at
from tests.unit.core.imports import DONE, NAME, a_job, a_pod, an_import, ended, ground, look, seen


def refused(reason: str, said: str) -> dict[str, Any]:
    return ended(ImportAnswer("again", said, reason=reason), code=75)


def stalled_migration() -> Status:
    why = Condition(type="Ready", status="False", reason="RevisionFailed", message="x", last_transition_time=at(-9))
    return Status(conditions=(why,))


TROUBLES: dict[str, tuple[dict[str, Any], str, str]] = {
    "a migration that is stalled": (
        {"ground": ground(ready=False, migration=a_migration(ON_POSTGRES, status=stalled_migration()))},
        "WaitingForMigration",
        "DatabaseMigration users is not Ready (RevisionFailed)",
    ),
    "a Job that has just been made": ({"jobs": (a_job(started_at=at(-1)),)}, "Pending", "its pod has not started yet"),
    "a quota for pods": ({"jobs": (a_job(),)}, "PodNotCreated", "a quota, Pod Security or a missing service account"),
    "a Job that a queue keeps": ({"jobs": (a_job(is_taken_up=False),)}, "Pending", "its pod has not started yet"),
    "a pod that somebody deleted": ({"jobs": (a_job(has_lost_pods=True),)}, "Retrying", "the Job makes another one"),
    "no such image": (
        {"jobs": (a_job(),), "pods": (a_pod(waiting_reason="ErrImagePull", waiting_message="nobody"),)},
        "ImagePullFailed",
        "pod pod: nobody; correct the image, its tag or its pull secret",
    ),
    "no such Secret": (
        {
            "jobs": (a_job(),),
            "pods": (a_pod(waiting_reason="CreateContainerConfigError", waiting_message='secret "db" not found'),),
        },
        "SecretNotFound",
        'secret "db" not found; create it, and the Job goes on by itself',
    ),
    "a large image": (
        {"jobs": (a_job(),), "pods": (a_pod(step="", has_its_volumes=True),)},
        "Pending",
        "has not started yet",
    ),
    "a wrong password, while the Job tries": (
        {"jobs": (a_job(),), "pods": refused("AuthenticationFailed", "no")["pods"]},
        "AuthenticationFailed",
        "pod pod ended: no; its Job tries again",
    ),
    "findings, before the Job has ended": (
        {"jobs": (a_job(),), "pods": (a_pod(exit_code=70, answer=ImportAnswer("findings", total=4)),)},
        "Importing",
        "has ended, and its Job is about to",
    ),
    "a wrong password, after that": (refused("AuthenticationFailed", "no"), "AuthenticationFailed", "attempt 1 ended"),
    "a server that is away": (refused("DatabaseUnreachable", "no"), "DatabaseUnreachable", "another one follows"),
    "a reason of tomorrow's operator": (refused("Tomorrow", "no"), "ImportInterrupted", "attempt 1 ended: no"),
    "a reason that time cannot heal": (refused("BrokenScripts", "no"), "ImportInterrupted", "attempt 1 ended: no"),
    "a Job that took too long": (
        ended(None, failure="DeadlineExceeded") | {"pods": ()},
        "DeadlineExceeded",
        "it took longer than spec.deadline, 6h; set a longer one",
    ),
    "a Job whose pod is gone": (ended(None) | {"pods": ()}, "ImportInterrupted", "attempt 1 ended: no answer"),
    "a pod of one that was deleted": (
        {"pods": (a_pod(job="past-import-0"),)},
        "WaitingForPreviousJob",
        "pod pod of Job past-import-0 is still there",
    ),
    "another import of the same migration": (
        {"others": ("early",)},
        "WaitingForPreviousJob",
        "DatabaseImport early fills the same database; this one follows",
    ),
    "another specification while it runs": (
        {"jobs": (a_job(name="past-import-0"),), "pods": (a_pod(job="past-import-0"),)},
        "Importing",
        "has changed meanwhile, and counts from the next attempt on",
    ),
}


@pytest.mark.parametrize(("changes", "reason", "words"), TROUBLES.values(), ids=TROUBLES)
def test_a_trouble_is_told_and_waiting_goes_on(changes: dict[str, Any], reason: str, words: str) -> None:
    found = look(**changes)
    assert (str(found.reason), words in found.message) == (reason, True), found.message
    assert found.reason.effect is Effect.RECONCILING
    assert found.requeue_after is not None
    assert not isinstance(found.action, CreateJob)


def test_what_was_left_of_others_keeps_no_import_from_its_start() -> None:
    for pods in ((a_pod(job=""),), (a_pod(job="past-import-0", phase="Failed"),), ()):
        assert isinstance(look(pods=pods).action, CreateJob)


def test_a_job_that_is_invalid_is_not_asked_for_again_until_something_changes() -> None:
    case = Case(seen(refusal=Refusal("restartPolicy", forbidden=False)))
    told = status_after(case, decide(case))
    for _ in range(3):
        again = Case(seen(asked=an_import(status=told)))
        assert (str(decide(again).reason), decide(again).action) == ("JobInvalid", None)
        assert status_after(again, decide(again)) == told
    assert told.conditions[0].message.count("no pod waits for this import") == 1
    assert isinstance(look(asked=an_import(status=told, retry="mended")).action, CreateJob)


def test_a_specification_that_changes_after_the_import_is_told_to_do_nothing_and_told_once() -> None:
    case = Case(seen(**ended(DONE)))
    told = status_after(case, decide(case))
    assert told.imported_generation == 1
    for generation in (2, 3, 3):
        later = Case(seen(asked=an_import(status=told, generation=generation)))
        told = status_after(later, decide(later))
        assert told.conditions[0].message.count("does nothing: an import runs once") == 1
    back = Case(seen(asked=an_import(status=told, generation=1)))
    assert "runs once" not in decide(back).message


def test_a_status_of_the_longest_answer_stays_below_sixteen_kibibytes() -> None:
    many = tuple(Told("k" * 40, "t" * 250, "c" * 250, 3, (1 << 62, 2, 3), "m" * 900) for _ in range(40))
    said = ImportAnswer.from_json(ImportAnswer("findings", "w" * 9000, findings=many, total=40).to_json())
    case = Case(seen(**ended(said)))
    told = status_after(case, decide(case))
    assert 0 < len(told.findings) < told.findings_total == 40
    assert max(len(one.row_ids) for one in told.findings) == 3
    assert len(told.model_dump_json(by_alias=True, exclude_none=True).encode()) < 16 * 1024


def a_raw_pod(*conditions: str) -> Manifest:
    given = [{"type": one, "status": "True"} for one in conditions]
    initial = {"name": "copy", "state": {"waiting": {"reason": "PodInitializing"}}}
    return {"status": {"phase": "Pending", "conditions": given, "initContainerStatuses": [initial]}}


def test_a_pod_that_pulls_its_image_is_told_from_one_that_waits_for_its_volume() -> None:
    assert read_import_pod(a_raw_pod("PodScheduled", "PodReadyToStartContainers")).has_its_volumes
    assert not read_import_pod(a_raw_pod("PodScheduled")).has_its_volumes


class Follower:
    """Looks at one import again and again, and keeps what was told."""

    def __init__(self) -> None:
        self.status = ImportStatus()
        self.told: list[str] = []

    def look(self, **changes: Any) -> float | None:
        case = Case(seen(asked=an_import(status=self.status), **changes))
        decided = decide(case)
        self.status = status_after(case, decided)
        self.told += [f"{one.occasion} {one.note}" for one in notices(case, self.status, decided)]
        return requeue_after(case, self.status, decided)


def test_start_and_end_are_told_once_and_what_goes_as_it_should_is_not() -> None:
    past = Follower()
    past.look()
    past.look(jobs=(a_job(),), pods=(a_pod(),))
    for _ in range(3):
        past.look(**ended(DONE))
    assert past.told == [
        f"Started Job {NAME} was created",
        "Succeeded 30 rows of 2 tables are in the database: compared, and equal",
    ]


def test_findings_and_each_attempt_that_ended_are_warnings_told_once() -> None:
    past = Follower()
    for attempt in (1, 1, 2):
        past.look(**refused("DatabaseUnreachable", "no") | ended(ImportAnswer("again", "no"), attempt=attempt))
    past.look(**ended(ImportAnswer("findings", total=4), attempt=3))
    past.look(**ended(ImportAnswer("findings", total=4), attempt=3))
    assert [one.split(":")[0] for one in past.told] == [*["Failed ImportInterrupted"] * 2, "Failed Findings"]


def test_a_wait_for_the_migration_is_told_when_it_has_lasted_and_any_other_at_once() -> None:
    past = Follower()
    assert past.look(ground=None) == 10
    assert past.told == []
    assert past.look(ground=None, now=seen().now.replace(second=10)) == 300
    past.look(others=("early",))
    assert [one.split(":")[0] for one in past.told] == ["Held WaitingForMigration", "Held WaitingForPreviousJob"]
