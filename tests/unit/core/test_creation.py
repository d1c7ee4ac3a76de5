"""A Job may make the database that is missing until the object has migrated one: what is missed later is lost."""

import pytest

from alembic_operator.api.fleet import TenantsStatus
from alembic_operator.api.status import RevisionsStatus, Status
from alembic_operator.core.observation.reading import Manifest
from alembic_operator.core.plan import plan
from tests.unit.core.builders import DATABASE, name_of, seen, the_job, with_status

ASKED = ["--create-database", "IfMissing", "--create-template", "shop_template", "--create-owner", "team"]
MIGRATED = Status(revisions=RevisionsStatus(current=("a1",), target=("a1",), pending=0))
FLEET = Status(tenants=TenantsStatus(shown="0/1", total=1, behind=1))


def _spec(*, if_missing: bool) -> Manifest:
    create = {"ifMissing": if_missing, "template": "shop_template", "owner": "team"}
    return {"database": DATABASE | {"host": "db.example", "create": create}}


def _command(job: Manifest) -> list[str]:
    (container,) = job["spec"]["template"]["spec"]["containers"]
    return list(container["command"])


def test_the_job_says_that_it_makes_a_missing_database_and_how() -> None:
    command = _command(the_job(plan(seen(_spec(if_missing=True)))))
    assert command[command.index("--create-database") :][:6] == ASKED


@pytest.mark.parametrize("status", [Status(), MIGRATED], ids=["before", "after"])
def test_no_job_makes_one_where_ifmissing_is_false(status: Status) -> None:
    assert "--create-database" not in _command(the_job(plan(with_status(seen(_spec(if_missing=False)), status))))


@pytest.mark.parametrize("status", [MIGRATED, FLEET], ids=["of one", "of tenants"])
def test_no_later_job_makes_the_database_anew_and_it_is_called_as_before(status: Status) -> None:
    given = with_status(seen(_spec(if_missing=True)), status)
    job = the_job(plan(given))
    assert [word for word in _command(job) if word.startswith("--create")] == []
    assert job["metadata"]["name"] == name_of(given)


def test_one_that_had_no_revision_yet_is_made_anew() -> None:
    given = with_status(seen(_spec(if_missing=True)), Status(revisions=RevisionsStatus(target=("a1",), pending=1)))
    assert "--create-database" in _command(the_job(plan(given)))
