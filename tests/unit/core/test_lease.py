"""Who may lead, and from when on."""

from dataclasses import replace

import pytest

from alembic_operator.core.lease import FREE, Lease, ObservedLease, Terms, free_at, observed

TERMS = Terms("operators", "operator", "me", 12)
THEIRS = Lease(holder="other", seconds=30, transitions=1, acquired_at="", version="7")


@pytest.mark.parametrize(
    ("holder", "moment"),
    [("other", 130.0), ("me", 100.0), (FREE, 100.0)],
    ids=["after the time that its holder has asked for", "at once by who holds it already", "at once when nobody does"],
)
def test_a_lease_may_be_taken(holder: str, moment: float) -> None:
    assert free_at(ObservedLease(replace(THEIRS, holder=holder), 100.0), TERMS) == moment


def test_a_version_is_as_old_as_the_first_look_at_it_and_a_renewal_is_a_new_version() -> None:
    first = observed(None, THEIRS, 100.0)
    assert observed(first, THEIRS, 109.0) == first
    assert observed(first, replace(THEIRS, version="8"), 109.0).since == 109.0


@pytest.mark.parametrize("seconds", [3, 12, 60])
def test_a_leader_has_two_attempts_to_renew_and_stops_well_before_another_one_begins(seconds: int) -> None:
    terms = replace(TERMS, seconds=seconds)
    assert 2 * terms.pause + terms.patience < terms.leads_for
    assert terms.leads_for * 1.4 < seconds
