"""Databases for the suites that run over each of them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from streamer.store.database import Database
from tests.postgres import Postgres, postgres_is_installed
from tests.requirements import require

KINDS = ["sqlite", "postgresql"]


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    require(postgres_is_installed(), "PostgreSQL (Debian: postgresql)")
    with Postgres() as server:
        yield server


def _new(request: pytest.FixtureRequest, folder: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{folder / 'store.sqlite3'}"
    server: Postgres = request.getfixturevalue("postgres")
    return server.new_database()


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Of an empty database."""
    return _new(request, tmp_path)


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    """Empty, with the tables."""
    with _opened(url) as made:
        yield made


@pytest.fixture(scope="module", params=KINDS)
def database_of_module(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """The same for all tests of a module, which only read it once it is filled."""
    with _opened(_new(request, tmp_path_factory.mktemp("store"))) as made:
        with made.read(10):  # so that no test is the one that connects
            pass
        yield made


@contextlib.contextmanager
def _opened(url: str) -> Iterator[Database]:
    made = Database(url)
    made.open()
    try:
        yield made
    finally:
        made.close()
