"""Carry pg8000 and what it needs into the runner, under a name of the runner's own.

Nothing of the packages changes but the lines that import one of them: those name the new place, or a stand-in.
"""

from __future__ import annotations

import ast
import re
import sys
from importlib.metadata import Distribution, distribution

PLACE = "alembic_operator.runner.vendored"
FOLDER = PLACE.replace(".", "/")
PACKAGES = {
    "pg8000": ("core.py", "exceptions.py"),
    "scramp": ("__init__.py", "core.py", "utils.py"),
}
"""The files that the gate's connection needs, by package."""
_STAND_INS = (*("asn1crypto", "asn1crypto.x509", "importlib.metadata", "pg8000.converters", "secrets", "ssl"),)
"""What pg8000 and scramp import, but the gate needs never or in small part."""
_FROM = re.compile(r"^(?P<indent> *)from (?P<module>[a-z0-9_.]+) import ", re.MULTILINE)
_IMPORT = re.compile(r"^(?P<indent> *)import (?P<name>pg8000|scramp|ssl)$", re.MULTILINE)


def contents() -> dict[str, bytes]:
    """Return the carried files, their licences and their versions by their names in the archive."""
    files: dict[str, bytes] = {}
    for package, wanted in PACKAGES.items():
        installed = distribution(package)
        files |= {f"{FOLDER}/{name}": content for name, content in _sources(installed, package, wanted).items()}
        files[f"{FOLDER}/{package}/LICENSE"] = _licence(installed)
        files.setdefault(f"{FOLDER}/{package}/__init__.py", b"")
    versions = {package: distribution(package).version for package in PACKAGES}
    files[f"{FOLDER}/versions.py"] = f'"""Versions of what is carried here."""\n\nVERSIONS = {versions!r}\n'.encode()
    return files


def _sources(installed: Distribution, package: str, wanted: tuple[str, ...]) -> dict[str, bytes]:
    found = {}
    for path in installed.files or ():
        name = path.as_posix()
        if path.suffix == ".py" and path.parts[0] == package and path.name in wanted:
            found[name] = _at_home(path.read_text(encoding="utf-8"), name).encode()
    if len(found) < len(wanted):
        raise SystemExit(f"{package} {installed.version} is not installed as expected: run `make runner`")
    return found


def _licence(installed: Distribution) -> bytes:
    for path in installed.files or ():
        if path.name == "LICENSE":
            return path.read_binary()
    raise SystemExit(f"{installed.name} {installed.version} has no licence file to carry")


def _at_home(source: str, name: str) -> str:
    """Return a module that imports its companions from their new place."""
    source = _FROM.sub(lambda match: f"{match['indent']}from {_moved(match['module'])} import ", source)
    source = _IMPORT.sub(
        lambda match: f"{match['indent']}from {_package(match['name'])} import {match['name']}", source
    )
    for node in ast.walk(ast.parse(source)):
        modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        modules += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
        for module in modules:
            if module.split(".")[0] not in (*sys.stdlib_module_names, "alembic_operator"):
                raise SystemExit(f"{name} imports {module}, which the runner does not carry")
    return source


def _package(module: str) -> str:
    return f"{PLACE}.standins" if module in _STAND_INS else PLACE


def _moved(module: str) -> str:
    if module in _STAND_INS:
        return f"{PLACE}.standins"
    return f"{PLACE}.{module}" if module.split(".", maxsplit=1)[0] in PACKAGES else module
