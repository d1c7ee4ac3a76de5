"""What Kopf is told; that it watches is seen in tests/api."""

import inspect
from itertools import islice
from typing import Any

import kopf
import pytest
from kopf._core.reactor import processing, running

from alembic_operator.kube.cluster import MIGRATIONS, Resource
from alembic_operator.shell import handlers

SERVER = "https://10.0.0.1:443"


def login(monkeypatch: pytest.MonkeyPatch, service_account: kopf.ConnectionInfo | None) -> kopf.ConnectionInfo | None:
    monkeypatch.setattr(kopf, "login_with_service_account", lambda **_: service_account)
    monkeypatch.setattr(kopf, "login_with_kubeconfig", lambda **_: kopf.ConnectionInfo(server="https://kubeconfig"))
    return handlers._login(SERVER)()


def test_a_pod_asks_the_address_of_its_environment_and_no_name_server(monkeypatch: pytest.MonkeyPatch) -> None:
    given = kopf.ConnectionInfo(server="https://kubernetes.default.svc", token="secret", ca_path="/ca.crt")
    found = login(monkeypatch, given)
    assert found is not None
    assert (found.server, found.token, found.ca_path) == (SERVER, "secret", "/ca.crt")


def test_outside_of_a_cluster_a_kubeconfig_says_where_the_server_is(monkeypatch: pytest.MonkeyPatch) -> None:
    found = login(monkeypatch, None)
    assert found is not None
    assert found.server == "https://kubeconfig"


def test_kopf_never_gives_up_a_watch() -> None:
    settings = kopf.OperatorSettings()
    handlers._configure(settings)
    assert list(islice(settings.networking.error_backoffs, 1000))[-2:] == [30.0, 30.0]  # type: ignore[arg-type]


async def test_an_event_is_passed_on_as_it_came() -> None:
    heard: list[tuple[Resource, Any]] = []
    await handlers._listen(lambda *what: heard.append(what))(event={"type": "ADDED"}, logger=None)
    assert heard == [(MIGRATIONS, {"type": "ADDED"})]


async def test_kopf_hands_over_each_event_as_it_came_and_survives_one_that_is_not_understood() -> None:
    heard: list[Any] = []

    def on_change(_: Resource, event: Any) -> None:
        heard.append(dict(event))
        if event["type"] == "ODD":
            raise ValueError

    with handlers.straight_to(on_change):
        process = processing.process_resource_event
        for kind in ("ODD", "ADDED"):
            await process(raw_event={"type": kind})  # type: ignore[call-arg, typeddict-item]
    assert [event["type"] for event in heard] == ["ODD", "ADDED"]
    assert processing.process_resource_event is not process
    assert "processing.process_resource_event" in inspect.getsource(running.spawn_tasks)
