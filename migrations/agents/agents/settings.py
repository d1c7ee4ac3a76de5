"""The service's settings, read once from the environment."""

import os
from dataclasses import dataclass, field

from sqlalchemy.engine import URL


def _from_environment(name: str, default: str) -> str:
    found: str = field(default_factory=lambda: os.environ.get(name, default))
    return found


@dataclass(frozen=True)
class Settings:
    """Where the database is; for a developer's machine unless the environment says otherwise."""

    db_host: str = _from_environment("AGENTS_DB_HOST", "localhost")
    db_port: str = _from_environment("AGENTS_DB_PORT", "5432")
    db_user: str = _from_environment("AGENTS_DB_USER", "agents")
    db_password: str = _from_environment("AGENTS_DB_PASSWORD", "agents")
    db_name: str = _from_environment("AGENTS_DB_NAME", "agents")

    @property
    def database_url(self) -> str:
        """The URL as a text, which is what Alembic's configuration takes."""
        url = URL.create(
            "postgresql+psycopg2", self.db_user, self.db_password, self.db_host, int(self.db_port), self.db_name
        )
        return url.render_as_string(hide_password=False)


settings = Settings()
