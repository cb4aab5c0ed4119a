"""One webhook target: sends what waits for it, one by one, in order, until each has arrived."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from streamer import __version__
from streamer.capture.backoff import Backoff
from streamer.errors import StoreError
from streamer.integrations.config import WebhookConfig
from streamer.integrations.loop_thread import Signals
from streamer.integrations.outbox import Delivery, Outbox
from streamer.integrations.signature import signed_headers
from streamer.monitoring.health import Health
from streamer.monitoring.metrics import Metrics

if TYPE_CHECKING:
    import httpx

__all__ = ["Outcome", "Target", "judge", "retry_after"]

_SHORTEST_PAUSE, _LONGEST_PAUSE = 1.0, 8.0  # seconds between attempts: however long it was gone, it is found soon
_LONGEST_ASKED = 3600.0  # seconds for which a target may have us wait
_SLOW_AFTER = 3.0  # seconds under way from which an attempt is told as a problem, though it may yet succeed
_OUTBOX_PAUSE = 5.0
_MOST_READ = 64 * 1024  # bytes of an answer


class Outcome(Enum):
    """What an answer means: arrived; this event will never be taken; to be tried again."""

    DELIVERED = "delivered"
    REFUSED = "refused"
    RETRY = "retry"


def judge(status: int) -> Outcome:
    """An HTTP status.

    Only what says that this very body is wrong gives it up, as it would block all others for ever. All else may be
    set right at the target: a wrong secret, a moved address, an overloaded server.
    """
    if 200 <= status < 300:
        return Outcome.DELIVERED
    return Outcome.REFUSED if status in {400, 413, 415, 422} else Outcome.RETRY


def retry_after(value: str | None, now: float) -> float:
    """The seconds that a Retry-After header asks to wait, within bounds; 0 without one, or one not understood.

    value: seconds or a date (RFC 9110, 10.2.3). now: UTC s.
    """
    if not value:
        return 0.0
    try:
        seconds = float(value)
    except ValueError:
        try:
            date = parsedate_to_datetime(value)
        except ValueError:
            return 0.0
        seconds = (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - now
    return min(max(seconds, 0.0), _LONGEST_ASKED) if math.isfinite(seconds) else 0.0


class Target:
    """Lives on the sink's loop. The URL appears in no message: it may be a secret in itself."""

    def __init__(self, config: WebhookConfig, outbox: Outbox, *, health: Health, metrics: Metrics) -> None:
        self.name = config.name
        self._config = config
        self._outbox = outbox
        self._health = health
        self._attempts = metrics.webhook_attempts
        self._waiting = metrics.webhook_queue.labels(self.name)
        self._backoff = Backoff(_SHORTEST_PAUSE, _LONGEST_PAUSE)
        self.queued = asyncio.Event()  # something was put into the outbox
        self._asked = 0.0  # seconds that the target asked for in its newest answer

    async def work(self, client: httpx.AsyncClient, signals: Signals) -> None:
        """Deliver until cancelled, or asked to stop."""
        while not signals.stopping.is_set():
            self.queued.clear()
            try:
                self._waiting.set(self._outbox.waiting(self.name))
                delivery = self._outbox.first(self.name)
            except StoreError as error:
                self._report(str(error))
                await signals.pause(_OUTBOX_PAUSE)
                continue
            if delivery is None:
                await self.queued.wait()
            else:
                await self._deliver(delivery, client, signals)

    async def _deliver(self, delivery: Delivery, client: httpx.AsyncClient, signals: Signals) -> None:
        slow = asyncio.get_running_loop().call_later(_SLOW_AFTER, self._report, f"{self._host}: no answer yet")
        try:
            outcome, why = await self._attempt(delivery, client)
        finally:
            slow.cancel()
        self._attempts.labels(self.name, outcome.value).inc()
        if outcome is Outcome.RETRY:
            self._report(why)
            await signals.pause(max(self._backoff.next(), self._asked))
            return
        self._report(None if outcome is Outcome.DELIVERED else why)
        self._backoff.reset()
        await self._remove(delivery, signals)

    async def _attempt(self, delivery: Delivery, client: httpx.AsyncClient) -> tuple[Outcome, str]:
        """One request; what became of it, and why it failed if it did."""
        import httpx

        config = self._config
        secret = config.secret.get_secret_value() if config.secret else None
        headers = signed_headers(delivery.key, int(time.time()), delivery.body, secret)
        headers |= {"Content-Type": "application/json", "User-Agent": f"streamer/{__version__}"}
        self._asked = 0.0
        answer = None
        try:
            # The library's time-outs are for each read: a target that drips would hold us for ever
            async with (
                asyncio.timeout(config.timeout),
                client.stream("POST", config.url.get_secret_value(), content=delivery.body, headers=headers) as answer,
            ):
                await _drain(answer)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, OSError) as error:
            if answer is None:
                return Outcome.RETRY, f"{self._host}: {_why(error, config.timeout)}"
            # else: it has answered, whatever became of the rest
        status, received = answer.status_code, answer.headers
        self._asked = retry_after(received.get("retry-after"), time.time())
        return judge(status), f"{self._host} answers {status}{_hint(status, received)}"

    async def _remove(self, delivery: Delivery, signals: Signals) -> None:
        """Take it out of the outbox; while that fails, as on a full disk, nothing else is sent: it would come twice."""
        while True:
            try:
                self._outbox.remove(delivery)
            except StoreError as error:
                self._report(str(error))
                if signals.stopping.is_set():
                    return
                await signals.pause(_OUTBOX_PAUSE)
            else:
                self._waiting.set(self._outbox.waiting(self.name))
                return

    @property
    def _host(self) -> str:
        return urlsplit(self._config.url.get_secret_value()).hostname or ""

    def _report(self, problem: str | None) -> None:
        self._health.report(f"webhook {self.name}", problem)


async def _drain(answer: httpx.Response) -> None:
    """Read the little that comes with an answer, so that the connection can be used again."""
    read = 0
    async for chunk in answer.aiter_raw():
        read += len(chunk)
        if read > _MOST_READ:
            return


def _why(error: Exception, timeout: float) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer in {timeout:g} s"
    return str(error) or type(error).__name__


def _hint(status: int, headers: Mapping[str, str]) -> str:
    if 300 <= status < 400:
        host = urlsplit(headers.get("location", "")).hostname
        return f" and sends elsewhere{f', to {host}' if host else ''}: redirects are not followed, change the url"
    if status in {401, 403}:
        return ": is it the right secret?"
    return ""
