# SPDX-License-Identifier: MIT
"""Counts that must not grow

ydb-platform/nbs, pull request 5324: while the kernel's cache holds a name, the filesystem must not be
asked for it again; the test looked at it by commands, and compared counts of requests before and after.
When the commands were slow the timeout of the name passed in between; it was raised from 15 to 30 s.
Here the timeout is 30 ms, for commands that take five on an idle machine.
"""

import subprocess

from .mounting import traced

ENTRY_TIMEOUT = 0.030
TICKS = 0.008  # the kernel counts timeouts in jiffies: two of them at 250 Hz
LOOKS = 3
PAUSE = 0.0  # it has none: it hopes to be quick


def mounted(folder):
    return traced(folder, f"entry_timeout={ENTRY_TIMEOUT}", "attr_timeout=60")


def prepare(fs, turn):
    (fs.branches[0] / f"file{turn}").touch()
    return fs.mountpoint / f"file{turn}"


def look_at(file):
    subprocess.run(["stat", file], check=True, stdout=subprocess.DEVNULL, timeout=30)


def test_name_is_asked_for_once_a_timeout(fs, turn):
    """ydb's count with times: a second look-up is a mistake only while the first one's answer holds."""
    monitor, file = fs.trace_monitor, prepare(fs, turn)
    mark = monitor.mark()
    for _ in range(LOOKS):
        look_at(file)
    monitor.sync()
    asked = monitor.since(mark).matching("lookup", path=file)
    assert asked
    for one, next_one in zip(asked, asked[1:]):
        assert next_one.start_time - one.end_time > ENTRY_TIMEOUT - TICKS


def sleeping(fs, turn, pause=PAUSE):
    """As ydb's test does it."""
    monitor, file = fs.trace_monitor, prepare(fs, turn)
    look_at(file)
    before = monitor.get_operation_count("lookup")
    for _ in range(LOOKS - 1):
        look_at(file)
    assert monitor.get_operation_count("lookup") == before


def test_no_look_up_while_the_name_is_cached(tmp_path):
    """Where the timeout cannot pass, the count need not be taken: there must be none."""
    with traced(tmp_path, "entry_timeout=600", "attr_timeout=600") as fs:
        file = prepare(fs, 0)
        look_at(file)
        with fs.trace_monitor.forbid("lookup", path=file):
            look_at(file)
