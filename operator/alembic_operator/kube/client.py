"""The API server over `kubernetes.aio`, with plain dicts: typed models would validate each object twice."""

from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode

import aiohttp
from kubernetes.aio import config
from kubernetes.aio.client.configuration import Configuration
from kubernetes.aio.client.rest import RESTClientObject

from alembic_operator.core.observation.reading import Manifest
from alembic_operator.kube import codec, errors, permissions
from alembic_operator.kube.cluster import CONFIG_MAPS, Page, Resource, Scope

FIELD_MANAGER = "alembic-operator"

_PAGE = 50
"""Objects a request: the memory of the largest page stays with the process, and a request costs a few milliseconds."""

_PATIENCE = aiohttp.ClientTimeout(total=30)
_STREAM = aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=90)
"""Of a watch: seconds until a connection stands, and between two things that come."""

_LONGEST_LINE = 2**21
"""Bytes that are read ahead, and half of what a line of a watch may have: etcd takes objects of 1.5 MiB."""

_FAILED = 400
_WATCH = {"watch": "true", "allowWatchBookmarks": "true"}
_JSON = "application/json"
_HEADERS = {"Accept": _JSON, "Content-Type": _JSON, "User-Agent": FIELD_MANAGER}
_ONLY_METADATA = {"Accept": f"{_JSON};as=PartialObjectMetadata;g=meta.k8s.io;v=v1"}
_ONLY_METADATA_OF_ALL = {"Accept": f"{_JSON};as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"}
_AS_APPLY = {"Content-Type": "application/apply-patch+yaml"}
_AS_MERGE = {"Content-Type": "application/merge-patch+json"}


@asynccontextmanager
async def connected() -> AsyncIterator["ApiServer"]:
    """Connect as a pod does, by its service account; outside of a cluster as kubectl does, by KUBECONFIG.

    Raises:
        LoginError: there is neither of them, or the kubeconfig cannot be read.
    """
    configuration = await _login()
    # A look at proxy variables and ~/.netrc costs each request two hops to a thread, and one for cookies a tenth.
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=RESTClientObject(configuration).ssl_context),
        trust_env=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        proxy=configuration.proxy,
        read_bufsize=_LONGEST_LINE,
    ) as session:
        yield ApiServer(configuration, session)


async def _login() -> Configuration:
    configuration = Configuration()
    try:
        config.load_incluster_config(client_configuration=configuration)
    except config.ConfigException:
        try:
            await config.load_kube_config(client_configuration=configuration, persist_config=False)
        except config.ConfigException as error:
            raise errors.LoginError(str(error)) from error
        except Exception as error:  # whatever a broken file brings about; its text may hold a token
            raise errors.LoginError(f"the kubeconfig cannot be read ({type(error).__name__})") from error
    return configuration


class ApiServer:
    """A Cluster over HTTP."""

    def __init__(
        self,
        configuration: Configuration,
        session: aiohttp.ClientSession,
        check: Callable[[], None] = lambda: None,
        asked: Counter[tuple[str, str, str]] | None = None,
    ) -> None:
        self._configuration = configuration
        self._session = session
        self._check = check
        self.asked = Counter() if asked is None else asked
        """How often it was asked: verb, resource and the answer's code, 0 for none."""

    @property
    def url(self) -> str:
        """Where it is."""
        return str(self._configuration.host)

    def only_while(self, check: Callable[[], None]) -> "ApiServer":
        """Return the same server for who may ask it only as long as `check` raises nothing."""
        return ApiServer(self._configuration, self._session, check, self.asked)

    async def get(self, resource: Resource, namespace: str, name: str) -> Manifest | None:
        """Read one object; None when it does not exist."""
        permissions.check("get", resource)
        return await self._get(resource.path(namespace, name))

    async def get_metadata(self, resource: Resource, namespace: str, name: str) -> Manifest | None:
        """Read one object's metadata, and nothing of what may be large; None when it does not exist."""
        permissions.check("get", resource)
        return await self._get(resource.path(namespace, name), _ONLY_METADATA)

    async def openapi(self, resource: Resource) -> Manifest | None:
        """Read the description of a resource's whole group and version, which everybody may; None without it."""
        return await self._get(f"/openapi/v3/apis/{resource.api_version}")

    async def _get(self, path: str, headers: Manifest | None = None) -> Manifest | None:
        try:
            found: Manifest = await self._call("GET", path, headers=headers)
        except errors.NotFoundError:
            return None
        return found

    async def pages(self, scope: Scope) -> AsyncIterator[Page]:
        """Read all objects of a scope; no more than a page of them is in memory at a time."""
        permissions.check("list", scope.resource, name=scope.name)
        query = {"limit": str(_PAGE)} | _selectors(scope)
        headers = _ONLY_METADATA_OF_ALL if scope.name else None
        while True:
            page = await self._call("GET", scope.resource.path(scope.namespace), query, headers=headers)
            metadata = page.get("metadata") or {}
            yield Page(page.get("items") or [], metadata.get("resourceVersion") or "")
            if not metadata.get("continue"):
                return
            query["continue"] = metadata["continue"]

    async def watch(self, scope: Scope, version: str) -> AsyncGenerator[Manifest]:
        """Tell what happens after a version of a list; bookmarks come every minute, so silence is a dead connection."""
        permissions.check("watch", scope.resource, name=scope.name)
        url = self._url(scope.resource.path(scope.namespace), _WATCH | {"resourceVersion": version} | _selectors(scope))
        headers = _ONLY_METADATA if scope.name else None
        async with await self._send("GET", url, headers=headers, patience=_STREAM) as response:
            try:
                if response.status >= _FAILED:
                    raise errors.from_response(response.status, await response.read())
                async for line in response.content:
                    yield codec.read(line)
            except (aiohttp.ClientError, TimeoutError, ValueError) as error:
                raise errors.UnreachableError(0, type(error).__name__, str(error)) from error

    async def create(self, resource: Resource, namespace: str, manifest: Manifest) -> Manifest:
        """Create an object and return it as stored."""
        permissions.check("create", resource)
        query = {"fieldManager": FIELD_MANAGER, "fieldValidation": "Strict"}
        stored: Manifest = await self._call("POST", resource.path(namespace), query, manifest)
        return stored

    async def delete(self, resource: Resource, namespace: str, name: str, uid: str) -> None:
        """Delete this very object, after everything that it owns; nothing happens when it is gone already."""
        permissions.check("delete", resource, name=name)
        policy = "Background" if resource == CONFIG_MAPS else "Foreground"  # it owns nothing, and is gone at once
        options = {"propagationPolicy": policy, "preconditions": {"uid": uid}}
        try:
            await self._call("DELETE", resource.path(namespace, name), body=options)
        except (errors.NotFoundError, errors.ConflictError):
            return  # gone, or another one of that name

    async def apply(self, resource: Resource, manifest: Manifest) -> Manifest:
        """Apply an object on the server's side, as its only owner, and return it as stored."""
        for verb in ("create", "patch"):
            permissions.check(verb, resource, name=manifest["metadata"]["name"])
        return await self._apply(resource, manifest)

    async def merge(self, resource: Resource, manifest: Manifest) -> Manifest:
        """Change the fields of an object that the manifest names, and return it as stored."""
        metadata = manifest["metadata"]
        permissions.check("patch", resource, name=metadata["name"])
        path = resource.path(metadata["namespace"], metadata["name"])
        stored: Manifest = await self._call("PATCH", path, {"fieldManager": FIELD_MANAGER}, manifest, _AS_MERGE)
        return stored

    async def apply_status(self, resource: Resource, manifest: Manifest) -> Manifest:
        """Apply a status on the server's side, as its only owner, and return the object as stored."""
        permissions.check("patch", resource, "status")
        return await self._apply(resource, manifest, "status")

    async def merge_status(self, resource: Resource, manifest: Manifest) -> Manifest:
        """Change the fields of a status that the manifest names, whosever they are, and return the object as stored."""
        permissions.check("patch", resource, "status")
        metadata = manifest["metadata"]
        path = resource.path(metadata["namespace"], metadata["name"], "status")
        stored: Manifest = await self._call("PATCH", path, {"fieldManager": FIELD_MANAGER}, manifest, _AS_MERGE)
        return stored

    async def _apply(self, resource: Resource, manifest: Manifest, subresource: str = "") -> Manifest:
        metadata = manifest["metadata"]
        path = resource.path(metadata["namespace"], metadata["name"], subresource)
        query = {"fieldManager": FIELD_MANAGER, "force": "true"}
        stored: Manifest = await self._call("PATCH", path, query, manifest, _AS_APPLY)
        return stored

    async def _call(
        self,
        method: str,
        path: str,
        query: dict[str, str] | None = None,
        body: Manifest | None = None,
        headers: Manifest | None = None,
    ) -> Any:
        try:
            response = await self._send(method, self._url(path, query or {}), body, headers)
            answer = await self._answer(response)
        except errors.ApiError as error:
            error.asked = errors.asked(method, path)
            self._count(error.asked, error.status)
            raise
        self._count(errors.asked(method, path), response.status)
        return answer

    def _count(self, asked: str, status: int) -> None:
        verb, _, resource = asked.partition(" ")
        self.asked[verb, resource, str(status)] += 1

    async def _answer(self, response: aiohttp.ClientResponse) -> Any:
        try:
            answer = await response.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise errors.UnreachableError(0, type(error).__name__, str(error)) from error
        if response.status >= _FAILED:
            raise errors.from_response(response.status, answer)
        return codec.read(answer)

    def _url(self, path: str, query: dict[str, str]) -> str:
        given = {name: value for name, value in query.items() if value}
        return f"{self.url}{path}{'?' if given else ''}{urlencode(given)}"

    async def _send(
        self,
        method: str,
        url: str,
        body: Manifest | None = None,
        headers: Manifest | None = None,
        patience: aiohttp.ClientTimeout = _PATIENCE,
    ) -> aiohttp.ClientResponse:
        given = _HEADERS | (headers or {})
        if token := await self._configuration.get_api_key_with_prefix("BearerToken", alias="authorization"):
            given["Authorization"] = token
        content = None if body is None else codec.write(body)
        name = self._configuration.tls_server_name
        self._check()  # at the last moment: the process may have been stopped before this line for any time
        try:
            return await self._session.request(
                method, url, headers=given, data=content, timeout=patience, server_hostname=name
            )
        except (aiohttp.ClientError, TimeoutError) as error:
            raise errors.UnreachableError(0, type(error).__name__, str(error)) from error


def _selectors(scope: Scope) -> dict[str, str]:
    return {"labelSelector": scope.selector, "fieldSelector": f"metadata.name={scope.name}" if scope.name else ""}
