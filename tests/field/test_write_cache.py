# SPDX-License-Identifier: MIT
"""How many requests the kernel makes of two writes

libfuse, test_write_cache (pull requests 635, 892): with the write-back cache two writes of 2048 bytes
become one WRITE, "unless something decides to flush in between", and the test failed when something
did. It was made to try again. Here that something is a thread that flushes the file's pages at times
of its own, as a backup or a busy kernel does.
"""

import contextlib
import os
import random
import threading

from .mounting import traced

PAUSE = 0.0  # it has none: it hopes that nobody flushes
PIECE = 2048


class Flusher:
    """Writes the pages of a file back, in half of the turns between its two writes."""

    def __init__(self):
        self._random = random.Random(892)
        self._jobs = threading.Semaphore(0)
        self._path = None
        self._has_gone = False
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def look_at(self, path):
        self._path = path
        self._jobs.release()

    def _run(self):
        while True:
            self._jobs.acquire()
            if self._has_gone:
                return
            if self._random.random() < 0.5:
                with contextlib.suppress(FileNotFoundError):
                    descriptor = os.open(self._path, os.O_RDWR)
                    os.fdatasync(descriptor)
                    os.close(descriptor)

    def end(self):
        self._has_gone = True
        self._jobs.release()
        self._thread.join()


@contextlib.contextmanager
def mounted(folder):
    flusher = Flusher()
    try:
        with traced(folder, "writeback_cache", "attr_timeout=60", "entry_timeout=60") as fs:
            fs.flusher = flusher
            yield fs
    finally:
        flusher.end()


def write_twice(fs, file):
    with open(file, "wb", buffering=0) as opened:
        fs.flusher.look_at(file)
        opened.write(b"a" * PIECE)
        opened.write(b"b" * PIECE)


def bytes_covered(writes):
    return {byte for one in writes
            for byte in range(one.details["offset"], one.details["offset"] + one.details["size"])}


def test_writes_cover_the_file(fs, turn):
    """libfuse's test, of what is promised: all bytes have arrived when the file is closed, in
    however many requests."""
    monitor, file = fs.trace_monitor, fs.mountpoint / f"file{turn}"
    mark = monitor.mark()
    with monitor.expect("flush", path=file):
        write_twice(fs, file)
    writes = monitor.since(mark).matching("write", path=file)
    assert bytes_covered(writes) == set(range(2 * PIECE))


def sleeping(fs, turn, pause=PAUSE):
    """As libfuse's test was."""
    monitor, file = fs.trace_monitor, fs.mountpoint / f"file{turn}"
    mark = monitor.mark()
    write_twice(fs, file)
    monitor.sync()
    assert monitor.since(mark).count("write", path=file) == 1
