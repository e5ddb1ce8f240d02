# SPDX-License-Identifier: MIT
"""Who hangs in a mount of ours is freed: its connection is aborted, and the call fails."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from live.mounting import abort_connection, mounts

TURN_SECONDS = 60  # one turn never takes that long


def abort_below(folder: Path) -> None:
    for entry in mounts():
        if entry.kind.startswith("fuse") and entry.mountpoint.startswith(f"{folder}/"):
            abort_connection(entry.device)


@contextlib.contextmanager
def watched(folder: Path, progress: Callable[[], int]) -> Iterator[None]:
    """Aborts what is mounted in folder when progress() stands still for a turn's time."""
    is_over = threading.Event()

    def watch() -> None:
        before = -1
        while not is_over.wait(TURN_SECONDS):
            now = progress()
            if now == before:
                abort_below(folder)
            before = now

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()
