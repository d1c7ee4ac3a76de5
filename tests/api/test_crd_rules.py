"""Every limit of the CRD, asked of the real API server: an example that it takes and one that it refuses."""

from collections.abc import Iterator
from typing import Any

import pytest

from alembic_operator.api import crd, import_crd
from tests.api import crd_examples, crd_imports_examples, crd_tenants_examples
from tests.api.crd_examples import HOST, KEPT_SCHEMA, database, migration
from tests.api.crd_imports_examples import KEPT_MIGRATION, an_import
from tests.api.rest import RefusedError, Rest

ACCEPTED = crd_examples.ACCEPTED | crd_tenants_examples.ACCEPTED | crd_imports_examples.ACCEPTED
REFUSED = crd_examples.REFUSED | crd_tenants_examples.REFUSED | crd_imports_examples.REFUSED
ROOTS = (crd.root(), import_crd.root())


@pytest.mark.parametrize("manifest", ACCEPTED.values(), ids=ACCEPTED)
def test_the_api_server_accepts(rest: Rest, manifest: dict[str, Any]) -> None:
    rest.create(manifest, "default", dryRun="All")


@pytest.mark.parametrize(("manifest", "field", "words"), REFUSED.values(), ids=REFUSED)
def test_the_api_server_refuses_and_names_the_field_and_what_to_do(
    rest: Rest, manifest: dict[str, Any], field: str, words: str
) -> None:
    with pytest.raises(RefusedError) as refusal:
        rest.create(manifest, "default", dryRun="All")
    assert refusal.value.code == 422
    assert any(said == field and words in why for said, why in refusal.value.blamed)


SCHEMA = HOST | {"schema": "users"}
ALLOWED_CHANGES = {
    "a schema that was not there before": (HOST, {"schema": "users"}),
    "another host for the same schema": (SCHEMA, {"host": "other"}),
    "a database that was not there before": (None, SCHEMA),
    "no database, when it had no schema": (HOST, None),
}
REFUSED_CHANGES = {
    "another schema": (SCHEMA, {"schema": "agents"}),
    "no schema any more": (SCHEMA, {"schema": None}),
    "no database any more": (SCHEMA, None),
}


@pytest.mark.parametrize(("before", "change"), ALLOWED_CHANGES.values(), ids=ALLOWED_CHANGES)
def test_the_api_server_allows_a_change_to(rest: Rest, namespace: str, before: Any, change: Any) -> None:
    manifest = database(**before) if before else migration()
    rest.create(manifest, namespace)
    rest.merge(manifest, {"spec": {"database": change}}, namespace)


@pytest.mark.parametrize(("before", "change"), REFUSED_CHANGES.values(), ids=REFUSED_CHANGES)
def test_the_api_server_refuses_a_change_to(rest: Rest, namespace: str, before: Any, change: Any) -> None:
    manifest = database(**before)
    rest.create(manifest, namespace)
    with pytest.raises(RefusedError, match=KEPT_SCHEMA) as refusal:
        rest.merge(manifest, {"spec": {"database": change}}, namespace)
    assert "spec.database.schema" in dict(refusal.value.blamed)


def test_an_import_keeps_its_migration_and_may_change_all_else(rest: Rest, namespace: str) -> None:
    rest.create(an_import(), namespace)
    rest.merge(an_import(), {"spec": {"verify": "Counts", "deadline": "2h"}}, namespace)
    with pytest.raises(RefusedError, match=KEPT_MIGRATION) as refusal:
        rest.merge(an_import(), {"spec": {"migrationRef": {"name": "agents"}}}, namespace)
    assert "spec.migrationRef" in dict(refusal.value.blamed)


def parts(path: str, node: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    yield path, node
    for name, child in node.get("properties", {}).items():
        yield from parts(f"{path}.{name}".lstrip("."), child)
    if "items" in node:
        yield from parts(f"{path}[0]", node["items"])


def test_every_rule_has_an_example_that_is_refused() -> None:
    nodes = [node for root in ROOTS for _, node in parts("", root)]
    messages = {rule["message"] for node in nodes for rule in node.get("x-kubernetes-validations", ())}
    tried = {words for _, _, words in REFUSED.values()} | {KEPT_SCHEMA, KEPT_MIGRATION}
    assert {message for message in messages if not any(words in message for words in tried)} == set()


def test_every_pattern_and_choice_of_the_spec_has_an_example_that_is_refused() -> None:
    limited = {path for root in ROOTS for path, node in parts("", root) if {"pattern", "enum"} & node.keys()}
    tried = {field for _, field, _ in REFUSED.values()}
    assert {path for path in limited if path.startswith("spec")} - tried == set()
