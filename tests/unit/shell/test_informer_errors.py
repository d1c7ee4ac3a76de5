"""What cannot be read is said once, and what could not be decided about is looked at when it can be read again."""

from random import Random

import pytest

from alembic_operator.kube.cache import Cache, ImportKey, Key
from alembic_operator.kube.cluster import JOBS, MIGRATIONS, Scope
from alembic_operator.kube.errors import ApiError, RefusedError, UnreachableError
from alembic_operator.shell.informer import Informer
from alembic_operator.shell.queue import Bounds, WorkQueue
from tests.unit.kube.objects import a_migration
from tests.unit.shell.shop import Logs

SHOP = Scope(JOBS, "shop")
FORBIDDEN = RefusedError(403, "Forbidden", "jobs is forbidden")
AWAY = UnreachableError(0, "ClientConnectionError", "away")


def an_informer() -> Informer:
    cache = Cache()
    for namespace in ("shop", "other"):
        cache.put(MIGRATIONS, a_migration(namespace=namespace))
    return Informer(cache, WorkQueue[Key | ImportKey](Random(1), lambda key: key.namespace, Bounds(1, 1)))


async def test_what_cannot_be_read_is_said_once_until_the_answer_changes(logs: Logs) -> None:
    informer = an_informer()
    for error in (FORBIDDEN, FORBIDDEN, AWAY, AWAY):
        informer.on_error(SHOP, error)
    assert [one["event"] for one in logs] == ["cannot be read"] * 2
    assert informer.troubles() == ["cannot read jobs of namespace shop: 0 ClientConnectionError: away"]


@pytest.mark.parametrize(("error", "looked_at"), [(FORBIDDEN, {Key("shop", "users")}), (AWAY, set())], ids=str)
async def test_what_was_refused_before_is_looked_at_again(logs: Logs, error: ApiError, looked_at: set[Key]) -> None:
    informer = an_informer()
    informer.on_error(SHOP, error)
    informer.on_list(SHOP, set())
    assert informer.queue._queued == looked_at
    assert informer.troubles() == []
    assert logs[-1]["event"] == "can be read again"
    informer.on_list(SHOP, set())
    assert len(logs) == 2


async def test_a_watch_that_is_too_old_is_no_trouble(logs: Logs) -> None:
    informer = an_informer()
    informer.on_error(SHOP, ApiError(410, "Expired", "too old resource version"))
    assert (informer.troubles(), logs) == ([], [])
