"""Stand in for what pg8000 and scramp import but the gate needs never or in small part: it starts the faster."""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

_HASHES = {
    "2a864886f70d010104": "md5",
    "2a864886f70d010105": "sha1",
    "2a864886f70d01010b": "sha256",
    "2a864886f70d01010c": "sha384",
    "2a864886f70d01010d": "sha512",
    "2a8648ce3d0401": "sha1",
    "2a8648ce3d040302": "sha256",
    "2a8648ce3d040303": "sha384",
    "2a8648ce3d040304": "sha512",
}
"""The hash of a certificate's signature by its object identifier: RSA, then ECDSA."""


class ssl:  # noqa: N801
    """The module: pg8000 imports it before it knows whether the server has TLS, and asks nothing of it."""


class _Sockets(type):
    """Knows the sockets of ssl, once somebody has imported that."""

    def __instancecheck__(cls, thing: object) -> bool:
        module = sys.modules.get("ssl")
        return module is not None and isinstance(thing, getattr(module, cls.__name__))


class SSLSocket(metaclass=_Sockets):
    """A socket with TLS."""


class SSLObject(metaclass=_Sockets):
    """TLS without a socket."""


def token_bytes(size: int = 32) -> bytes:
    """Return random bytes as secrets does."""
    return os.urandom(size)


def token_hex(size: int = 32) -> str:
    """Return random digits as secrets does."""
    return os.urandom(size).hex()


PG_TYPES = {16: lambda text: text == "t"}
"""How to read values, by the number of their type: booleans; everything else stays the text that the server sends."""

PY_TYPES: dict[type, int] = {}
PG_PY_ENCODINGS: dict[str, str] = {}
"""Python's own names will do: the connection asks for UTF8."""


def string_in(text: str) -> str:
    """Return a text as it is."""
    return text


def make_params(_types: object, _values: object) -> Any:
    """Refuse parameters: the few statements of the gate have none."""
    raise TypeError("statements are sent without parameters")


def version(package: str) -> str:
    """Return a version as importlib.metadata does, but without its 40 ms of imports."""
    return str(importlib.import_module("alembic_operator.runner.vendored.versions").VERSIONS[package])


class pem:  # noqa: N801  the name of asn1crypto's module, which only a SCRAM server needs
    """asn1crypto's module for certificates in text."""


class Certificate:
    """asn1crypto's certificate, as far as scramp asks: which hash binds a password to the TLS channel (RFC 5929)."""

    def __init__(self, der: bytes) -> None:
        self._der = der

    @staticmethod
    def load(der: bytes, *, strict: bool) -> Certificate:  # noqa: ARG004  asn1crypto's signature
        """Take a certificate in DER."""
        return Certificate(der)

    @property
    def hash_algo(self) -> str:
        """Return the hash of the certificate's signature.

        Raises:
            ValueError: it is none of the usual ones.
        """
        _, body, _ = _element(self._der, 0)
        _, _, after_signed_part = _element(self._der, body)
        _, algorithm, _ = _element(self._der, after_signed_part)
        tag, start, end = _element(self._der, algorithm)
        name = self._der[start:end].hex()
        if tag != 6 or name not in _HASHES:  # noqa: PLR2004  DER's tag of an object identifier
            raise ValueError(f"no hash is known for the signature algorithm {name}")
        return _HASHES[name]


def _element(der: bytes, at: int) -> tuple[int, int, int]:
    """Return tag, begin and end of the contents of the DER element there."""
    try:
        tag, length, begin = der[at], der[at + 1], at + 2
        if length & 0x80:
            begin += length & 0x7F
            length = int.from_bytes(der[at + 2 : begin], "big")
    except IndexError as error:
        raise ValueError("the certificate is cut off") from error
    return tag, begin, begin + length
