"""Write spec.tenants as the one flag `--tenants`: which member of its JSON comes from which field."""

from dataclasses import dataclass, fields
from typing import Any

from pydantic.alias_generators import to_camel

from alembic_operator.api.tenants import Tenants
from alembic_operator.contract.tenants import Tenants as Asked

_ELSEWHERE = {"shared": "shared.target"} | {
    name: f"rollout.{name}" for name in ("canary", "soak", "max_parallel", "max_failures", "order")
}
"""Members that do not stand in spec.tenants itself."""


@dataclass(frozen=True)
class Member:
    """One member of the JSON."""

    attribute: str
    """Of a Tenants of the API, with dots."""
    name: str
    """Of the contract's Tenants."""
    default: Any

    @property
    def is_of_objects(self) -> bool:
        """Whether the field has objects, whose names are the member."""
        return self.name == "servers"

    @property
    def word(self) -> str:
        """The member as it is written."""
        return to_camel(self.name)

    @property
    def field(self) -> tuple[str, ...]:
        """The way to the field below spec.tenants, in the words of a manifest."""
        return tuple(map(to_camel, self.attribute.split(".")))


MEMBERS = tuple(Member(_ELSEWHERE.get(one.name, one.name), one.name, one.default) for one in fields(Asked))


def flag(tenants: Tenants | None) -> str | None:
    """Return the flag; None: there are no tenants."""
    if tenants is None:
        return None
    said = {one.name: found for one in MEMBERS if (found := _found(tenants, one)) is not None}
    return Asked(**said).to_json()


def _found(tenants: Tenants, member: Member) -> Any:
    if member.is_of_objects:
        return tuple(one.name for one in tenants.servers) or None
    found: Any = tenants
    for part in member.attribute.split("."):
        found = getattr(found, part, None)
    return str(found) if isinstance(member.default, str) and found is not None else found
