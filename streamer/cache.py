"""Finished answers, kept: in memory within a bound, and in Redis where several processes share them."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Protocol

from streamer.config import CacheConfig
from streamer.errors import ConfigError
from streamer.monitoring.metrics import Metrics
from streamer.redaction import redact, register_secret

__all__ = ["AnswerCache", "MemoryStore", "RedisStore", "SharedStore", "open_cache"]

log = logging.getLogger(__name__)

_ENTRY_BYTES = 400  # of bookkeeping, besides key and value
_REDIS_SECONDS = 0.25  # for one command: more would cost more than analysing a picture again
_CONNECTIONS = 16
_PAUSE_SECONDS = 5.0  # after a failure, without another attempt
_LOG_SECONDS = 60.0


class SharedStore(Protocol):
    """Where answers are shared between processes. Never raises, and answers within a fraction of a second."""

    async def get(self, key: bytes) -> bytes | None:
        """The answer under a key; None where there is none, or the store can't be reached."""

    async def put(self, key: bytes, answer: bytes) -> None:
        """Keep an answer, if the store can be reached."""

    async def close(self) -> None:
        """Let go of connections."""


class MemoryStore:
    """At most `size` bytes of answers, each for `ttl` seconds; what was used longest ago goes first. For one thread."""

    def __init__(self, size: int, ttl: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._size = size
        self._ttl = ttl
        self._clock = clock
        self._answers: OrderedDict[bytes, tuple[bytes, float]] = OrderedDict()
        self.used = 0  # bytes

    def __len__(self) -> int:
        return len(self._answers)

    def get(self, key: bytes) -> bytes | None:
        """The answer, which is now the one used last."""
        found = self._answers.get(key)
        if found is None:
            return None
        if found[1] <= self._clock():
            self._remove(key)
            return None
        self._answers.move_to_end(key)
        return found[0]

    def put(self, key: bytes, answer: bytes) -> None:
        """Keep an answer, unless it takes more than a quarter of the room by itself."""
        cost = _cost(key, answer)
        if cost > self._size / 4:
            return
        if key in self._answers:
            self._remove(key)
        self._answers[key] = answer, self._clock() + self._ttl
        self.used += cost
        while self.used > self._size:
            self._remove(next(iter(self._answers)))

    def _remove(self, key: bytes) -> None:
        self.used -= _cost(key, self._answers.pop(key)[0])


def _cost(key: bytes, answer: bytes) -> int:
    return len(key) + len(answer) + _ENTRY_BYTES


class RedisStore:
    """Answers in Redis, with an expiry.

    A Redis that is down or slow costs speed, never an answer: a command that fails or takes longer than a quarter of
    a second counts as a miss, and then Redis is left alone for a few seconds.
    """

    def __init__(self, url: str, ttl: float, *, metrics: Metrics, clock: Callable[[], float] = time.monotonic) -> None:
        """Raises ConfigError: the package `redis` is missing, or the address can't be understood. Connects later."""
        try:
            import redis.asyncio
            from redis.asyncio.retry import Retry
            from redis.backoff import NoBackoff
        except ImportError:
            raise ConfigError("cache.url: needs the package redis: pip install redis") from None
        register_secret(url.partition("://")[2].rpartition("@")[0].partition(":")[2])
        self._shown = redact(url)
        try:
            pool = redis.asyncio.BlockingConnectionPool.from_url(
                url,
                max_connections=_CONNECTIONS,
                timeout=_REDIS_SECONDS,
                socket_timeout=_REDIS_SECONDS,
                socket_connect_timeout=_REDIS_SECONDS,
                retry=Retry(NoBackoff(), 1),  # Redis drops connections that it finds idle
            )
            self._redis: Any = redis.asyncio.Redis.from_pool(pool)
        except ValueError as error:
            raise ConfigError(f"cache.url: {redact(str(error))}") from None
        self._failures = (redis.RedisError, OSError, TimeoutError, ValueError)
        self._ttl = max(1, round(ttl))
        self._errors = metrics.cache_errors
        self._clock = clock
        self._paused_until = 0.0
        self._logged_at = -_LOG_SECONDS

    async def get(self, key: bytes) -> bytes | None:
        """See `SharedStore.get`."""
        found = await self._command("GET", _PREFIX + key)
        return found if isinstance(found, bytes) else None

    async def put(self, key: bytes, answer: bytes) -> None:
        """See `SharedStore.put`."""
        await self._command("SET", _PREFIX + key, answer, "EX", self._ttl)

    async def close(self) -> None:
        """See `SharedStore.close`."""
        try:
            async with asyncio.timeout(_REDIS_SECONDS):
                await self._redis.aclose()
        except self._failures as error:
            log.debug("closing Redis: %s", redact(str(error)))

    async def _command(self, *words: object) -> object:
        if self._clock() < self._paused_until:
            return None
        try:
            async with asyncio.timeout(_REDIS_SECONDS):
                found: object = await self._redis.execute_command(*words)
                return found
        except self._failures as error:
            self._pause(error)
            return None

    def _pause(self, error: Exception) -> None:
        self._errors.inc()
        now = self._clock()
        self._paused_until = now + _PAUSE_SECONDS
        if now - self._logged_at >= _LOG_SECONDS:
            why = redact(str(error)) or f"no answer within {_REDIS_SECONDS} s"
            log.warning("the cache at %s can't be used, images are analysed again instead: %s", self._shown, why)
            self._logged_at = now


_PREFIX = b"streamer:image:"


class AnswerCache:
    """Memory first, then what is shared. Lives on the loop."""

    def __init__(self, memory: MemoryStore, shared: SharedStore | None, metrics: Metrics) -> None:
        self._memory = memory
        self._shared = shared
        self._hits_memory = metrics.cache_hits.labels("memory")
        self._hits_shared = metrics.cache_hits.labels("redis")
        self._misses = metrics.cache_misses
        metrics.cache_bytes.set_function(lambda: memory.used)
        metrics.cache_entries.set_function(lambda: len(memory))

    def recall(self, key: bytes) -> bytes | None:
        """The answer if it is in memory. Counts only what it finds: whoever gets None goes on to `fetch`."""
        answer = self._memory.get(key)
        if answer is not None:
            self._hits_memory.inc()
        return answer

    async def fetch(self, key: bytes) -> bytes | None:
        """The answer if it is in the shared store; it is in memory from then on."""
        answer = await self._shared.get(key) if self._shared is not None else None
        if answer is None:
            self._misses.inc()
            return None
        self._hits_shared.inc()
        self._memory.put(key, answer)
        return answer

    async def keep(self, key: bytes, answer: bytes) -> None:
        """In every store."""
        self._memory.put(key, answer)
        if self._shared is not None:
            await self._shared.put(key, answer)

    async def close(self) -> None:
        """Let go of connections."""
        if self._shared is not None:
            await self._shared.close()


def open_cache(config: CacheConfig, metrics: Metrics) -> AnswerCache:
    """As configured. Raises ConfigError; a Redis that doesn't answer is no error."""
    shared = None
    if config.url is not None:
        shared = RedisStore(config.url.get_secret_value(), config.ttl, metrics=metrics)
    return AnswerCache(MemoryStore(config.size, config.ttl), shared, metrics)
