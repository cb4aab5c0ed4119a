from __future__ import annotations

import sys

import psutil
import pytest

from streamer.memory import give_back_freed_memory


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc gives memory back when asked")
def test_what_lies_free_between_things_in_use_goes_back_to_the_system() -> None:
    process = psutil.Process()
    blocks = [bytearray(b"x" * 60_000) for _ in range(4000)]  # too small to be mapped one by one
    used = blocks[::100]
    before = process.memory_info().rss
    del blocks
    give_back_freed_memory()
    assert len(used) == 40
    assert process.memory_info().rss < before - 150e6
