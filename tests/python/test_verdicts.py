# SPDX-License-Identifier: MIT
"""The verdicts as exceptions of Python tell them, each from a real filesystem in that state."""

import os
import re
import signal
import threading
import time

import pytest

from fusetrace import DaemonDied, FuseTraceError, OperationFailed, OperationTimeout
from fusetrace import MountLost, OrderViolation, UnexpectedOperation, WaitInterrupted, op

from conftest_core import daemon, monitor, mount, watch  # noqa: F401
from daemons import DEADLINE, Later, wait_until

SHORT = 0.2


@pytest.fixture
def source():
    """What is in flight and when is the kernel's to tell."""
    if os.geteuid() != 0:
        pytest.skip("the kernel source needs root")
    return "kernel"


def is_whole(operation):
    return False


def fails(wait, kind, verdict):
    """The report of a wait that must fail so: text and dict agree on the verdict."""
    with pytest.raises(kind) as failed:
        wait()
    error = failed.value
    assert isinstance(error, FuseTraceError)
    assert error.verdict == error.report["verdict"] == verdict
    text = str(error)
    assert f"  verdict : {verdict}" in text and len(text.splitlines()) <= 40
    return text, error.report


def asks(path, function=os.mkdir):
    """Does it in a thread, which may hang until the mount is aborted."""
    def run():
        try:
            function(path)
        except OSError:
            pass

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


def test_refused_names_the_check(daemon, monitor):
    mark = monitor.mark()
    os.mkdir(daemon / "a")
    os.mkdir(daemon / "b")
    text, report = fails(
        lambda: monitor.expect("mkdir", check_fn=is_whole, since=mark).wait(SHORT),
        OperationTimeout, "refused by the check")
    assert "refused by the check is_whole 2 times, last:" in text
    assert report["check"] == "is_whole" and report["refused"] == 2
    assert report["subject"]["path"] == "/b"


def test_before_the_mark(daemon, monitor):
    os.mkdir(daemon / "a")
    text, report = fails(lambda: monitor.expect("mkdir", path="/a").wait(SHORT),
                         OperationTimeout, "before the mark")
    assert "before the mark: move the mark before the action" in text
    assert report["subject"]["path"] == "/a" and report["mark"]["seq"] > 0


def test_where_it_was_made(daemon, monitor):
    expectation = monitor.expect("mkdir")
    text, report = fails(lambda: expectation.wait(SHORT), OperationTimeout, "no events")
    assert report["where"] == os.path.basename(expectation.where)
    assert f"({report['where']})" in text and report["where"].startswith("test_verdicts.py:")


def test_scale_and_trace(daemon, monitor):
    monitor.trace_path = "results/a trace.jsonl"
    text, report = fails(lambda: monitor.expect("mkdir").wait(SHORT), OperationTimeout, "no events")
    assert "within 0.200 s (scale 1)" in text and "  trace   : results/a trace.jsonl" in text
    assert report["timeout_scale"] == 1 and report["trace"] == monitor.trace_path
    monitor.trace_path = None
    text, report = fails(lambda: monitor.expect("mkdir").wait(0), OperationTimeout, "no events")
    assert "trace" not in report and ": it was looked for once\n" in text


def test_in_flight_tells_the_thread(mount, watch):
    daemon = mount("hang=mkdir")
    monitor = watch(daemon)
    expectation = monitor.expect("mkdir", path="/d")
    asks(daemon / "d")
    text, report = fails(lambda: expectation.wait(0.5), OperationTimeout, "in flight")
    told = report["daemon"]["at_work"][0]
    assert told["pid"] == daemon.process.pid != told["thread"]
    # It looks up now and then whether it was taken back.
    assert re.search(rf"daemon pid {told['pid']} thread {told['thread']} \(branchfs\): state [SR]",
                     text)
    daemon.abort()


def test_stopped(mount, watch):
    daemon = mount()
    os.statvfs(daemon.mountpoint)
    monitor = watch(daemon)
    expectation = monitor.expect("statfs")
    daemon.stop()
    asks(daemon.mountpoint, os.statvfs)
    text, report = fails(lambda: expectation.wait(0.5), OperationTimeout, "in flight")
    assert "is stopped (state T)" in text
    assert report["daemon"]["stopped"] == report["daemon"]["threads"]
    daemon.kill(signal.SIGCONT)


def test_late(mount, watch):
    """It is asked for at once and takes longer than the wait, by less than the wait looks on."""
    daemon = mount("delay=mkdir:1030ms")
    monitor = watch(daemon)
    expectation = monitor.expect("mkdir", path="/d")
    asks(daemon / "d")
    text, report = fails(lambda: expectation.wait(1.0), OperationTimeout, "in flight")
    assert report["late"]["path"] == "/d" and 0 < report["late_ns"] < 100_000_000
    assert "after the deadline" in text and "FUSETRACE_TIMEOUT_SCALE" in text
    assert report["subject"]["status"] == "started"  # as it was at the deadline
    assert expectation.wait(DEADLINE).path == "/d"  # who waits again has it


def test_too_late_is_not_looked_for_long(daemon, monitor):
    began = time.monotonic()
    fails(lambda: monitor.expect("mkdir").wait(0.1), OperationTimeout, "no events")
    assert 0.1 <= time.monotonic() - began < 0.1 + 0.01 + 0.25


def test_failed(mount, watch):
    daemon = mount("fail=mkdir:ENOSPC")
    monitor = watch(daemon)
    expectation = monitor.expect("mkdir", path="/d")
    asks(daemon / "d").join(DEADLINE)
    text, _ = fails(lambda: expectation.wait(DEADLINE), OperationFailed, "failed")
    assert "failed - completed with ENOSPC (No space left on device)" in text


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGABRT])
def test_daemon_died(mount, watch, number):
    daemon = mount("hang=mkdir")
    monitor = watch(daemon)
    expectation = monitor.expect("mkdir", path="/d")
    asks(daemon / "d")
    wait_until(lambda: [one for one in monitor.in_flight if one.operation == "mkdir"],
               "a request in flight")
    waiter = Later(lambda: fails(lambda: expectation.wait(DEADLINE), DaemonDied, "daemon died"))
    daemon.kill(number)
    text, report = waiter.join()
    assert f"pid {daemon.process.pid} was killed by signal {number.value} ({number.name})" in text
    assert text.count("was killed by signal") == 1
    assert report["signal"] == number and report["exit_code"] == -number
    assert [one["op"] for one in report["at_end"] if one["path"] == "/d"] == ["mkdir"]
    assert report["printed"]


def test_unmounted_order_forbidden_interrupted(daemon, monitor):
    expectation = monitor.expect_all([op("mkdir", path="/a"), op("mkdir", path="/b"),
                                      op("mkdir", path="/c")], order="strict")
    mark = monitor.mark()
    os.mkdir(daemon / "a")
    os.mkdir(daemon / "c")
    text, report = fails(lambda: expectation.wait(DEADLINE), OrderViolation, "order violated")
    assert "order violated at item 2: mkdir path=/b" in text and report["item"] == 2
    assert len(report["answers"]) == 1 and "* +0" in text
    text, _ = fails(lambda: monitor.expect_none("mkdir", path="/c", since=mark),
                    UnexpectedOperation, "forbidden operation seen")
    assert "/c" in text
    waiter = Later(lambda: fails(lambda: monitor.expect("unlink").wait(DEADLINE), WaitInterrupted,
                                 "interrupted"))
    while not waiter.is_done:
        monitor.interrupt()
        time.sleep(0.01)
    waiter.join()
    daemon.unmount()
    fails(lambda: monitor.expect("unlink", since=mark).wait(DEADLINE), (MountLost, DaemonDied),
          monitor.state == "gone" and "daemon died" or "unmounted")


def test_many_in_flight_are_cut(mount, watch):
    daemon = mount("hang=statfs")
    monitor = watch(daemon)
    expectation = monitor.expect("unlink")
    for _ in range(30):
        asks(daemon.mountpoint, os.statvfs)
    wait_until(lambda: len(monitor.in_flight) == 30, "many requests in flight")
    text, report = fails(lambda: expectation.wait(SHORT), OperationTimeout, "never started")
    assert report["in_flight_count"] == 30 and len(report["in_flight"]) == 10
    assert "and 24 more" in text
    daemon.abort()
