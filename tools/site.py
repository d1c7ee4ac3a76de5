"""Build the documentation as a site in build/site, from the repository's Markdown where it stands.

`python -m tools.site` fails when a page or an anchor is not there, and when a page is not in the navigation.
"""

import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from posixpath import dirname, join, normpath
from typing import Any

from tools import links

ROOT = links.ROOT
CONFIGURATION = "zensical.toml"
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
WITHOUT_PLACE = ("docs/adr/", "tests/")
"""Pages that others lead to: the index of the records, and what tells testers."""


def outside(pages: Iterable[str], navigation: Any) -> list[str]:
    """Return the pages that the navigation lacks."""
    placed = set(_leaves(navigation))
    return sorted(page for page in pages if page not in placed and not page.startswith(WITHOUT_PLACE))


def linked(texts: links.Pages, paths: frozenset[str]) -> dict[str, list[str]]:
    """Return what pages link to and is no page, with the files that it stands for: itself, or those of a folder."""
    found = {}
    for page, text in texts.items():
        for _, target in links.links(text):
            wanted = normpath(join(dirname(page), target.partition("#")[0]))
            if wanted not in texts:
                found[wanted] = sorted(path for path in paths if path == wanted or _shown(path, wanted))
    return found


def listing(folder: str, held: Iterable[str]) -> str:
    """Write the page of a folder that has none: a link to each file."""
    names = [path.removeprefix(f"{folder}/") for path in held]
    return "\n".join([f"# {folder}", "", *(f"- [{name}]({name})" for name in names), ""])


def stage(texts: links.Pages, paths: frozenset[str], into: Path) -> None:
    """Copy pages and what they link to, each to where it stands in the repository."""
    shutil.rmtree(into, ignore_errors=True)
    found = linked(texts, paths)
    for path in {*texts, *(path for held in found.values() for path in held)}:
        (into / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / path, into / path)
    folders = {wanted for wanted, held in found.items() if held} - paths - {dirname(page) for page in texts}
    for folder in folders:
        (into / folder / "README.md").write_text(listing(folder, found[folder]), encoding="utf-8")


def main() -> int:
    """Build; return what the program returned that did it."""
    configuration = tomllib.loads((ROOT / CONFIGURATION).read_text(encoding="utf-8"))["project"]
    paths = links.files(ROOT)
    texts = links.read(ROOT, frozenset(path for path in paths if path.endswith(".md")))
    if lacking := outside(texts, configuration["nav"]):
        print(f"not in the nav of {CONFIGURATION}: {', '.join(lacking)}", file=sys.stderr)
        return 1
    stage(texts, paths, ROOT / configuration["docs_dir"])
    command = [str(Path(sys.executable).with_name("zensical")), "build", "--strict", "--clean"]
    done = subprocess.run(command, cwd=ROOT, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        print(COLOUR.sub("", done.stdout.partition("Traceback")[0]), file=sys.stderr)
    return done.returncode


def _shown(path: str, folder: str) -> bool:
    """Tell whether a folder has this file, and shows it."""
    return path.startswith(f"{folder}/") and not path.rpartition("/")[2].startswith(".")


def _leaves(navigation: Any) -> Iterator[str]:
    match navigation:
        case str():
            yield navigation
        case dict():
            for inner in navigation.values():
                yield from _leaves(inner)
        case list():
            for inner in navigation:
                yield from _leaves(inner)


if __name__ == "__main__":
    sys.exit(main())
