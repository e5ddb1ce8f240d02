# SPDX-License-Identifier: MIT
"""The rules of waiting (docs/waiting.md) about clocks, quiet and barriers. Which operation came
first is told by the trace, not by how long something took: a busy machine changes no answer, a try
that it made worthless is made again."""

import os
import signal
import threading
import time

import pytest

from conftest_core import daemon, monitor, mount, smart_wait, source, watch  # noqa: F401
from daemons import DEADLINE, Later, run_python, settle, wait_for_waiters, wait_until_asked
from fusetrace import FuseTraceMonitor, OperationTimeout, WaitInterrupted

TRIES = 20


@pytest.fixture
def silent(mount):
    """A function that mounts and traces a daemon that prints nothing: reading what one prints
    empties the ring, too, and would be a barrier by chance."""
    monitors = []

    def start(*options):
        daemon = mount(*options, trace=False)
        monitors.append(FuseTraceMonitor(daemon.process, source="kernel"))
        monitors[-1].start_capture()
        return daemon, monitors[-1]

    yield start
    for one in monitors:
        one.stop_capture()


def test_rule_06_a_count_needs_no_other_reader(silent):
    daemon, monitor = silent()
    for number in range(20):
        mark = monitor.mark()
        for name in range(number):
            os.close(os.open(daemon / f"f{number}-{name}", os.O_CREAT | os.O_WRONLY))
        assert monitor.since(mark).count("create") == number


def test_rule_16_events_do_not_move_the_deadline_of_a_smart_wait(daemon, monitor, smart_wait):
    is_over = threading.Event()

    def make_and_remove():
        while not is_over.is_set():
            os.mkdir(daemon / "a")  # no file
            os.rmdir(daemon / "a")

    busy = Later(make_and_remove)
    waiter = Later(smart_wait.wait_for_file_visible, daemon / "a", timeout=0.2)
    try:
        assert waiter.join(DEADLINE / 3) is False
    finally:
        is_over.set()
        busy.join()


def test_rule_16_the_wall_clock_may_jump(daemon, monitor, smart_wait, monkeypatch):
    hours = iter(range(10**6))
    monkeypatch.setattr(time, "time", lambda: 3600.0 * next(hours))
    for wait in (lambda: monitor.wait_for_operation("create", timeout=0.1),
                 lambda: monitor.wait_for_operations(["create"], timeout=0.1),
                 lambda: monitor.wait_for_operations(["create"], timeout=0.1, all_required=False),
                 lambda: monitor.expect("create").wait(0.1),
                 lambda: monitor.expect_none("create", within=0.1),
                 lambda: monitor.wait_for_idle(quiet=60, timeout=0.1),
                 lambda: smart_wait.wait_for_file_visible(daemon / "a", timeout=0.1)):
        began = time.monotonic()
        try:
            assert not wait()
        except OperationTimeout:
            pass
        assert 0.1 <= time.monotonic() - began < DEADLINE / 2


def test_rule_22_what_begins_at_the_last_moment_is_seen(silent):
    """The quiet is nearly over when something begins. Nobody is woken by that, and another waiter
    reads the ring when it wakes up itself."""
    daemon, monitor = silent("delay=fsync:50ms")
    quiet = 0.06
    reader = Later(monitor.expect("create", path="/never").wait, DEADLINE)
    wait_for_waiters()

    def try_once(file):
        mark = monitor.mark()
        os.write(file, b"x")
        written = monitor.wait_for_operation("write", since=mark, timeout=DEADLINE)
        idle = Later(monitor.wait_for_idle, quiet=quiet, timeout=DEADLINE)
        time.sleep(max(0.0, written.end_time + quiet - 0.005 - time.monotonic()))
        os.fsync(file)  # no lookup comes before it
        idle.join()
        synced = monitor.wait_for_operation("fsync", since=mark, timeout=DEADLINE)
        if synced.start_time < written.end_time + quiet:
            assert idle.ended_at > synced.end_time
            return True
        return False

    with open(daemon / "a", "wb") as file:
        assert sum(try_once(file.fileno()) for _ in range(8)) > 0
    monitor.interrupt()
    with pytest.raises(WaitInterrupted):
        reader.join()


def test_rule_22_a_reply_begins_the_quiet_anew(silent):
    daemon, monitor = silent("delay=mkdir:150ms")
    maker = Later(os.mkdir, daemon / "d")
    wait_until_asked(monitor, "mkdir")
    monitor.wait_for_idle(quiet=0.1, timeout=DEADLINE)
    ended_at = time.monotonic()
    maker.join()
    assert ended_at >= monitor.wait_for_operation("mkdir", timeout=0).end_time + 0.1


def test_rule_23_sync_needs_no_other_reader(silent):
    daemon, monitor = silent()
    for number in range(20):
        os.mkdir(daemon / f"d{number}")
        reached = monitor.sync()
        found = monitor.wait_for_operation("mkdir", path=f"/d{number}", timeout=0)
        assert found.seq <= reached


def test_rule_38_what_came_a_moment_too_late_is_told(silent):
    """A wait looks on for a tenth of its time, 100 ms at most."""
    daemon, monitor = silent("delay=mkdir:550ms")

    def try_once(number):
        maker = Later(os.mkdir, daemon / f"d{number}")
        wait_until_asked(monitor, "mkdir")
        expected = monitor.expect("mkdir", path=f"/d{number}", include_in_flight=True,
                                  since=monitor._since)
        earliest = time.monotonic() + 0.5
        try:
            expected.wait(0.5)
            return False
        except OperationTimeout as timeout:
            error = timeout
        maker.join()
        made = monitor.wait_for_operation("mkdir", path=f"/d{number}", timeout=0)
        if "late" not in error.report and made.end_time > earliest + 0.04:
            return False
        assert error.report["late"]["path"] == f"/d{number}"
        assert error.report["late_ns"] > 0 and "after the deadline" in str(error)
        return True

    assert any(try_once(number) for number in range(TRIES))


def test_rule_38_one_more_look_however_late_it_is(silent):
    """The last look takes long, as its check does; meanwhile it comes."""
    daemon, monitor = silent()

    def try_once(folder):
        def check(operation):
            if operation.path.endswith("/first"):
                os.mkdir(folder / "second")
                time.sleep(max(0.0, began + 0.51 - time.monotonic()))
            elif operation.path.endswith("/second"):
                os.mkdir(folder / "third")
                time.sleep(max(0.0, began + 0.6 - time.monotonic()))
            return operation.path.endswith("/third")

        os.mkdir(folder)
        expected = monitor.expect("mkdir", path=f"/{folder.name}/*", check_fn=check)
        os.mkdir(folder / "first")
        began = time.monotonic()
        try:
            expected.wait(0.5)
            return False
        except OperationTimeout as timeout:
            report = timeout.report
        made = monitor.wait_for_operation("mkdir", path=folder / "third", timeout=0)
        if made.end_time > began + 0.54:
            return False
        assert report["late"]["path"] == made.path
        return True

    assert any(try_once(daemon / f"d{number}") for number in range(TRIES))


WAITS_FOR_A_SECOND = """
import sys
from fusetrace import *
with FuseTraceMonitor(sys.argv[1], source="kernel") as monitor:
    expected = monitor.expect(sys.argv[2], path=sys.argv[3])
    print("begin", flush=True)
    try:
        expected.wait(1)
        print("in time")
    except OperationTimeout as error:
        print("too late" if error.report.get("late_ns", 0) > 0 else "not at all")
"""


def test_rule_38_who_looks_late_is_not_satisfied_by_what_came_late(silent):
    """It sleeps beyond its deadline, as one of a machine that is suspended does."""
    daemon, _ = silent()

    def try_once(number):
        process = run_python(WAITS_FOR_A_SECOND, daemon.mountpoint, "mkdir", f"/d{number}")
        try:
            assert process.stdout.readline() == "begin\n"
            settle(process)
            process.send_signal(signal.SIGSTOP)
            time.sleep(1.05)
            os.mkdir(daemon / f"d{number}")
            process.send_signal(signal.SIGCONT)
            told = process.communicate(timeout=DEADLINE)[0].strip()
        finally:
            process.kill()
            process.wait()
        assert told in ("too late", "not at all")
        return told == "too late"

    assert any(try_once(number) for number in range(TRIES))
