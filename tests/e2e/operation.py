"""Stop the operator of the tests, and start it again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.e2e.containers import kill

if TYPE_CHECKING:
    from demo.access import Access
    from tests.e2e.evidence import Evidence

FORCE = ("--grace-period=0", "--force")


class Operator:
    """The operator's pod, to be killed."""

    def __init__(self, access: Access, evidence: Evidence) -> None:
        self._access = access
        self._evidence = evidence

    def kill_process(self) -> None:
        """Kill its process without a word."""
        kill(self._access, self._pod(), "operator")

    def kill_pod(self) -> None:
        """Kill its pod without a word."""
        self._access.kubectl("delete", "pod", self._pod(), *FORCE)

    def stop(self) -> None:
        """Let none run until `start`."""
        pod = self._pod()
        self._scale(0)
        self._access.kubectl("delete", "pod", pod, *FORCE, "--ignore-not-found")

    def start(self) -> None:
        """Let it run again; return when it does."""
        self._scale(1)
        self._access.kubectl("rollout", "status", "deployment", "--timeout=120s")

    def _scale(self, replicas: int) -> None:
        self._access.kubectl("scale", "deployment", "--all", f"--replicas={replicas}")

    def _pod(self) -> str:
        """Name it, and keep what it has said."""
        self._evidence.logs(self._access)
        pods = [one for one in self._access.get("pods")["items"] if "deletionTimestamp" not in one["metadata"]]
        return str(pods[0]["metadata"]["name"])
