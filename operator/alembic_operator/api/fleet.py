"""How the tenants of a migration stand: `status.tenants`."""

from typing import Annotated

from pydantic import Field

from alembic_operator.api.meta import SENTENCE_LENGTH, Model, Revision, Text
from alembic_operator.contract.fleet import NAMES

MOST_GROUPS = 16

Sentence = Annotated[str, Field(max_length=SENTENCE_LENGTH)]

Named = Annotated[
    tuple[Annotated[Text, Field(description="Name of a schema or database.")], ...],
    Field(max_length=NAMES, json_schema_extra={"x-kubernetes-list-type": "atomic"}),
]
"""A handful of tenants."""


class FailedTenants(Model):
    """Tenants that failed alike: in the same revision, with the same SQLSTATE, at the same statement."""

    count: int
    """How many they are."""
    names: Named = ()
    """The first of them by name."""
    reason: Annotated[str, Field(max_length=64)] | None = None
    """Why, in one word, as a condition would say it."""
    revision: Revision | None = None
    """The revision that failed."""
    sqlstate: Annotated[str, Field(max_length=5)] | None = None
    """PostgreSQL's error code."""
    statement: Sentence | None = None
    """The statement that failed, shortened, without its literals."""
    message: Sentence | None = None
    """First line of the error of the first of them."""
    hint: Sentence | None = None
    """What to do next."""


class TenantsStatus(Model):
    """How all tenants stand: each is counted in one of upToDate, behind and failed."""

    shown: Text
    """`upToDate/total`, for `kubectl get`, with `?` for what is unknown; nothing else reads it."""
    total: int = 0
    """How many there are."""
    up_to_date: int = 0
    """How many contain the target."""
    behind: int = 0
    """How many do not contain it, and have not failed."""
    failed: int = 0
    """How many have failed in the last run; what each of them lacks stands in the table alembic_operator_tenants."""
    phase: Annotated[str, Field(max_length=32)] | None = None
    """While a run is under way: Shared, Canary, Soaking or Tenants. After one that stopped early: where it stopped."""
    eta_seconds: int | None = None
    """While a run is under way: in how many seconds the last tenant is done, as fast as it went until now."""
    silent: Named = ()
    """Servers of whose tenants nothing is known after the last run; they are not counted."""
    slowest: Text | None = None
    """While a run is under way: the tenant that has been under way for longest."""
    failures: Annotated[
        tuple[FailedTenants, ...],
        Field(max_length=MOST_GROUPS, json_schema_extra={"x-kubernetes-list-type": "atomic"}),
    ] = ()
    """Those that failed, in groups of the same error; the largest first, and not all when there are many."""
    drifted: int = 0
    """How many have other tables, columns, constraints or indexes than most."""
    drifted_names: Named = ()
    """The first of them by name."""
