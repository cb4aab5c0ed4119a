"""What nobody catches is told without secrets. Each in a process of its own, as its user runs it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

BEGIN = """
import asyncio, gc, sys, threading
from streamer.cli import app, main
from streamer.config import LogConfig
from streamer.logs import set_up_logging
from streamer.redaction import register_secret

register_secret("zq7mark-password")

def fail() -> None:
    raise RuntimeError("can't open rtsp://cam/user=a_pass_zq7mark-password, or rtsp://viewer:zq7mark-other@cam/1")

class Dying:
    def __del__(self) -> None:
        fail()

async def end_a_task() -> None:
    async def end() -> None:
        fail()
    task = asyncio.create_task(end())
    await asyncio.wait([task])
    del task
    gc.collect()

async def fail_in_the_loop() -> None:
    asyncio.get_running_loop().call_soon(fail)
    await asyncio.sleep(0)

@app.command("fail")
def command() -> None:
    if logs == "yes":
        set_up_logging(LogConfig())
"""
END = """
logs = sys.argv.pop()
sys.argv.append("fail")
main()
"""
WAYS = {
    "the command": ("fail()", 1),
    "a thread": ("thread = threading.Thread(target=fail); thread.start(); thread.join()", 0),
    "a destructor": ("Dying()", 0),
    "a task": ("asyncio.run(end_a_task())", 0),
    "the loop": ("asyncio.run(fail_in_the_loop())", 0),
}


@pytest.mark.parametrize("logs", ["yes", "no"])
@pytest.mark.parametrize("way", WAYS)
def test_an_exception_that_nobody_catches_is_told_without_secrets(way: str, logs: str) -> None:
    fails, code = WAYS[way]
    done = subprocess.run(
        [sys.executable, "-c", f"{BEGIN}    {fails}\n{END}", logs],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    assert done.returncode == code, done.stderr
    assert "RuntimeError: can't open rtsp://cam/user=a_pass_***, or rtsp://***@cam/1" in done.stderr
    assert "zq7mark" not in done.stdout + done.stderr
