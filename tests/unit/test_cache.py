from __future__ import annotations

import logging
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from streamer.cache import MemoryStore, RedisStore, open_cache
from streamer.config import CacheConfig
from streamer.errors import ConfigError
from streamer.monitoring.metrics import Metrics


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3000)), max_size=60))
def test_memory_stays_within_its_bound(puts: list[tuple[int, int]]) -> None:
    store = MemoryStore(5000, 60)
    for key, size in puts:
        store.put(bytes([key]), bytes(size))
        assert store.used <= 5000
    assert (store.used == 0) == (len(store) == 0)


def test_what_was_used_longest_ago_goes_first() -> None:
    store = MemoryStore(4 * 500, 60)
    for key in (b"a", b"b", b"c", b"d"):
        store.put(key, bytes(90))
    assert store.get(b"a") is not None
    store.put(b"e", bytes(90))
    assert [key for key in (b"a", b"b", b"c", b"d", b"e") if store.get(key) is not None] == [b"a", b"c", b"d", b"e"]


def test_an_answer_expires() -> None:
    clock = Clock()
    store = MemoryStore(10_000, 60, clock=clock)
    store.put(b"a", b"answer")
    clock.now = 59.9
    assert store.get(b"a") == b"answer"
    clock.now = 60.0
    assert store.get(b"a") is None
    assert store.used == 0


def test_without_room_nothing_is_kept() -> None:
    store = MemoryStore(0, 60)
    store.put(b"a", b"")
    assert store.get(b"a") is None


@pytest.fixture
def nobody(unused_port: Callable[[], int]) -> str:
    return f"redis://user:verysecret@127.0.0.1:{unused_port()}/0"


@pytest.fixture
def unused_port() -> Callable[[], int]:
    import socket

    def port() -> int:
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", 0))
            return int(sock.getsockname()[1])

    return port


async def _tries(store: RedisStore, times: int) -> None:
    for _ in range(times):
        assert await store.get(b"key") is None
        await store.put(b"key", b"answer")
    await store.close()


def test_a_redis_that_is_down_is_a_miss_and_is_left_alone_for_a_while(
    nobody: str, caplog: pytest.LogCaptureFixture
) -> None:
    import asyncio

    clock, metrics = Clock(), Metrics()
    store = RedisStore(nobody, 60, metrics=metrics, clock=clock)

    def failures() -> float | None:
        return metrics.registry.get_sample_value("streamer_image_cache_errors_total")

    with caplog.at_level(logging.WARNING):
        asyncio.run(_tries(store, 50))
        assert failures() == 1
        clock.now = 5.1
        asyncio.run(_tries(store, 1))
        assert failures() == 2
    (line,) = caplog.messages  # once a minute
    assert "images are analysed again instead" in line
    assert "verysecret" not in line


def test_an_address_that_can_not_be_understood_is_a_configuration_error() -> None:
    with pytest.raises(ValueError, match="a Redis address"):
        CacheConfig(url=SecretStr("http://cache:6379"))
    with pytest.raises(ConfigError, match=r"cache\.url"):
        open_cache(CacheConfig(url=SecretStr("redis://cache:port")), Metrics())


def test_the_password_shows_nowhere_in_the_configuration() -> None:
    config = CacheConfig(url=SecretStr("redis://:verysecret@cache:6379/0"))
    assert "verysecret" not in repr(config)
    assert "verysecret" not in config.model_dump_json()
