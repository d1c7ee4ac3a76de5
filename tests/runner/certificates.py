"""Certificates of a test's own authority, made with openssl's command line."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_CONFIG = """
[ca]
default_ca = own
[own]
dir = {folder}
database = {folder}/index
new_certs_dir = {folder}
serial = {folder}/serial
certificate = {folder}/ca.crt
private_key = {folder}/ca.key
default_md = sha256
policy = any
unique_subject = no
copy_extensions = copy
[any]
commonName = supplied
"""
KEYS = {"rsa": ("rsa:2048",), "ec": ("ec", "-pkeyopt", "ec_paramgen_curve:P-256"), "ed25519": ("ed25519",)}


@dataclass(frozen=True)
class Authority:
    """One that signs what it is told to."""

    folder: Path

    def begin(self) -> Authority:
        self.folder.mkdir(parents=True)
        (self.folder / "config").write_text(_CONFIG.format(folder=self.folder))
        (self.folder / "index").touch()
        (self.folder / "serial").write_text("01\n")
        self._openssl(
            *("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=own", "-days", "3650"),
            *("-keyout", self.folder / "ca.key", "-out", self.root),
        )
        return self

    @property
    def root(self) -> Path:
        return self.folder / "ca.crt"

    def sign(
        self, name: str, names: str, kind: str = "rsa", digest: str = "sha256", end: str = "20491231000000Z"
    ) -> Path:
        """Make NAME.crt and NAME.key for these alternative names."""
        path = self.folder / name
        self._openssl(
            *(
                "req",
                "-new",
                "-newkey",
                *KEYS[kind],
                "-nodes",
                "-subj",
                "/CN=server",
                "-addext",
                f"subjectAltName={names}",
            ),
            *("-keyout", f"{path}.key", "-out", f"{path}.csr"),
        )
        self._openssl(
            *("ca", "-batch", "-notext", "-config", self.folder / "config", "-md", digest),
            *("-startdate", "20200101000000Z", "-enddate", end, "-in", f"{path}.csr", "-out", f"{path}.crt"),
        )
        return path

    def alone(self, name: str, kind: str, digest: str = "sha256") -> Path:
        """Make NAME.crt that signs itself, with its own kind of key."""
        path = self.folder / name
        self._openssl(
            *("req", "-x509", f"-{digest}", "-newkey", *KEYS[kind], "-nodes", "-subj", "/CN=server", "-days", "3650"),
            *("-keyout", f"{path}.key", "-out", f"{path}.crt"),
        )
        return path

    def _openssl(self, *words: str | Path) -> None:
        done = subprocess.run(["openssl", *words], capture_output=True, text=True, check=False)
        if done.returncode:
            raise AssertionError(done.stderr)
