"""An API server that has the admission policies of the chart.

- `policies` (module): they are installed as on Kubernetes 1.36, active, and gone again afterwards.
- `door`: migrations and pods in a namespace that only this test uses, with those policies.
"""

from collections.abc import Iterator

import pytest

from tests.api.chart import INJECTS
from tests.api.gates import Door, installed, policies_of
from tests.api.rest import Rest


@pytest.fixture(scope="module")
def policies(rest: Rest) -> Iterator[None]:
    yield from installed(rest, policies_of(INJECTS))


@pytest.fixture
def door(rest: Rest, namespace: str, policies: None) -> Door:  # noqa: ARG001  they must be there
    return Door(rest, namespace)
