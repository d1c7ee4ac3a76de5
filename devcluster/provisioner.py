"""Give every claim of the default storage class a folder on this machine, and delete the folder with the volume.

The provisioner inside kube-controller-manager makes folders that only root may enter; a database does not run as root.
"""

from __future__ import annotations

import http.client
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devcluster import apiclient
from devcluster.manifests import PROVISIONER, STORAGE_CLASS
from devcluster.node import NAME
from devcluster.pki import Pki

CLAIMS = "/api/v1/persistentvolumeclaims"
VOLUMES = "/api/v1/persistentvolumes"
FOR_EVERYBODY = 0o777
SECONDS_BETWEEN_LOOKS = 5
"""At most: a change of a claim is noticed at once, the release of a volume with the next look."""


@dataclass(frozen=True)
class Plan:
    """What to do about the claims and volumes of the cluster."""

    claims: tuple[dict[str, Any], ...]
    """They need a volume."""
    released: tuple[str, ...]
    """Volumes whose claim is gone."""


def plan(claims: list[dict[str, Any]], volumes: list[dict[str, Any]]) -> Plan:
    """Decide from what the cluster holds; claims of other classes and volumes of others are not our business."""
    existing = {volume["metadata"]["name"] for volume in volumes}
    released = (volume["metadata"]["name"] for volume in volumes if _is_released(volume))
    return Plan(
        claims=tuple(claim for claim in claims if _waits(claim) and volume_name(claim) not in existing),
        released=tuple(released),
    )


def volume_name(claim: dict[str, Any]) -> str:
    """Name the volume of a claim; the same claim always gets the same one."""
    return f"pvc-{claim['metadata']['uid']}"


def volume(claim: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Describe the volume that belongs to a claim and lives in a folder of this node."""
    spec, metadata = claim["spec"], claim["metadata"]
    here = {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": [NAME]}]}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": volume_name(claim), "annotations": {"pv.kubernetes.io/provisioned-by": PROVISIONER}},
        "spec": {
            "accessModes": spec["accessModes"],
            "capacity": {"storage": spec["resources"]["requests"]["storage"]},
            "claimRef": {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                **{key: metadata[key] for key in ("namespace", "name", "uid")},
            },
            "local": {"path": str(folder)},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [here]}},
            "persistentVolumeReclaimPolicy": "Delete",
            "storageClassName": STORAGE_CLASS,
        },
    }


def _waits(claim: dict[str, Any]) -> bool:
    spec = claim["spec"]
    ours = spec.get("storageClassName") == STORAGE_CLASS and spec.get("volumeMode", "Filesystem") == "Filesystem"
    return ours and not spec.get("volumeName") and "deletionTimestamp" not in claim["metadata"]


def _is_released(volume: dict[str, Any]) -> bool:
    ours = volume["metadata"].get("annotations", {}).get("pv.kubernetes.io/provisioned-by") == PROVISIONER
    return ours and volume.get("status", {}).get("phase") in {"Released", "Failed"}


@dataclass(frozen=True)
class Provisioner:
    """Carry out the plans in one folder."""

    api: apiclient.Api
    folder: Path

    def look(self) -> str:
        """Do what is to do now; return the version of the claims that were seen."""
        claims, volumes = self.api.get(CLAIMS) or {}, self.api.get(VOLUMES) or {}
        todo = plan(claims["items"], volumes["items"])
        for claim in todo.claims:
            self._create(claim)
        for name in todo.released:
            self._delete(name)
        return str(claims["metadata"]["resourceVersion"])

    def wait(self, version: str) -> None:
        """Return at the next change of a claim, or after some seconds."""
        query = f"?watch=1&resourceVersion={version}&timeoutSeconds={SECONDS_BETWEEN_LOOKS}"
        for _ in self.api.watch(CLAIMS + query, SECONDS_BETWEEN_LOOKS):
            return

    def _create(self, claim: dict[str, Any]) -> None:
        name = volume_name(claim)
        folder = self.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(FOR_EVERYBODY)
        self.api.apply(f"{VOLUMES}/{name}", volume(claim, folder))
        print(f"volume {name} for {claim['metadata']['namespace']}/{claim['metadata']['name']}")

    def _delete(self, name: str) -> None:
        shutil.rmtree(self.folder / name, ignore_errors=True)
        self.api.delete(f"{VOLUMES}/{name}")
        print(f"volume {name} deleted")


def main(server: str, pki: str, folder: str) -> None:
    """Look and wait for ever; an API server that is away comes back."""
    provisioner = Provisioner(apiclient.connect(server, Pki(Path(pki)), "provisioner"), Path(folder))
    while True:
        try:
            provisioner.wait(provisioner.look())
        except (OSError, apiclient.ApiError, http.client.HTTPException) as trouble:
            print(f"looking again: {trouble}")
            time.sleep(1)


if __name__ == "__main__":
    main(*sys.argv[1:])
