# SPDX-License-Identifier: MIT
"""The near side of the watchdog: starts it with the first mount, and tells it of each."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

_LIMIT_SECONDS = 10


class Watchdog:
    """One for a process of tests. Whatever goes wrong with it, the tests go on."""

    def __init__(self) -> None:
        self._owner = os.getpid()
        # Of its own session, so that Ctrl-C in the terminal does not end it with the tests.
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(Path(__file__).with_name("watchdog.py"))],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True, cwd="/")

    def add(self, mountpoint: str, pid: int) -> None:
        """This is mounted now."""
        self._tell("+", mountpoint, pid)

    def remove(self, mountpoint: str, pid: int) -> None:
        """This is not mounted any more."""
        self._tell("-", mountpoint, pid)

    def close(self) -> None:
        """The tests are over; what is still mounted is taken away."""
        if os.getpid() != self._owner:
            return
        pipe = self._process.stdin
        with suppress(OSError):
            if pipe is not None:
                pipe.close()
        try:
            self._process.wait(_LIMIT_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _tell(self, sign: str, mountpoint: str, pid: int) -> None:
        pipe = self._process.stdin
        if pipe is None or os.getpid() != self._owner:
            return
        with suppress(OSError, ValueError):
            pipe.write(f"{sign}{pid} {os.fsencode(mountpoint).hex()}\n".encode())
            pipe.flush()
