# SPDX-License-Identifier: MIT
"""Using a mount from a test: files that are always closed, and waits for single operations."""

from __future__ import annotations

import contextlib
import os

from .mounting import Mount
from .tracing import Operation, Trace


class User:
    """Uses a mount: keeps what it opened, and closes it before the mount goes away."""

    def __init__(self, mount: Mount):
        self.root = os.fsencode(mount.mountpoint)
        self.files: list[int] = []

    def __call__(self, path: bytes) -> bytes:
        return self.root + path

    def open(self, path: bytes, flags: int, at: int | None = None) -> int:
        fd = os.open(path if at is not None else self(path), flags, 0o644, dir_fd=at)
        self.files.append(fd)
        return fd

    def close_file(self, fd: int) -> None:
        self.files.remove(fd)
        os.close(fd)

    def close(self) -> None:
        for fd in self.files:
            with contextlib.suppress(OSError):
                os.close(fd)
        self.files.clear()


def wait_for(tracer: Trace, op: str, path: bytes | None = None) -> Operation:
    """The first such operation; fails with the last ones when it does not come."""
    return tracer.wait_for(lambda each: each.op == op and path in (None, each.path))
