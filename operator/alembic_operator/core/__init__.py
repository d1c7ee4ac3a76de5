"""Decide, without a clock, a socket or a log: from an Observation to a Plan."""
