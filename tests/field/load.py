# SPDX-License-Identifier: MIT
"""A busy machine, on request: two processes a processor that compute, one that writes and syncs."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

COMPUTE = "while True: pass"
WRITE = """\
import os, sys
descriptor = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT, 0o600)
while True:
    os.pwrite(descriptor, bytes(1 << 20), 0)
    os.fsync(descriptor)
"""


@contextlib.contextmanager
def load(folder: Path) -> Iterator[None]:
    commands = [(COMPUTE,)] * (2 * os.cpu_count()) + [(WRITE, str(folder / "written"))]
    processes: list[subprocess.Popen] = []
    try:
        for words in commands:
            processes.append(subprocess.Popen([sys.executable, "-S", "-E", "-c", *words],
                                              stdin=subprocess.DEVNULL))
        yield
    finally:
        for process in processes:
            process.kill()
        for process in processes:
            process.wait(30)
