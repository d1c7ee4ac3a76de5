"""The parts that every Kubernetes resource shares: the base model, references and conditions."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel
from pydantic.config import JsonDict

from alembic_operator.contract import DURATION_PATTERN


def rule(expression: str, message: str, field: str = "") -> JsonDict:
    """Return one CEL rule, which the API server checks before it stores an object; `field` is the path it blames."""
    return {"rule": expression, "message": message, **({"fieldPath": field} if field else {})}


class Model(BaseModel):
    """A frozen object of the API: camelCase outside, snake_case inside; its attribute docstrings document the CRD."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, frozen=True, use_attribute_docstrings=True
    )


Name = Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$")]
"""The name of an object: a DNS subdomain of RFC 1123."""

Label = Annotated[str, Field(min_length=1, max_length=63, pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")]
"""The name of a container: a DNS label of RFC 1123."""

Text = Annotated[str, Field(min_length=1, max_length=253)]
"""A short text that is not empty."""

LONGEST = "576h"
"""Postgres counts a timeout in milliseconds, in 32 bits: that is 24 days."""


def duration_rule(shortest: str) -> JsonDict:
    """Refuse what is no duration, or too short or too long, with a sentence that a pattern cannot say."""
    limits = f"duration(self) >= duration('{shortest}') && duration(self) <= duration('{LONGEST}')"
    message = f"write a duration from {shortest} to {LONGEST}, such as 500ms, 2s, 15m or 1h30m"
    return {"x-kubernetes-validations": [rule(f"self.matches('{DURATION_PATTERN}') && {limits}", message)]}


Duration = Annotated[str, Field(max_length=32, pattern=DURATION_PATTERN, json_schema_extra=duration_rule("0s"))]
"""A duration such as `500ms`, `2s`, `15m` or `1h30m`."""

Deadline = Annotated[str, Field(max_length=32, pattern=DURATION_PATTERN, json_schema_extra=duration_rule("1s"))]
"""A duration that is not zero."""

Timestamp = Annotated[str, Field(max_length=32, json_schema_extra={"format": "date-time"})]
"""RFC 3339, UTC."""

Message = Annotated[str, Field(max_length=32768)]
"""A text for a person."""

MOST_SENTENCES = 16
SENTENCE_LENGTH = 1024

Sentences = Annotated[
    tuple[Annotated[str, Field(max_length=SENTENCE_LENGTH, description="One sentence or statement.")], ...],
    Field(max_length=MOST_SENTENCES, json_schema_extra={"x-kubernetes-list-type": "atomic"}),
]
"""A handful of short texts for a person."""

Revision = Annotated[str, Field(max_length=255)]
"""An Alembic revision identifier."""

Revisions = Annotated[
    tuple[Annotated[Revision, Field(description="An Alembic revision identifier.")], ...],
    Field(max_length=256, json_schema_extra={"x-kubernetes-list-type": "atomic"}),
]
"""A set of heads, sorted."""

_ONE_TARGET = r"(\+[1-9][0-9]*|[A-Za-z0-9_][A-Za-z0-9_.@:-]*)"
TARGET_PATTERN = rf"^{_ONE_TARGET}(,{_ONE_TARGET})*$"
TARGET_RULE = rule(
    f"self.matches(r'{TARGET_PATTERN}')",
    "write heads, head, a revision, BRANCH@head or +N; several with commas and no spaces between them",
)

Target = Annotated[
    str,
    Field(
        max_length=255,
        pattern=TARGET_PATTERN,
        json_schema_extra={"x-kubernetes-validations": [TARGET_RULE]},
    ),
]
"""What Alembic is asked to reach."""


class LocalReference(Model):
    """An object of a known kind in the migration's namespace."""

    name: Name
    """Its name."""


class SecretKey(Model):
    """One key of a Secret in the migration's namespace. Only the kubelet reads it."""

    name: Name
    """Name of the Secret."""
    key: Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[-._a-zA-Z0-9]+$")]
    """Key in the Secret."""


class Condition(Model):
    """One condition, as in metav1.Condition."""

    type: Annotated[str, Field(max_length=316)]
    """Ready, Reconciling or Stalled."""
    status: Literal["True", "False", "Unknown"]
    """Whether it holds."""
    reason: Annotated[str, Field(min_length=1, max_length=1024, pattern=r"^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$")]
    """Why, in one word; the reference lists every one."""
    message: Message
    """What happened, and what to do next."""
    last_transition_time: Timestamp
    """When `status` changed last."""
    observed_generation: int | None = None
    """The metadata.generation that this condition is about."""
