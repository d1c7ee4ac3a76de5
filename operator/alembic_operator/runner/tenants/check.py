"""Say how all tenants stand; change nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from alembic_operator.api.reasons import Reason
from alembic_operator.contract import Result
from alembic_operator.contract.tenants import Tenants
from alembic_operator.runner.process.failures import Ending, Scene, classify
from alembic_operator.runner.tenants.places import Places
from alembic_operator.runner.tenants.survey import survey
from alembic_operator.runner.tenants.upgrade import scout_of

if TYPE_CHECKING:
    from alembic_operator.contract import Invocation
    from alembic_operator.runner.commands.inspection import Access


def command(_: Any, invocation: Invocation, access: Access) -> Result:
    """Return UpToDate or Pending, and how many tenants are behind."""
    places = Places(invocation, Tenants.from_json(invocation.tenants), access.address)
    scout = scout_of(places, access)
    own = scout.connect()
    try:
        seen = survey(scout, places, own)
    except Exception as error:
        raise Ending.of(classify(error, Scene())) from error
    finally:
        own.close()
    fleet = seen.tally.fleet
    reason = Reason.PENDING if fleet.behind or fleet.failed else Reason.UP_TO_DATE
    warnings = seen.found.warnings
    return Result(
        str(reason),
        seen.current,
        seen.current,
        seen.map.wanted,
        seen.pending,
        ahead=seen.ahead,
        warnings=warnings,
        tenants=fleet,
    )
