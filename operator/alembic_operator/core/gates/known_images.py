"""Remember which images' revisions the database was seen to contain: their pods need no gate.

Only a run that has ended well makes an image known. All are forgotten as soon as there is a doubt, because a pod that
waits a second too long is better than one that meets a database without its tables.
"""

from alembic_operator.api.reasons import Effect, Reason
from alembic_operator.api.status import Status
from alembic_operator.api.v1alpha1 import Spec
from alembic_operator.core.decision import Decision, Finished
from alembic_operator.core.observation.database_servers import DatabaseServer
from alembic_operator.core.observation.observation import Observation
from alembic_operator.core.observation.source import PodParts
from alembic_operator.core.runs import messages, run

_KEPT = 16
_DIGEST = "sha256:"
_DIGEST_LENGTH = 128


def known_images(seen: Observation, decision: Decision) -> tuple[str, ...]:
    """Return the digests, newest first.

    An image without a digest is never known: its tag may mean another one tomorrow.
    """
    spec, before = seen.migration.spec, seen.migration.status
    if spec is None or not _image_says_it_all(spec):
        return ()
    done = decision.finished
    ended = done if done and not run.same_run(before.last_run, done.run) else None
    kept = before.known_images if _is_as_it_was(seen, decision, ended) else ()
    if spec.policy.database_ahead == "Block":  # older images find the database ahead of them, and must wait
        kept = kept if decision.reason.effect is Effect.READY and not ended else ()
    if ended is None or decision.reason.effect is not Effect.READY:
        return kept
    # A database that is ahead says nothing of this image's own revisions: it stays known, and does not become so.
    proven = [one for one in _digests(ended) if decision.reason is Reason.UP_TO_DATE or one in kept]
    return tuple(dict.fromkeys((*proven, *kept)))[:_KEPT]


def _image_says_it_all(spec: Spec) -> bool:
    """Return whether an image alone decides: else the pod's own environment does, or what is mounted.

    Pods that migrate by themselves need their gates, which migrate and report. A tenant that comes later may be behind.
    """
    return (
        spec.database is not None
        and spec.tenants is None
        and spec.policy.await_import is None  # no image says whether the rows are there
        and spec.source.config_map_ref is None
        and spec.strategy == "Job"
    )


def _is_as_it_was(seen: Observation, decision: Decision, ended: Finished | None) -> bool:
    """Return whether the database is the one of before, and contains no less."""
    before = seen.migration.status
    if seen.migration.generation != before.observed_generation and not _is_settled(before, decision):
        return False  # perhaps another database, or another target
    if _has_moved(seen) or _is_doubted(seen, decision):
        return False
    if ended:
        found, left = set(ended.run.from_), before.revisions
        return left is not None and found == set(left.current) and not messages.went_down(ended.run)
    return not _contradicted(seen, decision)


def _is_settled(before: Status, decision: Decision) -> bool:
    """Return whether the change asks for nothing that is not there: the run of before answers it."""
    last = decision.finished.run if decision.finished else before.last_run
    return decision.reason.effect is Effect.READY and run.same_run(before.last_run, last)


def _has_moved(seen: Observation) -> bool:
    """Return whether the StatefulSet leads elsewhere now."""
    at, server = seen.migration.status.database, seen.server
    return at is not None and isinstance(server, DatabaseServer) and (at.host, at.port) != (server.host, server.port)


def _is_doubted(seen: Observation, decision: Decision) -> bool:
    """Return whether the newest known image itself is not Ready any more: it runs again, or something is not there."""
    if decision.reason.effect is Effect.READY or not isinstance(seen.source, PodParts):
        return False
    return _digest(seen.source.container.get("image", "")) in ("", *seen.migration.status.known_images[:1])


def _contradicted(seen: Observation, decision: Decision) -> bool:
    """Return whether a gate has seen other heads since the last run, which nobody else has changed."""
    before = seen.migration.status
    if decision.reason.effect is not Effect.READY or before.last_run is None or before.revisions is None:
        return False
    left, since = set(before.revisions.current), before.last_run.finished_at or ""
    reports = (pod.gate for pod in seen.gated if pod.gate and pod.gate.opened and pod.gate.finished_at > since)
    return any(gate.result is not None and set(gate.result.to) != left for gate in reports)


def _digests(done: Finished) -> tuple[str, ...]:
    """Return the digest that was asked for and the one that ran: of an image for several architectures they differ."""
    return tuple(filter(None, (_digest(done.image_named), _digest(done.image))))


def _digest(image: str) -> str:
    digest = image.rpartition("@")[2]
    return digest if digest.startswith(_DIGEST) and "@" in image and len(digest) <= _DIGEST_LENGTH else ""
