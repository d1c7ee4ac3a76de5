"""Who set an annotation of a workload's pods, and that nobody is named who did not."""

from typing import Any

import pytest

from alembic_operator.api.occasions import Occasion
from alembic_operator.core.actions import Notice
from alembic_operator.core.observation.gated_pods import Owner
from alembic_operator.core.observation.migrations import read_migration
from alembic_operator.core.observation.reading import Manifest
from alembic_operator.kube import setters
from alembic_operator.kube.cluster import DEPLOYMENTS, EVENTS, Resource
from alembic_operator.kube.errors import ApiError
from alembic_operator.kube.events import Events
from tests.unit.kube.objects import a_gated_workload, a_migration
from tests.unit.kube.twin import Twin

GATE = "alembic-operator.dev/gate"
OWNER = Owner("apps/v1", "Deployment", "users", "uid-of-users")
FIELDS: Manifest = {"f:spec": {"f:template": {"f:metadata": {"f:annotations": {f"f:{GATE}": {}}}}}}


def managed(manager: str, fields: Manifest, **more: Any) -> Manifest:
    return {"manager": manager, "operation": "Update", "time": "2026-03-01T11:59:00Z", "fieldsV1": fields} | more


def cluster(*entries: Manifest) -> Twin:
    raw = a_gated_workload()
    raw["metadata"]["managedFields"] = list(entries)
    return Twin((DEPLOYMENTS, raw))


async def who(given: Twin, owner: Owner = OWNER) -> str:
    return await setters.who(given, "shop", owner, GATE)


async def test_the_manager_that_owns_the_annotation_is_named_with_its_time() -> None:
    others = managed("helm", {"f:spec": {"f:replicas": {}, "f:template": {"f:spec": {}}}})
    own = managed("operator", {"f:metadata": {"f:annotations": {f"f:{GATE}": {}}}})
    assert await who(cluster(others, own, managed("kubectl-edit", FIELDS))) == (
        "kubectl-edit (Update, 2026-03-01T11:59:00Z)"
    )


async def test_two_that_agree_are_both_named() -> None:
    both = cluster(managed("kubectl-edit", FIELDS), managed("argocd", FIELDS, operation="Apply"))
    assert (await who(both)).endswith("11:59:00Z), argocd (Apply, 2026-03-01T11:59:00Z)")


UNKNOWN: dict[str, tuple[Twin, Owner]] = {
    "nobody owns it, as when a webhook set it in the pod": (cluster(managed("helm", {"f:spec": {}})), OWNER),
    "nothing is remembered": (cluster(), OWNER),
    "it is gone": (Twin(), OWNER),
    "it is another one by now": (
        cluster(managed("kubectl-edit", FIELDS)),
        Owner("apps/v1", "Deployment", "users", "other"),
    ),
    "the operator may not read such": (Twin(), Owner("apps/v1", "ReplicaSet", "users-6d9f", "r1")),
}


@pytest.mark.parametrize(("given", "owner"), UNKNOWN.values(), ids=UNKNOWN)
async def test_who_cannot_be_told_is_unknown(given: Twin, owner: Owner) -> None:
    assert await who(given, owner) == "somebody unknown"


async def test_an_api_server_that_says_no_is_no_reason_to_say_nothing() -> None:
    class Refusing(Twin):
        async def get_metadata(self, resource: Resource, namespace: str, name: str) -> Manifest | None:
            raise ApiError(500, "InternalError", f"{resource.plural} {namespace}/{name}: no")

    assert await who(Refusing()) == "somebody unknown"


async def test_it_is_looked_up_only_for_an_event_that_is_new_to_this_operator() -> None:
    looked_up = []

    class Listening(Twin):
        async def get_metadata(self, resource: Resource, namespace: str, name: str) -> Manifest | None:
            looked_up.append(name)
            return await super().get_metadata(resource, namespace, name)

    twin = Listening()
    raw = a_gated_workload()
    raw["metadata"]["managedFields"] = [managed("kubectl-edit", FIELDS)]
    twin.store(DEPLOYMENTS, raw)
    notice = Notice(Occasion.GATE_SKIPPED, "pods start", regarding=OWNER, identity="r1", set_by=GATE)
    events, migration = Events(twin, "pod-1"), read_migration(a_migration())
    assert [await events.announce("shop", notice, migration) for _ in range(3)] == [True, False, False]
    assert looked_up == ["users"]
    (event,) = [one for (resource, *_), one in twin.objects.items() if resource == EVENTS]
    assert event["note"] == f"pods start; {GATE} was set by kubectl-edit (Update, 2026-03-01T11:59:00Z)"
