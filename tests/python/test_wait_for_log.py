# SPDX-License-Identifier: MIT
"""Monitor.wait_for_log(): a line that the daemon prints."""

import os
import re
import threading

import pytest

from conftest_core import daemon, mount  # noqa: F401
from daemons import DEADLINE
from fusetrace import (
    DaemonDied, EventsLost, FuseTraceError, Monitor, OperationTimeout, WaitInterrupted)


@pytest.fixture
def logged():
    """A monitor of a log, and the descriptor that its daemon prints into."""
    reading, writing = os.pipe()
    monitor = Monitor(None, source="log")
    monitor.start_capture()
    monitor.add_log_fd(reading)
    with os.fdopen(writing, "wb", buffering=0) as output, monitor:
        yield monitor, output


def test_text_and_pattern(logged):
    monitor, output = logged
    output.write(b"first 1\nsecond 22\n")
    assert monitor.wait_for_log("second", timeout=DEADLINE) == "second 22"
    assert monitor.wait_for_log(re.compile(r"\d{2}"), timeout=DEADLINE) == "second 22"


def test_undecodable_bytes_come_through(logged):
    monitor, output = logged
    output.write(b"caf\xe9 \xc3\xa9\n")
    line = monitor.wait_for_log("\udce9", timeout=DEADLINE)
    assert os.fsencode(line) == b"caf\xe9 \xc3\xa9"


def test_what_was_printed_before_the_mark_does_not_count(logged):
    monitor, output = logged
    output.write(b"ready\n")
    mark = monitor.mark()
    with pytest.raises(OperationTimeout, match="one before the mark is like it") as caught:
        monitor.wait_for_log("ready", since=mark, timeout=0.05, label="is ready")
    assert str(caught.value).startswith("is ready: ")
    output.write(b"ready again\n")
    assert monitor.wait_for_log("ready", since=mark, timeout=DEADLINE) == "ready again"
    assert monitor.wait_for_log("ready", timeout=0) == "ready"


def test_line_that_comes(logged):
    monitor, output = logged
    writer = threading.Timer(0.02, output.write, [b"at last\n"])
    writer.start()
    assert monitor.wait_for_log("at last", timeout=DEADLINE) == "at last"
    writer.join()


def test_more_lines_than_are_kept(logged):
    """What has been dropped may have been it: there is no verdict."""
    monitor, output = logged
    mark = monitor.mark()
    line = b"x" * 1023 + b"\n"
    for _ in range(3000):
        output.write(line)
    output.write(b"the last\n")
    assert monitor.wait_for_log("the last", since=mark, timeout=DEADLINE) == "the last"
    with pytest.raises(EventsLost):
        monitor.wait_for_log("never", since=mark, timeout=0.05)


def test_end_of_the_daemon(logged):
    monitor, output = logged
    output.write(b"last words\n")
    output.close()
    with pytest.raises(DaemonDied, match="last words"):
        monitor.wait_for_log("never", timeout=DEADLINE)


def test_error_of_a_pattern_and_of_no_log(logged, daemon):  # noqa: F811
    monitor, output = logged
    output.write(b"a line\n")
    with pytest.raises(TypeError):
        monitor.wait_for_log(re.compile(b"bytes"), timeout=DEADLINE)
    with Monitor(daemon.mountpoint) as other, pytest.raises(FuseTraceError, match="reads no"):
        other.wait_for_log("anything", timeout=DEADLINE)


def test_interrupt(logged):
    monitor, _ = logged
    interrupter = threading.Timer(0.02, monitor.interrupt)
    interrupter.start()
    with pytest.raises(WaitInterrupted):
        monitor.wait_for_log("never", timeout=DEADLINE)
    interrupter.join()


def test_kernel_source(daemon):  # noqa: F811
    """The daemon's output is read wherever the operations come from."""
    reading, writing = os.pipe()
    with Monitor(daemon.mountpoint, source="kernel") as monitor:
        monitor.add_log_fd(reading)
        os.write(writing, b"setup shared backing file 1\n")
        assert monitor.wait_for_log("shared backing", timeout=DEADLINE).endswith("file 1")
        daemon.process.kill()
        with pytest.raises(DaemonDied, match="SIGKILL"):
            monitor.wait_for_log("never", timeout=DEADLINE)
    os.close(writing)
