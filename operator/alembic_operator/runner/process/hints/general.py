"""Hints for what is known only by its reason."""

from __future__ import annotations

from alembic_operator.api.reasons import Reason
from alembic_operator.runner.process.hints.line import REVISION, UNDOING, Line

LINES = {
    "a table is locked": Line(
        "Other sessions lock the table (pg_stat_activity shows them); or raise spec.policy.lockTimeout.",
        (Reason.LOCK_TIMEOUT,),
    ),
    "a conflict": Line(
        "Other sessions were in its way. The revision was rolled back; it is tried again.", (Reason.CONFLICT,)
    ),
    "an unreachable server": Line(
        "Check host and port, and that the server is up; it is tried again.", (Reason.DATABASE_UNREACHABLE,)
    ),
    "a server without room": Line(
        "Give the server room, as the message says (disk, memory, max_connections, a limit of the role or database);"
        " it is tried again.",
        (Reason.RESOURCES_EXHAUSTED,),
    ),
    "a wrong password": Line(
        "Correct the user or the password in the Secret; the next attempt takes it.", (Reason.AUTHENTICATION_FAILED,)
    ),
    "a missing database": Line(
        "Create or restore the database, or correct its name; it is tried again. spec.database.create.ifMissing makes"
        " it only for an object that has migrated none: to begin with an empty one, delete the object and apply it"
        " again.",
        (Reason.DATABASE_NOT_FOUND,),
    ),
    "a missing right": Line(
        "Grant the right to the user, or set spec.database.role to the owner of the tables; it is tried again.",
        (Reason.PERMISSION_DENIED,),
    ),
    "a missing role": Line(
        "Create it, or correct spec.database.role; it is looked for again.", (Reason.ROLE_NOT_FOUND,)
    ),
    "a pooler": Line(
        "Give the server's own address, or that of a pool in session mode. Take startup parameters (options,"
        " server_settings) out of env.py, or list them in the pooler's ignore_startup_parameters.",
        (Reason.POOLED_CONNECTION,),
    ),
    "a server that only reads": Line(
        "Connect to the primary. If this is it, somebody set default_transaction_read_only: some providers do when the"
        " disk is full. It is tried again.",
        (Reason.READ_ONLY_DATABASE,),
    ),
    "a timeout of somebody else's": Line(
        "A timeout that the role, the database or env.py sets ended the session: raise it there.",
        (Reason.STATEMENT_TIMEOUT,),
        ("25P03", "25P04", "57P05"),
    ),
    "a statement that takes too long": Line(
        "Raise spec.policy.statementTimeout, or split the statement.", (Reason.STATEMENT_TIMEOUT,)
    ),
    "a file that cannot be loaded": Line(
        "Correct the file, or give it what it needs to load; the pod's log has the traceback.", (Reason.BROKEN_SCRIPTS,)
    ),
    "an env.py that fails": Line(
        "The pod's log has the traceback; the application may need more of its environment variables.",
        (Reason.ENV_FAILED,),
    ),
    "a downgrade() that fails": Line(
        "Correct its downgrade() in a new image, or choose a target above it; the database stays at this revision.",
        REVISION,
        place=UNDOING,
    ),
    "a revision that fails": Line(
        "Correct the revision and deploy a new image; the database stays at the revision before.", REVISION
    ),
}
