"""The driver that the runner carries: it connects where libpq does, as encrypted as libpq does, and nowhere else."""

from __future__ import annotations

import base64
import os
import shutil
import socket
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from asn1crypto.x509 import Certificate

from alembic_operator.runner import vendored
from alembic_operator.runner.database import refusal, tls, wire
from alembic_operator.runner.database.address import Address
from alembic_operator.runner.process.needs_alembic import NeedsAlembic
from alembic_operator.runner.vendored import standins
from tests.runner.certificates import Authority
from tests.runner.encrypted import Site, address_of, agree, by_wire, serving
from tools import vendor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.runner.project import Project, Runner

USERS = ("owner", "tlsonly", "plainonly")


@pytest.fixture(scope="module")
def carried(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What the archive carries, where this process finds it."""
    folder = tmp_path_factory.mktemp("carried")
    for name, content in vendor.contents().items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    vendored.__path__.append(str(folder / vendor.FOLDER))
    yield
    vendored.__path__.remove(str(folder / vendor.FOLDER))


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, carried: None) -> Path:  # noqa: ARG001
    """A home without certificates, for libpq and for the runner."""
    for name in [name for name in os.environ if name.startswith("PG")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


@pytest.fixture(scope="module")
def authority() -> Iterator[Authority]:
    folder = Path(tempfile.mkdtemp(prefix="runner-ca-"))
    folder.chmod(0o755)
    authority = Authority(folder / "own").begin()
    authority.sign("good", "DNS:localhost")
    authority.sign("expired", "DNS:localhost", end="20200601000000Z")
    authority.sign("other", "DNS:elsewhere.example")
    yield authority
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """An authority that signed nothing of the server's."""
    return Authority(tmp_path_factory.mktemp("stranger") / "own").begin()


@pytest.fixture(scope="module")
def site(authority: Authority) -> Iterator[Site]:
    with serving(authority, {"ssl": "on"}) as site:
        yield site


@pytest.fixture(scope="module")
def plain(authority: Authority) -> Iterator[Site]:
    with serving(authority, {"ssl": "off"}) as plain:
        yield plain


@pytest.mark.parametrize("mode", ["", *tls.MODES])
@pytest.mark.parametrize("certificate", ["good", "expired", "other"])
def test_a_server_with_tls_is_reached_as_libpq_does(
    site: Site, authority: Authority, stranger: Authority, tmp_path: Path, mode: str, certificate: str
) -> None:
    site.show(authority.folder / certificate)
    roots = ("", str(authority.root), str(stranger.root), str(tmp_path / "missing"))
    answers = {
        (user, host, root): agree(address_of(site.database, mode, user, host, root))
        for user in USERS
        for host in ("localhost", "127.0.0.1")
        for root in roots
    }
    if mode == "verify-full" and certificate == "good":
        assert answers["owner", "localhost", roots[1]] is True
    if mode in ("verify-ca", "verify-full"):
        assert not any(answer for (_, _, root), answer in answers.items() if root != roots[1])
    if mode == "verify-full" and certificate != "good":
        assert not any(answers.values())


@pytest.mark.parametrize("mode", ["", *tls.MODES])
def test_a_server_without_tls_is_reached_as_libpq_does(plain: Site, authority: Authority, mode: str) -> None:
    for user in USERS:
        for root in ("", str(authority.root)):
            agree(address_of(plain.database, mode, user, "localhost", root))


def test_a_root_certificate_at_home_is_used(site: Site, authority: Authority, stranger: Authority, home: Path) -> None:
    site.show(authority.folder / "good")
    (home / ".postgresql").mkdir()
    root = home / ".postgresql" / "root.crt"
    root.write_bytes(authority.root.read_bytes())
    assert [agree(address_of(site.database, mode)) for mode in tls.MODES] == [False, False, True, True, True, True]
    root.write_bytes(stranger.root.read_bytes())
    assert [agree(address_of(site.database, mode)) for mode in tls.MODES] == [False, False, False, None, None, None]


def test_the_systems_root_certificates_mean_verify_full(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [agree(address_of(site.database, mode, roots="system")) for mode in ("", *tls.MODES)] == [None] * 7
    monkeypatch.setenv("PGSSLROOTCERT", "system")
    assert tls.ways("", {}, os.environ)[0]


@pytest.mark.parametrize("name", ["postgresql.crt", "root.crl"])
def test_a_clients_certificate_is_left_to_libpq(home: Path, name: str) -> None:
    (home / ".postgresql").mkdir()
    (home / ".postgresql" / name).touch()
    with pytest.raises(NeedsAlembic):
        tls.ways("prefer", {}, {})
    assert tls.ways("disable", {}, {}) == [None]


@pytest.mark.parametrize(("kind", "digest"), [("rsa", "sha256"), ("rsa", "sha384"), ("ec", "sha256"), ("ec", "sha512")])
def test_a_password_is_bound_to_the_channel(site: Site, authority: Authority, kind: str, digest: str) -> None:
    site.show(authority.alone(f"{kind}{digest}", kind, digest))
    connection = wire.connect(address_of(site.database, "require"), "test", {})
    assert connection._connection.auth.mechanism_name == "SCRAM-SHA-256-PLUS"
    connection.close()


def test_the_hash_of_a_certificate_is_that_of_asn1crypto(authority: Authority) -> None:
    for kind, digest in (("rsa", "sha1"), ("rsa", "sha256"), ("rsa", "sha512"), ("ec", "sha384")):
        text = Path(f"{authority.alone('one', kind, digest)}.crt").read_text()
        der = base64.b64decode("".join(text.splitlines()[1:-1]))
        assert standins.Certificate.load(der, strict=True).hash_algo == Certificate.load(der).hash_algo
    with pytest.raises(ValueError, match="cut off"):
        _ = standins.Certificate.load(der[:1], strict=True).hash_algo


def test_a_certificate_without_a_known_hash_is_left_to_libpq(site: Site, authority: Authority) -> None:
    site.show(authority.alone("ed25519", "ed25519"))
    assert by_wire(address_of(site.database, "require")) is NeedsAlembic
    assert agree(address_of(site.database, "disable")) is False


@pytest.mark.parametrize("user", ["trusted", "clear", "old", "tlsonly"])
def test_every_usual_way_to_log_in_works(site: Site, authority: Authority, user: str) -> None:
    site.show(authority.folder / "good")
    assert agree(address_of(site.database, "prefer", user)) is True
    assert by_wire(replace(address_of(site.database, "prefer", user), password="wrong")) is (
        True if user == "trusted" else None
    )


@pytest.mark.parametrize(
    ("change", "code"),
    [({"password": "wrong"}, "28P01"), ({"database": "missing"}, "3D000"), ({"user": "no"}, "28P01")],
)
def test_what_the_server_refuses_keeps_its_code(site: Site, change: dict[str, Any], code: str) -> None:
    with pytest.raises(wire.ServerError) as refused:
        wire.connect(replace(address_of(site.database, "disable"), **change), "test", {})
    assert refused.value.sqlstate == code


@pytest.mark.parametrize(
    ("change", "environment"),
    [
        ({"host": "a,b"}, {}),
        ({"port": "1,2"}, {}),
        ({"host": "/run/postgresql"}, {}),
        ({"user": ""}, {}),
        ({"sslmode": "always"}, {}),
        ({"sslmode": "verify-ca"}, {}),
        ({"options": (("target_session_attrs", "read-write"),)}, {}),
        ({}, {"PGOPTIONS": "-c search_path=a"}),
        ({}, {"PGSERVICE": "a"}),
        ({}, {"PGSSLCERT": "a"}),
        ({}, {"PGSSLROOTCERT": "system"}),
    ],
)
def test_an_address_that_only_libpq_understands_is_left_to_it(
    change: dict[str, Any], environment: dict[str, str]
) -> None:
    address = Address("a", "", "user", "secret", "database", "require")
    wire.require_plain(address, {"PGAPPNAME": "a", "PGHOST": "b"})
    with pytest.raises(NeedsAlembic):
        wire.require_plain(replace(address, **change), environment)


def test_a_password_file_is_left_to_libpq(home: Path) -> None:
    address = Address("a", "", "user", "", "database")
    wire.require_plain(address, {})
    (home / ".pgpass").touch()
    with pytest.raises(NeedsAlembic):
        wire.require_plain(address, {})


@pytest.mark.every_driver
def test_every_driver_trusts_whom_the_url_names_and_nobody_else(
    site: Site, authority: Authority, stranger: Authority, project: Project, runner: Runner
) -> None:
    project.begin().table(project.driver)
    url = replace(site.database, host="localhost").url()
    given = ("upgrade", "--database", "environment", "--schema", project.driver)
    roots = [(authority.root, 0), *([(stranger.root, 75)] if project.driver == "asyncpg" else [])]
    for root, code in roots:
        asked = f"{url}?sslmode=verify-full&sslrootcert={root}&prepared_statement_cache_size=0"
        run = runner.run(project, *given, APP_URL=f"postgresql+{project.driver}://x:y@z/q", DATABASE_URL=asked)
        assert run.code == code, run.stderr


@pytest.mark.parametrize("caution", [{"require_auth": "scram-sha-256"}, {"channel_binding": "require"}])
def test_a_server_that_libpq_was_cautious_with_is_not_asked_why_it_refuses(caution: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        asked = {
            "host": "127.0.0.1",
            "port": listening.getsockname()[1],
            "user": "shop",
            "password": "x",
            "dbname": "shop",
        }
        assert refusal.why({**asked, **caution}) is None
        with pytest.raises(BlockingIOError):
            listening.accept()
