"""What cannot be read is said once, and what could not be decided about is looked at when it can be read again."""

from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from structlog.testing import capture_logs

from alembic_operator.kube.cache import Cache, Key
from alembic_operator.kube.cache.reflector import Scope
from alembic_operator.kube.cluster import JOBS, MIGRATIONS
from alembic_operator.kube.errors import ApiError, RefusedError, UnreachableError
from alembic_operator.shell.ears import Ears
from alembic_operator.shell.queue import Bounds, WorkQueue
from tests.unit.kube.objects import a_migration

SHOP = Scope(JOBS, "shop")
FORBIDDEN = RefusedError(403, "Forbidden", "jobs is forbidden")
AWAY = UnreachableError(0, "ClientConnectionError", "away")


@pytest.fixture
def logs() -> Iterator[list[Any]]:
    with capture_logs() as entries:
        yield entries


def some_ears() -> Ears:
    cache = Cache()
    for namespace in ("shop", "other"):
        cache.put(MIGRATIONS, a_migration(namespace=namespace))
    return Ears(cache, WorkQueue[Key](Random(1), lambda key: key.namespace, Bounds(1, 1)))


async def test_what_cannot_be_read_is_said_once_until_the_answer_changes(logs: list[Any]) -> None:
    ears = some_ears()
    for error in (FORBIDDEN, FORBIDDEN, AWAY, AWAY):
        ears.on_error(SHOP, error)
    assert [one["event"] for one in logs] == ["cannot be read"] * 2
    assert ears.troubles() == ["cannot read jobs of namespace shop: 0 ClientConnectionError: away"]


@pytest.mark.parametrize(("error", "looked_at"), [(FORBIDDEN, {Key("shop", "users")}), (AWAY, set())], ids=str)
async def test_what_was_refused_before_is_looked_at_again(
    logs: list[Any], error: ApiError, looked_at: set[Key]
) -> None:
    ears = some_ears()
    ears.on_error(SHOP, error)
    ears.on_list(SHOP, set())
    assert ears.queue._queued == looked_at
    assert ears.troubles() == []
    assert logs[-1]["event"] == "can be read again"
    ears.on_list(SHOP, set())
    assert len(logs) == 2


async def test_a_watch_that_is_too_old_is_no_trouble(logs: list[Any]) -> None:
    ears = some_ears()
    ears.on_error(SHOP, ApiError(410, "Expired", "too old resource version"))
    assert (ears.troubles(), logs) == ([], [])
