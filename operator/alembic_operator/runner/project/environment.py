"""Drive the project's own env.py, unedited: hand Alembic what the runner needs to know and forces."""

from __future__ import annotations

import configparser
import functools
import inspect
import os
import sys
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable

from alembic.config import CommandLine, Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError

from alembic_operator.api.reasons import Reason
from alembic_operator.runner.process.failures import Ending
from alembic_operator.runner.project import flask_app, layout, rerun, scripts
from alembic_operator.runner.project.attributes import Attributes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from alembic_operator.contract import Invocation

Steps = Callable[[Any, Any], "Iterable[Any]"]


@dataclass
class Hooks:
    """What the runner does at the stations of env.py."""

    configuring: Callable[[Any, dict[str, Any]], None]
    """Called with the connection and the arguments of context.configure(), which it may change, before Alembic is."""
    configured: Callable[[Any], None]
    """Called with the migration context after it."""
    steps: Steps | None = None
    """The revisions to run; None: look only, context.run_migrations() then does nothing."""
    calls: list[str] = field(default_factory=list)
    """Which stations env.py came by."""
    connect: Callable[[], Any] | None = None
    """Makes the connection that env.py may require; None: there is no address to connect to."""
    running: Callable[[Any], None] = lambda _: None
    """Called with the migration context when env.py calls context.run_migrations()."""
    ran: Callable[[Any], None] = lambda _: None
    """Called with it when the revisions have run."""
    failure: BaseException | None = None
    """What the last station raised; a thread of env.py's may have swallowed it."""


def open_config(invocation: Invocation) -> Config:
    """Read Alembic's configuration as its own command line does.

    Raises:
        Ending: ConfigInvalid.
    """
    path = Path(invocation.config)
    if not path.is_file():
        hint = "Set spec.alembic.config to its path in the image, or its folder as workingDir."
        raise Ending(Reason.CONFIG_INVALID, layout.absent(invocation.config), hint)
    given: dict[str, Any] = {"ini_section": invocation.section, "cmd_opts": _options(invocation)}
    both = "toml_file" in inspect.signature(Config).parameters
    if path.name == "pyproject.toml":
        if not both:
            raise Ending(Reason.CONFIG_INVALID, "a pyproject.toml needs Alembic 1.16 or newer", "Update Alembic.")
        return Config(file_="alembic.ini", toml_file=invocation.config, **given)
    beside = {"toml_file": "pyproject.toml"} if both else {}
    config = Config(file_=invocation.config, **beside, **given)
    _find_scripts(config, path.parent)
    return config


def _find_scripts(config: Config, folder: Path) -> None:
    """Take the configuration's own folder for the scripts' where it names none, as `flask db` does."""
    with suppress(CommandError, configparser.Error, ValueError):  # open_scripts will say it
        option = getattr(config, "get_alembic_option", config.get_main_option)  # since 1.16 also of a pyproject.toml
        said = config.get_main_option("script_location") or option("script_location")
        if not said and (folder / "env.py").is_file():
            config.set_main_option("script_location", str(folder.absolute()).replace("%", "%%"))


def _options(invocation: Invocation) -> Any:
    words = ["-c", invocation.config, "-n", invocation.section]
    for argument in invocation.x:
        words += ["-x", argument]
    command = invocation.command if invocation.command in ("downgrade", "stamp") else "upgrade"
    words += [command, invocation.target]
    sys.argv[:] = ["alembic", *words]  # applications look there for what they are started for
    return command_line().parser.parse_args(words)


@functools.lru_cache(maxsize=1)
def command_line() -> CommandLine:
    """Return Alembic's, which takes longer to make than to ask."""
    return CommandLine(prog="alembic")


def open_scripts(config: Config, invocation: Invocation) -> ScriptDirectory:
    """Find the scripts that the configuration names; loads none of them.

    Raises:
        Ending: ConfigInvalid.
    """
    if str(Path.cwd()) not in sys.path:
        sys.path.append(
            str(Path.cwd())
        )  # last: `python -m alembic` finds the application there, nothing is hidden by it
    scripts.leave_out_attributes()
    try:
        _look_beside_the_file(config, invocation)
        return _with_env(ScriptDirectory.from_config(config))
    except (CommandError, configparser.Error, ValueError, ImportError) as error:
        message = f"{invocation.config}, section {invocation.section}: {error}"
        hint = (
            "Check spec.alembic.config, its section and script_location; a relative one is looked for from the working"
            " directory and near the configuration: write %(here)s before it, or set workingDir."
        )
        raise Ending(Reason.CONFIG_INVALID, message, hint) from error


def _with_env(script: ScriptDirectory) -> ScriptDirectory:
    folder = Path(script.dir)
    if folder.is_dir() and not any((*folder.glob("env.py*"), *folder.glob("__pycache__/env.*"))):
        raise CommandError(f"there is no env.py in {folder.absolute()}")
    return script


def _look_beside_the_file(config: Config, invocation: Invocation) -> None:
    if Path(invocation.config).name == "pyproject.toml":
        return  # its options cannot be set
    location = config.get_main_option("script_location") or ""
    place = layout.nearby(location, invocation.config)
    if place != location:
        config.set_main_option("script_location", place.replace("%", "%%"))


def run(config: Config, script: ScriptDirectory, hooks: Hooks, target: str, **offline: Any) -> None:
    """Run env.py once; what its last station raised is raised again when env.py kept it to itself.

    `offline`: as_sql and starting_rev, as Alembic knows them.
    """
    destination = tuple(scripts.parts(target)) if "," in target else target
    environment = EnvironmentContext(config, script, fn=hooks.steps or _nothing, destination_rev=destination, **offline)
    _hook(environment, hooks)
    config.attributes = attributes = Attributes(hooks.connect)
    try:
        with _working_directory(), flask_app.context(config, script), environment:
            _run_env(script.run_env, attributes, hooks)
    except BaseException as error:
        if hooks.failure and hooks.failure is not error:
            raise hooks.failure from error  # it tells more than the sys.exit(1) that env.py made of it
        raise
    finally:
        attributes.close()
    if hooks.failure:
        raise hooks.failure


@contextmanager
def _working_directory() -> Iterator[None]:
    """Come back from wherever env.py goes: what the command line names is relative to here, in the next attempt too."""
    here = Path.cwd()
    try:
        yield
    finally:
        os.chdir(here)


def _run_env(env: Callable[[], None], attributes: Attributes, hooks: Hooks) -> None:
    try:
        env()
    except SystemExit as end:  # an env.py that ends itself without an error has ended well, as for `alembic upgrade`
        if end.code or hooks.failure:
            raise
    except Exception as error:
        way = None if hooks.calls else rerun.missed(error, attributes)
        if way is None:
            raise
        way(env)


def _nothing(_heads: Any, _context: Any) -> list[Any]:
    return []


def _hook(environment: EnvironmentContext, hooks: Hooks) -> None:
    # On the instance, not in a subclass: `alembic.context` finds its functions by EnvironmentContext's own class.
    original_configure, original_run = environment.configure, environment.run_migrations

    def configure(connection: Any = None, *positional: Any, **arguments: Any) -> None:
        hooks.calls.append("configure")
        with _remembered(hooks):
            hooks.configuring(connection, arguments)
            original_configure(connection, *positional, **arguments)
            hooks.configured(environment.get_context())

    def run_migrations(**arguments: Any) -> None:
        hooks.calls.append("run_migrations")
        with _remembered(hooks):
            hooks.running(environment.get_context())
            if hooks.steps:
                original_run(**arguments)
            hooks.ran(environment.get_context())

    environment.configure = configure
    environment.run_migrations = run_migrations


@contextmanager
def _remembered(hooks: Hooks) -> Iterator[None]:
    hooks.failure = None
    try:
        yield
    except BaseException as error:
        hooks.failure = error
        raise


def also_on_version_apply(arguments: dict[str, Any], callback: Callable[..., None]) -> None:
    """Add a callback to those that env.py gives to context.configure(); called in a revision's open transaction."""
    given = arguments.get("on_version_apply") or ()
    callbacks = [given] if callable(given) else list(given)
    arguments["on_version_apply"] = [*callbacks, callback]


def around_autocommit(context: Any, around: Callable[[], Any], inside: Callable[[], Any]) -> None:
    """Let context managers surround every autocommit_block of a migration context, and its body."""
    original = context.autocommit_block

    @contextmanager
    def autocommit_block() -> Iterator[None]:
        with around(), original(), inside():
            yield

    context.autocommit_block = autocommit_block


NOTHING = (
    "env.py configured no database (it loops over no tenant?): nothing was migrated, as `alembic upgrade` would do. A"
    " revision as the target makes this an error"
)


def never_ran(calls: list[str], target: str) -> Ending | None:
    """Return why a run whose env.py ended without an error is no success; None: it ran the revisions, or had none to.

    An env.py that finds nothing to migrate has reached a target that names no revision.
    """
    nothing = not calls and all(one in ("head", "heads") for one in scripts.parts(target))
    if nothing or "run_migrations" in calls:
        return None
    missed = "context.run_migrations()" if "configure" in calls else "context.configure()"
    return Ending(Reason.ENV_FAILED, f"env.py ended without calling {missed}", "Compare it with Alembic's template.")


def unconfigured() -> Ending:
    """Return what ends a run whose env.py did not call context.configure()."""
    message = "env.py ended without calling context.configure()"
    return Ending(Reason.ENV_FAILED, message, "Compare it with Alembic's template.")
