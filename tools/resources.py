"""Write the reference pages of the kinds, from their schemas."""

from collections.abc import Iterator, Sequence
from typing import Any

from alembic_operator.api import crd, import_crd
from tools.tables import table

MIGRATIONS = """\
One object says what should be migrated and how; its status says what the database contains. Paths are relative to the
object; `[]` is an item of a list. A field with a default may be left out. The API server checks every limit and every
rule before it stores an object.

The smallest useful object:

```yaml
apiVersion: alembic-operator.dev/v1alpha1
kind: DatabaseMigration
metadata:
  name: users
spec:
  source:
    workloadRef:
      kind: Deployment
      name: users
```"""

IMPORTS = """\
One object says which SQLite file goes into the database of which `DatabaseMigration`. It runs once; its status says
what was imported. [How to](../howto/import-in-the-cluster.md) goes the whole way. Paths are as of a
[DatabaseMigration](databasemigration.md).

The smallest useful object:

```yaml
apiVersion: alembic-operator.dev/v1alpha1
kind: DatabaseImport
metadata:
  name: users
spec:
  migrationRef:
    name: users
  from:
    sqlite:
      volume:
        persistentVolumeClaim:
          claimName: users-data
      path: app.db
```"""


def migrations(origin: str) -> str:
    """Return the reference of DatabaseMigration: every field, the columns, the rules."""
    return _page(_head(origin, "DatabaseMigration", MIGRATIONS), crd.root(), "dbm", crd.PRINTER_COLUMNS)


def imports(origin: str) -> str:
    """Return the reference of DatabaseImport."""
    return _page(_head(origin, "DatabaseImport", IMPORTS), import_crd.root(), "dbi", import_crd.PRINTER_COLUMNS)


def _head(origin: str, kind: str, intro: str) -> str:
    return f"<!-- {origin} -->\n\n# {kind}\n\n{intro}"


def _page(head: str, root: dict[str, Any], short: str, columns: Sequence[dict[str, Any]]) -> str:
    parts = [head]
    for name in ("spec", "status"):
        parts += [_section(path, node) for path, node in _objects(name, root["properties"][name])]
    parts += ["## Rules of the object", _rules(root), f"## Columns of `kubectl get {short}`", _columns(columns)]
    return "\n\n".join(parts) + "\n"


def _objects(path: str, node: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every object that has fields, an outer one before its inner ones."""
    inner, suffix = (node["items"], "[]") if node.get("type") == "array" else (node, "")
    if "properties" in inner:
        yield path + suffix, inner
        for name, child in inner["properties"].items():
            yield from _objects(f"{path}{suffix}.{name}", child)


def _section(path: str, node: dict[str, Any]) -> str:
    heading = "#" * (2 if "." not in path else 3)
    required = node.get("required", [])
    rows = [
        (f"`{name}`", _type(child), _default(child, name in required), _limits(child), child["description"])
        for name, child in node["properties"].items()
    ]
    fields = table(("Field", "Type", "Default", "Limits", "Description"), rows)
    rules = f"\n\n{_rules(node)}" if "x-kubernetes-validations" in node else ""
    return f"{heading} `{path}`\n\n{node['description']}\n\n{fields}{rules}"


def _type(node: dict[str, Any]) -> str:
    if node.get("x-kubernetes-int-or-string"):
        return "integer or string"
    if node["type"] == "array":
        return f"list of {_type(node['items'])}s"
    return "time" if node.get("format") == "date-time" else str(node["type"])


def _default(node: dict[str, Any], required: bool) -> str:
    if required:
        return "**required**"
    default = node.get("default")
    if default is None or default == {}:
        return ""
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def _limits(node: dict[str, Any]) -> str:
    """Say what the API server accepts, in few words."""
    says = [" ".join(f"`{one}`" for one in node["enum"])] if "enum" in node else []
    says += [f"`{node['pattern']}`"] if "pattern" in node else []
    unit = {"string": " characters", "array": " items"}.get(node.get("type", "string"), "")
    for low, high in (("minLength", "maxLength"), ("minimum", "maximum"), ("minItems", "maxItems")):
        if low in node and high in node:
            says.append(f"{node[low]} to {node[high]}{unit}")
        elif high in node and "format" not in node:
            says.append(f"at most {node[high]}{unit}")
    return "; ".join(says)


def _rules(node: dict[str, Any]) -> str:
    lines = []
    for rule in node["x-kubernetes-validations"]:
        field = rule.get("fieldPath", "").removeprefix(".")
        lines.append("- " + (f"`{field}`: " if field else "") + rule["message"] + ".")
    return "\n".join(lines)


def _columns(columns: Sequence[dict[str, Any]]) -> str:
    rows = [
        (
            column["name"],
            f"`{column['jsonPath']}`",
            column["description"] + (" With `-o wide`." * column.get("priority", 0)),
        )
        for column in columns
    ]
    return table(("Column", "Path", "Description"), rows)
