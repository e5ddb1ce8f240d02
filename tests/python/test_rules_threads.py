# SPDX-License-Identifier: MIT
"""The rules of waiting (docs/waiting.md) about threads, signals and how waits are left."""

import contextlib
import os
import signal

import pytest

from conftest_core import (  # noqa: F401
    daemon, kernel_monitor, monitor, mount, smart_wait, source, watch)
from daemons import DEADLINE, Later, wait_for_waiters, wait_until
from fusetrace import FuseTraceMonitor, MonitorStopped, SmartWaitHelper, WaitInterrupted


def blocked_signals(thread):
    with open(f"/proc/self/task/{thread}/status", encoding="ascii") as lines:
        return int(next(line for line in lines if line.startswith("SigBlk")).split()[1], 16)


def name_of(thread):
    with open(f"/proc/self/task/{thread}/comm", encoding="ascii") as file:
        return file.read().strip()


def test_rule_28_no_thread_of_the_library_takes_signals(mount):
    daemon = mount()
    before = set(os.listdir("/proc/self/task"))
    monitor = FuseTraceMonitor(daemon.process, source="kernel")
    monitor.start_capture()
    smart_wait = SmartWaitHelper(monitor)
    waiter = Later(smart_wait.wait_for_file_visible, daemon / "a", timeout=DEADLINE)
    found = {}

    def have_begun():
        """Who reads the trace, and who asks the filesystem."""
        for thread in set(os.listdir("/proc/self/task")) - before - {str(waiter.native_id)}:
            with contextlib.suppress(OSError):
                found[thread] = name_of(thread)
        return {"fusetrace", "fusetrace-probe"} <= set(found.values())

    wait_until(have_begun, "the library's threads")
    open_to = {number for thread in found for number in
               (signal.SIGINT, signal.SIGTERM, signal.SIGALRM, signal.SIGUSR1, signal.SIGCHLD)
               if not blocked_signals(thread) >> (number - 1) & 1}
    assert not open_to
    assert not blocked_signals(os.getpid()) >> (signal.SIGINT - 1) & 1
    (daemon / "a").touch()
    assert waiter.join()
    monitor.stop_capture()


# Each of them lasts until it is ended.
WAITS = {
    "operation": lambda m, path: m.expect("create", path="/never").wait(DEADLINE),
    "none": lambda m, path: m.expect_none("create", within=DEADLINE),
    "idle": lambda m, path: m.wait_for_idle(quiet=DEADLINE, timeout=DEADLINE),
    "line": lambda m, path: m.wait_for_log("never", timeout=DEADLINE),
    "visible": lambda m, path: fail_as_told(m, SmartWaitHelper.wait_for_file_visible, path),
    "written": lambda m, path: fail_as_told(m, SmartWaitHelper.wait_for_write_complete, path),
    "hanging": lambda m, path: fail_as_told(m, SmartWaitHelper.wait_for_file_visible,
                                            path.with_name("hangs")),
}


def fail_as_told(monitor, wait, path):
    """What a wait that returns False would have raised."""
    assert wait(SmartWaitHelper(monitor), path, timeout=DEADLINE) is False
    raise monitor.last_reports[-1].error


@pytest.mark.parametrize("wait", WAITS.values(), ids=WAITS)
def test_rule_29_an_interrupt_ends_each_kind_of_wait(mount, watch, wait):
    daemon = mount("hang=getattr:/hangs", "attr_timeout=0", "entry_timeout=0")
    (daemon.branch / "hangs").touch()
    monitor = watch(daemon)
    waiters = [Later(wait, monitor, daemon / "never") for _ in range(2)]

    def have_ended():
        monitor.interrupt()  # those that have begun
        return all(waiter.is_done for waiter in waiters)

    wait_until(have_ended, "the waits to end", DEADLINE / 6)
    for waiter in waiters:
        with pytest.raises(WaitInterrupted):
            waiter.join()


@pytest.mark.parametrize("name", [name for name in WAITS if name not in ("none", "hanging")])
def test_rule_29_the_stop_ends_each_kind_of_wait(daemon, watch, name):
    monitor = watch(daemon)
    waiters = [Later(WAITS[name], monitor, daemon / "never") for _ in range(2)]
    wait_for_waiters(2)
    monitor.stop_capture()
    monitor.stop_capture()
    for waiter in waiters:
        with pytest.raises(MonitorStopped):
            waiter.join(DEADLINE / 6)


def test_rule_33_pipes_are_read_while_somebody_waits(mount):
    """The waiter reads the ring in the place of the thread that reads the pipes, too."""
    daemon = mount()
    with FuseTraceMonitor(daemon.process, source="kernel") as monitor:
        waiter = Later(monitor.expect("create", path="/never").wait, DEADLINE)
        wait_for_waiters()
        asker = Later(lambda: [os.path.exists(daemon / f"{number:0250}")
                               for number in range(5000)])
        assert not any(asker.join(DEADLINE / 3))  # more than its pipe holds
        assert not waiter.is_done
        monitor.interrupt()
        with pytest.raises(WaitInterrupted):
            waiter.join()
