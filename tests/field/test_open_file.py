# SPDX-License-Identifier: MIT
"""A file that was open

go-fuse, example/winfs: a file that is open cannot be removed, and it counts as open until its RELEASE
has been processed, which is some time after close(2) has returned. The test sleeps 10 ms between
close and unlink ("it may take a while for the RELEASE to be processed"). Here it is a filesystem on
go-fuse that does the same; RELEASE takes 2 ms on average, exponentially distributed, as storage does.
"""

import time

from . import gofuse
from .gofuse import missing

PAUSE = 0.010  # time.Sleep(10 * time.Millisecond)


def mounted(folder):
    return gofuse.mounted(folder, "-keep-open", "-slow", "2ms", source="kernel")


def test_file_can_be_removed(fs, turn):
    """go-fuse's test of winfs: removes what was open, as soon as that may succeed."""
    file = fs.mountpoint / f"file{turn}"
    with fs.trace_monitor.expect("release", path=file):
        file.write_text("hello")
    file.unlink()


def sleeping(fs, turn, pause=PAUSE):
    """As go-fuse's test does it."""
    file = fs.mountpoint / f"file{turn}"
    file.write_text("hello")
    time.sleep(pause)
    file.unlink()
