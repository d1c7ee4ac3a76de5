"""Flask-Migrate's kind of env.py: it finds everything in flask.current_app, which `flask db` makes before it runs."""

from __future__ import annotations

import ast
import functools
import importlib
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alembic_operator.api.reasons import Reason
from alembic_operator.runner.process.failures import Ending
from alembic_operator.runner.project import source

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def context(config: Any, script: Any) -> Iterator[None]:
    """Be in the application's context when env.py needs one and does not make it; else do nothing.

    Raises:
        Ending: EnvFailed, when Flask does not find the application.
    """
    if not _wants_application(Path(script.dir, "env.py")):
        yield
        return
    app = _application()
    with app.app_context():
        if "migrate" in app.extensions:  # those that the project registered with @migrate.configure
            app.extensions["migrate"].migrate.call_configure_callbacks(config)
        yield


def _wants_application(env: Path) -> bool:
    try:
        text = env.read_text(encoding="utf-8")
        if "current_app" not in text:
            return False
        imports = [node for node in ast.walk(source.parsed(text)) if isinstance(node, ast.ImportFrom)]
    except (SyntaxError, ValueError, OSError):
        return False
    wanted = any(one.module == "flask" and "current_app" in [name.name for name in one.names] for one in imports)
    return wanted and "app_context" not in text


@functools.cache
def _application() -> Any:
    """Load the application as the command `flask` does: FLASK_APP, or wsgi.py or app.py in the working directory.

    Once, as that command does: some applications take seconds to make, and env.py runs for each revision of a plan.
    """
    try:
        cli = importlib.import_module("flask.cli")
    except ImportError as error:
        message = f"env.py needs Flask, which cannot be imported: {error}"
        hint = "Set spec.alembic.python to the interpreter of the image that has it."
        raise Ending(Reason.ENV_FAILED, message, hint) from error
    if cli.get_load_dotenv(default=True):
        cli.load_dotenv()
    try:
        return cli.ScriptInfo(app_import_path=os.environ.get("FLASK_APP")).load_app()
    except cli.NoAppException as error:
        message = f"env.py needs the Flask application: {' '.join(str(error).split())}"
        raise Ending(Reason.ENV_FAILED, message, "Set FLASK_APP in the environment of the container.") from error
