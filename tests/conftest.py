"""Checks that hold for every test: it leaves no thread and no file descriptor behind."""

from __future__ import annotations

import gc
import os
import threading
import time
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from streamer import redaction

# A loaded machine is no failure. In CI hypothesis takes its own profile, which tries the same examples each time.
settings.register_profile("without deadlines", deadline=None)
if os.environ.get("CI") != "true":
    settings.load_profile("without deadlines")

# In CI nothing may be skipped: what a test needs is installed there. These reasons speak of the machine itself.
MAY_SKIP_IN_CI = ("needs a processor with bfloat16",)

SHARED = Path(__file__).resolve().parents[2] / "shared"
# No part of the project: whoever has only the repository does without. Where the folder is, all of it must be there.
NEEDS_SHARED = "needs the shared material beside the checkout (clips, faces, detection)"


def may_skip_in_ci(reason: str) -> bool:
    """Whether a test may be skipped in CI, too."""
    lacks_shared = reason.endswith(NEEDS_SHARED) and not SHARED.is_dir()
    return lacks_shared or any(allowed in reason for allowed in MAY_SKIP_IN_CI)


def _descriptors() -> dict[int, str]:
    """What each open file descriptor of this process points to; empty where the system doesn't tell."""
    folder = Path("/proc/self/fd")
    found = {}
    for link in folder.iterdir() if folder.is_dir() else ():
        try:
            found[int(link.name)] = str(link.readlink())
        except OSError:  # the listing's own descriptor
            continue
    return found


def _wait_until_gone(threads: set[threading.Thread], seconds: float = 3.0) -> set[threading.Thread]:
    deadline = time.monotonic() + seconds
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    return {thread for thread in threads if thread.is_alive()}


@pytest.fixture(autouse=True)
def no_secrets_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test has redacted is nobody else's secret."""
    monkeypatch.setattr(redaction, "_secrets", ())


@pytest.fixture(autouse=True)
def no_leaked_threads() -> Iterator[None]:
    """A test that leaves a thread running fails, by itself."""
    before = set(threading.enumerate())
    yield
    left = _wait_until_gone({t for t in threading.enumerate() if t not in before and not _may_stay(t)})
    assert not left, f"threads left running: {[t.name for t in left]}"


def _may_stay(thread: threading.Thread) -> bool:
    # asyncio's default executor and hypothesis' workers are ended by their owners after the test
    return thread.name.startswith(("asyncio_", "ThreadPoolExecutor-hypothesis"))


@pytest.fixture(autouse=True)
def no_leaked_descriptors() -> Iterator[None]:
    """A test that leaves sockets, pipes or files of its own open fails, by itself."""
    before = _descriptors()

    def left_open() -> dict[int, str]:
        return {fd: what for fd, what in _descriptors().items() if before.get(fd) != what and _is_a_resource(what)}

    yield
    left = left_open()
    if left:
        gc.collect()  # takes half a second, with all that is loaded
        left = left_open()
    assert not left, f"descriptors left open: {left}"


def _is_a_resource(what: str) -> bool:
    return what.startswith(("socket:", "pipe:")) or what.endswith((".mp4", ".mkv", ".jpg", ".onnx"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """Real clips and labelled photographs, where they lie beside the checkout."""
    if not SHARED.is_dir():
        pytest.skip(NEEDS_SHARED)
    return SHARED


@pytest.fixture(scope="session")
def cores() -> int:
    """Processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI, a test that would be skipped fails instead, saying what it lacks."""
    report = yield
    if report.skipped and os.environ.get("CI") == "true" and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if not may_skip_in_ci(reason):
            report.outcome = "failed"
            report.longrepr = f"{item.nodeid} would be skipped, which CI does not allow: {reason}"
    return report
