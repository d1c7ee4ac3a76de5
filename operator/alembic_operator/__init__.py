"""A Kubernetes operator that makes Alembic migrations a safe, visible part of every rollout."""

__version__ = "0.1.0"
