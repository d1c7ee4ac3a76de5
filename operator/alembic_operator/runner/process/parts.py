"""Find parts of secrets in texts of errors: a library that cannot read a URL or a line quotes what it stumbled over."""

from __future__ import annotations

import re

_RUN = 6
"""So many characters of a secret in a row are no coincidence."""
_SEED, _STRIDE = 4, 3
"""Every run holds one of the seeds, which begin at each third character: they tell fast that a line has none."""
_PIECE = 3
"""So many are none between quotes or a URL's signs, where they are all that stands between two such in the secret."""
WORDS = frozenset(
    (
        *("alembic", "postgres", "postgresql", "sqlalchemy", "psycopg", "psycopg2", "asyncpg", "python", "migrations"),
        *("migration", "database", "password", "username", "localhost", "default", "public", "secret", "version"),
        *("revision", "upgrade", "downgrade", "schema", "server", "service", "application", "connection", "table"),
        *(
            "config",
            "settings",
            "environment",
            "production",
            "development",
            "staging",
            "operator",
            "traceback",
            "error",
        ),
        *("a", "an", "the", "and", "or", "of", "is", "in", "it", "to", "no", "not", "new", "for", "was", "be", "by"),
        *("admin", "user", "users", "root", "owner", "test", "host", "port", "runner", "online", "offline", "module"),
    ),
)
"""Words of every log. As passwords they protect nothing, and masked they would hide what a person has to read."""
_COMMON = " ".join((*WORDS, "postgresql+psycopg2://", "postgresql+asyncpg://", "/site-packages/", "0123456789"))
_SIGNS = re.compile(r"[^A-Za-z0-9]+")
_PLACES = re.compile(
    r"""(\bhost(?:\ name)?[^'"\n]{0,20}['"])[^'"\n]{1,512}@    # could not translate host name "rest@db"
    | ()(?<![^\s])[^\s'"@/:]{1,512}@(?=[\w.-]+:\d+/)           # rest@db:5432/shop: cannot connect
    | (?<=['"])(?![\w+]+://)[^'"\s@]{1,512}@(?=[\w.-]+(?::\d+)?/)  # found: '%40rest@db/shop'
    """,
    re.VERBOSE,
)
"""Where such a library quotes a host that is none, or the end of a URL that nobody knew."""


class Parts:
    """The parts of every secret that this process has seen."""

    def __init__(self) -> None:
        self._runs: set[str] = set()
        self._seeds: set[str] = set()
        self._pieces: set[str] = set()
        self._pattern: re.Pattern[str] | None = None

    def learn(self, forms: set[str]) -> None:
        """Know the parts of a secret, too, in each form in which it may be printed."""
        for form in forms:
            runs = {form[at : at + _RUN] for at in range(len(form) - _RUN + 1)}
            self._runs |= {one for one in runs if one not in _COMMON}
            self._seeds |= {form[at : at + _SEED] for at in range(0, len(form) - _SEED + 1, _STRIDE)}
            self._pieces |= {one for one in _SIGNS.split(form) if len(one) >= _PIECE and not _is_common(one)}
        if self._pieces:
            longest_first = "|".join(sorted(self._pieces, key=len, reverse=True))
            self._pattern = re.compile(rf"""(?<=['"`@:%/#?&=])(?:{longest_first})(?=['"`@:%/#?&=]|$)""", re.MULTILINE)

    def mask(self, text: str, mask: str) -> str:
        """Return the text of an error with every part replaced."""
        text = "\n".join(self._without_runs(line, mask) for line in text.split("\n"))
        if self._pattern:
            text = self._pattern.sub(mask, text)
        return _PLACES.sub(lambda found: f"{found[1] or ''}{mask}@", text)

    def _without_runs(self, text: str, mask: str) -> str:
        if not any(seed in text for seed in self._seeds):
            return text
        found: list[str] = []
        at = done = 0
        while at <= len(text) - _RUN:
            if text[at : at + _RUN] not in self._runs:
                at += 1
                continue
            end = at + _RUN
            while text[end - _RUN + 1 : end + 1] in self._runs and end < len(text):
                end += 1
            found += [text[done:at], mask]
            at = done = end
        return "".join((*found, text[done:]))


def is_common(text: str) -> bool:
    """Tell whether it is a word of every log, or a number that stands for anything."""
    return text.lower() in WORDS or (text.isdigit() and len(text) < _PIECE)


def _is_common(piece: str) -> bool:
    return is_common(piece) or (piece.isdigit() and len(piece) < _RUN)
