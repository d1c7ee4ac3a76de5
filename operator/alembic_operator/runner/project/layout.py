"""Where Alembic's configuration puts env.py and the revisions, read without Alembic; or nowhere certain."""

from __future__ import annotations

import os
import re
import sys
from configparser import ConfigParser
from configparser import Error as Unreadable
from importlib.machinery import PathFinder
from typing import TYPE_CHECKING, Any, NamedTuple

from alembic_operator.runner.process.unsure import Unsure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from alembic_operator.contract import Invocation

_OPTIONS = (
    *("script_location", "version_locations", "path_separator", "version_path_separator", "prepend_sys_path"),
    *("recursive_version_locations", "sourceless"),
)
_SEPARATORS = {"space": " ", "newline": "\n", "os": os.pathsep, ":": ":", ";": ";"}
_LEGACY = re.compile(r", *| +")  # Alembic's own
_ANY_SEPARATOR = re.compile(r"[\s,:;]")
_OFF = (None, False, "", "false")


class Layout(NamedTuple):
    """The folders of one Alembic project."""

    env: str
    """Path of env.py."""
    locations: tuple[str, ...]
    recursive: bool


def read(invocation: Invocation) -> Layout:
    """Read Alembic's configuration.

    Raises:
        Unsure: it is wrong or unusual, and Alembic must say what it means.
    """
    name = os.path.basename(invocation.config)  # noqa: PTH119  pathlib costs the gate more than its whole work
    options = _toml(invocation.config) if name == "pyproject.toml" else _ini(invocation.config, invocation.section)
    if options.get("sourceless") not in _OFF or not isinstance(location := options.get("script_location"), str):
        raise Unsure(f"{invocation.config} has no script_location, or revisions without source")
    folder = _folder(location if name == "pyproject.toml" else nearby(location, invocation.config), options)
    found = tuple(_folder(one, options) for one in _locations(options)) or (os.path.join(folder, "versions"),)  # noqa: PTH118
    if not all(map(os.path.isdir, found)):
        raise Unsure(f"a folder of revisions does not exist: {', '.join(found)}")
    recursive = options.get("recursive_version_locations") or False
    if recursive not in (True, False, "true", "false"):
        raise Unsure(f"recursive_version_locations is {recursive}")
    return Layout(os.path.join(folder, "env.py"), found, recursive in (True, "true"))  # noqa: PTH118


def nearby(location: str, config: str) -> str:
    """Return a script_location; a relative one that the working directory lacks is looked for near the configuration.

    A program that carries its own migrations has them in its package, wherever a pod was told to start.
    """
    folder, parent = "", _here(config)
    while location and ":" not in location and not os.path.exists(location) and folder != parent:  # noqa: PTH110
        folder, parent = parent, os.path.dirname(parent)  # noqa: PTH120
        if os.path.isfile(os.path.join(folder, location, "env.py")):  # noqa: PTH113, PTH118
            return os.path.join(folder, location)  # noqa: PTH118
    return location


def _ini(path: str, section: str) -> Mapping[str, Any]:
    parser = ConfigParser({"here": _here(path)})
    try:
        with open(path, encoding="utf-8") as file:  # noqa: PTH123
            parser.read_file(file)
        return {key: parser.get(section, key) for key in _OPTIONS if parser.has_option(section, key)}
    except (OSError, ValueError, Unreadable) as error:
        raise Unsure(f"{path}: {error}") from error


def _toml(path: str) -> Mapping[str, Any]:
    """Read `[tool.alembic]`; an alembic.ini beside it would be asked first."""
    if sys.version_info < (3, 11) or os.path.exists("alembic.ini"):  # noqa: PTH110
        raise Unsure(f"{path} is not the whole configuration")
    import tomllib  # noqa: PLC0415  few projects need it

    try:
        with open(path, "rb") as file:  # noqa: PTH123
            options = tomllib.load(file)["tool"]["alembic"]
        return {key: _filled(value, {"here": _here(path)}) for key, value in options.items()}
    except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise Unsure(f"{path}: {error}") from error


def _filled(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        return [_filled(one, names) for one in value]
    return value % names if isinstance(value, str) else value


def _here(path: str) -> str:
    return os.path.dirname(os.path.abspath(path))  # noqa: PTH100, PTH120


def _locations(options: Mapping[str, Any]) -> list[str]:
    """Return version_locations; how a text is split depends on Alembic's version where two rules could apply."""
    given = options.get("version_locations")
    if not given:
        return []
    if isinstance(given, list):
        return [str(one) for one in given]
    separators = [options[key] for key in ("path_separator", "version_path_separator") if key in options]
    if not _ANY_SEPARATOR.search(given):
        return [given]
    if not separators:
        return [one for one in _LEGACY.split(given) if one]
    if len(set(separators)) > 1 or separators[0] not in _SEPARATORS:
        raise Unsure("two separators for version_locations, or an unknown one")
    return [one.strip() for one in given.split(_SEPARATORS[separators[0]]) if one.strip()]


def _folder(location: str, options: Mapping[str, Any]) -> str:
    """Return the absolute path of a folder, or of `package:folder`."""
    if os.path.isabs(location) or ":" not in location:  # noqa: PTH117
        return os.path.abspath(location)  # noqa: PTH100
    package, *names = location.split(":")
    return os.path.join(_package(package, _paths(options)), *names)  # noqa: PTH118


def _paths(options: Mapping[str, Any]) -> list[str]:
    given = options.get("prepend_sys_path") or []
    if isinstance(given, str) and _ANY_SEPARATOR.search(given):
        raise Unsure("prepend_sys_path names several folders")
    return [*([given] if isinstance(given, str) else given), *sys.path[1:], os.getcwd()]  # noqa: PTH109


def _package(name: str, paths: list[str]) -> str:
    """Return a package's folder without importing it."""
    parts = name.split(".")
    for depth in range(len(parts)):
        spec = PathFinder.find_spec(".".join(parts[: depth + 1]), paths)
        if spec is None or not spec.origin or not spec.submodule_search_locations:
            raise Unsure(f"{name} is no package that can be found without importing it")
        paths = list(spec.submodule_search_locations)
    return paths[0]
