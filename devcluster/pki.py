"""Certificates, keys and kubeconfigs of a cluster that lives for some days on one machine."""

from __future__ import annotations

import base64
import json
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from devcluster import textfile
from devcluster.commands import output, succeeds

if TYPE_CHECKING:
    from pathlib import Path

DAYS = 365
WEEK_IN_SECONDS = 604800
MASTERS = "system:masters"

# Python 3.13 and newer refuse an authority without these extensions.
OPENSSL_CONFIG = """
[req]
distinguished_name = name
[name]
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign, digitalSignature
subjectKeyIdentifier = hash
[leaf]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth, clientAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
"""


@dataclass(frozen=True)
class Subject:
    """Whom a certificate speaks for."""

    name: str
    """The name of its files."""
    user: str
    group: str = ""
    addresses: tuple[str, ...] = ()
    """`DNS:name` and `IP:address`, when it serves."""

    @property
    def distinguished_name(self) -> str:
        """Write user and group as Kubernetes reads them."""
        return (f"/O={self.group}" if self.group else "") + f"/CN={self.user}"


@dataclass(frozen=True)
class Pki:
    """One certificate authority in one folder, with what it signed."""

    folder: Path

    def certificate(self, name: str) -> Path:
        """Name the certificate's file."""
        return self.folder / f"{name}.crt"

    def key(self, name: str) -> Path:
        """Name the private key's file."""
        return self.folder / f"{name}.key"

    @property
    def authority(self) -> Path:
        """Name the file of the authority's certificate."""
        return self.certificate("ca")

    def ensure(self, subjects: tuple[Subject, ...]) -> None:
        """Make what is missing; begin anew when the authority is about to expire."""
        if self.authority.exists() and not self._is_fresh():
            shutil.rmtree(self.folder)
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (self.folder / "openssl.cnf").write_text(OPENSSL_CONFIG)
        if not self.authority.exists():
            self._sign("ca", "/CN=devcluster", "authority")
        if not self.key("service-accounts").exists():
            self._sign("service-accounts", "/CN=service-accounts", "leaf")
        for subject in subjects:
            if not self.certificate(subject.name).exists():
                self._sign_for(subject)

    def write_kubeconfig(self, path: Path, server: str, name: str) -> None:
        """Write a kubeconfig that carries all it needs, readable by its owner only."""
        user = {
            "client-certificate-data": _encoded(self.certificate(name)),
            "client-key-data": _encoded(self.key(name)),
        }
        cluster = {"server": server, "certificate-authority-data": _encoded(self.authority)}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "devcluster", "cluster": cluster}],
            "users": [{"name": name, "user": user}],
            "contexts": [{"name": "devcluster", "context": {"cluster": "devcluster", "user": name}}],
            "current-context": "devcluster",
        }
        textfile.write(path, json.dumps(config, indent=2) + "\n")

    def _is_fresh(self) -> bool:
        return succeeds(["openssl", "x509", "-noout", "-checkend", str(WEEK_IN_SECONDS), "-in", self.authority])

    def _sign_for(self, subject: Subject) -> None:
        signer: tuple[str | Path, ...] = ("-CA", self.authority, "-CAkey", self.key("ca"))
        names = ("-addext", f"subjectAltName={','.join(subject.addresses)}") if subject.addresses else ()
        self._sign(subject.name, subject.distinguished_name, "leaf", *signer, *names)

    def _sign(self, name: str, distinguished_name: str, extensions: str, *more: str | Path) -> None:
        """Write key and certificate; the certificate comes last, so that half a pair is made again."""
        made = self.certificate(name).with_suffix(".new")
        curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", str(DAYS)]
        config: list[str | Path] = ["-config", self.folder / "openssl.cnf", "-extensions", extensions]
        files: list[str | Path] = ["-keyout", self.key(name), "-out", made]
        output(["openssl", "req", "-x509", *curve, *config, "-subj", distinguished_name, *files, *more])
        made.rename(self.certificate(name))


def _encoded(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()
