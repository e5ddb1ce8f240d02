# SPDX-License-Identifier: MIT
"""--fusetrace-live: `kill -USR1` prints what the tests of a process wait for, while they go on."""

from __future__ import annotations

import os
import signal
import sys
import threading
import traceback
from contextlib import suppress
from types import FrameType

import pytest

from .record import session_of
from .reports import operation_line

_FRAMES_MAX = 6


def enable(config: pytest.Config) -> None:
    """Handles SIGUSR1 from now on. Outside of the main thread Python allows no handlers."""
    if threading.current_thread() is not threading.main_thread():
        return
    descriptor = session_of(config).stderr

    def show(number: int, frame: FrameType | None) -> None:
        with suppress(OSError):
            os.write(descriptor, f"{text_of(config, frame)}\n".encode(errors="backslashreplace"))

    before = signal.signal(signal.SIGUSR1, show)

    def restore() -> None:
        signal.signal(signal.SIGUSR1, before)

    config.add_cleanup(restore)


def text_of(config: pytest.Config, main_frame: FrameType | None) -> str:
    """What is in flight in each mount, and where each thread of Python stands."""
    lines = [f"---- fusetrace: process {os.getpid()} ----"]
    for record in list(session_of(config).live_records):
        lines.append(record.item.nodeid)
        for mount in record.mounts:
            lines.append(f"  {mount.mountpoint}")
            if mount.monitor is None:
                lines.append("    not traced")
                continue
            with suppress(Exception):
                lines += [f"    {operation_line(one, record.began)}"
                          for one in mount.monitor.in_flight] or ["    nothing in flight"]
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    for identifier, frame in sys._current_frames().items():
        if identifier == threading.get_ident():
            frame = main_frame or frame
        lines.append(f"thread {names.get(identifier, identifier)}:")
        frames = [one for one in traceback.extract_stack(frame) if "/_pytest/" not in one.filename
                  and "/pluggy/" not in one.filename]
        lines += [f"  {one.filename}:{one.lineno} {one.name}" for one in frames[-_FRAMES_MAX:]]
    return "\n".join(lines)
