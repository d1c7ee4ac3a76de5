"""Keep passwords out of everything the runner prints."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus, unquote

if TYPE_CHECKING:
    from collections.abc import Mapping

MASK = "***"


def forms(secret: str) -> set[str]:
    """Return every form in which a secret may be printed: raw, in a URL, in Python's or JSON's quotes."""
    if not secret:
        return set()
    texts = {secret, unquote(secret)}
    found = set()
    for text in texts:
        encoded = {quote(text, safe=""), quote(text), quote(text, safe=" +"), quote_plus(text)}
        found |= {text, *encoded, *(_lower_hex(one) for one in encoded)}
        found |= {
            repr(text)[1:-1],
            ascii(text)[1:-1],
            json.dumps(text)[1:-1],
            json.dumps(text, ensure_ascii=False)[1:-1],
        }
        found |= {text.replace("%", "%%"), text.replace("\\", "\\\\").replace("'", "\\'"), re.sub(r"[:@/]", _hex, text)}
    return found


def _lower_hex(text: str) -> str:
    return re.sub(r"%[0-9A-F]{2}", lambda match: match.group().lower(), text)


def _hex(match: re.Match[str]) -> str:
    return f"%{ord(match.group()):X}"


_NAMES = re.compile(r"PASSWORD|PASSWD")
_IN_URLS = (re.compile(r"://[^\s:/@]*:([^\s/@]+)@"), re.compile(r"://[^\s:/@]*:(?!\d+/)(\S+)@"))
_SHORTEST = 6
"""What is shorter is too likely to be a word of the log."""


def passwords(environ: Mapping[str, str]) -> set[str]:
    """Return the passwords that the environment shows as such: by a variable's name, or inside a URL.

    env.py may print a URL before it connects there, or one of another server that it never connects to.
    """
    found = {value for name, value in environ.items() if _NAMES.search(name.upper())}
    found |= {one for value in environ.values() for pattern in _IN_URLS for one in pattern.findall(value)}
    return {one for one in found if len(one) >= _SHORTEST and not one.startswith("/")}  # but not the path of a file


class Secrets:
    """Every secret this process has seen."""

    def __init__(self, *secrets: str) -> None:
        self._forms: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        for secret in secrets:
            self.learn(secret)

    def learn(self, secret: object) -> None:
        """Mask this secret, too, from now on; anything but a non-empty text is ignored."""
        if isinstance(secret, str) and secret and secret not in self._forms:
            self._forms |= forms(secret)
            longest_first = sorted(self._forms, key=len, reverse=True)
            self._pattern = re.compile("|".join(map(re.escape, longest_first)))

    def mask(self, text: str) -> str:
        """Return the text with every secret replaced."""
        return self._pattern.sub(MASK, text) if self._pattern else text


_LITERALS = re.compile(
    r"""(?:\b[eEbBxXnN]|[uU]&)?'(?:[^'\\]|''|\\.)*(?:'|$)   # texts
    | \$(\w*)\$.*?(?:\$\1\$|$)                              # dollar-quoted texts
    | (?<![\w$%.:])\d+(?:\.\d+)?\b                          # numbers, but not $1 or names that end in digits
    """,
    re.VERBOSE | re.DOTALL,
)
_STATEMENT_LENGTH = 400


def statement(sql: str) -> str:
    """Return a statement on one line, cut, with its literals masked."""
    return cut(" ".join(_LITERALS.sub("?", sql).split()))


def cut(words: str) -> str:
    """Return a statement, cut."""
    return words if len(words) <= _STATEMENT_LENGTH else words[:_STATEMENT_LENGTH] + "..."


_VALUES = re.compile(
    r"""(?<=:\ )".*                             # invalid input syntax for type integer: "x"
    | (?<=value\ ").*(?="\ (?:is\ out\ of|for))   # value "99999999999" is out of range for type integer
    | (?<=:\ ).*(?=\ \(.*\)$)                   # invalid input for query argument $1: 'x' (expected ...)
    """,
    re.VERBOSE,
)
_SAYS_VALUES = re.compile(r"\binvalid (?:input|value|\w+ value)\b|\bmalformed \w+ literal|out of range")


def without_values(line: str) -> str:
    """Return the first line of an error without the value that could not be understood."""
    return _VALUES.sub("?", line) if _SAYS_VALUES.search(line) else line
