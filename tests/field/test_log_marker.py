# SPDX-License-Identifier: MIT
"""A line in the daemon's log

libfuse, _wait_fs_marker of its tests: what has happened in the daemon stands in its log, which is
searched every 0.1 s, for 10 s at most. Here the marker is branchfs's line of a RELEASE.
"""

import contextlib
import time

from .mounting import traced

PAUSE = 0.1  # sleep 0.1, 10 s at most
TRIES = 100


@contextlib.contextmanager
def mounted(folder):
    with traced(folder, source="log") as fs, traced(folder, f"trace_file={folder}/log") as logging:
        fs.logging = logging
        fs.log = folder / "log"
        yield fs


def is_marker(line, path):
    return '"release"' in line and f'"{path}"' in line


def test_line_is_waited_for(fs, turn):
    """libfuse's marker: with the log as the source, a line is what one waits for."""
    file = fs.mountpoint / f"file{turn}"
    with fs.trace_monitor.expect("release", path=file):
        file.touch()
    assert is_marker(fs.trace_monitor.get_logs()[-1], f"/file{turn}")


def sleeping(fs, turn, pause=PAUSE):
    """As libfuse's tests do it."""
    (fs.logging.mountpoint / f"file{turn}").touch()
    for _ in range(TRIES if pause else 1):
        lines = fs.log.read_text().splitlines()
        if any(is_marker(line, f"/file{turn}") for line in lines):
            return
        time.sleep(pause)
    raise AssertionError("no line of the RELEASE")
