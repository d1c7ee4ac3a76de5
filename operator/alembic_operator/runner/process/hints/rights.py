"""Hints for what the server does not let the user do, extensions before all."""

from __future__ import annotations

from alembic_operator.api.reasons import Reason
from alembic_operator.runner.process.hints.line import AGAIN, IN_DATABASE, REVISION, Line

_DENIED = (Reason.PERMISSION_DENIED,)

LINES = {
    "extension is not on the server": Line(
        "The server lacks the extension's files, or this version of them: install its package there, or take an image"
        f" of PostgreSQL that has it. Nothing is wrong with the revision.{AGAIN}",
        REVISION,
        words=r'extension "[^"]*" is not available|could not open extension control file|could not access file'
        r' "\$libdir|could not load library|has no installation script',
    ),
    "extension must be loaded first": Line(
        "Add the extension's library to shared_preload_libraries of the server, and restart it. Nothing is wrong with"
        f" the revision.{AGAIN}",
        REVISION,
        words=r"shared_preload_libraries|must be preloaded",
    ),
    "extension is not allowed by the provider": Line(
        "The provider of the server allows only listed extensions: add it to that list (azure.extensions,"
        f" rds.allowed_extensions).{AGAIN}",
        IN_DATABASE,
        words=r"extension .* is not allow-?listed|is not in the allowed list|rds\.extensions|azure\.extensions",
    ),
    "extension needs more rights": Line(
        "Let an administrator run CREATE EXTENSION in this database once: IF NOT EXISTS then passes. Or set"
        " spec.database.role to a role that may.",
        IN_DATABASE,
        words=r"permission denied to create extension",
    ),
    "extension needs another one": Line(
        "It needs another extension: write CREATE EXTENSION ... CASCADE, or create that one before.",
        REVISION,
        words=r"required extension .* is not installed",
    ),
    "a type or function of an extension": Line(
        "It belongs to an extension: create that in a revision before (CREATE EXTENSION IF NOT EXISTS), or have it"
        " created in this database. Where it exists, its schema is not on the search path.",
        REVISION,
        words=r'type "(?:\w+\.)?(?:vector|halfvec|sparsevec|geometry|geography|citext|hstore|ltree|cube)" does not'
        r' exist|operator class "[^"]*" does not exist|(?:access method|language) "[^"]*" does not exist'
        r"|function (?:\w+\.)?(?:uuid_generate_v\w+|gen_random_\w+|crypt|digest|unaccent|similarity|st_\w+)\(.*"
        r" does not exist",
    ),
    "not the owner": Line(
        "Only the owner may change it. Set spec.database.role to the owner (the user must be a member of that role), or"
        " let the owner run ALTER ... OWNER TO the user.",
        _DENIED,
        words=r"must be owner of",
    ),
    "a schema that the user may not use": Line(
        "Let the schema's owner run GRANT USAGE ON SCHEMA ... TO the user, and GRANT CREATE if tables are to be made in"
        " it. Since PostgreSQL 15 only the database's owner may create in public. It is tried again.",
        _DENIED,
        words=r"permission denied for schema",
    ),
    "a table of somebody else": Line(
        "Let the table's owner grant it: SELECT to read, REFERENCES for a foreign key; and ALTER DEFAULT PRIVILEGES FOR"
        " ROLE the owner, for tables of later revisions. Or set spec.database.role to the owner. It is tried again.",
        _DENIED,
        words=r"permission denied for (?:table|view|materialized view|foreign table|sequence|relation)",
    ),
    "a database in which the user may not make a schema": Line(
        "CREATE SCHEMA IF NOT EXISTS wants the right CREATE on the database also where the schema exists: GRANT CREATE"
        " ON DATABASE ... TO the user, or take it out of env.py and the revisions. It is tried again.",
        _DENIED,
        words=r"permission denied for database \w",
    ),
    "a right on the whole server": Line(
        "It is a right on the whole server, not on tables (CREATEROLE, CREATEDB, membership in a role, superuser): let"
        " an administrator do it once, or give the user that right. It is tried again.",
        _DENIED,
        words=r"permission denied to|must be (?:superuser|able to|a member)|must have .* (?:privilege|option)",
    ),
    "row-level security": Line(
        "Row-level security applies to the user: set spec.database.role to the owner of the table, or give the user"
        " BYPASSRLS. It is tried again.",
        _DENIED,
        words=r"row-level security",
    ),
}
