"""Hints for connections that are not made, or lost."""

from __future__ import annotations

from alembic_operator.api.reasons import Reason
from alembic_operator.runner.process.hints.line import CODE, PAST, REVISION, Line

_UNREACHABLE = (Reason.DATABASE_UNREACHABLE,)
_REFUSED = (Reason.AUTHENTICATION_FAILED,)
_ADDRESS = (Reason.ENV_FAILED, Reason.CONFIG_INVALID)

LINES = {
    "a connection past SQLAlchemy": Line(
        "A connection that the revision made by itself, past SQLAlchemy, goes where the application's"
        " settings say and not where spec.database does. It is tried again.",
        _UNREACHABLE,
        place=PAST,
    ),
    "localhost": Line(
        "localhost is the migration's own pod: set the variable that env.py reads its URL from, or spec.database. A"
        " proxy beside the application must be in spec.jobTemplate, too.",
        _UNREACHABLE,
        words=r"\b(?:localhost|127\.0\.0\.1|::1)\b.*(?:refused|cannot assign)|Connect call failed \('(?:127\.|::1)",
    ),
    "no host": Line(
        "No host was given, so that a socket of this pod was looked for: set the variable that env.py reads its URL"
        " from, or spec.database.",
        _UNREACHABLE,
        words=r"connection to server on socket|No such file or directory[\s\S]*on that socket",
    ),
    "a name that does not resolve": Line(
        "The cluster does not know the host's name. A Service of another namespace is SERVICE.NAMESPACE. It is tried"
        " again.",
        _UNREACHABLE,
        words=r"could not translate host name|failed to resolve host|Name or service not known|gaierror",
    ),
    "a database that is invalid": Line(
        "A DROP DATABASE was interrupted, and nobody can connect to what is left: drop it again. It is tried again.",
        _UNREACHABLE,
        words=r"invalid database",
    ),
    "a server without TLS": Line(
        "The server has no TLS: turn it on there (ssl), or set spec.database.sslMode, or sslmode in env.py's URL, to"
        " prefer.",
        _UNREACHABLE,
        words=r"server does not support SSL|rejected SSL upgrade",
    ),
    "a certificate that is not trusted": Line(
        "Mount the certificate of the authority that signed the server's, and name it with sslrootcert; the host must"
        " be the name in the server's certificate.",
        (*_UNREACHABLE, Reason.ENV_FAILED),
        words=r"certificate verify failed|root certificate file|does not match host name",
    ),
    "the server goes away": Line(
        "The server, or a proxy before it, ended the connection: its log says why (a restart, memory, an idle limit)."
        " It is tried again.",
        _UNREACHABLE,
        words=r"server closed the connection|terminating connection|SSL SYSCALL error: EOF|closed in the middle"
        r"|connection (?:was|has been) closed|unexpected connection_lost",
    ),
    "a host that the server does not admit": Line(
        "The server admits nobody from here as this user to this database: perhaps only with TLS"
        " (spec.database.sslMode: require, or sslmode in env.py's URL), else by a line in its pg_hba.conf. It is tried"
        " again.",
        _REFUSED,
        words=r"no pg_hba\.conf entry",
    ),
    "no password": Line(
        "No password was given: set spec.database.passwordFrom, or the variable that env.py reads it from.",
        _REFUSED,
        words=r"no password supplied|password is required|empty password",
    ),
    "a role that may not log in": Line(
        "Let an administrator run ALTER ROLE ... LOGIN, or take a user who may; it is tried again.",
        _REFUSED,
        words=r"is not permitted to log in",
    ),
    "an option that the driver does not know": Line(
        "The driver does not know this option of the URL. asyncpg takes ssl=require, not sslmode; no driver takes what"
        " Prisma or a pooler adds (schema, pgbouncer).",
        _ADDRESS,
        words=r"unexpected keyword argument '(?:ssl\w*|channel_binding|connect_timeout|options|target_session_attrs"
        r"|application_name|schema|pgbouncer|gssencmode)'|invalid (?:connection option|URI query parameter)",
    ),
    "a pool that is empty": Line(
        "env.py, or a revision, takes one more connection of its engine than the pool may make: let it close the first,"
        " or use NullPool, as Alembic's template does.",
        CODE,
        words=r"QueuePool limit of size",
    ),
    "too many locks": Line(
        "The transaction locks more than the server has room for: raise its max_locks_per_transaction and restart it,"
        " or split the revision.",
        (Reason.RESOURCES_EXHAUSTED,),
        words=r"max_locks_per_transaction",
    ),
    "a small /dev/shm": Line(
        "The server's container has too small a /dev/shm: mount an emptyDir of medium Memory there, or set"
        " max_parallel_maintenance_workers to 0. It is tried again.",
        (Reason.RESOURCES_EXHAUSTED,),
        words=r"could not resize shared memory segment",
    ),
    "a prepared statement of another session": Line(
        "A pooler gave the statements of one session to several: give the server's own address, or a pool in session"
        " mode.",
        REVISION,
        ("26000", "42P05"),
    ),
}
