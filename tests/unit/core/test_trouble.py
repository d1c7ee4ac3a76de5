"""What a status says while the operator cannot go on with a migration, and what it keeps."""

from dataclasses import replace
from datetime import timedelta

import pytest

from alembic_operator.api.reasons import Reason
from alembic_operator.api.status import LastRun, Status
from alembic_operator.core.status import trouble
from alembic_operator.core.status.conditions import conditions
from tests.unit.core.builders import NOW, a_job, a_migration

REFUSED = trouble.refused("create jobs", "no (500 InternalError)", NOW)
DIGEST = f"sha256:{'4' * 64}"


def told(status: Status) -> dict[str, tuple[str, str]]:
    return {one.type: (one.status, one.reason) for one in status.conditions}


@pytest.mark.parametrize("given", [REFUSED, trouble.failed("KeyError", NOW)])
def test_a_trouble_is_reconciling_with_one_text_however_long_it_lasts(given: trouble.Trouble) -> None:
    first = trouble.status_in(given, a_migration(), NOW)
    reason = str(given.reason)
    assert told(first) == {"Ready": ("False", reason), "Reconciling": ("True", reason)}
    later = replace(a_migration(), status=first)
    assert trouble.status_in(given, later, NOW + timedelta(hours=1)) == first
    assert trouble.told(given, first) == ()


def test_known_images_stay_known_only_for_the_specification_that_they_are_known_for() -> None:
    before = Status(observed_generation=1, known_images=(DIGEST,), image="users:1", last_run=LastRun(attempt=1))
    same, other = (a_migration(status=before, generation=generation) for generation in (1, 2))
    assert trouble.status_in(REFUSED, same, NOW).known_images == (DIGEST,)
    after = trouble.status_in(REFUSED, other, NOW)
    assert (after.known_images, after.observed_generation) == ((), 2)
    assert (after.image, after.last_run) == (before.image, before.last_run)


def test_a_status_misleads_when_it_tells_of_a_job_that_is_not_there() -> None:
    pending = conditions((), Reason.PENDING, "Job users-1 was created", generation=1, now=NOW)
    status = Status(conditions=pending, last_run=LastRun(job="users-1", attempt=1))
    assert trouble.is_misled(status, ())
    assert not trouble.is_misled(status, (a_job("users-1"),))
    assert not trouble.is_misled(status.model_copy(update={"last_run": None}), ())
    assert not trouble.is_misled(Status(), ())


def test_of_a_fault_of_the_operator_only_its_kind_is_told() -> None:
    assert trouble.failed("KeyError", NOW).message == (
        "since 2026-03-01T12:00:00Z the operator fails on this object (KeyError); it is tried again, at least once a"
        " minute; its log says where, please report it"
    )
