"""What an operator remembers of the workloads that it has seen, and for how long."""

from datetime import timedelta

from alembic_operator.core.observation.source import PodParts
from alembic_operator.kube.cache import Key
from alembic_operator.kube.observe import LastChanges
from tests.unit.core.builders import NOW, a_migration

USERS, CHAT = Key("shop", "users"), Key("shop", "chat")
FOLLOWING = a_migration({"source": {"workloadRef": {"name": "users"}}})
LATER = NOW + timedelta(hours=1)


def parts(image: str) -> PodParts:
    return PodParts(container={"image": image}, pod={})


def test_a_workload_is_as_old_as_its_last_change_for_each_migration() -> None:
    seen = LastChanges()
    first = seen.observe(USERS, FOLLOWING, parts("users:1"), NOW)
    assert first is not None
    assert first.since == NOW
    assert seen.observe(USERS, FOLLOWING, parts("users:1"), LATER) == first
    (second, other) = (seen.observe(key, FOLLOWING, parts("users:2"), LATER) for key in (USERS, CHAT))
    assert second == other
    assert second is not None
    assert second.since == LATER


def test_a_migration_that_is_gone_is_forgotten() -> None:
    seen = LastChanges()
    seen.observe(USERS, FOLLOWING, parts("users:1"), NOW)
    seen.forget(USERS)
    again = seen.observe(USERS, FOLLOWING, parts("users:1"), LATER)
    assert again is not None
    assert again.since == LATER


def test_other_sources_are_not_remembered() -> None:
    assert LastChanges().observe(USERS, a_migration(), parts("users:1"), NOW) is None
