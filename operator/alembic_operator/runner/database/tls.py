"""Encrypt a connection as libpq's sslmode asks for it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from alembic_operator.runner.process.needs_alembic import NeedsAlembic

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_OWN_FILES = ("postgresql.crt", "root.crl")
"""A client certificate and a list of revoked ones, which libpq finds by itself and pg8000 does not."""


class RefusedError(ConnectionError):
    """The server has no TLS."""


class Encryption:
    """A context for TLS that is made when the server has agreed to it: importing and loading ssl takes a while."""

    def __init__(self, mode: str, roots: str) -> None:
        self._mode = mode
        self._roots = roots

    def wrap_socket(self, sock: Any, server_hostname: str) -> Any:
        """Shake hands, and refuse a server whose certificate is not what the mode asks for."""
        return self._context().wrap_socket(sock, server_hostname=server_hostname)

    def _context(self) -> ssl.SSLContext:
        import ssl  # noqa: PLC0415

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.check_hostname = self._mode == "verify-full"
        if not self._roots:
            context.verify_mode = ssl.CERT_NONE
        elif self._roots == "system":
            context.set_default_verify_paths()
        else:
            context.load_verify_locations(self._roots)
        return context


def ways(mode: str, options: Mapping[str, str], environ: Mapping[str, str]) -> list[Encryption | None]:
    """Return how to connect, one after the other; None: without encryption.

    Raises:
        NeedsAlembic: libpq would refuse the setting, or look at files that are not looked at here.
    """
    roots, mode = _roots(mode, options, environ)
    encryption = Encryption(mode, roots)
    if mode == "disable":
        return [None]
    if mode in ("allow", "prefer"):
        return [None, encryption] if mode == "allow" else [encryption, None]
    return [encryption]


def _roots(mode: str, options: Mapping[str, str], environ: Mapping[str, str]) -> tuple[str, str]:
    """Return the file of trusted certificates, empty for none, and the mode."""
    named = options.get("sslrootcert") or environ.get("PGSSLROOTCERT", "")
    if named == "system":
        if mode not in ("", "verify-full"):
            raise NeedsAlembic(f"sslmode {mode} may not be used with sslrootcert=system")
        return named, "verify-full"
    mode = mode or "prefer"
    if mode not in MODES:
        raise NeedsAlembic(f"sslmode {mode}")
    home = os.path.join(os.path.expanduser("~"), ".postgresql")  # noqa: PTH111, PTH118
    if mode != "disable" and any(os.path.exists(os.path.join(home, name)) for name in _OWN_FILES):  # noqa: PTH110, PTH118
        raise NeedsAlembic(f"{home} has a certificate of the client's, or revoked ones")
    roots = named or os.path.join(home, "root.crt")  # noqa: PTH118
    if os.path.exists(roots):  # noqa: PTH110
        return roots, mode
    if mode in ("verify-ca", "verify-full"):
        raise NeedsAlembic(f"the root certificate {roots} does not exist")
    return "", mode
