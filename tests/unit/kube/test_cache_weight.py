"""Of one object no more is kept than a limit, and who depends on whom is looked for only when that changes."""

import pytest

from alembic_operator.core.observation import dependencies
from alembic_operator.kube.cache import Cache, Key
from alembic_operator.kube.cache.migrations import HEAVIEST
from alembic_operator.kube.cluster import MIGRATIONS
from alembic_operator.kube.observe import Observer, Ways
from tests.unit.core.builders import NOW
from tests.unit.kube.caches import filled
from tests.unit.kube.objects import a_migration, a_runner_config_map, depends_on
from tests.unit.kube.twin import Twin

USERS, CHAT, AGENTS = Key("shop", "users"), Key("shop", "chat"), Key("shop", "agents")


async def test_a_specification_that_is_too_large_is_told_and_not_kept() -> None:
    cluster, cache = Twin(), Cache()
    heavy = {"metadata": {"annotations": {"note": "x" * HEAVIEST}}}
    cache.put(MIGRATIONS, cluster.store(MIGRATIONS, a_migration(jobTemplate=heavy)))
    assert len(cache._migrations[USERS]) < 1000
    seen = await Observer(cluster, cache, a_runner_config_map(), Ways("operator:1")).observe(USERS, NOW)
    assert seen is not None
    assert seen.migration.spec is None
    assert seen.migration.spec_error.startswith("spec has 65")
    assert seen.migration.spec_error.endswith("at most 65536 are read; shorten spec.jobTemplate")


def test_a_status_that_somebody_else_made_too_large_is_not_kept() -> None:
    cache = filled((MIGRATIONS, a_migration() | {"status": {"image": "x" * HEAVIEST}}))
    assert (cache.migration(USERS) or {})["status"] is None


def test_a_cycle_is_found_and_is_gone_when_an_edge_of_it_goes() -> None:
    cache = filled(
        (MIGRATIONS, a_migration("users", 1, **depends_on("chat"))),
        (MIGRATIONS, a_migration("chat", 2, **depends_on("agents", "users"))),
        (MIGRATIONS, a_migration("agents", 3, **depends_on("chat"))),
    )
    assert cache.cycle(USERS) == ("users", "chat", "users")
    assert cache.cycle(CHAT)[0] == cache.cycle(CHAT)[-1] == "chat"
    assert cache.cycle(AGENTS) == ("agents", "chat", "agents")
    cache.put(MIGRATIONS, a_migration("chat", 4, **depends_on("agents")))
    assert (cache.cycle(USERS), cache.cycle(AGENTS)) == ((), ("agents", "chat", "agents"))
    cache.drop(MIGRATIONS, a_migration("agents", 5))
    assert (cache.cycle(AGENTS), cache.cycle(CHAT)) == ((), ())


def test_a_cycle_is_looked_for_once_as_long_as_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[str] = []

    def look(start: str, _: object) -> tuple[str, ...]:
        looked.append(start)
        return ()

    monkeypatch.setattr(dependencies, "cycle", look)
    cache = filled((MIGRATIONS, a_migration("users", 1, **depends_on("chat"))))
    for version in range(2, 6):
        cache.put(MIGRATIONS, a_migration("users", version, suspend=bool(version % 2), **depends_on("chat")))
        cache.cycle(USERS)
    cache.put(MIGRATIONS, a_migration("there", 7, "other", **depends_on("chat")))
    cache.cycle(USERS)
    assert looked == ["users"]
    cache.put(MIGRATIONS, a_migration("chat", 8, **depends_on("agents")))
    cache.cycle(USERS)
    assert looked == ["users", "users"]


def test_the_search_for_a_cycle_gives_up_in_a_graph_that_is_too_large() -> None:
    edges = {f"m{number}": (f"m{number + 1}",) for number in range(100)} | {"m100": ("m0",)}
    assert len(dependencies.cycle("m0", edges)) == 102
    assert dependencies.cycle("m0", edges, most=50) == ()
