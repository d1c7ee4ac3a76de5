"""The API server is the one that was asked for, and what is skipped on it is skipped for a reason."""

import os

from devcluster import gomodule, settings
from tests.api.gates import INJECTION
from tests.api.rest import Rest

FIRST_THAT_INJECTS = 36


def test_the_api_server_is_of_the_version_that_was_asked_for(rest: Rest) -> None:
    module = gomodule.kubernetes(settings.from_environment(os.environ).kubernetes)
    version = module.version(gomodule.KUBERNETES_MODULE)
    assert rest.request("GET", "/version")["gitVersion"] == version
    assert version.split(".")[1] == str(rest.minor())


def test_policies_that_change_pods_are_served_from_1_36_on(rest: Rest) -> None:
    assert rest.serves(INJECTION) == (rest.minor() >= FIRST_THAT_INJECTS)
    assert rest.serves(INJECTION | {"kind": "ValidatingAdmissionPolicy"})
    assert not rest.serves({"apiVersion": "example.test/v1", "kind": "Nothing"})
