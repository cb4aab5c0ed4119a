"""Databases for the suites that run over each of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from streamer.store.database import Database
from tests.postgres import Postgres, postgres_is_installed
from tests.requirements import require


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    require(postgres_is_installed(), "PostgreSQL (Debian: postgresql)")
    with Postgres() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.sqlite3'}"
    server: Postgres = request.getfixturevalue("postgres")
    return server.new_database()


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    """Empty, with the tables."""
    made = Database(url)
    made.open()
    yield made
    made.close()
