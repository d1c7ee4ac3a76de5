"""The table of hints: errors that people know by their words, and what who knows them would say.

Each line is proved by the error that it is for in tests/unit/runner/test_advice.py.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from alembic_operator.api.reasons import Reason

AGAIN = " Then give the migration's annotation alembic-operator.dev/retry a new value: that starts the next run."
"""For what a person mends outside of the image: nothing else tells the operator that it is done."""


class Line(NamedTuple):
    """What to do about one kind of error."""

    pattern: str
    """Of `Class: words` of the error, or of one that led to it."""
    hint: str
    reasons: tuple[Reason, ...]
    """The line is for errors that end a run for one of these."""


_REVISION = (Reason.REVISION_FAILED,)
_LOADING = (Reason.ENV_FAILED, Reason.BROKEN_SCRIPTS)
_CODE = (*_LOADING, *_REVISION)
_IN_DATABASE = (Reason.REVISION_FAILED, Reason.PERMISSION_DENIED)

LINES = {
    "extension is not on the server": Line(
        r'extension "[^"]*" is not available|could not open extension control file|could not access file "\$libdir',
        "The server lacks the extension's files: install its package there, or take an image of PostgreSQL that has it."
        f" Nothing is wrong with the revision.{AGAIN}",
        _REVISION,
    ),
    "extension must be loaded first": Line(
        r"shared_preload_libraries|must be preloaded",
        "Add the extension's library to shared_preload_libraries of the server, and restart the server. Nothing is"
        " wrong"
        f" with the revision.{AGAIN}",
        _REVISION,
    ),
    "extension is not allowed by the provider": Line(
        r"extension .* is not allow-?listed|is not in the allowed list|rds\.extensions|azure\.extensions",
        "The provider of the server allows only listed extensions: add it to that list (azure.extensions,"
        f" rds.allowed_extensions).{AGAIN}",
        _IN_DATABASE,
    ),
    "extension needs more rights": Line(
        r"permission denied to create extension",
        "Let an administrator run CREATE EXTENSION in this database once: IF NOT EXISTS then passes. Or set"
        " spec.database.role to a role that may.",
        _IN_DATABASE,
    ),
    "a type or function of an extension": Line(
        r'type "(?:public\.)?(?:vector|halfvec|geometry|geography|citext|hstore|ltree)" does not exist'
        r"|operator class \"[^\"]*\" does not exist"
        r"|function (?:public\.)?(?:uuid_generate_v\w+|gen_random_\w+|crypt|digest|unaccent"
        r"|similarity)\(.* does not exist",
        "It belongs to an extension: create that in a revision before (CREATE EXTENSION IF NOT EXISTS), or have it"
        " created"
        " in this database. Where it exists, its schema is not on the search path.",
        _REVISION,
    ),
    "a view needs the column": Line(
        r"cannot (?:drop|alter type of a) .* (?:because other objects depend on it|used by a view or rule)",
        "Other objects need it; the log names them. Drop them in the revision before and make them again after.",
        _REVISION,
    ),
    "a column gets NOT NULL over rows": Line(
        r'column "[^"]*" (?:of relation "[^"]*" )?contains null values',
        "Rows have no value for it: give them one in the revision first (UPDATE, or a server_default).",
        _REVISION,
    ),
    "rows break the new constraint": Line(
        r'could not create unique index|check constraint "[^"]*" .* is violated by some row',
        "Rows break what the revision wants to enforce: correct them, in the database or in the revision before this"
        " step.",
        _REVISION,
    ),
    "rows have no parent": Line(
        r'insert or update on table "[^"]*" violates foreign key constraint',
        "A row refers to another one that is not there: correct the rows, in the database or in the revision before"
        " it.",
        _REVISION,
    ),
    "value is too long for version_num": Line(
        r"value too long for type character varying\(32\)",
        "If this is the version table's: the name of the revision is longer than its column. Use a shorter name, or"
        " widen"
        " version_num.",
        _REVISION,
    ),
    "a module is not installed": Line(
        r"ModuleNotFoundError: ",
        "Install the module in the image, put its folder on PYTHONPATH, or set spec.alembic.python to the"
        " interpreter that"
        " has it.",
        _CODE,
    ),
    "a file has an error of syntax": Line(
        r"^(?:SyntaxError|IndentationError|TabError): ",
        "Python cannot read that line: correct it (a half resolved merge, or a newer Python's syntax) and deploy a new"
        " image.",
        _CODE,
    ),
    "a file may not be read": Line(
        r"PermissionError: ",
        "The user of the pod may not use that file: correct its rights in the image, or spec.jobTemplate's"
        " securityContext.",
        _CODE,
    ),
    "the scripts have several lines": Line(
        r"multiple (?:heads|bases)",
        "env.py asks for the one head, or base, of scripts that have several, as the target `heads` means: give"
        " spec.alembic.target a BRANCH@head or a revision, or let env.py use get_heads().",
        (Reason.ENV_FAILED,),
    ),
    "the target as a list": Line(
        r"(?:unhashable type: 'list'|(?:list|tuple)' object has no attribute|can only concatenate"
        r"|invalid revision.*heads)",
        "Perhaps env.py takes the target for one revision, and `heads` stands for several: give spec.alembic.target"
        " `head`,"
        " BRANCH@head or a revision. The pod's log has the traceback.",
        (Reason.ENV_FAILED,),
    ),
    "an option of oslo.config": Line(
        r"NoSuchOptError: |NoSuchGroupError: |ConfigFilesNotFoundError: |RequiredOptError: ",
        "The application's own command reads its settings before Alembic runs; here nobody did: put an env.py before"
        " its"
        " own that does (docs/howto/any-project.md), and mount its configuration file.",
        _CODE,
    ),
    "a percent sign in an ini file": Line(
        r"InterpolationSyntaxError: |invalid interpolation syntax|InterpolationMissingOptionError: ",
        "A % in an .ini file, or in set_main_option(), must be written as %%.",
        (Reason.ENV_FAILED, Reason.CONFIG_INVALID),
    ),
    "logging is not configured": Line(
        r"KeyError: 'formatters'|NoSectionError: No section: '(?:formatters|loggers|handlers)'",
        "env.py calls fileConfig(), and the configuration has no logging in it: add the sections [loggers],"
        " [handlers] and"
        " [formatters], or take the call out.",
        (Reason.ENV_FAILED,),
    ),
    "an option that the ini file lacks": Line(
        r"NoOptionError: |NoSectionError: |Could not parse (?:rfc1738|SQLAlchemy) URL|Expected string or URL object",
        "env.py found no URL, or no such option, where it looks: set the variable that it reads, or the option in its"
        " configuration; or give spec.database, where env.py takes sqlalchemy.url.",
        (Reason.ENV_FAILED,),
    ),
    "postgres:// as a name": Line(
        r"Can't load plugin: sqlalchemy\.dialects:postgres(?!ql)",
        "SQLAlchemy knows postgresql://, no longer postgres://: correct the URL that env.py reads.",
        (Reason.ENV_FAILED,),
    ),
    "an asynchronous driver in a synchronous engine": Line(
        r"MissingGreenlet: |greenlet_spawn has not been called",
        "env.py makes a synchronous engine with an asynchronous driver: give it a URL of postgresql+psycopg://, or"
        " write"
        " env.py as `alembic init -t async` does.",
        (Reason.ENV_FAILED,),
    ),
    "a synchronous driver in an asynchronous engine": Line(
        r"asyncio extension requires an async driver",
        "env.py makes an asynchronous engine: give it a URL of postgresql+asyncpg:// or postgresql+psycopg://.",
        (Reason.ENV_FAILED,),
    ),
    "a variable of the environment is missing": Line(
        r"KeyError: '[A-Z][A-Z0-9_]+'$",
        "It is perhaps a variable of the environment that is not set: give it to the container, or in"
        " spec.jobTemplate. The"
        " pod's log has the traceback.",
        _LOADING,
    ),
}
"""The first line that fits counts. All patterns ignore case."""


def known(reason: Reason, text: str) -> str:
    """Return the hint of the first line for an error that reads like this; empty: none is."""
    for line in LINES.values():
        if reason in line.reasons and re.search(line.pattern, text, re.IGNORECASE | re.MULTILINE):
            return line.hint
    return ""
