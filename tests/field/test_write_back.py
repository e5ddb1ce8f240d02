# SPDX-License-Identifier: MIT
"""Pages that the kernel writes back later

DragonOS (pull request 1989) and libfuse's test_write_cache (usleep(delay)): what is stored through a
shared mapping, or kept by the write-back cache, reaches the filesystem in WRITEs that the kernel sends
when it likes. DragonOS's authors wrote a recorder of the last WRITEs into their test's daemon. Here the
kernel is told to begin by posix_fadvise(2), which does not wait; the twin sleeps for a millisecond.
"""

import contextlib
import mmap
import os
import time

from .mounting import traced

PAUSE = 0.001
SIZE = mmap.PAGESIZE


def mounted(folder):
    return traced(folder, "writeback_cache", "attr_timeout=60", "entry_timeout=60")


@contextlib.contextmanager
def stored_in_mapping(file):
    """Through the mapping alone; write-back has begun when it returns, not more."""
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        os.ftruncate(descriptor, SIZE)
        with mmap.mmap(descriptor, SIZE) as mapping:
            mapping[:] = b"m" * SIZE
            os.posix_fadvise(descriptor, 0, SIZE, os.POSIX_FADV_DONTNEED)
            yield
    finally:
        os.close(descriptor)


def test_page_is_written_back(fs, turn):
    """The WRITE of the page, which nobody asked the kernel to wait for."""
    name = f"file{turn}"
    write = fs.trace_monitor.expect("write", path=f"/{name}")
    with stored_in_mapping(fs.mountpoint / name):
        assert write.wait().details["size"] == SIZE
        assert (fs.branches[0] / name).read_bytes() == b"m" * SIZE


def sleeping(fs, turn, pause=PAUSE):
    """The same with a sleep."""
    name = f"file{turn}"
    with stored_in_mapping(fs.mountpoint / name):
        time.sleep(pause)
        assert (fs.branches[0] / name).read_bytes() == b"m" * SIZE
