"""What the text of a statement tells without a server: whether it may run twice, and what it does to transactions."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from alembic_operator.runner.process import masking

if TYPE_CHECKING:
    from collections.abc import Iterator

_TOKENS = re.compile(
    r"""--[^\n]*|/\*.*?(?:\*/|$)                         # comments
    | \b[eE]'(?:[^'\\]|''|\\.)*(?:'|$) | '[^']*(?:''[^']*)*(?:'|$)  # texts
    | \$(\w*)\$.*?(?:\$\1\$|$)                          # dollar-quoted texts
    | (?<![\w$%.:])\d+(?:\.\d+)?\b                      # numbers, but not $1 or names that end in digits
    | "(?:[^"]|"")*"                                    # names
    """,
    re.VERBOSE | re.DOTALL,
)
_MARKS = re.compile(
    r"""--[^\n]*|/\*.*?(?:\*/|$) | (?<=\b[eE])'[^'\\]*(?:(?:''|\\.)[^'\\]*)*(?:'|$) | '[^']*(?:''[^']*)*(?:'|$)
    | \$(\w*)\$.*?(?:\$\1\$|$) | "(?:[^"]|"")*" | ;
    """,
    re.VERBOSE | re.DOTALL,
)
"""What a long text is divided by: each begins with a character that few others are, so that most are passed by fast."""
_LEADING = re.compile(r"(?:\s+|--[^\n]*|/\*.*?\*/)*", re.DOTALL)
_NUMBERS = re.compile(r"(?<![\w$%.:])\d+(?:\.\d+)?\b")
_CACHED_LENGTH = 10_000
_ENOUGH = 4_000
"""Characters of a statement whose beginning says all."""
_NAME = r'(?:"(?:[^"]|"")*"|[\w$]+)'


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text, re.VERBOSE | re.IGNORECASE)


_SESSION = _pattern(
    r"""(?:SHOW|SET|RESET|DISCARD|LISTEN|UNLISTEN|DEALLOCATE|PREPARE(?!\ TRANSACTION)|VALUES|TABLE|LOAD|LOCK
    |DECLARE|FETCH|MOVE|CLOSE|SAVEPOINT|RELEASE|BEGIN|START|COMMIT(?!\ PREPARED)|END|ABORT|ROLLBACK(?!\ PREPARED)
    |EXPLAIN(?!.*\bANALYZE\b))\b"""
)
"""Nothing of these outlives the session."""

_SELECT = _pattern(r"(?:SELECT|WITH|\()")
_WRITES = _pattern(r"\b(?:INSERT|UPDATE(?<!FOR\ UPDATE)|DELETE|MERGE|INTO)\b")
_CALLS = _pattern(r"SELECT\ (?!.*\bFROM\b)|.*\bFROM\ (?=[\w.\"]+\ ?\((?!SELECT))")
_HARMLESS_CALLS = _pattern(
    r"""(?:.*\bFROM|SELECT)\ (?:pg_catalog\.)?
    (?:pg_\w+|set_config|setval|nextval|current_setting|to_reg\w+|now|version|exists|coalesce|generate_series|unnest
    |clock_timestamp)\ ?\("""
)
_REPEATABLE = _pattern(
    r"""(?:CREATE\ OR\ REPLACE|CREATE\ (?:[A-Z]+\ ){1,4}IF\ NOT\ EXISTS|DROP\ (?:[A-Z]+\ ){1,3}IF\ EXISTS
    |ALTER\ TYPE\ .*\ ADD\ VALUE\ IF\ NOT\ EXISTS|ANALYZE|VACUUM|REINDEX|REFRESH\ MATERIALIZED|COMMENT\ ON|GRANT
    |REVOKE|CHECKPOINT|CLUSTER)\b"""
)
_ALTER_TABLE = _pattern(rf"ALTER\ TABLE\ (?:IF\ EXISTS\ )?(?:ONLY\ )?{_NAME}(?:\.{_NAME})?\ ?\*?\ (?P<actions>.*)")
_REPEATABLE_ACTION = _pattern(
    rf"""(?:VALIDATE\ CONSTRAINT|ADD\ (?:COLUMN\ )?IF\ NOT\ EXISTS|DROP\ (?:COLUMN\ |CONSTRAINT\ )?IF\ EXISTS
    |ALTER\ (?:COLUMN\ )?{_NAME}\ (?:SET|DROP)\ (?:DEFAULT|NOT\ NULL|STATISTICS|STORAGE)|SET\ \(|RESET\ \(|OWNER\ TO
    |ENABLE|DISABLE|FORCE|NO\ FORCE)"""
)
_CONCURRENT = _pattern(r"(?:CREATE\ (?:UNIQUE\ )?|DROP\ )INDEX\ CONCURRENTLY\b")
_CREATE_CONCURRENTLY = _pattern(
    rf"""CREATE\ (?:UNIQUE\ )?INDEX\ CONCURRENTLY\ (?:IF\ NOT\ EXISTS\ )?(?:(?P<name>{_NAME})\ )?
    ON\ (?:ONLY\ )?(?P<table>{_NAME}(?:\.{_NAME})?)"""
)
_REINDEX = _pattern(
    rf"REINDEX\ (?:\([^)]*\)\ ?)?(?:INDEX|TABLE)\ (?:CONCURRENTLY\ )?(?P<relation>{_NAME}(?:\.{_NAME})?)"
)
_IN_PARTS = _pattern(rf"CALL\b|ALTER\ TABLE\ .*\ DETACH\ PARTITION\ {_NAME}(?:\.{_NAME})?\ CONCURRENTLY\b")
_DO = _pattern(r"DO\b")
_COMMITS_WITHIN = _pattern(r"\b(?:COMMIT|CALL)\b")
_COMMIT = _pattern(r"(?:COMMIT(?!\ PREPARED)|END)\b")
_ROLLBACK = _pattern(r"(?:ROLLBACK(?!\ PREPARED)(?!\ (?:WORK\ |TRANSACTION\ )?TO\b)|ABORT)\b")


_WHOLE = _pattern(r"(?:SELECT|WITH|\(|ALTER|EXPLAIN|TABLE|VALUES)")
"""Only the whole of these says what they do: a dump has millions of characters of others."""


@dataclass(frozen=True)
class Statement:
    """One statement and what its text tells."""

    text: str
    """On one line, cut, its literals masked."""
    reads: bool
    commits: bool
    rolls_back: bool
    twice: bool
    """Whether it may run again once it ended."""
    twice_unfinished: bool
    """Whether it may run again when it did not end."""
    in_parts: bool
    """Whether it may commit a part of what it does: outside of a transaction, procedures and DO blocks may."""


@dataclass(frozen=True)
class ConcurrentIndex:
    """What CREATE INDEX CONCURRENTLY builds."""

    name: str
    """Without quotes; empty: PostgreSQL makes one."""
    table: str
    """As the statement writes it."""


def read(sql: str) -> tuple[Statement, ...]:
    """Return the statements of a text; a loop executes the same one a thousand times."""
    return _read_again(sql) if len(sql) < _CACHED_LENGTH else _read_long(sql)


def _read(sql: str) -> tuple[Statement, ...]:
    texts = split(sql)
    # what a DO block does is in its masked text
    within = any(map(_DO.match, texts)) and bool(_COMMITS_WITHIN.search(sql))
    return tuple(_statement(one, bool(_IN_PARTS.match(one) or (within and _DO.match(one)))) for one in texts)


@functools.lru_cache(maxsize=256)  # a dump inserts a million rows by the same text
def _statement(text: str, in_parts: bool) -> Statement:
    reads = is_reading(text)
    twice = reads or is_repeatable(text)
    unfinished = twice or is_repeatable(text, finished=False)
    return Statement(masking.cut(text), reads, commits(text), rolls_back(text), twice, unfinished, in_parts)


_read_again = functools.lru_cache(maxsize=256)(_read)
_read_long = functools.lru_cache(maxsize=1)(_read)  # before it is executed, and after


def split(sql: str) -> list[str]:
    """Return the statements of a text, each on one line, without comments, its literals masked.

    Of a long text's statements, those of which the beginning says all are cut.
    """
    if len(sql) >= _CACHED_LENGTH and "atomic" not in sql.lower():
        return [line for line in map(_line, _divided(sql)) if line]
    flat = _TOKENS.sub(_flat, sql)
    if re.search(r"\bBEGIN\s+ATOMIC\b", flat, re.IGNORECASE):
        flat = flat.replace(";", ",")  # the body of one function
    lines = (" ".join(one.split()) for one in flat.split(";"))
    return [line for line in lines if line]


def _divided(sql: str) -> Iterator[str]:
    begun = 0
    for mark in _MARKS.finditer(sql):
        if sql[mark.start()] == ";":
            yield sql[begun : mark.start()]
            begun = mark.end()
    yield sql[begun:]


def _line(statement: str) -> str:
    """Return one statement of a long text on one line."""
    statement = statement[_LEADING.match(statement).end() :]  # type: ignore[union-attr]  # it always matches
    if len(statement) > _ENOUGH and _WHOLE.match(statement):
        line = " ".join(_MARKS.sub(_flat, statement).split())
        return _NUMBERS.sub("?", line[:_ENOUGH]) + line[_ENOUGH:]
    return " ".join(_TOKENS.sub(_flat, statement[:_ENOUGH]).split())


def _flat(match: re.Match[str]) -> str:
    text = match.group()
    if text.startswith('"'):
        return text.replace(";", "_")
    return " " if text.startswith(("--", "/*")) else "?"


def is_reading(statement: str) -> bool:
    """Tell whether nothing of a statement outlives its session, as far as its text tells."""
    if _SESSION.match(statement):
        return True
    if not _SELECT.match(statement) or _WRITES.search(statement):
        return False
    return not _CALLS.match(statement) or bool(_HARMLESS_CALLS.match(statement)) or "(" not in statement


def is_repeatable(statement: str, *, finished: bool = True) -> bool:
    """Tell whether a statement may run a second time: it then does nothing, or the same again, and does not fail.

    What a concurrent build or removal of an index that did not finish leaves behind is removed before the next one.
    """
    if is_reading(statement) or _REPEATABLE.match(statement):
        return True
    if not finished and _CONCURRENT.match(statement):
        return True
    found = _ALTER_TABLE.match(statement)
    return all(_REPEATABLE_ACTION.match(one) for one in _actions(found["actions"])) if found else False


def _actions(text: str) -> list[str]:
    """Return the actions of an ALTER TABLE: what its outermost commas separate."""
    while (inner := re.sub(r"\([^()]*\)", "", text)) != text:
        text = inner
    return [one.strip() + " (" if one.strip().upper() in ("SET", "RESET") else one.strip() for one in text.split(",")]


def concurrent_index(statement: str) -> ConcurrentIndex | None:
    """Return what a statement builds concurrently."""
    found = _CREATE_CONCURRENTLY.match(statement)
    return ConcurrentIndex(_plain(found["name"] or ""), found["table"]) if found else None


def reindexed(statement: str) -> str:
    """Return the index or table that a REINDEX names, as it writes it; empty: it names none."""
    found = _REINDEX.match(statement)
    return found["relation"] if found else ""


def _plain(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name.lower()


def commits(statement: str) -> bool:
    """Tell whether a statement ends its transaction by a commit."""
    return bool(_COMMIT.match(statement))


def rolls_back(statement: str) -> bool:
    """Tell whether a statement ends its transaction by a rollback; to a savepoint does not."""
    return bool(_ROLLBACK.match(statement))
