"""The runner in its ConfigMap: what is there counts, not what it says of itself."""

import base64
import hashlib
from typing import Any

import pytest

from alembic_operator.core import names
from alembic_operator.core.observation.reading import Manifest
from alembic_operator.kube.cache import Cache, Key
from alembic_operator.kube.cluster import CONFIG_MAPS, MIGRATIONS
from alembic_operator.kube.errors import ApiError
from tests.unit.kube.objects import a_migration, a_runner_config_map
from tests.unit.kube.twin import Twin

WHERE = (CONFIG_MAPS, "shop", "alembic-operator-runner")
CHANGE, WRITE, REMOVE = b"import os", ("apply", "configmaps"), ("delete", "configmaps")
EVIL = base64.b64encode(CHANGE).decode()


def config_map(content: bytes = CHANGE, digest: str = "", **changes: Any) -> Manifest:
    """Return a ConfigMap in the runner's place, with its true digest unless told otherwise."""
    annotation = {names.RUNNER_DIGEST: digest or hashlib.sha256(content).hexdigest()}
    metadata = {"name": WHERE[2], "namespace": "shop", "annotations": annotation}
    return {"metadata": metadata, "binaryData": {"runner.pyz": base64.b64encode(content).decode()}} | changes


def ours(**changes: Any) -> Manifest:
    return a_runner_config_map().manifest("shop") | changes


def binary(**more: str) -> Manifest:
    return {"binaryData": ours()["binaryData"] | more}


OTHERS: dict[str, tuple[Manifest, list[tuple[str, str]]]] = {
    "other content that says to be ours": (
        ours(binaryData={"runner.pyz": EVIL}),
        [WRITE],
    ),
    "no content": (ours(binaryData={}), [WRITE]),
    "neither content nor annotation": ({"metadata": {"name": WHERE[2], "namespace": "shop"}}, [WRITE]),
    "a file beside it": (ours(**binary(**{"sitecustomize.py": EVIL})), [REMOVE, WRITE]),
    "a text beside it": (ours(data={"notes": "x"}), [REMOVE, WRITE]),
    "a text in its place": (ours(binaryData=None, data={"runner.pyz": "import os"}), [REMOVE, WRITE]),
    "other content that is locked": (ours(binaryData={"runner.pyz": EVIL}, immutable=True), [REMOVE, WRITE]),
}


@pytest.mark.parametrize(("there", "mended"), [pytest.param(*one, id=name) for name, one in OTHERS.items()])
async def test_what_is_not_the_runner_is_found_replaced_and_told_once(
    there: Manifest, mended: list[tuple[str, str]]
) -> None:
    cluster, runner_config_map = Twin((CONFIG_MAPS, there)), a_runner_config_map()
    assert not await runner_config_map.is_in("shop", cluster)
    assert runner_config_map.news("shop").startswith(
        "ConfigMap alembic-operator-runner was written by somebody unknown "
    )
    await runner_config_map.bring("shop", cluster)
    assert cluster.calls == mended
    found = cluster.objects[WHERE]
    assert (found["binaryData"], "data" in found, "immutable" in found) == (ours()["binaryData"], False, False)
    assert await runner_config_map.is_in("shop", cluster)
    assert runner_config_map.news("shop") == ""


async def test_the_runner_of_another_version_is_replaced_without_a_word() -> None:
    cluster, runner_config_map = Twin((CONFIG_MAPS, config_map())), a_runner_config_map()
    assert not await runner_config_map.is_in("shop", cluster)
    await runner_config_map.bring("shop", cluster)
    assert await runner_config_map.is_in("shop", cluster)
    assert (runner_config_map.news("shop"), cluster.calls) == ("", [WRITE])


class Watched:
    """A namespace's ConfigMap that is watched, and who looks at it."""

    def __init__(self, *there: Manifest) -> None:
        self.cluster = Twin(*((CONFIG_MAPS, one) for one in there))
        self.cache = Cache()
        self.runner = a_runner_config_map(self.cache)

    def write(self, manifest: Manifest) -> set[Key]:
        return self.cache.put(CONFIG_MAPS, {"metadata": self.cluster.store(CONFIG_MAPS, manifest)["metadata"]})

    def delete(self) -> set[Key]:
        return self.cache.drop(CONFIG_MAPS, {"metadata": self.cluster.objects.pop(WHERE)["metadata"]})

    async def is_there(self) -> bool:
        return await self.runner.is_in("shop", self.cluster)


async def test_what_takes_the_place_of_a_runner_that_was_there_is_told_however_it_looks() -> None:
    shop = Watched(ours())
    assert await shop.is_there()
    shop.write(config_map())
    assert not await shop.is_there()
    assert shop.runner.news("shop")


async def test_content_is_read_once_and_again_when_the_watch_tells_of_a_change() -> None:
    shop = Watched(ours())
    for _ in range(3):
        assert await shop.is_there()
    await shop.runner.bring("shop", shop.cluster)
    assert shop.cluster.looks == ["content"]
    shop.write(ours())
    assert await shop.is_there()
    assert (shop.cluster.looks, shop.cluster.calls) == (["content"] * 2, [])


async def test_where_it_cannot_be_watched_its_metadata_are_read_each_time() -> None:
    shop = Watched(ours())
    shop.cache.unreadable[CONFIG_MAPS, None] = ApiError(403, "Forbidden", "no")
    assert [await shop.is_there() for _ in range(3)] == [True] * 3
    assert shop.cluster.looks == ["content", "metadata", "metadata"]
    shop.cluster.store(CONFIG_MAPS, config_map())
    assert not await shop.is_there()
    del shop.cluster.objects[WHERE]
    assert not await shop.is_there()


async def test_what_was_just_brought_is_not_read_again() -> None:
    shop = Watched()
    await shop.runner.bring("shop", shop.cluster)
    assert await shop.is_there()
    assert shop.cluster.looks == ["content"]


async def test_one_that_is_gone_is_brought_again_without_a_word() -> None:
    shop = Watched(ours())
    assert await shop.is_there()
    shop.delete()
    assert not await shop.is_there()
    await shop.runner.bring("shop", shop.cluster)
    assert await shop.is_there()
    assert shop.runner.news("shop") == ""


async def test_a_change_by_somebody_else_wakes_the_migrations_of_its_namespace_and_an_own_one_nobody() -> None:
    shop = Watched(ours())
    for namespace in ("shop", "blog"):
        shop.cache.put(MIGRATIONS, a_migration(namespace=namespace))
    assert await shop.is_there()
    assert shop.write(config_map()) == {Key("shop", "users")}
    assert not await shop.is_there()
    await shop.runner.bring("shop", shop.cluster)
    assert shop.cache.put(CONFIG_MAPS, shop.cluster.objects[WHERE]) == set()
    assert shop.delete() == {Key("shop", "users")}


async def test_a_server_that_keeps_something_else_is_not_believed() -> None:
    class Changing(Twin):
        async def apply(self, resource: Any, manifest: Manifest) -> Manifest:
            return await super().apply(resource, manifest | {"binaryData": {"runner.pyz": EVIL}})

    cluster, runner_config_map = Changing(), a_runner_config_map()
    await runner_config_map.bring("shop", cluster)
    assert not await runner_config_map.is_in("shop", cluster)


async def test_the_news_names_who_wrote_the_content_last() -> None:
    entry = {"operation": "Update", "fieldsV1": {"f:binaryData": {}}}
    managed = [
        entry | {"manager": "alembic-operator", "time": "2026-03-01T12:00:00Z"},
        entry | {"manager": "kubectl-edit", "time": "2026-03-01T12:01:00Z"},
        entry | {"manager": "labeller", "time": "2026-03-01T12:02:00Z", "fieldsV1": {"f:metadata": {}}},
    ]
    there = ours(binaryData={"runner.pyz": EVIL})
    there["metadata"]["managedFields"] = managed
    cluster, runner_config_map = Twin((CONFIG_MAPS, there)), a_runner_config_map()
    await runner_config_map.is_in("shop", cluster)
    assert runner_config_map.news("shop") == (
        "ConfigMap alembic-operator-runner was written by kubectl-edit (Update, 2026-03-01T12:01:00Z): it gets the"
        " operator's runner again; pods that began in between may have run the other content, with the database's"
        " password: see who wrote it"
    )


async def test_namespaces_are_kept_apart() -> None:
    cluster, runner_config_map = Twin((CONFIG_MAPS, ours())), a_runner_config_map(content=b"another")
    await runner_config_map.bring("blog", cluster)
    assert await runner_config_map.is_in("blog", cluster)
    assert not await runner_config_map.is_in("shop", cluster)
