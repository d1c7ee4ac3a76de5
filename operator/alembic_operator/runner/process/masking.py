"""Keep passwords out of everything the runner prints."""

from __future__ import annotations

import binascii
import json
import re
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus, unquote

if TYPE_CHECKING:
    from collections.abc import Mapping

from alembic_operator.runner.process.parts import Parts, is_common

MASK = "***"


def forms(secret: str) -> set[str]:
    """Return every form in which a secret may be printed: raw, in a URL, in Python's or JSON's quotes."""
    if not secret:
        return set()
    found = set()
    for text in {secret, secret.strip(), unquote(secret)} - {""}:  # who writes a Secret with echo ends it with a line
        encoded = {quote(text, safe=""), quote(text), quote(text, safe=" +"), quote_plus(text)}
        found |= {text, *encoded, *(_lower_hex(one) for one in encoded)}
        found |= {
            repr(text)[1:-1],
            ascii(text)[1:-1],
            json.dumps(text)[1:-1],
            json.dumps(text, ensure_ascii=False)[1:-1],
        }
        found |= {text.replace("%", "%%"), text.replace("\\", "\\\\").replace("'", "\\'"), re.sub(r"[:@/]", _hex, text)}
        found |= {json.dumps(repr(text)[1:-1])[1:-1], text.replace("'", "''")}
        found.add(text.replace("'", "'\"'\"'"))  # as shells have it
        if len(text) >= _SHORTEST:
            found.add(binascii.b2a_base64(text.encode(errors="surrogateescape"), newline=False).decode())
    return found


def _lower_hex(text: str) -> str:
    return re.sub(r"%[0-9A-F]{2}", lambda match: match.group().lower(), text)


def _hex(match: re.Match[str]) -> str:
    return f"%{ord(match.group()):X}"


_NAMES = re.compile(
    r"PASSWORD|PASSWD|PASSPHRASE|(?:^|_)(?:PASS|PWD|TOKEN|SECRET|SECRET_KEY|ACCESS_KEY|PRIVATE_KEY|API_?KEY)$"
)
_IN_TEXTS = (
    re.compile(r"://[^\s:/@]*:([^\s/@]+)@"),
    re.compile(r"://[^\s:/@]*:(?!\d+/)(\S+)@"),
    re.compile(r"\bpassword=([^\s&'\"]+)", re.IGNORECASE),
)
_SAID = (
    (re.compile(r"""(://[^\s:/@'"]{0,256}:)(?!\d+[/?]|password@)[^\s'"<>]{1,512}@"""), r"\1***@"),
    (re.compile(r"""(password=)(?:'[^']*'|"[^"]*"|[^\s&,;)'"]+)""", re.IGNORECASE), r"\1***"),
    (re.compile(r"""(['"]password['"]:\s*)(?:'[^']*'|"[^"]*")""", re.IGNORECASE), r"\1'***'"),
    (re.compile(r"""(\bX-Amz-(?:Signature|Security-Token)=)[^\s&'"]+""", re.IGNORECASE), r"\1***"),
    (re.compile(r"""(\bpassword\s+)e?'(?:[^'\n]|'')*(?:'|$)""", re.IGNORECASE | re.MULTILINE), r"\1'***'"),
)
"""What is a password by where it stands: in a URL, a connection string, a dictionary, a statement."""
_SECRET_WORDS = ("pass", "pwd", "token", "secret", "key")
_IN_SOURCE = re.compile(
    r"""((?:passw(?:or)?d|passphrase|(?<![a-z])(?:pass|pwd)|token|secret|(?:api|access|private)_?key)  # its name
    (?:_\w{0,40}|\d{0,4})
    (?:['"]\]?\s{0,9}[:=]|(?:\s{0,9}:[\w\s.|\[\]]{1,40})?\s{0,9}=)\s{0,9}[bruf]{0,2})  # ["..."] =, : str =
    (?P<quote>\'\'\'|\"\"\"|['"])(?:(?!(?P=quote))[^\\\n]|\\.)*((?P=quote))?""",
    re.IGNORECASE | re.VERBOSE,
)
"""A line of a source, as a traceback shows it; where nobody closed the quote, that is what the traceback is about."""
_IN_YAML = re.compile(
    r"""(\bpass(?:word|wd|phrase)?["']?[ \t]*:[ \t]*)(?!\*\*\*|['"]\*\*\*)[^\s,}][^\n,}]*""", re.IGNORECASE
)
"""A line of settings, as their readers quote what they cannot read."""
_SHORTEST = 6
"""What is shorter is too likely to be a word of the log."""
_WORDS_ONLY = 4
_LETTERS_ONLY = 8


_CONFIGURATION = 1 << 18
_SETTINGS = re.compile(r"""^\s*(?:export\s+)?([\w.]+)\s*=\s*['"]?([^\s'"]+)""", re.MULTILINE)


def passwords(environ: Mapping[str, str]) -> set[str]:
    """Return the passwords that the environment shows as such: by a variable's name, or inside a URL.

    env.py may print a URL before it connects there, or one of another server that it never connects to.
    """
    found = {value for name, value in environ.items() if _NAMES.search(name.upper())}
    pairs = {value for name, value in environ.items() if "CREDENTIALS" in name.upper()}  # user:password, mostly
    found |= {value.partition(":")[2] or value for value in pairs}
    found |= {one for value in environ.values() for one in within(value)}
    return {one for one in found if len(one) >= _SHORTEST and not one.startswith("/")}  # but not the path of a file


def configured(path: str) -> set[str]:
    """Return the passwords of a configuration file, and of the settings (.env) beside where the run was started."""
    found: set[str] = set()
    for one in (path, ".env"):
        try:
            with open(one, encoding="utf-8", errors="replace") as file:  # noqa: PTH123  pathlib costs the gate too much
                text = file.read(_CONFIGURATION)
        except (OSError, ValueError):
            continue
        found |= within(text) | within(text.replace("%%", "%"))
        found |= {value for name, value in _SETTINGS.findall(text) if _NAMES.search(name.upper())}
    return {one for one in found if len(one) >= _SHORTEST and not one.startswith("/")}


def within(text: str) -> set[str]:
    """Return the passwords of the URLs and connection strings in a text."""
    return {one for pattern in _IN_TEXTS for one in pattern.findall(text)}


class Secrets:
    """Every secret this process has seen."""

    def __init__(self, *secrets: str) -> None:
        self._forms: set[str] = set()
        self._parts = Parts()
        self._pattern: re.Pattern[str] | None = None
        for secret in secrets:
            self.learn(secret)

    def learn(self, secret: object) -> None:
        """Mask this secret, too, from now on; anything but a non-empty text, and a word of every log, is ignored."""
        if not isinstance(secret, str) or not secret or secret in self._forms or is_common(secret.strip()):
            return
        found = forms(secret)
        self._forms |= found
        longest_first = sorted(self._forms, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(_pattern, longest_first)))
        if len(secret) >= _SHORTEST:
            self._parts.learn(found)

    def mask(self, text: str) -> str:
        """Return the text with every secret replaced."""
        if self._pattern:
            text = self._pattern.sub(MASK, text)
        for pattern, masked in _SAID:
            text = pattern.sub(masked, text)
        small = text.lower()
        named = any(word in small for word in _SECRET_WORDS)
        return _IN_SOURCE.sub(rf"\1\g<quote>{MASK}\3", text) if named else text

    def mask_error(self, text: str) -> str:
        """Return a text that may hold words of an error, with every secret and each part of one replaced."""
        return self._parts.mask(_IN_YAML.sub(rf"\1{MASK}", self.mask(text)), MASK)


def _pattern(form: str) -> str:
    """Find a short secret as a word only, and one of letters alone as a whole one: they are in many other words."""
    if len(form) < _WORDS_ONLY:
        begin, end = (r"\b" if re.match(r"\w", edge) else "" for edge in (form[0], form[-1]))
        return f"{begin}{re.escape(form)}{end}"
    if form.isalpha() and len(form) <= _LETTERS_ONLY:
        return f"(?<![A-Za-z_]){form}(?![A-Za-z_])"
    return re.escape(form)


_LITERALS = re.compile(
    r"""(?P<comment>--[^\n]*|/\*.*?(?:\*/|$))               # they may hold a lone quote, or anything
    | (?P<name>"(?:[^"]|"")*")                             # so may names
    | \b[eE]'(?:[^'\\]|''|\\.)*(?:'|$)                    # texts with escapes
    | (?:\b[bBxXnN]|[uU]&)?'[^']*(?:''[^']*)*(?:'|$)       # texts, where a backslash means itself
    | \$(?P<tag>\w*)\$.*?(?:\$(?P=tag)\$|$)               # dollar-quoted texts
    | (?<![\w$%.:])\d+(?:\.\d+)?\b                         # numbers, but not $1 or names that end in digits
    """,
    re.VERBOSE | re.DOTALL,
)
_STATEMENT_LENGTH = 400
_READ = 10_000
"""Characters of a statement of which at most that much is shown."""


def statement(sql: str) -> str:
    """Return a statement on one line, cut, with its literals masked."""
    line = " ".join(_LITERALS.sub(_masked, sql[:_READ]).split())
    return cut(line if len(sql) <= _READ else f"{line} ...")


def _masked(match: re.Match[str]) -> str:
    return " " if match["comment"] else match["name"] or "?"


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


_QUOTED = re.compile("[»«„“][^»«„“”]*[»«“”]")
_DATA_EXCEPTION = "22"
_SYNTAX_ERROR = "42601"
_TEXT_AT_ITS_END = re.compile(r"""(?<=["»«„“])\s?(?:[BENX]|U&)?['$].*?(?=\s?["«»“”]?$)""", re.IGNORECASE)
"""The literal before which, or in which, a statement cannot be read."""


def without_values(line: str, sqlstate: str = "") -> str:
    """Return the first line of an error without the value that could not be understood, in whatever language."""
    if sqlstate.startswith(_DATA_EXCEPTION):
        line = _QUOTED.sub("?", line)
    if sqlstate == _SYNTAX_ERROR:
        line = _TEXT_AT_ITS_END.sub("?", line)
    return _VALUES.sub("?", line) if _SAYS_VALUES.search(line) else line
