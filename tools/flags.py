"""Write the runner's flags as the gates of the two charts and the reference page read them."""

from collections.abc import Iterable

from alembic_operator.api.v1alpha1 import Alembic, Spec
from alembic_operator.core.manifests.flags import FLAGS, OF_JOBS, Flag
from alembic_operator.core.manifests.tenants import MEMBERS, Member

POLICY = """\
{{{{- /* {origin} */}}}}
{{{{- /* What the runner may be told, as CEL: each flag, its default, and what the migration says. */}}}}
{{{{- define "alembic-operator.flags" -}}}}
[
{waiting}
] + (variables.runsTheMigration ? [
{changing}
] : [])
{{{{- end -}}}}
"""

LIBRARY = """\
{{{{- /* {origin} */}}}}
{{{{- /* Each flag of the runner, its default, the field that gives it, or what it means that the field is there. */}}}}
{{{{- define "alembic-gate.flags" -}}}}
{flags}
{{{{- end -}}}}

{{{{- define "alembic-gate.defaults" -}}}}
python: {python}
strategy: {strategy}
{{{{- end -}}}}
"""


def policy(origin: str) -> str:
    """Return the part of the operator's chart that tells the admission policy which flags there are."""
    waiting, changing = (",\n".join(_cel(one) for one in FLAGS if one.changes is changes) for changes in (False, True))
    return POLICY.format(origin=origin, waiting=waiting, changing=changing)


def library(origin: str) -> str:
    """Return the part of the library chart that tells its gate which flags and defaults there are."""
    rows = "\n".join(_row(one) for one in FLAGS)
    return LIBRARY.format(
        origin=origin,
        flags=rows,
        python=_quoted(Alembic.model_fields["python"].default),
        strategy=_quoted(Spec.model_fields["strategy"].default),
    )


def _cel(flag: Flag) -> str:
    """Return a flag as `['--flag=', 'default', value]`."""
    if flag.means:
        value = f"has(params.spec.{_dotted(flag.field)}) ? {_quoted(flag.means)} : {_quoted(flag.default)}"
    elif flag.as_json:
        members = ",\n".join(f"    {_cel_member(one, flag.field)}" for one in MEMBERS)
        json = f"'{{' + [\n{members}\n  ].join(',') + '}}'"
        value = f"!has(params.spec.{_dotted(flag.field)}) ? {_quoted(flag.default)} : {json}"
    else:
        value = f"string({_cel_field(flag.field, _quoted(flag.default))})"
    return f"  ['{flag.word}=', {_quoted(flag.default)}, {value}]"


def _cel_member(member: Member, below: Iterable[str]) -> str:
    """Return `'"word":' + value`, the value as JSON."""
    path = (*below, *member.field)
    if isinstance(member.default, tuple):
        one = "one.name" if member.is_of_objects else "one"
        return (
            f"'\"{member.word}\":[' + {_cel_field(path, '[]')}.map(one, strings.quote(string({one}))).join(',') + ']'"
        )
    if isinstance(member.default, int):
        value = f"string({_cel_field(path, str(member.default))})"
    else:
        value = f"strings.quote(string({_cel_field(path, _quoted(member.default))}))"
    return f"'\"{member.word}\":' + {value}"


def _cel_field(path: Iterable[str], default: str) -> str:
    optional = "".join(f".?{one}" for one in path)
    return f"params.spec{optional}.orValue({default})"


def _row(flag: Flag) -> str:
    """Return a flag as one line of YAML."""
    facts = {"flag": _quoted(flag.word), "default": _quoted(flag.default), "field": f"[{', '.join(flag.field)}]"}
    facts |= {"means": _quoted(flag.means)} if flag.means else {}
    facts |= {"changes": "true"} if flag.changes else {}
    facts |= {"members": f"[{', '.join(_member(one) for one in MEMBERS)}]"} if flag.as_json else {}
    return f"- {{{', '.join(f'{name}: {value}' for name, value in facts.items())}}}"


def _member(member: Member) -> str:
    kind, default = "text", _quoted(str(member.default))
    if isinstance(member.default, tuple):
        kind, default = "objects" if member.is_of_objects else "list", "[]"
    elif isinstance(member.default, int):
        kind, default = "number", str(member.default)
    facts = {"name": member.word, "field": f"[{', '.join(member.field)}]", "kind": kind, "default": default}
    return f"{{{', '.join(f'{name}: {value}' for name, value in facts.items())}}}"


def _dotted(field: Iterable[str]) -> str:
    return ".".join(field)


def _quoted(text: str) -> str:
    """Return a word in single quotes, which YAML and CEL read alike.

    Raises:
        ValueError: the two would read it differently.
    """
    if "'" in text or "\\" in text:
        raise ValueError(f"no default of a flag can hold a quote or a backslash: {text}")
    return f"'{text}'"


def field_of(name: str) -> str:
    """Return the field of a DatabaseMigration that gives a flag, by the flag's name in the Invocation; empty: none."""
    fields = {one.name: _dotted(("spec", *one.field)) for one in (*FLAGS, *OF_JOBS)} | {"x": "spec.alembic.xArguments"}
    return fields.get(name, "")


def of_gates(name: str) -> bool:
    """Return whether a gate that waits reads a flag, by the flag's name in the Invocation."""
    return name == "x" or any(one.name == name and not one.changes for one in FLAGS)
