"""How an image is built, reduced to one key: the same key means that there is nothing to do."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

KEY_LABEL = "alembic-operator.dev/key"
"""Where an image carries the key that it was built with."""
KEY_LENGTH = 40
FROM = re.compile(r"^\s*FROM\s+(?:--\S+\s+)*(\S+)", re.IGNORECASE | re.MULTILINE)
ARG = re.compile(r"^\s*ARG\s+(\w+)(?:=(\S+))?", re.IGNORECASE | re.MULTILINE)
VARIABLE = re.compile(r"\$\{?(\w+)\}?")


@dataclass(frozen=True)
class Recipe:
    """A Dockerfile with all that goes into it."""

    dockerfile: Path
    reference: str
    """The full name of the image: `localhost/NAME:TAG`."""
    context: Path
    arguments: tuple[tuple[str, str], ...] = ()

    def with_defaults(self, wanted: re.Pattern[str], value: str) -> Recipe:
        """Set the build arguments of such names that the Dockerfile has and that are not set yet."""
        declared = dict.fromkeys(name for name, _ in ARG.findall(self.dockerfile.read_text()))
        new = (name for name in declared if wanted.fullmatch(name) and name not in dict(self.arguments))
        return replace(self, arguments=(*self.arguments, *((name, value) for name in new)))

    def bases(self) -> list[str]:
        """List the images that it starts from, with build arguments filled in."""
        text = self.dockerfile.read_text()
        values = {name: value for name, value in ARG.findall(text) if value} | dict(self.arguments)
        return [VARIABLE.sub(lambda found: values.get(found[1], ""), base) for base in FROM.findall(text)]

    def key(self, base_identities: Iterable[str]) -> str:
        """Change with every input: Dockerfile, arguments, bases, and the files of the context that are not ignored."""
        digest = hashlib.sha256(self.dockerfile.read_bytes())
        for word in (*(f"{name}={value}" for name, value in sorted(self.arguments)), *base_identities):
            digest.update(word.encode() + b"\0")
        for name in files(self.context):
            _add_file(digest, self.context, name)
        return digest.hexdigest()[:KEY_LENGTH]


def _add_file(digest: hashlib._Hash, context: Path, name: str) -> None:
    path = context / name
    executable = os.access(path, os.X_OK)
    content = str(path.readlink()).encode() if path.is_symlink() else path.read_bytes()
    digest.update(f"{name}\0{executable}\0{len(content)}\0".encode() + content)


def files(context: Path) -> list[str]:
    """List the files that a build may see, in a fixed order, as paths inside the context."""
    ignore = context / ".dockerignore"
    patterns = ignore.read_text().splitlines() if ignore.exists() else []
    return sorted(_walk(context, Ignored.parse(patterns)))


def _walk(context: Path, ignored: Ignored) -> Iterator[str]:
    for folder, folders, names in os.walk(context):
        inside = Path(folder).relative_to(context)
        folders[:] = [name for name in folders if not ignored.prunes(str(inside / name))]
        links = [name for name in folders if (Path(folder) / name).is_symlink()]
        for name in (*names, *links):
            if not ignored.matches(str(inside / name)):
                yield str(inside / name)


@dataclass(frozen=True)
class Ignored:
    """The rules of a .dockerignore: the last one that matches decides, `!` takes back."""

    rules: tuple[tuple[bool, re.Pattern[str]], ...]

    @classmethod
    def parse(cls, lines: Iterable[str]) -> Ignored:
        """Read the lines of the file."""
        kept = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
        return cls(tuple((not line.startswith("!"), _regex(line.lstrip("!"))) for line in kept))

    def matches(self, path: str) -> bool:
        """Tell whether the build does not see the path."""
        verdicts = [ignores for ignores, pattern in self.rules if pattern.match(path)]
        return bool(verdicts) and verdicts[-1]

    def prunes(self, folder: str) -> bool:
        """Tell whether nothing inside the folder is seen; with exceptions about, one has to look."""
        return self.matches(folder) and all(ignores for ignores, _ in self.rules)


def _regex(pattern: str) -> re.Pattern[str]:
    """Translate a pattern; it matches a path, and everything under a folder of that name."""
    cleaned = os.path.normpath(pattern.strip("/"))
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", cleaned)
    meaning = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return re.compile("".join(meaning.get(part, re.escape(part)) for part in parts) + r"(?:/.*)?$")
