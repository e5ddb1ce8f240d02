# SPDX-License-Identifier: MIT
"""Descriptors that the daemon holds

gocryptfs, UnmountErr() of its tests: to find leaks, the daemon's open files are counted when a test
has closed its own. The daemon closes when RELEASE arrives, so the count is asked for again and again,
10 times 10 ms at most, in the hope "that all close commands get through". On gocryptfs itself. Each
RELEASE is waited for by name: the first turn may meet the one of /.go-fuse-epoll-hack, which go-fuse
opens and closes when it has mounted.
"""

import contextlib
import os
import time

from fusetrace import op
from live.filesystems import by_name

from .mounting import managing, new_config

PAUSE = 0.010  # time.Sleep(10 * time.Millisecond), ten times
FILES = 5


def missing():
    return by_name("gocryptfs").missing()


@contextlib.contextmanager
def mounted(folder):
    recipe = by_name("gocryptfs")
    recipe.prepare(folder, None)
    with managing(folder) as manager:
        config = new_config(manager, command=[
            "gocryptfs", "-fg", "-q", "-passfile", str(folder / "password"), str(folder / "store"),
            "{mountpoint}"])
        config.branches = [folder / "store"]
        with manager.mounted_fs(config) as mount:
            yield mount


def open_files(fs):
    """How many files of the store the daemon has open."""
    folder = f"/proc/{fs.process.pid}/fd"
    count = 0
    for number in os.listdir(folder):
        with contextlib.suppress(FileNotFoundError):  # closed in this very moment
            target = os.readlink(f"{folder}/{number}")
            count += target.startswith(f"{fs.branches[0]}/") and "gocryptfs." not in target
    return count


def write_files(fs, turn):
    for number in range(FILES):
        (fs.mountpoint / f"file{number}").write_text(f"turn {turn}")


def test_no_file_is_left_open(fs, turn):
    """gocryptfs's search for leaks, after the replies to all RELEASEs."""
    with fs.trace_monitor.expect_all([op("release", f"/file{n}") for n in range(FILES)]):
        write_files(fs, turn)
    assert open_files(fs) == 0


def sleeping(fs, turn, pause=PAUSE):
    """As gocryptfs's tests do it."""
    write_files(fs, turn)
    for _ in range(10 if pause else 0):
        if open_files(fs) == 0:
            break
        time.sleep(pause)
    assert open_files(fs) == 0
