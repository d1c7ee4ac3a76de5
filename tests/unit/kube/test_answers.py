"""What the API server may be asked, and what its answers mean."""

import pytest

from alembic_operator.kube import permissions
from alembic_operator.kube.cluster import CONFIG_MAPS, EVENTS, JOBS, LEASES, MIGRATIONS, PODS, Resource
from alembic_operator.kube.errors import (
    AlreadyExistsError,
    ApiError,
    ConflictError,
    InvalidError,
    NotFoundError,
    RefusedError,
    asked,
    from_response,
)

SECRETS = Resource("", "v1", "secrets")

ALLOWED = {
    "read Jobs": ("list", JOBS, ""),
    "create Jobs": ("create", JOBS, ""),
    "delete Jobs": ("delete", JOBS, ""),
    "write its own status": ("patch", MIGRATIONS, "status"),
    "read a ConfigMap": ("get", CONFIG_MAPS, ""),
    "make Events": ("create", EVENTS, ""),
    "renew its Lease": ("patch", LEASES, ""),
}
FORBIDDEN = {
    "read a Secret": ("get", SECRETS, ""),
    "list Secrets": ("list", SECRETS, ""),
    "write a specification": ("patch", MIGRATIONS, ""),
    "delete a migration": ("delete", MIGRATIONS, ""),
    "delete a pod": ("delete", PODS, ""),
    "run a command in a pod": ("create", PODS, "exec"),
    "list Leases": ("list", LEASES, ""),
    "delete a Lease": ("delete", LEASES, ""),
    "list ConfigMaps": ("list", CONFIG_MAPS, ""),
}


@pytest.mark.parametrize(
    ("verb", "resource", "subresource"), [pytest.param(*case, id=name) for name, case in ALLOWED.items()]
)
def test_the_operator_may(verb: str, resource: Resource, subresource: str) -> None:
    permissions.check(verb, resource, subresource)


@pytest.mark.parametrize(
    ("verb", "resource", "subresource"), [pytest.param(*case, id=name) for name, case in FORBIDDEN.items()]
)
def test_the_operator_may_not(verb: str, resource: Resource, subresource: str) -> None:
    with pytest.raises(PermissionError, match=f"{verb} {resource.plural}/{subresource}"):
        permissions.check(verb, resource, subresource)


def test_no_right_is_on_secrets_or_with_a_star() -> None:
    assert "secrets" not in {resource.plural for resource, _ in permissions.VERBS}
    assert "*" not in {verb for verbs in permissions.VERBS.values() for verb in verbs}


ANSWERS: dict[str, tuple[int, bytes, type[ApiError], str, str]] = {
    "not found": (
        404,
        b'{"reason":"NotFound","message":"jobs \\"x\\" not found"}',
        NotFoundError,
        "NotFound",
        'jobs "x"',
    ),
    "there is one": (
        409,
        b'{"reason":"AlreadyExists","message":"exists"}',
        AlreadyExistsError,
        "AlreadyExists",
        "exists",
    ),
    "a conflict": (409, b'{"reason":"Conflict","message":"modified"}', ConflictError, "Conflict", "modified"),
    "invalid": (
        422,
        b'{"reason":"Invalid","message":"spec: no","details":{"causes":[{"field":"spec","message":"no"}]}}',
        InvalidError,
        "Invalid",
        "spec: no",
    ),
    "a policy": (
        422,
        b'{"reason":"Invalid","message":"denied","details":{"causes":[{"message":"no"}]}}',
        RefusedError,
        "Invalid",
        "denied",
    ),
    "a policy of its own code": (
        413,
        b'{"reason":"RequestEntityTooLarge","message":"denied","details":{"causes":[{"message":"no"}]}}',
        RefusedError,
        "RequestEntityTooLarge",
        "denied",
    ),
    "a webhook that plays the API server": (
        422,
        b'{"reason":"Invalid","message":"admission webhook \\"x\\" denied","details":{"causes":[{"field":"spec"}]}}',
        RefusedError,
        "Invalid",
        "admission",
    ),
    "a webhook that says it is there": (
        409,
        b'{"reason":"AlreadyExists","message":"admission webhook \\"x\\" denied the request: no"}',
        RefusedError,
        "AlreadyExists",
        "admission",
    ),
    "a webhook that is not found": (
        404,
        b'{"reason":"NotFound","message":"admission webhook \\"x\\" denied the request: no"}',
        RefusedError,
        "NotFound",
        "admission",
    ),
    "a webhook without a reason": (400, b'{"message":"admission webhook"}', RefusedError, "", "admission"),
    "a webhook that is down": (
        500,
        b'{"reason":"InternalError","message":"failed calling","details":{"causes":[{"message":"failed calling"}]}}',
        ApiError,
        "InternalError",
        "failed calling",
    ),
    "an old proxy, without causes": (422, b'{"reason":"Invalid","message":"no"}', RefusedError, "Invalid", "no"),
    "causes that are none": (422, b'{"details":{"causes":[1,{"field":[]}]},"message":"x"}', RefusedError, "", "x"),
    "details that are none": (422, b'{"details":[{}],"reason":{},"message":"x"}', RefusedError, "", "x"),
    "too deep": (400, b"[" * 9000, RefusedError, "", "["),
    "forbidden": (403, b'{"reason":"Forbidden","message":"quota"}', RefusedError, "Forbidden", "quota"),
    "a bad request": (400, b'{"reason":"BadRequest","message":"no"}', InvalidError, "BadRequest", "no"),
    "too many requests": (429, b'{"message":"slow down"}', ApiError, "", "slow down"),
    "an error": (500, b'{"reason":null,"message":null}', ApiError, "", ""),
    "the page of a proxy": (502, b"<html>Bad Gateway</html>", ApiError, "", "<html>Bad"),
    "a list": (503, b"[]", ApiError, "", "[]"),
    "no text at all": (504, b"\xff" * 900, ApiError, "", "\ufffd"),
    "nothing": (401, b"", ApiError, "", ""),
}


@pytest.mark.parametrize(
    ("status", "body", "kind", "reason", "message"), [pytest.param(*case, id=name) for name, case in ANSWERS.items()]
)
def test_an_answer_that_says(status: int, body: bytes, kind: type[ApiError], reason: str, message: str) -> None:
    error = from_response(status, body)
    assert type(error) is kind
    assert (error.status, error.reason) == (status, reason)
    assert error.message.startswith(message)
    assert len(error.message) <= 200
    assert str(status) in str(error)


PATHS = {
    "/apis/batch/v1/jobs": JOBS.path(None),
    "/apis/batch/v1/namespaces/shop/jobs": JOBS.path("shop"),
    "/api/v1/namespaces/shop/configmaps/users": CONFIG_MAPS.path("shop", "users"),
    "/apis/alembic-operator.dev/v1alpha1/namespaces/shop/databasemigrations/users/status": MIGRATIONS.path(
        "shop", "users", "status"
    ),
}


@pytest.mark.parametrize("path", PATHS)
def test_a_resource_is_found_at(path: str) -> None:
    assert PATHS[path] == path


@pytest.mark.parametrize(("resource", "written"), [(PODS, "v1"), (JOBS, "batch/v1")], ids=["core", "a group"])
def test_the_api_version_of_a_resource_of(resource: Resource, written: str) -> None:
    assert resource.api_version == written


ASKED = {
    ("POST", JOBS.path("shop")): "create jobs",
    ("DELETE", JOBS.path("shop", "users-1")): "delete jobs",
    ("GET", JOBS.path(None)): "list jobs",
    ("GET", PODS.path("shop")): "list pods",
    ("GET", CONFIG_MAPS.path("shop", "users")): "get configmaps",
    ("PATCH", MIGRATIONS.path("shop", "users", "status")): "patch databasemigrations/status",
}


@pytest.mark.parametrize(("method", "path"), ASKED)
def test_a_request_is_named_as_a_right_is(method: str, path: str) -> None:
    assert asked(method, path) == ASKED[method, path]


@pytest.mark.parametrize("path", ["", "/", "/api", "/openapi/v3/apis/batch/v1", "/apis/x/y/namespaces/shop"])
def test_any_other_request_has_a_name_too(path: str) -> None:
    assert asked("GET", path).split()[0] in ("get", "list")
