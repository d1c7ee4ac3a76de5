"""The runner in its ConfigMap: what is there counts, not what it says of itself."""

import base64
import hashlib
from typing import Any

import pytest

from alembic_operator.core import names
from alembic_operator.core.observation.reading import Manifest
from alembic_operator.kube.cluster import CONFIG_MAPS
from alembic_operator.kube.runner_config_map import RunnerConfigMap
from tests.unit.kube.objects import a_runner_config_map
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
    assert await runner_config_map.is_in("shop", cluster, for_sure=True)
    assert runner_config_map.news("shop") == ""


async def test_the_runner_of_another_version_is_replaced_without_a_word() -> None:
    cluster, runner_config_map = Twin((CONFIG_MAPS, config_map())), a_runner_config_map()
    assert not await runner_config_map.is_in("shop", cluster)
    await runner_config_map.bring("shop", cluster)
    assert await runner_config_map.is_in("shop", cluster, for_sure=True)
    assert (runner_config_map.news("shop"), cluster.calls) == ("", [WRITE])


async def test_what_takes_the_place_of_a_runner_that_was_there_is_told_however_it_looks() -> None:
    cluster, runner_config_map = Twin((CONFIG_MAPS, ours())), a_runner_config_map()
    assert await runner_config_map.is_in("shop", cluster)
    cluster.store(CONFIG_MAPS, config_map())
    assert await runner_config_map.is_in("shop", cluster), "it is not asked each time"
    runner_config_map.forget()
    assert not await runner_config_map.is_in("shop", cluster)
    assert runner_config_map.news("shop")


async def test_content_is_read_once_and_afterwards_only_the_metadata() -> None:
    cluster, runner_config_map = Twin((CONFIG_MAPS, ours())), a_runner_config_map()
    for _ in range(3):
        assert await runner_config_map.is_in("shop", cluster)
    assert cluster.looks == ["content"]
    runner_config_map.forget()
    assert await runner_config_map.is_in("shop", cluster)
    assert await runner_config_map.is_in("shop", cluster, for_sure=True)
    await runner_config_map.bring("shop", cluster)
    assert cluster.looks == ["content", *["metadata"] * 3]
    cluster.store(CONFIG_MAPS, ours())
    assert await runner_config_map.is_in("shop", cluster, for_sure=True)
    assert (cluster.looks[4:], cluster.calls) == (["metadata", "content"], [])


async def test_what_was_just_brought_is_not_read_again() -> None:
    cluster, runner_config_map = Twin(), a_runner_config_map()
    await runner_config_map.bring("shop", cluster)
    assert await runner_config_map.is_in("shop", cluster, for_sure=True)
    assert cluster.looks == ["content", "metadata"]


async def test_one_that_is_gone_is_brought_again_without_a_word() -> None:
    cluster, runner_config_map = Twin((CONFIG_MAPS, ours())), a_runner_config_map()
    assert await runner_config_map.is_in("shop", cluster)
    del cluster.objects[WHERE]
    assert not await runner_config_map.is_in("shop", cluster, for_sure=True)
    await runner_config_map.bring("shop", cluster)
    assert await runner_config_map.is_in("shop", cluster)
    assert runner_config_map.news("shop") == ""


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
    cluster, runner_config_map = Twin((CONFIG_MAPS, ours())), RunnerConfigMap(b"another")
    await runner_config_map.bring("blog", cluster)
    assert await runner_config_map.is_in("blog", cluster, for_sure=True)
    assert not await runner_config_map.is_in("shop", cluster, for_sure=True)
