"""Remember which images' revisions the database was seen to contain: their pods need no gate."""

from alembic_operator.api.reasons import Effect
from alembic_operator.api.status import Status
from alembic_operator.core import messages, run
from alembic_operator.core.observation import Observation
from alembic_operator.core.verdict import Finished, Verdict

_KEPT = 16
_DIGEST = "sha256:"


def known_images(seen: Observation, verdict: Verdict) -> tuple[str, ...]:
    """Return the digests, newest first; none as soon as there is a doubt that the database still contains them.

    An image without a digest is never known: its tag may mean another one tomorrow.
    """
    before, done = seen.migration.status, verdict.finished
    ready = verdict.reason.effect is Effect.READY
    # Another specification may speak of another database, or of another target.
    kept = before.known_images if before.observed_generation == seen.migration.generation else ()
    if done and not run.same_run(before.last_run, done.run) and _was_elsewhere(before, done, ready=ready):
        kept = ()
    digest = ((done.image if done else "") or before.image or "").rpartition("@")[2]
    if not ready or not digest.startswith(_DIGEST):
        return kept
    if seen.migration.spec and seen.migration.spec.policy.database_ahead == "Block":
        return (digest,)  # older images find the database ahead of them now, and must wait
    return (digest, *(one for one in kept if one != digest))[:_KEPT]


def _was_elsewhere(before: Status, done: Finished, *, ready: bool) -> bool:
    """Return whether the run found the database otherwise than the last one left it, or went down."""
    if messages.went_down(done.run):
        return True
    found = done.run.from_
    return before.revisions is not None and bool(ready or found) and set(found) != set(before.revisions.current)
