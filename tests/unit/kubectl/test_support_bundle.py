"""The support bundle: what a report needs is in it, and no secret, wherever and however it stood in the cluster."""

import base64
import json
import tarfile
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from alembic_operator.kubectl.main import main
from alembic_operator.kubectl.redaction import Redaction
from tests.unit.kubectl.objects import held_pod, operator, stalled
from tests.unit.kubectl.scripted import script

RUN = {"alembic-operator.dev/migration": "users", "alembic-operator.dev/run": "users"}
ENV, URL, NOTE, HEADER, GIVEN, WORD, APPLIED, SHELL = (
    "s3cr/et+in env",
    "p@ss'w0rd-of-url",
    "note-4711-hidden",
    "header-token-77x",
    "x-arg-0815-value",
    "correcthorsebattery",
    "applied-once-99",
    "of-the-shell-12",
)
SHORT = "7z7z"
"""Too short to be searched for: masked where it stands."""
PLANTED = (ENV, URL, NOTE, HEADER, GIVEN, WORD, APPLIED, SHELL)
RUNNER = ["python3", "/alembic-operator/runner.pyz", "upgrade", "-x", f"key={GIVEN}"]
LOG = "\n".join(
    (
        json.dumps({"event": "failed", "level": "error", "traceback": f"tried {ENV!r}\nwith {URL}"}),
        f"postgresql://app:{quote(URL, safe='')}@db/shop",
        base64.b64encode(f"user:{ENV}".encode()).decode(),
        f"again {NOTE} {HEADER} {GIVEN} {WORD} {APPLIED.encode().hex()} {SHELL}",
        "Authorization: Bearer abcdefgh12345678",
        "password = never-seen-elsewhere",
        "revision b2 failed",
    )
)


def job() -> dict[str, Any]:
    env = [
        {"name": "SETTING", "value": ENV},
        {"name": "DATABASE_URL", "value": f"postgresql://app:{URL}@db/shop"},
        {"name": "DB_PASSWORD", "value": WORD},
        {"name": "STAGE", "value": "production"},
        {"name": "PGHOST", "value": "db.shop.svc"},
        {"name": "PGPASSWORD", "valueFrom": {"secretKeyRef": {"name": "users-db", "key": "password"}}},
    ]
    probe = {"httpGet": {"httpHeaders": [{"name": "Authorization", "value": HEADER}]}}
    sidecar = {"name": "proxy", "command": ["sh", "-c", f"TOKEN={SHELL} proxy"], "args": ["--pin", SHORT]}
    before = {"spec": {"containers": [{"env": [{"name": "OLD_KEY", "value": APPLIED}]}]}}
    annotations = {
        "kubectl.kubernetes.io/last-applied-configuration": json.dumps(before),
        "example.com/note": NOTE,
        "alembic-operator.dev/attempt": "3",
    }
    containers = [{"name": "migrate", "command": RUNNER, "env": env, "livenessProbe": probe}, sidecar]
    metadata = {"name": "users-0123456789", "namespace": "shop", "uid": "7", "labels": RUN, "annotations": annotations}
    return {"kind": "Job", "metadata": metadata, "spec": {"template": {"spec": {"containers": containers}}}}


def kubectl(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Plant the secrets, and answer with them."""
    migration = stalled()
    migration["metadata"]["annotations"] = {"example.com/note": NOTE}
    migration["spec"]["alembic"] = {"xArguments": [f"key={GIVEN}", f"pin={SHORT}"]}
    migration["status"]["conditions"][0]["message"] = f"tried {ENV}"
    pod = held_pod()
    run = held_pod("users-0123456789-x")
    run["metadata"]["labels"] = RUN
    about, other = {"uid": "7"}, {"uid": "8"}
    events = [
        {"involvedObject": about, "message": f"mine {NOTE}"},
        {"involvedObject": other, "message": "of others"},
    ]
    past = {
        "metadata": {"name": "past", "namespace": "shop", "uid": "9"},
        "spec": {"migrationRef": {"name": "users"}, "from": {"sqlite": {"env": [{"name": "KEY", "value": ENV}]}}},
    }
    others = past | {"metadata": {"name": "of-chat"}, "spec": {"migrationRef": {"name": "chat"}}}
    loads = held_pod("past-import-0123456789-x")
    loads["metadata"]["labels"] = {"alembic-operator.dev/import": "past"}
    pods = [pod, run, loads]
    listed = {
        "databaseimports": [past, others],
        "jobs": [job()],
        "pods": pods,
        "deployments": [operator()],
        "events": events,
        "replicasets": [],
    }
    script(folder, monkeypatch, listed | {"databasemigrations": migration}, LOG)


def forms(secret: str) -> set[str]:
    raw = secret.encode()
    parts = {base64.b64encode(b"x" * before + raw + b"y" * 3).decode()[4:-8] for before in range(3)}
    return {secret, json.dumps(secret)[1:-1], repr(secret)[1:-1], quote(secret, safe=""), raw.hex(), *parts}


def test_a_bundle_has_what_a_report_needs_and_no_secret_in_any_form(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    kubectl(tmp_path, monkeypatch)
    path = tmp_path / "it.tar.gz"
    assert main(["support-bundle", "users", "--file", str(path)]) == 0, capsys.readouterr().err
    assert path.stat().st_mode & 0o777 == 0o600
    with tarfile.open(path) as archive:
        files = {one.name.removeprefix("it/"): archive.extractfile(one).read().decode() for one in archive}  # type: ignore[union-attr]
    whole = "\n".join(files.values())
    found = {(secret, form) for secret in PLANTED for form in forms(secret) if form in whole}
    assert not found
    assert not [one for one in ("abcdefgh12345678", "never-seen-elsewhere", "of others", SHORT) if one in whole]
    assert {"README.txt", "errors.txt", "migration.yaml", "jobs.yaml", "status.txt", "versions.txt"} <= set(files)
    assert {"logs/users-0123456789-x.txt", "logs/users-2.txt", "logs/past-import-0123456789-x.txt"} <= set(files)
    assert ("name: past\n" in files["imports.yaml"], "of-chat" in whole) == (True, False)
    for needed in ("RevisionFailed", "revision b2 failed", "shop:2", "db.shop.svc", "users-0123456789", "secretKeyRef"):
        assert needed in whole, needed
    assert "alembic-operator.dev/attempt: '3'" in files["jobs.yaml"]
    assert "- -x\n" in files["jobs.yaml"]
    assert "key=***" in files["jobs.yaml"]
    assert "policies: they cannot be read" in files["errors.txt"]


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("postgresql://app:hunter2@db/shop", "postgresql://app:***@db/shop"),
        ("token=abc other", "token=*** other"),
        ('{"password": "a b", "secret": {"name": "x"}}', '{"password": "*** b", "secret": {"name": "x"}}'),
        ("automountServiceAccountToken: false", "automountServiceAccountToken: false"),
        ("passwordFrom: {key: password}", "passwordFrom: {key: password}"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", "***"),
        (
            "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----",
            "-----BEGIN PRIVATE KEY-----***-----END PRIVATE KEY-----",
        ),
        ("key AKIAIOSFODNN7EXAMPLE used", "key *** used"),
        ("revision b2: SQLSTATE 42P01", "revision b2: SQLSTATE 42P01"),
    ],
)
def test_what_looks_like_a_secret_is_masked_and_nothing_else(text: str, clean: str) -> None:
    assert Redaction().text(text) == clean


def test_a_setting_that_is_a_common_word_or_a_name_stays_where_else_it_stands() -> None:
    redaction = Redaction({"users-db"})
    env = {"STAGE": "production", "WHERE": "users-db", "PORT": "5432", "HOME": "/srv/app", "KEY": "0x1234abcd"}
    raw = {"env": [{"name": name, "value": value} for name, value in env.items()]}
    redaction.learn(raw)
    assert redaction.text("production users-db 5432 /srv/app 0x1234abcd") == "production users-db 5432 /srv/app ***"
    assert {one["value"] for one in redaction.object(raw)["env"]} == {"***"}


def test_a_key_of_several_lines_is_found_line_by_line() -> None:
    redaction = Redaction()
    redaction.learn({"env": [{"name": "KEY", "value": "-----BEGIN X-----\nMIIEvQIBADANBgkqhkiG\nend"}]})
    assert redaction.text("wrapped MIIEvQIBADANBgkqhkiG here") == "wrapped *** here"
