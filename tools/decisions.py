"""Write the reference page of the order in which the operator decides."""

from collections.abc import Iterable

from alembic_operator.core.decide import order
from tools.tables import table

PAGE = """\
<!-- {origin} -->

# In which order the operator decides

At each look at a migration the operator asks these questions from the top. The first that applies decides, and its
reason becomes that of the conditions ([Reasons](reasons.md)). A row is a module of
`operator/alembic_operator/core/decide/rules/`: its name, when it applies, and which reasons it can give. *That of the
run* is what the runner reported, or what is known of its end without a report.

## First, whatever `spec.strategy` says

{anyway}

## Then, with strategy `Job`

{by_job}

## Then, with strategy `InitContainer`

{by_pods}

## At last

A decision that was found can still change, in this order.

{amendments}
"""


def page(origin: str) -> str:
    """Return every rule in its place."""
    before, first, at_last = len(order.ANYWAY), order.AMENDMENTS_BY_JOB, order.AMENDMENTS
    return PAGE.format(
        origin=origin,
        anyway=_rules(order.ANYWAY),
        by_job=_rules(order.BY_JOB, before),
        by_pods=_rules(order.BY_PODS, before),
        amendments=_amendments([("`Job`", one) for one in first] + [("both", one) for one in at_last]),
    )


def _rules(rules: Iterable[order.Rule], before: int = 0) -> str:
    rows = (
        (str(number), f"`{one.decide.__name__}`", order.sentence(one), _reasons(one.gives))
        for number, one in enumerate(rules, before + 1)
    )
    return table(("", "Rule", "Applies when", "Reasons"), rows)


def _amendments(given: Iterable[tuple[str, order.Amendment]]) -> str:
    rows = (
        (f"`{one.amend.__name__}`", strategy, order.sentence(one), _reasons(one.gives) or "as before")
        for strategy, one in given
    )
    return table(("", "Strategy", "What changes", "Reason"), rows)


def _reasons(gives: Iterable[str]) -> str:
    return ", ".join(f"*{one}*" if one == order.OF_THE_RUN else f"`{one}`" for one in gives)
