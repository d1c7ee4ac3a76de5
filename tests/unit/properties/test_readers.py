"""Each reader returns for every object that has the outer shape which the API server guarantees, and soon."""

import contextlib
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alembic_operator.api.crd import crd
from alembic_operator.contract import Result, seconds
from alembic_operator.contract.imports import ImportAnswer
from alembic_operator.core import names
from alembic_operator.core.imports.holders import read_holder, read_workload
from alembic_operator.core.imports.observation import read_import, read_import_pod
from alembic_operator.core.imports.progress import read_import_progress
from alembic_operator.core.observation import reading, source
from alembic_operator.core.observation.containers import read_report
from alembic_operator.core.observation.database_servers import read_database_server
from alembic_operator.core.observation.gated_pods import read_gated_pod
from alembic_operator.core.observation.gated_workloads import read_gated_workload, waits_for
from alembic_operator.core.observation.jobs import read_job
from alembic_operator.core.observation.migrations import read_migration
from alembic_operator.core.observation.pods import read_pod
from alembic_operator.core.observation.progress import read_progress
from alembic_operator.core.observation.reading import Reading
from alembic_operator.core.observation.results import newer_version
from alembic_operator.kube import lease, setters
from alembic_operator.kube.definition import lacking
from tests.unit.properties import foreign, wholes

SOON = 0.5
"""Seconds of the processor, for objects of up to some hundred thousand characters."""


def deployment(raw: Any) -> object:
    return waits_for(raw), read_gated_workload(raw, "apps/v1", "Deployment")


def rollout(raw: Any) -> object:
    return waits_for(raw), read_gated_workload(raw, "argoproj.io/v1alpha1", "Rollout")


def containers(raw: Any) -> object:
    found = source.containers(raw)
    return [source.of_workload("Deployment", "users", found, wanted) for wanted in (None, "app", "metrics")]


def config_map(raw: Any) -> object:
    return source.of_config_map("users", raw, "alembic.ini", "operator:1")


def managers(raw: Any) -> object:
    return setters._owners(reading.items(raw, "metadata", "managedFields"), f"f:{names.GATE_ANNOTATION}")


def termination_message(raw: Any) -> object:
    report = reading.fields(raw, "report")
    text = "{" if reading.unfit(report, 100_000) else json.dumps(report)
    return read_report({"message": text}), read_report(raw), Result.from_json(text), newer_version(text)


def answer(raw: Any) -> object:
    said = reading.fields(raw, "answer")
    body = b"{" if reading.unfit(said, 100_000) else json.dumps(said).encode()
    read_import_progress(b"HTTP/1.0 200 OK\r\n\r\n" + body[:8000], "shop/users")
    return read_progress(b"HTTP/1.0 200 OK\r\n\r\n" + body[:8000], "shop/users"), read_progress(body, "")


def import_report(raw: Any) -> object:
    report = reading.fields(raw, "report")
    return ImportAnswer.from_json("{" if reading.unfit(report, 100_000) else json.dumps(report))


READERS: dict[str, tuple[Callable[[Any], object], Any]] = {
    "migration": (read_migration, wholes.MIGRATION),
    "job": (read_job, wholes.A_JOB),
    "pod": (read_pod, wholes.A_POD),
    "gated pod": (read_gated_pod, wholes.A_GATED_POD),
    "gated Deployment": (deployment, wholes.A_DEPLOYMENT),
    "gated Rollout": (rollout, wholes.A_ROLLOUT),
    "containers": (containers, wholes.A_DEPLOYMENT),
    "database server": (read_database_server, wholes.A_STATEFUL_SET),
    "ConfigMap": (config_map, wholes.A_CONFIG_MAP),
    "progress": (answer, wholes.AN_ANSWER),
    "Lease": (lease._lease, wholes.A_LEASE),
    "field managers": (managers, wholes.WITH_MANAGERS),
    "import": (read_import, wholes.AN_IMPORT),
    "pod of an import": (read_import_pod, wholes.A_POD),
    "holder of a claim": (lambda raw: read_holder(raw, "data"), wholes.A_POD),
    "workload that is to stop": (read_workload, wholes.A_DEPLOYMENT),
    "termination message of an import": (import_report, wholes.AN_IMPORT_REPORT),
    "termination message": (termination_message, wholes.A_REPORT),
}


@pytest.mark.parametrize(("read", "whole"), READERS.values(), ids=READERS)
def test_a_reader_returns_soon_for_anything(read: Callable[[Any], object], whole: Any) -> None:
    @given(raw=foreign.spoilt(whole))
    def returns(raw: Any) -> None:
        began = time.process_time()
        found = read(raw)
        assert time.process_time() - began < SOON
        assert found == found  # noqa: PLR0124  it is compared with what was known before
        assert repr(found)

    returns()


@pytest.mark.parametrize(("read", "whole"), READERS.values(), ids=READERS)
def test_a_whole_object_is_read_without_a_complaint(read: Callable[[Any], object], whole: Any) -> None:
    found = read(whole)
    assert getattr(found, "unreadable", ()) == ()
    assert "cannot be" not in repr(found)


def test_the_definition_that_is_served_may_be_anything() -> None:
    wanted = crd()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    assert lacking(wanted, wanted) == []

    @given(raw=foreign.spoilt({"metadata": wholes.metadata("x"), "properties": wanted["properties"]}))
    def returns(raw: Any) -> None:
        assert isinstance(lacking(wanted, raw), list)

    returns()


@given(value=foreign.anythings, path=st.lists(st.sampled_from(["a", "name", "spec"]), max_size=3))
def test_every_accessor_returns_for_anything(value: Any, path: list[str]) -> None:
    reading.text(value, *path).encode()
    looked = Reading(value)
    for read in (looked.fields, looked.items, looked.text, looked.number, looked.time):
        read(*path)
    json.dumps(looked.unreadable).encode()
    assert sum(map(len, looked.unreadable)) < 2000
    assert len(reading.shown(value)) < 120
    assert reading.unfit(value, 1000) or json.dumps(value).encode()
    reading.moment(value), reading.whole(value)


@given(text=st.text("0159hms. ٣") | st.sampled_from(["9" * 32, "9" * 31 + "h", "9" * 400 + "h", "9" * 5000 + "s"]))
def test_a_duration_is_a_number_or_an_error_of_its_own(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert 0 <= seconds(text) < float("inf")
