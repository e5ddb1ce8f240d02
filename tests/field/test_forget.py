# SPDX-License-Identifier: MIT
"""A file that the kernel forgets

go-fuse, forget_test.go (commit 46d2b5d7): "3 flakes on 100 runs". When a file's last link and last
descriptor have gone, the kernel tells the filesystem by FORGET, some time later, and FORGET has no
reply. The test counts what was forgotten, after time.Sleep(time.Millisecond). On go-fuse itself,
whose log has FORGET; the kernel's tracepoints have not. To release and to forget takes 0.2 ms on
average, exponentially distributed.
"""

import os
import time

from fusetrace import op

from . import gofuse
from .gofuse import missing

PAUSE = 0.001  # time.Sleep(time.Millisecond)


def mounted(folder):
    return gofuse.mounted(folder, "-debug", "-single", "-slow", "200us", source="log")


def forgotten(fs):
    """How many files the filesystem has forgotten; itself a request, which comes after those that it
    has begun to process."""
    return int(os.getxattr(fs.mountpoint, "user.forgotten"))


def test_file_is_forgotten(fs, turn):
    """go-fuse's count of forgotten files. The log says when FORGET has arrived; the filesystem takes
    one request after the other, so the next one finds it processed."""
    monitor, file = fs.trace_monitor, fs.mountpoint / f"file{turn}"
    before = forgotten(fs)
    with monitor.expect("create", path=file) as create:
        file.touch()
    nodeid = create.operation.details["entry"]
    with monitor.expect(op("forget", check_fn=lambda one: one.details["nodeid"] == nodeid)):
        file.unlink()
    assert forgotten(fs) == before + 1


def sleeping(fs, turn, pause=PAUSE):
    """As go-fuse's test does it."""
    file = fs.mountpoint / f"file{turn}"
    before = forgotten(fs)
    file.touch()
    file.unlink()
    time.sleep(pause)
    assert forgotten(fs) == before + 1
