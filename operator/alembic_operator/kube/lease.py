"""Read and write the Lease for which the operator's processes compete."""

from datetime import UTC, datetime

from alembic_operator.core import times
from alembic_operator.core.lease import FREE, Lease, Terms
from alembic_operator.core.observation import reading
from alembic_operator.core.observation.reading import Manifest
from alembic_operator.kube.cluster import LEASES, Cluster

_INT32 = 2**31 - 1


class LeaseLock:
    """One Lease, written only by whoever has seen its last version."""

    def __init__(self, cluster: Cluster, terms: Terms) -> None:
        self._cluster = cluster
        self.terms = terms

    async def read(self) -> Lease:
        """Return the Lease; make one that nobody holds when there is none."""
        found = await self._cluster.get(LEASES, self.terms.namespace, self.terms.name)
        # Made without a word about its holder: who makes it a second time takes nothing from anybody.
        return _lease(found or await self._cluster.apply(LEASES, self._manifest()))

    async def take(self, lease: Lease) -> Lease:
        """Hold the Lease from now on, or go on holding it; return it as stored.

        Raises:
            ConflictError: somebody else has written it.
        """
        now, mine = _now(), lease.holder == self.terms.holder
        return await self._write(
            lease,
            {
                "holderIdentity": self.terms.holder,
                "leaseDurationSeconds": self.terms.seconds,
                "acquireTime": lease.acquired_at if mine and lease.acquired_at else now,
                "renewTime": now,
                "leaseTransitions": lease.transitions + (0 if mine else 1),
            },
        )

    async def release(self, lease: Lease) -> None:
        """Let anybody take it at once.

        Raises:
            ConflictError: somebody else has written it.
        """
        await self._write(lease, {"holderIdentity": FREE, "leaseDurationSeconds": 1, "renewTime": _now()})

    async def _write(self, lease: Lease, spec: Manifest) -> Lease:
        return _lease(await self._cluster.merge(LEASES, self._manifest(lease.version) | {"spec": spec}))

    def _manifest(self, version: str = "") -> Manifest:
        metadata = {"name": self.terms.name, "namespace": self.terms.namespace}
        return {
            "apiVersion": LEASES.api_version,
            "kind": "Lease",
            "metadata": metadata | ({"resourceVersion": version} if version else {}),
        }


def _lease(raw: Manifest) -> Lease:
    return Lease(
        holder=reading.text(raw, "spec", "holderIdentity") or FREE,
        seconds=reading.number(raw, "spec", "leaseDurationSeconds", most=_INT32) or 0,
        # Of the greatest number there is no next one.
        transitions=reading.number(raw, "spec", "leaseTransitions", most=_INT32 - 1) or 0,
        acquired_at=reading.time(raw, "spec", "acquireTime"),
        version=reading.text(raw, "metadata", "resourceVersion"),
    )


def _now() -> str:
    """Return the time for people to read: no decision depends on it."""
    return times.exact(datetime.now(UTC))
