"""What servers and drivers say only in words: libpq has no SQLSTATE when a connection fails."""

from __future__ import annotations

import re

_CONNECT_MESSAGES = (
    (r"authentication failed|no password supplied|no pg_hba\.conf entry", "28P01"),
    (r"role \".*\" does not exist|is not permitted to log in|requires SCRAM authentication", "28000"),
    (r"database \".*\" does not exist|no such database", "3D000"),
    (r"permission denied for database", "42501"),
    (r"too many clients|remaining connection slots|too many connections for", "53300"),
    (r"no more connections allowed|query_wait_timeout", "53300"),
    (r"the database system is|terminating connection due to administrator", "57P03"),
)
_NETWORK = re.compile(
    r"could not translate host name|failed to resolve|Name or service not known|nodename nor servname|getaddrinfo"
    r"|Connection refused|could not connect|timeout expired|timed out|No route to host|Network is unreachable"
    r"|server closed the connection|connection (?:is|was|already) closed|Connection reset|SSL (?:SYSCALL|connection)"
    r"|No such file or directory\s+Is the server running|Can't create a connection to host|^network error$"
)
_CATALOG = {
    "23505": re.compile(r"\bpg_\w+_index\b"),
    "XX000": re.compile(r"\btuple concurrently (?:updated|deleted)"),
}
"""Two sessions made, or changed the rights of, one schema, extension, type or role at the same moment."""
_ARGUMENTS = re.compile(
    r"invalid (?:connection option|dsn|URI|port number|integer value|[\w-]+ value)|unexpected keyword argument"
    r"|missing \"=\" after|invalid percent-encoded|extra key/value separator|when SSL support is not compiled in"
    r"|forbidden value|parameter must be one of|definition of service .* not found|service file .* not found"
    r"|parameter .* (?:can't be of type|cannot be None)"
)
_FAILED = re.compile(r"connection to server .* failed|connection failed|cannot switch to state \d+; another operation")
"""The last one is asyncpg's, when the server's parting word came between two statements."""

_OWN_SESSION = re.compile(r"pending trigger events|in this session")


def connect_sqlstate(text: str) -> str:
    """Return the code of a failed connection attempt; empty when it is not known, or not in English."""
    return next((code for pattern, code in _CONNECT_MESSAGES if re.search(pattern, text)), "")


def is_of_network(text: str) -> bool:
    """Tell whether a driver says that there is nobody at the other end."""
    return bool(_NETWORK.search(text))


def is_of_arguments(text: str) -> bool:
    """Tell whether a driver does not understand how it was asked to connect; no server was asked."""
    return bool(_ARGUMENTS.search(text))


def is_of_a_service(text: str) -> bool:
    """Tell whether libpq misses a service, or the file of services that it was told of."""
    return bool(re.search(r"definition of service|service file", text))


def is_of_connection(text: str) -> bool:
    """Tell whether a driver says that there is no connection, for whatever reason."""
    return is_of_network(text) or bool(_FAILED.search(text))


def is_of_catalog(sqlstate: str, text: str) -> bool:
    """Tell whether a server's own catalog was in the way, as IF NOT EXISTS does not prevent; later it is not."""
    return sqlstate in _CATALOG and bool(_CATALOG[sqlstate].search(text))


def is_of_own_session(sqlstate: str, text: str) -> bool:
    """Tell whether what is in use is used by the very session that wants to change it; later it is, too."""
    return sqlstate == "55006" and bool(_OWN_SESSION.search(text))
