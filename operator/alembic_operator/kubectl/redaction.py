"""Take secrets out of objects and logs before somebody else reads them.

What is masked in one place is searched for in all others, also encoded. No I/O.
"""

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote, quote_plus, unquote

from alembic_operator.api.v1alpha1 import GROUP
from alembic_operator.core import names
from alembic_operator.core.observation.reading import Manifest

MASK = "***"

_PLAIN = frozenset({"PGHOST", "PGPORT", "PGDATABASE", "PGSSLMODE", "ALEMBIC_OPERATOR_PROJECT_DIGEST"})
"""Variables that the operator itself writes, with no secret in them."""

_ANNOTATIONS = (f"{GROUP}/", "deployment.kubernetes.io/", "batch.kubernetes.io/")
"""Prefixes of annotations that are kept: Kubernetes' own and ours."""

_SHORTEST = 5
"""What is shorter is too likely to be a part of any word; it is masked only where it stands."""

_LINE = 16
"""Characters of a line that is searched for by itself."""

_WORD = re.compile(r"[a-z-]{1,16}|[A-Z]{1,8}|[0-9.:]{1,8}|/[\w/.-]*")
"""What a setting is, and no secret is: `production`, `DEBUG`, `5432`, a path."""

_KINDS = (
    r"(?:pass(?:word|wd|phrase|code)?|pwd|secret|token|(?:api|access|private|secret|encryption)[_-]?key|credentials?)"
)
_NAMED = re.compile(rf"(?:^|[_.-]){_KINDS}(?:$|[_.-])", re.IGNORECASE)

_ASSIGNED = re.compile(
    rf"(?P<keep>(?<![A-Za-z]){_KINDS}[\"']?\s*[:=]\s*[\"']?)(?![\s{{\[]|\*\*\*)(?P<value>[^\s\"',;&}}]+)",
    re.IGNORECASE,
)

_IN_TEXT = (
    re.compile(r"(?P<keep>://[^\s:/@'\"]{0,256}:)[^\s'\"<>]{1,512}(?=@)"),
    _ASSIGNED,
    re.compile(r"(?P<keep>\b(?:bearer|basic)\s+)[\w.~+/=-]{8,}", re.IGNORECASE),
    re.compile(r"(?P<keep>\bX-Amz-(?:Signature|Security-Token|Credential)=)[^\s&'\"]+", re.IGNORECASE),
    re.compile(r"(?P<keep>-----BEGIN [A-Z ]*PRIVATE KEY-----).*?(?=-----END|\Z)", re.DOTALL),
    re.compile(r"(?P<keep>)\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*"),
    re.compile(r"(?P<keep>)\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    re.compile(r"(?P<keep>)\b(?:gh[pousr]_|glpat-|xox[abprs]-|sk[-_])[\w-]{12,}"),
)
"""What is a secret by where it stands, or by its form."""


class Redaction:
    """All secrets that were met."""

    def __init__(self, harmless: Iterable[str] = ()) -> None:
        """Begin; `harmless` are names that stay even if a variable has one as its value."""
        self._harmless = frozenset(harmless)
        self._forms: set[str] = set()

    def learn(self, raw: Any) -> None:
        """Note the secrets of an object, so that they are found in everything."""
        for value, is_named in _values(raw):
            self._note(value, named=is_named)

    def _note(self, value: str, *, named: bool) -> None:
        password = value.partition("://")[2].rpartition("@")[0].partition(":")[2]  # whatever stands in it
        lines = [one for one in value.split("\n") if len(one) >= _LINE]  # a key may be printed line by line
        for one in {value, value.strip(), password, unquote(password), *lines}:
            is_word = one in self._harmless or (_WORD.fullmatch(one) and not named and one == value)
            if len(one) >= _SHORTEST and not is_word:
                self._forms |= set(_forms(one))

    def object(self, raw: Any) -> Any:
        """Return an object without secrets."""
        return self._texts(_masked(raw, ""))

    def _texts(self, raw: Any) -> Any:
        match raw:
            case dict():
                return {self.text(name): self._texts(value) for name, value in raw.items()}
            case list():
                return [self._texts(one) for one in raw]
            case str():
                return self.text(raw)
            case _:
                return raw

    def text(self, text: str) -> str:
        """Return a text without secrets."""
        for form in sorted(self._forms, key=len, reverse=True):  # one pattern of a thousand words would take minutes
            text = text.replace(form, MASK)
        for pattern in _IN_TEXT:
            text = pattern.sub(rf"\g<keep>{MASK}", text)
        return text


def _forms(secret: str) -> Iterator[str]:
    """Yield how a secret may be written: as it is, in a URL, in quotes, in base64 with anything around it, in hex."""
    raw = secret.encode(errors="surrogateescape")
    quoted = {quote(secret, safe=""), quote(secret), quote_plus(secret)} if secret.isprintable() else set()
    yield from {secret, html.escape(secret), secret.replace("'", "''"), secret.replace("%", "%%")}
    yield from {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], repr(secret)[1:-1]}
    yield from quoted | {re.sub(r"%..", lambda found: found.group().lower(), one) for one in quoted}
    yield from (quote(one, safe="") for one in quoted)
    yield from {raw.hex(), raw.hex().upper()}
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + raw).decode()
        whole = encoded[-(-before * 8 // 6) : (before + len(raw)) * 8 // 6]  # without what its neighbours decide
        yield from {whole, whole.replace("+", "-").replace("/", "_")}


def _values(raw: Any) -> Iterator[tuple[str, bool]]:
    """Yield what is masked where it stands, and whether its name says that it is a secret."""
    match raw:
        case {"name": str(name), "value": str(value)} if name not in _PLAIN:
            yield value, bool(_NAMED.search(name))
        case dict():
            for name, value in raw.items():
                if name == "annotations" and isinstance(value, dict):
                    kept = {key: one for key, one in value.items() if isinstance(one, str) and not _is_kept(key)}
                    yield from ((one, bool(_NAMED.search(key))) for key, one in kept.items())
                    yield from (one for text in kept.values() for one in _within(text))
                elif name in {"xArguments", "command", "args"} and isinstance(value, list):
                    yield from ((one, True) for one in _said(list(map(str, value)), is_x=name == "xArguments"))
                elif name != "managedFields":
                    yield from _values(value)
        case list():
            for one in raw:
                yield from _values(one)


def _within(text: str) -> Iterator[tuple[str, bool]]:
    """Yield what an annotation holds that is a whole object, as kubectl's last-applied-configuration."""
    try:
        yield from _values(json.loads(text))
    except (ValueError, RecursionError):
        return


def _is_kept(annotation: str) -> bool:
    return annotation.startswith(_ANNOTATIONS)


def _masked(raw: Any, at: str) -> Any:
    """Return an object with everything masked that may be a secret by where it stands."""
    match raw:
        case {"name": str(name), "value": str()} if name not in _PLAIN:
            return raw | {"value": MASK}
        case dict():
            return {name: _masked(value, name) for name, value in _kept(raw, at).items() if name != "managedFields"}
        case list() if at == "xArguments":
            return [_argument(str(one)) for one in raw]
        case list() if at in {"command", "args"}:
            return _command(raw)
        case list():
            return [_masked(one, at) for one in raw]
        case _:
            return raw


def _kept(raw: Manifest, at: str) -> Manifest:
    if at != "annotations":
        return raw
    return {name: value if _is_kept(name) else MASK for name, value in raw.items()}


def _said(words: list[str], *, is_x: bool) -> Iterator[str]:
    """Yield the secrets of a command line: what env.py is given, and what has the name of one."""
    for before, one in zip(["", *words], words, strict=False):
        if is_x or before == "-x" or one.startswith("-x="):
            yield one.removeprefix("-x=").partition("=")[2] or one
        elif _NAMED.search(before) and before.startswith("-") and "=" not in before:
            yield one
        yield from (found.group("value") for found in _ASSIGNED.finditer(one))


def _argument(word: str) -> str:
    """Return an argument for env.py, with its name alone."""
    name, equals, _ = word.partition("=")
    return f"{name}{equals}{MASK}" if equals else MASK


def _command(words: list[Any]) -> list[Any]:
    """Return the runner's or the operator's own command line without what env.py is given; any other, masked."""
    if names.RUNNER_PATH not in words and not any(str(one).startswith("--lease-name=") for one in words):
        return [MASK]
    return [_word(before, str(one)) for before, one in zip(["", *words], words, strict=False)]


def _word(before: Any, word: str) -> str:
    if word.startswith("-x="):
        return f"-x={_argument(word[3:])}"
    return _argument(word) if before == "-x" else word


def names_in(objects: Iterable[Manifest]) -> set[str]:
    """Return what objects are called, and their labels: no secrets, whatever variable has the same value."""
    metadata = [one.get("metadata") or {} for one in objects]
    labels = [value for one in metadata for value in (one.get("labels") or {}).values()]
    return {str(one) for one in (*labels, *(part.get(key) for part in metadata for key in ("name", "namespace")))}
