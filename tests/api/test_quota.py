"""The quota of `examples/quota/`, which bounds what the admission of a gated pod costs, under the real controller."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml

from devcluster.controlplane import ApiServer
from tests.api.gates import Door, new_namespace
from tests.api.job_controller import connect, started
from tests.api.rest import RefusedError, Rest
from tests.api.shop import MIGRATION, until

ROOT = Path(__file__).parents[2]
QUOTA: dict[str, Any] = yaml.safe_load((ROOT / "examples" / "quota" / "quota.yaml").read_text())
((WHAT, TEXT),) = QUOTA["spec"]["hard"].items()
LIMIT = int(TEXT)


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rest]:
    """Run an API server and the controller that counts; it asks which kinds there are when it starts."""
    folder = tmp_path_factory.mktemp("quota")
    with started(ApiServer.at(folder, ("resourcequota-controller",))) as server, closing(connect(server)) as rest:
        yield rest


def test_the_migration_that_is_one_too_many_is_refused_in_words_until_another_one_is_gone(counted: Rest) -> None:
    door = Door(counted, new_namespace(counted))
    counted.create(QUOTA, door.namespace)
    until(lambda: counted.get(QUOTA, door.namespace, QUOTA["metadata"]["name"]).get("status", {}).get("used"))
    for number in range(LIMIT):
        door.migrate(f"m{number}")
    with pytest.raises(RefusedError) as refused:
        door.migrate("one-more")
    assert refused.value.message == (
        'databasemigrations.alembic-operator.dev "one-more" is forbidden: exceeded quota: databasemigrations, '
        f"requested: {WHAT}=1, used: {WHAT}={LIMIT}, limited: {WHAT}={LIMIT}"
    )
    door.tell({"observedGeneration": 1}, "m0")  # what is there is served as before
    counted.delete({**MIGRATION, "metadata": {"name": "m0"}}, door.namespace)
    until(lambda: _is_admitted(door, "one-more"))


def test_the_page_shows_the_quota_that_was_tried() -> None:
    page = (ROOT / "docs" / "howto" / "gate.md").read_text()
    blocks = [text.partition("```")[0] for text in page.split("```yaml\n")[1:]]
    assert [yaml.safe_load(text) for text in blocks if "ResourceQuota" in text] == [QUOTA]


def _is_admitted(door: Door, name: str) -> bool:
    try:
        door.migrate(name)
    except RefusedError:
        return False
    return True
