"""Check every link and anchor of the repository's Markdown, by the rules of GitHub, and what other files say of pages.

`python -m tools.links` changes nothing, names each link that leads nowhere, and exits 1 when there is one.
"""

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from posixpath import dirname, join, normpath

ROOT = Path(__file__).resolve().parent.parent
ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
FENCE = re.compile(r"^( *)(`{3,}|~{3,}).*?^\1\2[`~]* *$", re.MULTILINE | re.DOTALL)
COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
CODE = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)", re.DOTALL)
LINK = re.compile(
    r"\]\(\s*<?([^()\s<>]+(?:\([^()\s]*\))?)>?(?:\s+\"[^\"]*\")?\s*\)|^ *\[[^\]]+\]: *<?(\S+?)>?$", re.MULTILINE
)
ATTRIBUTE = re.compile(r"<(?:a|img)\s[^>]*?(?:href|src)=\"([^\"]+)\"")
HEADING = re.compile(r"^#{1,6} +(.+?) *#*$", re.MULTILINE)
NAMED = re.compile(r"<[a-z]+\s[^>]*?(?:id|name)=\"([^\"]+)\"")
MENTION = re.compile(r"\bdocs/(?:[\w-]+/)+[\w-]+\.md(?:#[\w-]+)?")

Pages = Mapping[str, str]
"""Text by path; paths are relative to the root of the repository, with slashes."""


def files(root: Path) -> frozenset[str]:
    """Return the repository's files: those that git keeps, and new ones that it does not ignore."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout
    return frozenset(path for path in listed.split("\0") if path and (root / path).exists())


def read(root: Path, paths: frozenset[str]) -> dict[str, str]:
    """Return what is text among these files."""
    found = {}
    for path in sorted(paths):
        try:
            found[path] = (root / path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
    return found


def broken(texts: Pages, paths: frozenset[str]) -> Iterator[str]:
    """Say of each link that leads nowhere where it stands, in the order of paths and lines."""
    there = paths | {parent for path in paths for parent in _parents(path)}
    pages = {path: text for path, text in texts.items() if path.endswith(".md")}
    known = {path: anchors(text) for path, text in pages.items()}
    for path, text in texts.items():
        found = links(text) if path in pages else mentions(text)
        base = dirname(path) if path in pages else ""
        for line, target in found:
            if wrong := _wrong(path, base, target, there, known):
                yield f"{path}:{line}: {target}: {wrong}"


def links(text: str) -> Iterator[tuple[int, str]]:
    """Give line and target of each link and image of a page that stays in the repository."""
    plain = _without_code(text)
    matches = sorted((*LINK.finditer(plain), *ATTRIBUTE.finditer(plain)), key=lambda match: match.start())
    for match in matches:
        target = next(filter(None, match.groups()))
        if not ELSEWHERE.match(target):
            yield plain.count("\n", 0, match.start()) + 1, target


def mentions(text: str) -> Iterator[tuple[int, str]]:
    """Give line and path of each page that another file names from the root."""
    for match in MENTION.finditer(text):
        yield text.count("\n", 0, match.start()) + 1, match[0]


def anchors(text: str) -> frozenset[str]:
    """Return the anchors of a page, as GitHub makes them of its headings."""
    uncoded = COMMENT.sub("", FENCE.sub("", text))
    found: set[str] = set(NAMED.findall(uncoded))
    for heading in HEADING.findall(uncoded):
        slug, number = _slug(heading), 0
        while (name := f"{slug}-{number}" if number else slug) in found:
            number += 1
        found.add(name)
    return frozenset(found)


def _slug(heading: str) -> str:
    shown = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", heading)
    return re.sub(r"[^\w\- ]", "", shown.lower()).replace(" ", "-")


def _without_code(text: str) -> str:
    """Blank code and comments; lines keep their numbers."""
    for pattern in (FENCE, COMMENT, CODE):
        text = pattern.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)
    return text


def _wrong(path: str, base: str, target: str, there: frozenset[str], known: Mapping[str, frozenset[str]]) -> str:
    file, _, anchor = target.partition("#")
    wanted = normpath(join(base, file)) if file else path
    if wanted not in there:
        return "there is no such file"
    if anchor and anchor not in known.get(wanted, frozenset()):
        return f"{wanted} has no such heading"
    return ""


def _parents(path: str) -> Iterator[str]:
    while path := dirname(path):
        yield path


def main(root: Path = ROOT) -> int:
    """Name what is broken; return 1 when anything is."""
    paths = files(root)
    found = list(broken(read(root, paths), paths))
    print(*found, sep="\n", end="\n" if found else "", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
