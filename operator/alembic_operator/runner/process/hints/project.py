"""Hints for env.py, revisions and configurations that fail in Python."""

from __future__ import annotations

from alembic_operator.api.reasons import Reason
from alembic_operator.runner.process.hints.line import CODE, ENV, LOADING, Line

LINES = {
    "a driver is not installed": Line(
        "Install the driver in the image, or name in the URL one that it has: postgresql+psycopg2://, +psycopg://, +asyncpg://."
        " Without a name it is psycopg2, since SQLAlchemy 2.1 psycopg.",
        CODE,
        words=r"No module named '(?:psycopg\w*|asyncpg|pg8000)'|Can't load plugin: sqlalchemy\.dialects:postgresql\.",
    ),
    "libpq is missing": Line(
        "Install libpq in the image (Debian's libpq5), or the driver with it: psycopg2-binary, psycopg[binary].",
        CODE,
        words=r"libpq\.so|libpq library not found|no pq wrapper available",
    ),
    "greenlet is missing": Line(
        "Install greenlet in the image: sqlalchemy[asyncio] brings it.",
        CODE,
        words=r"greenlet library is required|No module named 'greenlet'",
    ),
    "a module is not found": Line(
        "If it is the application's own, start where it lies: workingDir or PYTHONPATH of the container, or"
        " prepend_sys_path in the configuration. Else install it, or set spec.alembic.python to the interpreter that"
        " has it.",
        CODE,
        words=r"ModuleNotFoundError: ",
    ),
    "an operation outside of its function": Line(
        "op works only in upgrade() and downgrade(), while env.py runs them by context.run_migrations(): move that line"
        " there.",
        CODE,
        words=r"Can't invoke function '[^']*', as the proxy object has not yet been established",
    ),
    "a name that is not imported": Line(
        "The file uses a name that it does not import: add the import there, and to script.py.mako for the next"
        " revisions.",
        CODE,
        words=r"^NameError: name ",
    ),
    "a file has an error of syntax": Line(
        "Python cannot read that line: correct it (a half resolved merge, or a newer Python's syntax) and deploy a new"
        " image.",
        CODE,
        ("",),  # PostgreSQL's drivers have a SyntaxError, too
        r"^(?:SyntaxError|IndentationError|TabError): ",
    ),
    "a file may not be read": Line(
        "The user of the pod may not use that file: correct its rights in the image, or spec.jobTemplate's"
        " securityContext.",
        CODE,
        words=r"PermissionError: ",
    ),
    "a string that is executed": Line(
        "SQLAlchemy 2 executes no plain strings: write sa.text() around it, or op.execute().",
        CODE,
        words=r"Not an executable object",
    ),
    "SQLAlchemy 2 took it away": Line(
        "SQLAlchemy 2 took that away: use a connection, for example op.get_bind(), or install sqlalchemy<2 in the"
        " image.",
        CODE,
        words=r"'(?:Engine|MetaData|OptionEngine)' object has no attribute '(?:execute|bind|scalar|has_table"
        r"|table_names|connection)'|unexpected keyword argument 'bind'",
    ),
    "the scripts have several lines": Line(
        "env.py asks for the one head, or base, of scripts that have several, as the target `heads` means: give"
        " spec.alembic.target a BRANCH@head or a revision, or let env.py use get_heads().",
        ENV,
        words=r"multiple (?:heads|bases)",
    ),
    "the target as a list": Line(
        "Perhaps env.py takes the target for one revision, and `heads` stands for several: give spec.alembic.target"
        " `head`, BRANCH@head or a revision. The pod's log has the traceback.",
        ENV,
        words=r"(?:unhashable type: 'list'|(?:list|tuple)' object has no attribute"
        r"|can only concatenate .*\b(?:list|tuple)\b|invalid revision.*heads)",
    ),
    "an option of oslo.config": Line(
        "The application's own command reads its settings before Alembic runs; here nobody did: put an env.py before"
        " its own that does (docs/howto/any-project.md), and mount its configuration file.",
        CODE,
        words=r"NoSuchOptError: |NoSuchGroupError: |ConfigFilesNotFoundError: |RequiredOptError: ",
    ),
    "a name that the ini file does not know": Line(
        "An .ini file does not read the environment: %(name)s there needs an option of that name. Let env.py set it,"
        " config.set_section_option(), or give spec.database; a % of a password is written %%.",
        (Reason.ENV_FAILED, Reason.CONFIG_INVALID),
        words=r"InterpolationMissingOptionError: |Bad value substitution",
    ),
    "a percent sign in an ini file": Line(
        "A % in an .ini file, or in set_main_option(), must be written as %%.",
        (Reason.ENV_FAILED, Reason.CONFIG_INVALID),
        words=r"InterpolationSyntaxError: |invalid interpolation syntax",
    ),
    "logging is not configured": Line(
        "env.py calls fileConfig(), and the configuration has no logging in it: add the sections [loggers], [handlers]"
        " and [formatters], or take the call out.",
        ENV,
        words=r"KeyError: 'formatters'|NoSectionError: No section: '(?:formatters|loggers|handlers)'",
    ),
    "the URL of the template": Line(
        "sqlalchemy.url is still as `alembic init` wrote it: let env.py set it, or give spec.database.",
        ENV,
        words=r"dialects:driver\b",
    ),
    "an option that the ini file lacks": Line(
        "env.py found no URL, or no such option, where it looks: set the variable that it reads, or the option in its"
        " configuration; or give spec.database, where env.py takes sqlalchemy.url.",
        ENV,
        words=r"NoOptionError: |NoSectionError: |Could not parse (?:rfc1738|SQLAlchemy) URL|Expected string or"
        r" URL object|^KeyError: '(?:sqlalchemy\.)?url'$",
    ),
    "postgres:// as a name": Line(
        "SQLAlchemy knows postgresql://, no longer postgres://: correct the URL that env.py reads.",
        ENV,
        words=r"Can't load plugin: sqlalchemy\.dialects:postgres(?!ql)",
    ),
    "a port that is a URL": Line(
        "Kubernetes sets NAME_PORT to tcp://... for each Service of the namespace: set the variable itself, or"
        " enableServiceLinks: false in the pod template (a migration's own pod has that).",
        LOADING,
        words=r"(?:invalid literal|unable to parse|valid integer)[\s\S]*tcp://",
    ),
    "an asynchronous driver in a synchronous engine": Line(
        "env.py makes a synchronous engine with an asynchronous driver: give it a URL of postgresql+psycopg://, or"
        " write env.py as `alembic init -t async` does.",
        ENV,
        words=r"MissingGreenlet: |greenlet_spawn has not been called",
    ),
    "a synchronous driver in an asynchronous engine": Line(
        "env.py makes an asynchronous engine: give it a URL of postgresql+asyncpg:// or postgresql+psycopg://.",
        ENV,
        words=r"asyncio extension requires an async driver",
    ),
    "settings that lack a value": Line(
        "The application's settings lack what the message names: give these variables to the container, or in"
        " spec.jobTemplate.",
        LOADING,
        words=r"validation errors? for \w*(?:settings|config|env)|^(?:EnvError|EnvValidationError|UndefinedValueError"
        r"|ImproperlyConfigured): ",
    ),
    "a variable of the environment is missing": Line(
        "It is perhaps a variable of the environment that is not set: give it to the container, or in spec.jobTemplate."
        " The pod's log has the traceback.",
        LOADING,
        words=r"^KeyError: '(?-i:[A-Z][A-Z0-9_]+)'$",
    ),
}
