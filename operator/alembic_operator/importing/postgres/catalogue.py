"""Reads PostgreSQL's catalogue: which tables the target has, as Alembic built them."""

from typing import Any

from alembic_operator.importing.facts.shapes import Column, Index, Reference, Table, quoted

_TABLES = """
SELECT c.oid, c.relname AS name, pg_has_role(c.relowner, 'USAGE') AS owned, c.relispartition,
       c.relkind = 'r' AND EXISTS (SELECT FROM pg_inherits WHERE inhparent = c.oid) AS inherited,
       c.relrowsecurity AND (c.relforcerowsecurity OR NOT pg_has_role(c.relowner, 'USAGE')) AS guarded
FROM pg_class c WHERE c.relnamespace = $1::regnamespace AND c.relkind IN ('r', 'p') ORDER BY c.relname
"""
_COLUMNS = """
SELECT a.attrelid AS oid, a.attname AS name, format_type(a.atttypid, a.atttypmod) AS label,
       CASE WHEN b.typtype = 'e' THEN 'enum' ELSE b.typname END AS type,
       CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END AS modifier,
       a.attnotnull OR (t.typtype = 'd' AND t.typnotnull) AS not_null,
       a.atthasdef OR a.attidentity <> '' OR t.typdefault IS NOT NULL AS filled, a.attgenerated <> '' AS generated,
       pg_get_serial_sequence(format('%I.%I', n.nspname, c.relname), a.attname) AS sequence,
       ARRAY(SELECT e.enumlabel FROM pg_enum e WHERE e.enumtypid = b.oid ORDER BY e.enumsortorder) AS labels,
       b.typname <> 'citext' AND coalesce(l.collisdeterministic, true) AS plain
FROM pg_attribute a
JOIN pg_class c ON c.oid = a.attrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_type t ON t.oid = a.atttypid
JOIN pg_type b ON b.oid = CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END
LEFT JOIN pg_collation l ON l.oid = a.attcollation
WHERE c.relnamespace = $1::regnamespace AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attrelid, a.attnum
"""
_NAMES_OF_KEY = """
ARRAY(SELECT a.attname FROM unnest({0}) WITH ORDINALITY part(n, place)
      JOIN pg_attribute a ON a.attrelid = {1} AND a.attnum = part.n ORDER BY part.place)
"""
_REFERENCES = f"""
SELECT k.conrelid AS oid, k.conname AS name, p.relname AS parent, pg_get_constraintdef(k.oid) AS definition,
       {_NAMES_OF_KEY.format("k.conkey", "k.conrelid")} AS columns,
       {_NAMES_OF_KEY.format("k.confkey", "k.confrelid")} AS parent_columns
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_class p ON p.oid = k.confrelid
WHERE k.contype = 'f' AND k.conparentid = 0 AND c.relnamespace = $1::regnamespace ORDER BY k.conname
"""
_INDEXES = f"""
SELECT i.indrelid AS oid, c.relname AS name, pg_get_indexdef(i.indexrelid) AS definition, i.indisprimary AS primary,
       i.indisunique AND i.indpred IS NULL AND i.indexprs IS NULL AS unique,
       coalesce(to_jsonb(i) ->> 'indnullsnotdistinct', 'f')::bool AS strict,  -- not before PostgreSQL 15
       NOT i.indisprimary AND NOT i.indisreplident AND NOT i.indisclustered AND t.relkind = 'r' AND k.oid IS NULL
         AND obj_description(i.indexrelid, 'pg_class') IS NULL AS later,
       CASE WHEN i.indisunique AND i.indpred IS NULL AND i.indnkeyatts = 1 AND i.indexprs IS NOT NULL THEN
         substring(pg_get_indexdef(i.indexrelid, 1, true) from '^lower\\((".+"|\\w+)(?:::text)?\\)$') END AS folded,
       {_NAMES_OF_KEY.format("(i.indkey::int2[])[0:i.indnkeyatts - 1]", "i.indrelid")} AS columns
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x')
WHERE t.relnamespace = $1::regnamespace ORDER BY c.relname
"""
_TRIGGERS = """
SELECT t.tgrelid AS oid, t.tgname AS name,
       CASE t.tgenabled WHEN 'R' THEN 'ENABLE REPLICA' WHEN 'A' THEN 'ENABLE ALWAYS' ELSE 'ENABLE' END AS enable
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
WHERE c.relnamespace = $1::regnamespace AND NOT t.tgisinternal AND t.tgenabled <> 'D' ORDER BY t.tgname
"""


async def tables(connection: Any, schema: str) -> list[Table]:
    """Return the tables of a schema."""
    namespace = quoted(schema)
    columns = _by_table(await connection.fetch(_COLUMNS, namespace))
    references = _by_table(await connection.fetch(_REFERENCES, namespace))
    indexes = _by_table(await connection.fetch(_INDEXES, namespace))
    triggers = _by_table(await connection.fetch(_TRIGGERS, namespace))
    found = []
    for row in await connection.fetch(_TABLES, namespace):
        if row["relispartition"]:
            continue
        oid = row["oid"]
        own = indexes.get(oid, [])
        found.append(
            Table(
                name=row["name"],
                columns=tuple(map(_column, columns.get(oid, []))),
                primary=next((tuple(one["columns"]) for one in own if one["primary"]), ()),
                folded=tuple(_unquoted(one["folded"]) for one in own if one["folded"]),
                uniques=tuple(tuple(one["columns"]) for one in own if one["unique"]),
                strict=tuple(tuple(one["columns"]) for one in own if one["unique"] and one["strict"]),
                references=tuple(map(_reference, references.get(oid, []))),
                indexes=tuple(Index(one["name"], one["definition"]) for one in own if one["later"]),
                triggers=tuple((one["name"], one["enable"]) for one in triggers.get(oid, [])),
                owned=row["owned"],
                filled=await connection.fetchval(f"SELECT EXISTS (SELECT FROM {namespace}.{quoted(row['name'])})"),
                refusal=_refusal(row),
            )
        )
    return found


def _refusal(row: Any) -> str:
    if row["guarded"]:
        return "it has row-level security"
    return "other tables inherit from it" if row["inherited"] else ""


def _unquoted(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name


def _by_table(rows: list[Any]) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = {}
    for row in rows:
        found.setdefault(row["oid"], []).append(row)
    return found


def _column(row: Any) -> Column:
    return Column(
        name=row["name"],
        type=row["type"],
        label=row["label"],
        modifier=row["modifier"],
        not_null=row["not_null"],
        filled=row["filled"],
        generated=row["generated"],
        sequence=row["sequence"] or "",
        labels=tuple(row["labels"]),
        plain=row["plain"],
    )


def _reference(row: Any) -> Reference:
    return Reference(row["name"], tuple(row["columns"]), row["parent"], tuple(row["parent_columns"]), row["definition"])


async def heads(connection: Any, schema: str, version_table: str) -> tuple[str, ...] | None:
    """Return what the version table holds; None: there is none."""
    name = f"{quoted(schema)}.{quoted(version_table)}"
    if await connection.fetchval("SELECT to_regclass($1)", name) is None:
        return None
    return tuple(row[0] for row in await connection.fetch(f"SELECT version_num FROM {name} ORDER BY 1"))
