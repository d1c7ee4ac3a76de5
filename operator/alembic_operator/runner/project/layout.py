"""Where Alembic's configuration puts env.py and the revisions, read without Alembic; or nowhere certain."""

from __future__ import annotations

import os
import re
import sys
from configparser import ConfigParser
from configparser import Error as Unreadable
from importlib.machinery import PathFinder
from typing import TYPE_CHECKING, Any, NamedTuple

from alembic_operator.runner.process.needs_alembic import NeedsAlembic

if TYPE_CHECKING:
    from collections.abc import Mapping

    from alembic_operator.contract import Invocation

_OPTIONS = (
    *("script_location", "version_locations", "path_separator", "version_path_separator", "prepend_sys_path"),
    *("recursive_version_locations", "sourceless", "file_template", "output_encoding", "timezone"),
)
_TYPES = {
    "script_location": str,
    "version_locations": list,
    "prepend_sys_path": list,
    "recursive_version_locations": bool,
    "sourceless": bool,
}
"""Of a TOML's options; Alembic would complain of others, or understand them strangely."""
_BESIDE = re.compile(rb"tool['\"\s]*\.['\"\s]*alembic|^\s*\[\s*['\"]?tool['\"]?\s*\]", re.MULTILINE)
"""What a pyproject.toml has in which Alembic 1.16 looks for the options that an .ini file lacks."""
_DEFAULT, _TOML = "alembic.ini", "pyproject.toml"
_NEVER = ("node_modules", "site-packages", "proc", "sys", "dev")
_DEPTH = 3
_SEPARATORS = {"space": " ", "newline": "\n", "os": os.pathsep, ":": ":", ";": ";"}
_LEGACY = re.compile(r", *| +")  # Alembic's own
_ANY_SEPARATOR = re.compile(r"[\s,:;]")
_ON = (True, "true")
"""Alembic takes no other word for yes."""


class Layout(NamedTuple):
    """The folders of one Alembic project."""

    env: str
    """Path of env.py."""
    locations: tuple[str, ...]
    recursive: bool


def read(invocation: Invocation) -> Layout:
    """Read Alembic's configuration.

    Raises:
        NeedsAlembic: it is wrong or unusual, and Alembic must say what it means.
    """
    name = os.path.basename(invocation.config)  # noqa: PTH119  pathlib costs the gate more than its whole work
    options = _toml(invocation.config) if name == "pyproject.toml" else _ini(invocation.config, invocation.section)
    location = options.get("script_location")
    if options.get("sourceless") in _ON or not location:
        raise NeedsAlembic(f"{invocation.config} has no script_location, or revisions without source")
    folder = _folder(location if name == "pyproject.toml" else nearby(location, invocation.config), options)
    found = tuple(_folder(one, options) for one in _locations(options)) or (os.path.join(folder, "versions"),)  # noqa: PTH118
    if not all(map(os.path.isdir, found)):
        raise NeedsAlembic(f"a folder of revisions does not exist: {', '.join(found)}")
    return Layout(os.path.join(folder, "env.py"), found, options.get("recursive_version_locations") in _ON)  # noqa: PTH118


def configuration(named: str, environ: Mapping[str, str]) -> str:
    """Return the path of the configuration; where the default was meant, as `alembic` itself looks for it."""
    if named != _DEFAULT:
        return named
    if said := environ.get("ALEMBIC_CONFIG"):
        return said
    return _TOML if not os.path.exists(named) and _is_whole(_TOML) else named  # noqa: PTH110


def _is_whole(path: str) -> bool:
    """Tell whether a pyproject.toml has options of Alembic's."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123
            return _BESIDE.search(file.read()) is not None
    except OSError:
        return False


def absent(path: str) -> str:
    """Return what to say of a configuration that does not exist: where it was looked for, and where others are."""
    others = []
    for folder, folders, names in os.walk("."):
        deep = folder.count(os.sep) >= _DEPTH
        folders[:] = (
            [] if deep else sorted(one for one in folders if not one.startswith(".") and one not in _NEVER)[:50]
        )
        others += [os.path.normpath(os.path.join(folder, one)) for one in names if one == _DEFAULT]  # noqa: PTH118
    missing = f"{os.path.abspath(path)} does not exist"  # noqa: PTH100
    if path == _DEFAULT:
        missing += ", ALEMBIC_CONFIG is not set, and no pyproject.toml beside it has [tool.alembic]"
    return missing + (f"; there is {', '.join(others[:5])}" if others else "")


def nearby(location: str, config: str) -> str:
    """Return a script_location; a relative one that the working directory lacks is looked for near the configuration.

    A program that carries its own migrations has them in its package, wherever a pod was told to start.
    """
    folder, parent = "", os.path.dirname(os.path.abspath(config))  # noqa: PTH100, PTH120
    here = os.path.isfile(os.path.join(location, "env.py"))  # noqa: PTH113, PTH118  "." is everywhere
    while location and ":" not in location and not here and folder != parent:
        folder, parent = parent, os.path.dirname(parent)  # noqa: PTH120
        if os.path.isfile(os.path.join(folder, location, "env.py")):  # noqa: PTH113, PTH118
            return os.path.join(folder, location)  # noqa: PTH118
    return location


def _ini(path: str, section: str) -> Mapping[str, Any]:
    parser = ConfigParser({"here": _here(path)})
    try:
        if os.path.exists("pyproject.toml"):  # noqa: PTH110
            with open("pyproject.toml", "rb") as toml:  # noqa: PTH123
                if _BESIDE.search(toml.read()):
                    raise NeedsAlembic(f"{path} is not the whole configuration")
        with open(path, encoding="utf-8") as file:  # noqa: PTH123
            parser.read_file(file)
        return {key: parser.get(section, key) for key in _OPTIONS if parser.has_option(section, key)}
    except (OSError, ValueError, Unreadable) as error:
        raise NeedsAlembic(f"{path}: {error}") from error


def _toml(path: str) -> Mapping[str, Any]:
    """Read `[tool.alembic]`; an alembic.ini beside it would be asked first."""
    if sys.version_info < (3, 11) or os.path.exists("alembic.ini"):  # noqa: PTH110
        raise NeedsAlembic(f"{path} is not the whole configuration")
    import tomllib  # noqa: PLC0415  few projects need it

    try:
        with open(path, "rb") as file:  # noqa: PTH123
            options = tomllib.load(file)["tool"]["alembic"]
        if not all(isinstance(options[key], kind) for key, kind in _TYPES.items() if key in options):
            raise NeedsAlembic(f"{path} has options of other types than Alembic's")
        return {key: _filled(options[key], {"here": _here(path)}) for key in _TYPES if key in options}
    except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise NeedsAlembic(f"{path}: {error}") from error


def _filled(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        return [one % names for one in value]
    return value % names if isinstance(value, str) else value


def _here(path: str) -> str:
    return _real(os.path.dirname(os.path.join(os.getcwd(), path)))  # noqa: PTH109, PTH118, PTH120


def _real(path: str) -> str:
    """Return a path without links; versions of Alembic differ in what a .. behind a link means."""
    found = os.path.realpath(path)
    if found != os.path.realpath(os.path.abspath(path)):  # noqa: PTH100
        raise NeedsAlembic(f"{path} has a .. behind a link")
    return found


def _separators(options: Mapping[str, Any]) -> set[str]:
    """Return what separates folders: one, or none was said."""
    found = {options[key] for key in ("path_separator", "version_path_separator") if key in options}
    if len(found) > 1 or not found.issubset(_SEPARATORS):
        raise NeedsAlembic("two separators of folders, or an unknown one")
    return found


def _locations(options: Mapping[str, Any]) -> list[str]:
    """Return version_locations; how a text is split depends on Alembic's version where two rules could apply."""
    separators, given = _separators(options), options.get("version_locations")
    if not given:
        return []
    if isinstance(given, list):
        return given
    if not _ANY_SEPARATOR.search(given):
        return [given]
    found = [one for one in given.split(_SEPARATORS[separators.pop()]) if one] if separators else _LEGACY.split(given)
    if not all(one and one == one.strip() for one in found):
        raise NeedsAlembic("a folder of version_locations has no name, or one with spaces around it")
    return found


def _folder(location: str, options: Mapping[str, Any]) -> str:
    """Return the absolute path of a folder, or of `package:folder`."""
    if os.path.isabs(location) or ":" not in location:  # noqa: PTH117
        return _real(location)
    package, *names = location.split(":")
    return os.path.join(_package(package, _paths(options)), *names)  # noqa: PTH118


def _paths(options: Mapping[str, Any]) -> list[str]:
    given = options.get("prepend_sys_path") or []
    if isinstance(given, str) and _ANY_SEPARATOR.search(given):
        raise NeedsAlembic("prepend_sys_path names several folders")
    return [*([given] if isinstance(given, str) else given), *sys.path[1:], os.getcwd()]  # noqa: PTH109


def _package(name: str, paths: list[str]) -> str:
    """Return a package's folder without importing it."""
    parts = name.split(".")
    for depth in range(len(parts)):
        spec = PathFinder.find_spec(".".join(parts[: depth + 1]), paths)
        if spec is None or not spec.origin or not spec.submodule_search_locations:
            raise NeedsAlembic(f"{name} is no package that can be found without importing it")
        paths = list(spec.submodule_search_locations)
    return paths[0]
