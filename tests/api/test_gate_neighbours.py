"""The policy among others: what else changes, limits and refuses pods, and how much there may be of everything."""

import http.client
from collections.abc import Iterator

import pytest

from devcluster.controlplane import ApiServer
from tests.api import webhook as webhooks
from tests.api.chart import Manifest
from tests.api.gates import (
    DIGEST,
    GATE,
    LABEL,
    PINNED,
    Door,
    container,
    gate,
    inits,
    new_namespace,
    pod,
    said,
    sidecar,
)
from tests.api.rest import RefusedError, Rest
from tests.api.webhook import LABEL as LATE
from tests.api.webhook import Patch

pytest_plugins = ["tests.api.gate_fixtures"]

RESTRICTED: Manifest = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
RUNTIME_DEFAULT: Manifest = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}


ENV = [{"name": "LATE", "value": "yes"}]
CHANGES: dict[str, Patch] = {
    "env": [{"op": "add", "path": "/spec/containers/0/env", "value": ENV}],
    "proxy": [{"op": "add", "path": "/spec/initContainers/-", "value": sidecar("proxy")}],
    "mesh": [{"op": "add", "path": "/spec/containers/0", "value": container("mesh", "registry.test/mesh:3")}],
}


@pytest.fixture(scope="module")
def webhook(api_server: ApiServer, rest: Rest) -> Iterator[None]:
    """Have a webhook that changes pods after the gate has been put into them."""
    with webhooks.serving(api_server, lambda changed: CHANGES[changed["metadata"]["labels"][LATE]]) as configuration:
        rest.create(configuration)
        yield
        rest.delete(configuration)


@pytest.mark.usefixtures("webhook")
def test_what_a_webhook_adds_to_the_container_is_in_the_gate_too(door: Door) -> None:
    door.migrate()
    made = door.when(
        pod(labels={LATE: "env"}), lambda made: "env" in made["spec"]["containers"][0] and bool(inits(made))
    )
    assert inits(made) == ["alembic-gate"]
    assert gate(made)["env"] == ENV


@pytest.mark.usefixtures("webhook")
def test_a_native_sidecar_that_a_webhook_adds_stands_before_the_gate(door: Door) -> None:
    door.migrate()
    wanted = pod(labels={LATE: "proxy"}, initContainers=[container("last")])
    made = door.when(wanted, lambda made: {"proxy", "alembic-gate"} <= set(inits(made)))
    assert inits(made) == ["last", "proxy", "alembic-gate"]
    assert [one["name"] for one in made["spec"]["volumes"]] == ["alembic-operator"]


@pytest.mark.usefixtures("webhook")
def test_a_container_that_a_webhook_puts_first_is_not_taken_for_the_application(door: Door) -> None:
    door.migrate()
    wanted = pod(labels={LATE: "mesh"}, containers=[container(image=PINNED)])
    made = door.when(wanted, lambda made: len(made["spec"]["containers"]) > 1 and bool(inits(made)))
    assert [one["name"] for one in made["spec"]["containers"]] == ["mesh", "app"]
    assert gate(made)["image"] == PINNED
    door.tell({"observedGeneration": 1, "knownImages": [DIGEST]})
    made = door.when(wanted, lambda made: said(made).get(GATE) == "Satisfied")
    assert (inits(made), len(made["spec"]["containers"])) == ([], 2)


def limit(door: Door) -> None:
    """Give containers limits by default, and the namespace a quota of one pod's."""
    limits = {"type": "Container", "default": {"memory": "100Mi"}, "defaultRequest": {"cpu": "100m"}}
    document = {"apiVersion": "v1", "metadata": {"name": "limits"}}
    door.rest.create(document | {"kind": "LimitRange", "spec": {"limits": [limits]}}, door.namespace)
    quota = document | {"kind": "ResourceQuota"}
    hard = {"hard": {"limits.memory": "100Mi", "requests.cpu": "100m", "pods": "2"}}
    door.rest.create(quota | {"spec": hard}, door.namespace)
    used = {"used": {"limits.memory": "0", "requests.cpu": "0", "pods": "0"}}
    door.rest.merge(quota, {"status": hard | used}, door.namespace, "status")


def test_a_gate_has_the_default_limits_and_takes_nothing_more_of_a_quota(door: Door) -> None:
    door.migrate()
    door.gated()
    limit(door)
    made = door.when(pod(), lambda made: "limits" in made["spec"]["containers"][0].get("resources", {}))
    assert gate(made)["resources"] == made["spec"]["containers"][0]["resources"]
    used = door.rest.get({"apiVersion": "v1", "kind": "ResourceQuota"}, door.namespace, "limits")["status"]["used"]
    assert used == {"limits.memory": "100Mi", "requests.cpu": "100m", "pods": "1"}
    assert "exceeded quota" in door.refuse(pod())


@pytest.fixture
def restricted(rest: Rest, policies: None) -> Door:  # noqa: ARG001  they must be there
    """Have a namespace with Pod Security "restricted"."""
    return Door(rest, new_namespace(rest, **{"pod-security.kubernetes.io/enforce": "restricted"}))


RESTRICTED_PODS: dict[str, Manifest] = {
    "all in the container": pod(containers=[container(securityContext=RESTRICTED | RUNTIME_DEFAULT)]),
    "part in the pod": pod(containers=[container(securityContext=RESTRICTED)], securityContext=RUNTIME_DEFAULT),
    "nothing": pod(),
    "only the pod": pod(securityContext=RUNTIME_DEFAULT),
    "privileged": pod(containers=[container(securityContext={"privileged": True})], securityContext=RUNTIME_DEFAULT),
}


@pytest.mark.parametrize("wanted", RESTRICTED_PODS.values(), ids=RESTRICTED_PODS)
def test_pod_security_admits_a_gated_pod_exactly_when_it_admits_the_pod(restricted: Door, wanted: Manifest) -> None:
    restricted.migrate()
    restricted.gated(RESTRICTED_PODS["part in the pod"])
    plain = wanted | {"metadata": {"generateName": "plain-"}}
    assert is_admitted(restricted, wanted) == is_admitted(restricted, plain)


def test_pod_security_admits_some_pods_and_refuses_others(restricted: Door) -> None:
    restricted.migrate()
    restricted.gated(RESTRICTED_PODS["part in the pod"])
    assert [is_admitted(restricted, one) for one in RESTRICTED_PODS.values()] == [True, True, False, False, False]


def is_admitted(door: Door, wanted: Manifest) -> bool:
    try:
        door.admit(wanted)
    except RefusedError as refused:
        assert refused.code == http.client.FORBIDDEN  # noqa: PT017
        assert "violates PodSecurity" in refused.message  # noqa: PT017
        return False
    return True


def test_a_large_pod_is_admitted_with_its_gate(door: Door) -> None:
    door.migrate(alembic={"xArguments": [f"{number}=" + "x" * 1000 for number in range(32)]})
    door.gated()
    env = [{"name": f"V{number}", "value": "v" * 50} for number in range(200)]
    mounts = [{"name": "files", "mountPath": f"/srv/{number}"} for number in range(50)]
    made = door.admit(
        pod(
            containers=[container(f"app{number}", env=env, volumeMounts=mounts) for number in range(50)],
            initContainers=[sidecar(f"s{number}") for number in range(50)],
            volumes=[{"name": "files", "emptyDir": {}}],
        )
    )
    assert inits(made)[-1] == "alembic-gate"
    assert gate(made)["env"] == env
    assert len(gate(made)["volumeMounts"]) == 51
    assert len(gate(made)["command"]) == 3 + 32


def test_a_pod_is_admitted_among_two_hundred_migrations(door: Door) -> None:
    known = [f"sha256:{number:064x}" for number in range(15)]
    for number in range(200):
        door.migrate(f"m{number}")
        door.tell({"observedGeneration": 1, "knownImages": [*known, DIGEST]}, f"m{number}")
    last = pod(labels={LABEL: "m199"}, containers=[container(image=PINNED)])
    assert inits(door.when(last, lambda made: said(made).get(GATE) == "Satisfied")) == []
    made = door.admit(pod(labels={LABEL: "m100"}))
    assert inits(made) == ["alembic-gate"]


EMPTY: Manifest = {"initContainers": [], "volumes": [], "imagePullSecrets": [], "tolerations": []}


def test_empty_lists_and_maps_everywhere_are_as_good_as_none(door: Door) -> None:
    door.migrate(alembic={"xArguments": []}, database=None, dependsOn=[])
    app = container(env=[], envFrom=[], volumeMounts=[], args=[], ports=[], resources={}, securityContext={})
    made = door.when(pod({}, containers=[app], **EMPTY), lambda made: inits(made) == ["alembic-gate"])
    assert set(gate(made)) - {"securityContext"} == {
        "name",
        "image",
        "command",
        "volumeMounts",
        "resources",
        "imagePullPolicy",
        "terminationMessagePath",
        "terminationMessagePolicy",
    }
