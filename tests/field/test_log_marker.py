# SPDX-License-Identifier: MIT
"""A line in the daemon's log

libfuse, _wait_fs_marker of its tests: what has happened in the daemon stands in its log, such as "setup
shared backing file", which is searched every 0.1 s, for 10 s at most. Here the marker is what libfuse
prints with -d once a file has been created; it is a line of text, and operations come from the kernel.
"""

import contextlib
import re
import time

from .mounting import traced

PAUSE = 0.1  # sleep 0.1, 10 s at most
TRIES = 100


@contextlib.contextmanager
def mounted(folder):
    to_file = ["sh", "-c", f"exec branchfs -d {{branch}} {{mountpoint}} 2> {folder}/log"]
    with traced(folder, "-d") as fs, traced(folder, command=to_file) as logging:
        fs.logging = logging
        fs.log = folder / "log"
        yield fs


def marker(turn):
    return re.compile(rf"create\[\d+\] flags: \w+ /file{turn}$")


def test_line_is_waited_for(fs, turn):
    """The mark leaves out what was printed before."""
    mark = fs.trace_monitor.mark()
    (fs.mountpoint / f"file{turn}").touch()
    line = fs.trace_monitor.wait_for_log(marker(turn), since=mark)
    assert line.endswith(f"/file{turn}")


def sleeping(fs, turn, pause=PAUSE):
    """As libfuse's tests do it."""
    (fs.logging.mountpoint / f"file{turn}").touch()
    for _ in range(TRIES if pause else 1):
        lines = fs.log.read_text().splitlines()
        if any(marker(turn).search(line) for line in lines):
            return
        time.sleep(pause)
    raise AssertionError("no line of the CREATE")
