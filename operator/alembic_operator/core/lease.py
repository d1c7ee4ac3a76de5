"""Tell from a Lease who leads, and from when on another process may: by the looker's own clock."""

from dataclasses import dataclass

FREE = ""
"""The holder of a Lease that nobody holds."""


@dataclass(frozen=True)
class Terms:
    """Which Lease it is, who wants it, and for how long it is held without being renewed."""

    namespace: str
    name: str
    holder: str
    """A name that no other process has at the same time: the pod's. A container that is started again may go on."""
    seconds: int

    @property
    def leads_for(self) -> float:
        """Seconds after which a leader stops that could not renew: well before another one may begin."""
        return self.seconds * 2 / 3

    @property
    def pause(self) -> float:
        """Seconds between two looks at the Lease."""
        return self.seconds / 8

    @property
    def patience(self) -> float:
        """Seconds to wait for one answer: short enough to ask again on another connection in time."""
        return self.seconds / 4


@dataclass(frozen=True)
class Lease:
    """What the cluster stores."""

    holder: str
    seconds: float
    """For how long its holder has asked: what counts when operators with other terms meet."""
    transitions: int
    acquired_at: str
    version: str
    """Changes with every renewal."""


@dataclass(frozen=True)
class ObservedLease:
    """A version of a Lease, and the moment at which this process saw it first."""

    lease: Lease
    since: float


def observed(before: ObservedLease | None, lease: Lease, now: float) -> ObservedLease:
    """Return when a Lease was observed: as long ago as this version of it was seen first."""
    return before if before and before.lease.version == lease.version else ObservedLease(lease, now)


def free_at(seen: ObservedLease, terms: Terms) -> float:
    """Return the moment from which on the Lease may be taken, unless it is renewed before.

    Its holder counted from before it asked for this version, and stops earlier: two never lead at once, unless a clock
    runs half as fast again as the other.
    """
    return seen.since + (0.0 if seen.lease.holder in (FREE, terms.holder) else seen.lease.seconds)
