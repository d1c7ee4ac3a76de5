"""The slow pace: when a Job that failed is made anew."""

from datetime import timedelta

FIRST_DELAY = timedelta(minutes=1)
LONGEST_DELAY = timedelta(minutes=10)


def delay(attempt: int) -> timedelta:
    """Return how long to wait after the Job of this attempt (1, 2, ...) failed: a minute, doubling to ten."""
    doublings = min(attempt - 1, 10)
    return min(FIRST_DELAY * (1 << doublings), LONGEST_DELAY)
