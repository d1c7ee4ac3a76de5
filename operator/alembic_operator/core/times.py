"""Times as Kubernetes writes them."""

from datetime import UTC, datetime


def text(moment: datetime) -> str:
    """Return RFC 3339 in UTC with whole seconds; always the same text for the same instant."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def exact(moment: datetime) -> str:
    """Return RFC 3339 in UTC with microseconds, as Events and Leases have it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
