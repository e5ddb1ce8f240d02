# SPDX-License-Identifier: MIT
"""A test that is stuck in its filesystem: where it stands in the kernel, where the daemon does, and
how it is freed."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import pytest

from ..errors import FuseTraceError
from .record import WatchedMount, record_of, session_of

# Functions of the kernel's fs/fuse/dev.c in which a caller waits for the daemon's reply.
_WAITING = ("request_wait_answer", "fuse_")
_FRAMES_MAX = 12


def look_at(item: pytest.Item, thread: int) -> None:
    """Reports a test whose thread waits for a daemon; runs in a thread of its own."""
    record = record_of(item)
    wait = _kernel_place(os.getpid(), thread)
    if record is None or not any(word in wait for word in _WAITING):
        return
    state = session_of(item.config)
    lines = [f"the test hangs in its filesystem: thread {thread} waits in the kernel",
             *_indented(wait)]
    for mount in record.mounts:
        lines += _daemon_lines(mount)
    if state.settings.on_hang == "abort":
        lines += [_abort(mount) for mount in record.mounts]
    text = "\n".join(lines)
    record.notes.append(text)
    _print_at_once(state.stderr, f"fusetrace: {item.nodeid}: {text}\n")


def _kernel_place(pid: int, thread: int) -> str:
    """The kernel's stack of a thread; of those who are not root only the function it waits in."""
    for name in ("stack", "wchan"):
        with suppress(OSError):
            text = Path(f"/proc/{pid}/task/{thread}/{name}").read_text(errors="replace").strip()
            if text and text != "0":
                return text
    return ""


def _daemon_lines(mount: WatchedMount) -> list[str]:
    lines = []
    try:
        threads = sorted(int(name) for name in os.listdir(f"/proc/{mount.pid}/task"))
    except OSError:
        return [f"the daemon {mount.pid} of {mount.mountpoint} is gone"]
    for thread in threads:
        lines.append(f"daemon {mount.pid} of {mount.mountpoint}, thread {thread}")
        lines += _indented(_kernel_place(mount.pid, thread))
    return lines


def _indented(text: str) -> list[str]:
    return [f"  {line}" for line in text.splitlines()[:_FRAMES_MAX]]


def _abort(mount: WatchedMount) -> str:
    """Ends the connection: whoever waits in it gets ECONNABORTED. Asks the mount nothing."""
    try:
        if not mount.daemon.abort():
            return f"the connection of {mount.mountpoint} is gone: there is nothing to abort"
    except FuseTraceError as error:
        return f"the connection of {mount.mountpoint} could not be aborted: {error}"
    return f"the connection of {mount.mountpoint} was aborted (fusetrace_on_hang = abort)"


def _print_at_once(descriptor: int, text: str) -> None:
    """Past the capture: pytest-timeout's thread method ends the process without a report."""
    with suppress(OSError):
        os.write(descriptor, text.encode(errors="backslashreplace"))
