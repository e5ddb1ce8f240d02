# SPDX-License-Identifier: MIT
"""Somebody else looks into the mount

go-fuse, TestTypeChange (commit da5ff9a7): a test counted what its filesystem was asked for, and hung
for ever on a desktop, which looks for .Trash-1026 on each new mount. Its authors found out from the
debug log, and let the test listen to expected names only. gocryptfs tells the same of Gnome. Here
the desktop is a thread that asks for that name at times of its own.
"""

import contextlib
import os
import random
import threading
import time

import pytest

from fusetrace import OperationTimeout

from .mounting import traced

PAUSE = 0.001
TRASH = ".Trash-1026"


@contextlib.contextmanager
def desktop(mountpoint):
    """Looks for a waste-paper basket every 0 to 4 ms."""
    has_gone = threading.Event()
    seeded = random.Random(1026)

    def look():
        while not has_gone.wait(seeded.uniform(0, 0.004)):
            os.path.exists(mountpoint / TRASH)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield
    finally:
        has_gone.set()
        thread.join()


@contextlib.contextmanager
def mounted(folder):
    with traced(folder) as fs, desktop(fs.mountpoint):
        yield fs


def test_name_is_looked_up_once(fs, turn):
    """go-fuse's test with names: whoever else asks for whatever, counts of this one are right."""
    monitor, file = fs.trace_monitor, fs.mountpoint / f"file{turn}"
    mark = monitor.mark()
    assert not file.exists()
    monitor.sync()
    assert monitor.since(mark).count("lookup", path=file) == 1


def sleeping(fs, turn, pause=PAUSE):
    """As it was: all look-ups are taken for the test's own."""
    monitor = fs.trace_monitor
    before = monitor.get_operation_count("lookup")
    assert not (fs.mountpoint / f"file{turn}").exists()
    time.sleep(pause)
    assert monitor.get_operation_count("lookup") == before + 1


def test_report_says_what_came_instead(fs):
    """What the authors of go-fuse read out of a debug log stands in the message."""
    monitor = fs.trace_monitor
    mark = monitor.mark()
    monitor.expect("lookup", path=f"/{TRASH}", status="error").wait()
    with pytest.raises(OperationTimeout, match=TRASH):
        monitor.expect("lookup", path="/mine", status="any", since=mark, timeout=0).wait()
