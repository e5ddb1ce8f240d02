# SPDX-License-Identifier: MIT
"""A directory that was in use

go-fuse, example/winfs: what is open must not be removed, and a file counts as open until its RELEASE
has been processed, which is some time after close(2) has returned. Its test sleeps 10 ms between
close and unlink ("it may take a while for the RELEASE to be processed"). Here it is the directory of
an open file that cannot be removed; RELEASE takes 5 ms, as when a file is closed on a disk.
"""

import os
import time

from .mounting import traced

PAUSE = 0.010  # time.Sleep(10 * time.Millisecond)


def mounted(folder):
    return traced(folder, "delay=release:5ms")


def test_directory_can_be_removed(fs, turn):
    """go-fuse's test of winfs: remove what was open, as soon as that may succeed."""
    directory = fs.mountpoint / f"directory{turn}"
    directory.mkdir()
    with fs.trace_monitor.expect("release", path=directory / "file"):
        with open(directory / "file", "w"):
            os.unlink(directory / "file")
    directory.rmdir()


def sleeping(fs, turn, pause=PAUSE):
    """As go-fuse's test does it."""
    directory = fs.mountpoint / f"directory{turn}"
    directory.mkdir()
    with open(directory / "file", "w"):
        os.unlink(directory / "file")
    time.sleep(pause)
    directory.rmdir()
