# SPDX-License-Identifier: MIT
"""Monitors after fork(), and from many threads at once."""

import contextlib
import os
import sys
import threading
import time
import traceback
import warnings

import pytest

from conftest_core import daemon, kernel_monitor, monitor, mount, source, watch  # noqa: F401
from daemons import DEADLINE, SLACK, SOON, Later, wait_for_waiters, wait_until
from fusetrace import (
    FuseTraceError, FuseTraceMonitor, MonitorStopped, SmartWaitHelper, WaitInterrupted)


def in_child(function, deadline=DEADLINE):
    """Runs function in a forked child; fails with its traceback."""
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # there are other threads, yes
        child = os.fork()
    if child == 0:
        code = 1
        try:
            os.close(reading)
            function()
            code = 0
        except BaseException:
            os.write(writing, traceback.format_exc().encode())
        finally:
            os._exit(code)
    os.close(writing)
    ended = Later(os.waitpid, child, 0)
    try:
        _, status = ended.join(deadline)
    except AssertionError:
        os.kill(child, 9)
        raise
    text = b""
    while piece := os.read(reading, 65536):
        text += piece
    os.close(reading)
    assert status == 0, text.decode()


# ---- fork ----

CALLS = {
    "wait_for_operation": lambda m: m.wait_for_operation("create", timeout=0),
    "wait_for_operations": lambda m: m.wait_for_operations(["create"], timeout=0),
    "expect": lambda m: m.expect("create"),
    "forbid": lambda m: m.forbid("create").__enter__(),
    "expect_none": lambda m: m.expect_none("create"),
    "wait_for_idle": lambda m: m.wait_for_idle(quiet=0, timeout=0),
    "wait_for_mount": lambda m: m.wait_for_mount(0),
    "mark": lambda m: m.mark(),
    "completed_operations": lambda m: m.completed_operations,
    "in_flight": lambda m: m.in_flight,
    "state": lambda m: m.state,
    "get_operation_count": lambda m: m.get_operation_count(),
    "get_logs": lambda m: m.get_logs(),
    "daemon_pids": lambda m: m.daemon_pids,
    "start_capture": lambda m: m.start_capture(),
    "follow": lambda m: m.follow(1),
    "interrupt": lambda m: m.interrupt(),
    "smart_wait": lambda m: SmartWaitHelper(m).wait_for_file_visible("/a", timeout=0),
    "ignoring": lambda m: m.ignoring_thread().__enter__(),
    "add_log_fd": lambda m: m.add_log_fd(os.pipe()[0]),
}


def test_rule_34_forked_child_is_told(daemon, monitor):
    expected = monitor.expect("create")

    def child():
        for name, call in CALLS.items():
            with pytest.raises(FuseTraceError, match="(?s)fork.*make its own"):
                call(monitor)
                print(name)
        with pytest.raises(FuseTraceError, match="fork"):
            expected.wait(0)
        expected.cancel()
        monitor.stop_capture()  # does nothing

    in_child(child)
    (daemon / "a").write_text("x")  # the parent's goes on
    assert expected.wait(DEADLINE).path == "/a"
    assert monitor.is_capturing


def test_the_child_may_make_its_own(daemon, monitor):
    def child():
        with FuseTraceMonitor(daemon.mountpoint, source="kernel") as own:
            (daemon / "childs").write_text("x")
            assert own.wait_for_operation("release", path="/childs", timeout=DEADLINE)
            assert SmartWaitHelper(own).wait_for_write_complete(daemon / "childs")

    in_child(child)
    assert monitor.wait_for_operation("create", path="/childs", timeout=DEADLINE)


def test_the_child_ends_in_order(daemon, monitor):
    """With everything that it has from its parent collected, not by os._exit()."""
    code = f"""
import gc, os, sys, threading
from fusetrace import FuseTraceMonitor, SmartWaitHelper
monitor = FuseTraceMonitor({str(daemon.mountpoint)!r}, source="kernel")
monitor.start_capture()
helper = SmartWaitHelper(monitor)
helper.wait_for_deletion("/a", timeout=0)
operations = monitor.completed_operations
expected = monitor.expect("create")
thread = threading.Thread(target=lambda: monitor.wait_for_operation("create", timeout=5))
thread.start()
child = os.fork()
if child == 0:
    del helper, operations, expected, monitor
    gc.collect()
    sys.exit(3)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
open({str(daemon / 'a')!r}, "w").close()
thread.join()
"""
    import subprocess

    found = subprocess.run([sys.executable, "-W", "ignore", "-c", code], timeout=DEADLINE,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert found.stdout == "3\n"


def test_forks_while_threads_wait(daemon, kernel_monitor):
    waiters = [Later(kernel_monitor.wait_for_operation, "mkdir", path="/end", timeout=DEADLINE)
               for _ in range(4)]
    wait_for_waiters(4)
    for _ in range(20):
        in_child(lambda: None)
    os.mkdir(daemon / "end")
    assert all(waiter.join().path == "/end" for waiter in waiters)


def test_a_pipe_goes_on_to_be_read_by_the_parent_alone(daemon, monitor):
    """The child has copies of the read ends; when it goes, they are not read by it."""
    in_child(lambda: None)
    for _ in range(300):
        (daemon / ("n" * 200)).write_text("x")
    assert monitor.wait_for_operations(["release"] * 300, timeout=DEADLINE)


# ---- threads ----

def test_many_threads_and_many_kinds_of_waits(daemon, monitor):
    def work(number):
        file = daemon / f"f{number}"
        for _ in range(10):
            mark = monitor.mark()
            with monitor.expect("release", path=file, timeout=DEADLINE) as expected:
                file.write_text("x")
            assert expected.operation.path == f"/f{number}"
            assert monitor.wait_for_operation("create", path=file, timeout=DEADLINE,
                                              since=monitor._since)
            assert monitor.since(mark).count("write", path=file) == 1
            monitor.in_flight, monitor.completed_operations, monitor.get_logs()
            assert monitor.wait_for_operation("mkdir", path=file, timeout=0) is None

    workers = [Later(work, number) for number in range(8)]
    for worker in workers:
        worker.join()
    assert monitor.get_operation_count("write") == 80


def test_rule_34_hundred_waiters(daemon, kernel_monitor):
    waiters = [Later(kernel_monitor.wait_for_operation, "create", path=f"/f{number}",
                     timeout=DEADLINE) for number in range(100)]
    for number in range(100):
        (daemon / f"f{number}").write_text("x")
    assert [waiter.join().path for waiter in waiters] == [f"/f{n}" for n in range(100)]


def test_rule_29_stop_from_another_thread(daemon, monitor):
    expected = monitor.expect("create")
    waiters = [Later(expected.wait, DEADLINE),
               Later(monitor.wait_for_operation, "create", timeout=DEADLINE),
               Later(monitor.wait_for_operations, ["create"], DEADLINE, all_required=False),
               Later(monitor.wait_for_idle, quiet=20, timeout=DEADLINE),
               Later(monitor.expect_none, "mkdir", within=DEADLINE)]
    wait_for_waiters(4)
    stopped_at = time.monotonic()
    monitor.stop_capture()
    with pytest.raises(MonitorStopped):
        waiters[0].join()
    assert waiters[1].join() is None and waiters[2].join() == []
    with pytest.raises(MonitorStopped):
        waiters[3].join()
    assert waiters[4].join() is None
    assert max(one.ended_at for one in waiters) - stopped_at < SOON + SLACK


def test_interrupt_from_another_thread(daemon, monitor):
    waiters = [Later(monitor.expect("create").wait, DEADLINE),
               Later(monitor.wait_for_operation, "create", timeout=DEADLINE),
               Later(monitor.wait_for_idle, quiet=20, timeout=DEADLINE),
               Later(SmartWaitHelper(monitor).wait_for_file_visible, "/a", timeout=1)]
    wait_for_waiters(3)
    monitor.interrupt()
    with pytest.raises(WaitInterrupted):
        waiters[0].join()
    assert waiters[1].join() is None
    assert "interrupted" in monitor.last_reports[0].text
    with pytest.raises(WaitInterrupted):
        waiters[2].join()
    assert not waiters[3].join()
    (daemon / "a").write_text("x")  # and it goes on
    assert monitor.wait_for_operation("create", path="/a", timeout=DEADLINE)


def test_interrupt_of_a_wait_for_a_mount():
    with FuseTraceMonitor.pending(source="kernel") as monitor:
        waiters = [Later(monitor.wait_for_mount, DEADLINE),
                   Later(monitor.expect("create").wait, DEADLINE)]
        wait_for_waiters(2)
        monitor.interrupt()
        for waiter in waiters:
            with pytest.raises(WaitInterrupted):
                waiter.join()


def test_start_and_stop_from_many_threads(daemon):
    monitor = FuseTraceMonitor(daemon.process, source="kernel")
    for starter in [Later(monitor.start_capture) for _ in range(8)]:
        starter.join()
    (daemon / "a").write_text("x")
    assert monitor.wait_for_operation("release", timeout=DEADLINE)
    for stopper in [Later(monitor.stop_capture) for _ in range(8)]:
        stopper.join()
    assert monitor.state == "stopped"


def test_many_monitors_at_once(mount):
    daemons = [mount(name=f"mnt{number}") for number in range(3)]
    monitors = [FuseTraceMonitor(one.process, source=kind)
                for one in daemons for kind in ("kernel", "kernel")]
    for monitor in monitors:
        monitor.start_capture()
    for number, one in enumerate(daemons):
        (one / f"f{number}").write_text("x")
    for index, monitor in enumerate(monitors):
        found = monitor.wait_for_operation("create", timeout=DEADLINE)
        assert found.path == f"/f{index // 2}"
        assert monitor.get_operation_count("create") == 1
        monitor.stop_capture()
