# SPDX-License-Identifier: MIT
"""Unmounted with RELEASE on its way

D. Wong, "fuse: flush pending fuse events before aborting the connection" (2025), for generic/488 of
xfstests: files are removed while they are open and closed, then the filesystem is unmounted, and "a
large number of FUSE_RELEASE commands that are queued up" is thrown away. What the filesystem would
have done at RELEASE is never done. Here .fuse_hidden... files stay in the store for ever. scylladb
(issue 29920) sleeps half a second before it unmounts.
"""

import os
import time

from .mounting import managing as mounted
from .mounting import new_config
from .test_hidden_file import hidden_files

FILES = 20
PAUSE = 0.5
OPTIONS = ("delay=release:1ms",)  # a disk's close


def close_removed_files(mountpoint):
    opened = [open(mountpoint / f"file{number}", "w") for number in range(FILES)]
    for file in opened:
        os.unlink(file.name)
    for file in opened:
        file.close()


def test_nothing_is_left_behind(fs, turn):
    """Wong's test: it unmounts when all RELEASEs have been answered."""
    config = new_config(fs, *OPTIONS)
    with fs.mounted_fs(config) as mount:
        with mount.trace_monitor.expect_all(["release"] * FILES, timeout=30):
            close_removed_files(mount.mountpoint)
    assert hidden_files(config.branches[0]) == []


def sleeping(fs, turn, pause=PAUSE):
    """With half a second, as scylladb has it."""
    config = new_config(fs, *OPTIONS)
    with fs.mounted_fs(config) as mount:
        close_removed_files(mount.mountpoint)
        time.sleep(pause)
    assert hidden_files(config.branches[0]) == []
