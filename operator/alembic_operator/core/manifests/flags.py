"""Which field of a DatabaseMigration gives which flag of the runner: for Jobs, and for the gates of both charts."""

from dataclasses import dataclass
from typing import Any

from pydantic.alias_generators import to_camel

from alembic_operator.api.v1alpha1 import Spec
from alembic_operator.contract import Invocation
from alembic_operator.core.manifests import tenants


@dataclass(frozen=True)
class Flag:
    """One flag that a specification can give."""

    name: str
    """Of the Invocation, which has its default."""
    attribute: str
    """Of a Spec, with dots."""
    means: str = ""
    """The value when the field is there. Empty: the field's own."""
    as_json: bool = False
    """The flag is JSON of the field, whose members are `tenants.MEMBERS`."""
    changes: bool = False
    """Only for who changes the database, and not for a gate that waits."""
    waits: bool = False
    """Only for a gate."""

    @property
    def word(self) -> str:
        """The flag as it is written."""
        return f"--{self.name.replace('_', '-')}"

    @property
    def default(self) -> str:
        """What the runner takes without the flag."""
        return str(getattr(Invocation, self.name))

    @property
    def field(self) -> tuple[str, ...]:
        """The way to the field below spec, in the words of a manifest."""
        return tuple(to_camel(one.removesuffix("_")) for one in self.attribute.split("."))


FLAGS = (
    Flag("config", "alembic.config"),
    Flag("section", "alembic.section"),
    Flag("target", "alembic.target"),
    Flag("database", "database", means="environment"),
    Flag("schema", "database.schema_"),
    Flag("role", "database.role"),
    Flag("database_ahead", "policy.database_ahead"),
    Flag("history", "database.history"),
    Flag("tenants", "tenants", as_json=True),
    Flag("await_import", "policy.await_import", waits=True),
    Flag("lock_timeout", "policy.lock_timeout", changes=True),
    Flag("statement_timeout", "policy.statement_timeout", changes=True),
    Flag("deadline", "policy.deadline", changes=True),
    Flag("downgrade", "policy.downgrade", changes=True),
)
"""In the order of the command line. `-x`, which can be given several times, is not among them."""

OF_JOBS = (
    Flag("create_database", "database.create.if_missing", means="IfMissing", changes=True),
    Flag("create_template", "database.create.template", changes=True),
    Flag("create_owner", "database.create.owner", changes=True),
)
"""Those that no gate has: a pod that starts again must not make the database anew that it knew."""


def given(spec: Spec, *, waits: bool) -> dict[str, Any]:
    """Return what a specification says to a gate, or to a run, by the names of the Invocation."""
    said = {flag.name: _said(flag, spec) for flag in (*FLAGS, *OF_JOBS) if waits or not flag.waits}
    return {name: value for name, value in said.items() if value is not None}


def _said(flag: Flag, spec: Spec) -> Any:
    found: Any = spec
    for part in flag.attribute.split("."):
        found = getattr(found, part, None)
    if flag.as_json:
        return tenants.flag(found)
    if flag.means:
        return flag.means if found else None
    return found
