"""Which claims get a volume, and which volumes are deleted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from devcluster.manifests import PROVISIONER, STORAGE_CLASS
from devcluster.provisioner import plan, volume, volume_name


def claim(**spec: Any) -> dict[str, Any]:
    common = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "10Gi"}},
        "storageClassName": STORAGE_CLASS,
        "volumeMode": "Filesystem",
    }
    metadata = {"namespace": "shop", "name": "data-postgres-0", "uid": "1234"}
    return {"metadata": metadata, "spec": common | spec, "status": {"phase": "Pending"}}


def existing(phase: str, by: str = PROVISIONER) -> dict[str, Any]:
    made = volume(claim(), Path("/volumes/pvc-1234"))
    made["metadata"]["annotations"] = {"pv.kubernetes.io/provisioned-by": by}
    return {**made, "status": {"phase": phase}}


def test_a_new_claim_gets_a_volume() -> None:
    assert plan([claim()], []).claims == (claim(),)


@pytest.mark.parametrize(
    "spec",
    [{"volumeName": "pvc-1234"}, {"storageClassName": "fast"}, {"storageClassName": None}, {"volumeMode": "Block"}],
)
def test_a_claim_that_is_served_or_not_ours_gets_none(spec: dict[str, Any]) -> None:
    assert plan([claim(**spec)], []).claims == ()


def test_a_claim_that_is_being_deleted_gets_none() -> None:
    leaving = claim()
    leaving["metadata"]["deletionTimestamp"] = "2026-11-21T12:00:00Z"
    assert plan([leaving], []).claims == ()


def test_a_claim_whose_volume_exists_waits_for_the_binding() -> None:
    assert plan([claim()], [existing("Available")]).claims == ()


@pytest.mark.parametrize(("phase", "deleted"), [("Bound", ()), ("Released", ("pvc-1234",)), ("Failed", ("pvc-1234",))])
def test_a_volume_goes_when_its_claim_is_gone(phase: str, deleted: tuple[str, ...]) -> None:
    assert plan([], [existing(phase)]).released == deleted


def test_a_volume_of_somebody_else_stays() -> None:
    assert plan([], [existing("Released", by="other")]).released == ()


def test_a_volume_is_bound_to_its_claim_and_to_this_node() -> None:
    made = volume(claim(), Path("/volumes/pvc-1234"))
    assert made["metadata"]["name"] == volume_name(claim()) == "pvc-1234"
    assert made["spec"]["capacity"] == {"storage": "10Gi"}
    assert made["spec"]["claimRef"]["uid"] == "1234"
    assert made["spec"]["local"] == {"path": "/volumes/pvc-1234"}
    assert made["spec"]["persistentVolumeReclaimPolicy"] == "Delete"
