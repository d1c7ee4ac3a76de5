"""Certificates and kubeconfigs."""

from __future__ import annotations

import base64
import json
import shutil
import ssl
import subprocess
from typing import TYPE_CHECKING

import pytest

from devcluster.pki import Pki, Subject

if TYPE_CHECKING:
    from pathlib import Path

SUBJECTS = (
    Subject("admin", "admin", "system:masters"),
    Subject("server", "server", addresses=("DNS:localhost", "IP:127.0.0.1")),
)

pytestmark = pytest.mark.skipif(not shutil.which("openssl"), reason="openssl is not installed")


@pytest.fixture
def pki(tmp_path: Path) -> Pki:
    made = Pki(tmp_path / "pki")
    made.ensure(SUBJECTS)
    return made


def shown(certificate: Path) -> str:
    command = ["openssl", "x509", "-noout", "-text", "-in", str(certificate)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_every_certificate_is_signed_by_the_authority_and_matches_its_key(pki: Pki) -> None:
    for subject in SUBJECTS:
        context = ssl.create_default_context(cafile=str(pki.authority))
        context.load_cert_chain(pki.certificate(subject.name), pki.key(subject.name))
        command = ["openssl", "verify", "-x509_strict", "-CAfile", str(pki.authority)]
        subprocess.run([*command, str(pki.certificate(subject.name))], check=True, capture_output=True)


def test_a_certificate_carries_user_group_and_addresses(pki: Pki) -> None:
    assert "O = system:masters, CN = admin" in shown(pki.certificate("admin"))
    assert "DNS:localhost, IP Address:127.0.0.1" in shown(pki.certificate("server"))


def test_what_exists_is_kept_and_what_is_missing_is_made(pki: Pki) -> None:
    authority, admin = pki.authority.read_text(), pki.certificate("admin").read_text()
    pki.certificate("server").unlink()
    pki.ensure(SUBJECTS)
    assert pki.authority.read_text() == authority
    assert pki.certificate("admin").read_text() == admin
    assert pki.certificate("server").exists()


def test_keys_are_for_the_owner_alone(pki: Pki) -> None:
    assert pki.folder.stat().st_mode & 0o077 == 0
    assert pki.key("ca").stat().st_mode & 0o077 == 0


def test_a_kubeconfig_carries_all_it_needs_and_is_not_touched_when_nothing_changed(pki: Pki, tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig"
    pki.write_kubeconfig(path, "https://127.0.0.1:6443", "admin")
    written = path.stat()
    pki.write_kubeconfig(path, "https://127.0.0.1:6443", "admin")
    assert path.stat().st_ino == written.st_ino
    assert written.st_mode & 0o077 == 0
    config = json.loads(path.read_text())
    assert config["clusters"][0]["cluster"]["server"] == "https://127.0.0.1:6443"
    assert base64.b64decode(config["users"][0]["user"]["client-key-data"]) == pki.key("admin").read_bytes()
