# SPDX-License-Identifier: MIT
"""The mistakes of an earlier attempt at this, a test each.

Numbers 12 (a bare directory passes for a mount), 13 (fixtures change their shape with the
environment) and 14 (FUSE_TRACE=0 is true somewhere) are about the plugin's fixtures:
test_plugin_mistakes.py.
"""

import os
import subprocess
import time

import pytest

from conftest_core import daemon, monitor, mount, smart_wait, source, watch  # noqa: F401
from daemons import DEADLINE, SLACK, SOON, Later, run_python, wait_for_waiters, wait_until
from fusetrace import DaemonDied, FuseTraceMonitor, OperationStatus, SmartWaitHelper


def create(path, text="x"):
    path.write_text(text)
    return path


# 1: the wait scanned the whole completed list; there was no mark.
def test_mistake_01_old_operation_does_not_satisfy(daemon, monitor):
    create(daemon / "a")
    assert monitor.wait_for_operation("release", path="/a") is not None
    monitor.clear_completed()
    assert monitor.wait_for_operation("release", path="/a", timeout=0) is None
    assert "before the mark" in monitor.last_reports[-1].text
    with monitor.expect("release", path="/a", timeout=DEADLINE) as again:
        create(daemon / "a")
    assert again.operation.seq > monitor._since.seq


# 2: the list wait put names into a set.
def test_mistake_02_five_creates_need_five(daemon, monitor):
    for number in range(4):
        create(daemon / f"f{number}")
    assert len(monitor.wait_for_operations(["create"] * 5, timeout=0.2)) == 4
    create(daemon / "f4")
    found = monitor.wait_for_operations(["create"] * 5, timeout=DEADLINE)
    assert [one.path for one in found] == [f"/f{number}" for number in range(5)]
    assert len({one.seq for one in found}) == 5


# 3: an attribute and a method shared the name stop_capture.
def test_mistake_03_stop_capture_stops(daemon, monitor):
    assert monitor.is_capturing
    monitor.stop_capture()
    monitor.stop_capture()
    assert not monitor.is_capturing
    assert monitor.state == "stopped"


# 4: one event flag per key, cleared by whichever waiter woke first.
def test_mistake_04_every_waiter_wakes(daemon, monitor):
    waiters = [Later(monitor.wait_for_operation, "create", path="/shared", timeout=DEADLINE)
               for _ in range(8)]
    wait_for_waiters(8)
    create(daemon / "shared")
    created_at = time.monotonic()
    found = [waiter.join() for waiter in waiters]
    assert {one.seq for one in found} == {found[0].seq}
    assert max(waiter.ended_at for waiter in waiters) - created_at < SOON + SLACK


# 5: the wall clock for deadlines.
def test_mistake_05_a_step_of_the_clock_changes_no_wait(daemon, monitor, monkeypatch):
    monkeypatch.setattr(time, "time", lambda: 4e9)
    began = time.monotonic()
    waiter = Later(monitor.wait_for_operation, "create", path="/late", timeout=0.3)
    wait_for_waiters()
    monkeypatch.setattr(time, "time", lambda: 0.0)
    assert waiter.join() is None
    assert 0.3 <= time.monotonic() - began < 0.3 + SLACK
    with monitor.expect("create", path="/late", timeout=DEADLINE) as late:
        create(daemon / "late")
    before, after = late.operation.start_time, late.operation.end_time
    if before is not None and after is not None:
        assert began < before <= after <= time.monotonic()


# 6: a pipe of the daemon that nobody read. More than a pipe holds, into both of its pipes.
CHATTER = """
import os, sys
for number in range(160):
    os.write(1, b"x" * 32767 + b"\\n")
    os.write(2, b"y" * 32767 + b"\\n")
print("done")
"""


@pytest.mark.parametrize("moment", ["constructed", "started", "stopped", "forgotten"])
def test_mistake_06_nobody_reads_the_pipes(mount, moment):
    """At whatever moment of a monitor's life the daemon prints 10 MB."""
    chatty = subprocess.Popen(["python3", "-c", CHATTER], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE)
    monitor = FuseTraceMonitor(chatty, source="log")
    try:
        if moment != "constructed":
            monitor.start_capture()
        if moment == "stopped":
            monitor.stop_capture()
        if moment == "forgotten":
            del monitor
        assert chatty.wait(DEADLINE) == 0
    finally:
        chatty.kill()
        chatty.wait()


def test_mistake_06_a_mount_whose_daemon_prints_much(daemon, monitor):
    """Each operation of branchfs is a line of its trace: 10 MB of them."""
    name = "n" * 250
    deep = daemon / name / name / name
    deep.mkdir(parents=True)
    count = 10_000_000 // 900
    for _ in range(count // 2):
        with pytest.raises(FileNotFoundError):
            os.stat(deep / name)
    assert monitor.wait_for_operation("mkdir", path=deep, timeout=DEADLINE) is not None


# 7: the daemon's death only ended the thread that read from it.
def test_mistake_07_a_killed_daemon_ends_waits_at_once(daemon, monitor):
    waiters = [Later(monitor.expect("create", path="/never", timeout=DEADLINE).wait),
               Later(monitor.wait_for_operation, "create", "/never", DEADLINE)]
    wait_for_waiters(2)
    killed_at = time.monotonic()
    daemon.kill()
    with pytest.raises(DaemonDied, match="SIGKILL") as died:
        waiters[0].join()
    assert died.value.verdict == "daemon died"
    assert waiters[1].join() is None
    assert "SIGKILL" in monitor.last_reports[-1].text
    assert max(one.ended_at for one in waiters) - killed_at < SOON + SLACK


def test_mistake_07_an_exit_code_is_told(mount, source):
    code = "import sys, time; sys.stdin.read(); print('out of luck'); sys.exit(42)"
    process = subprocess.Popen(["python3", "-c", code], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    monitor = FuseTraceMonitor(process, source=source)
    with monitor:
        waiter = Later(monitor.wait_for_mount, DEADLINE)
        wait_for_waiters()
        ended_at = time.monotonic()
        process.stdin.close()
        with pytest.raises(DaemonDied, match="exit code 42") as died:
            waiter.join()
        assert "out of luck" in str(died.value)
        assert waiter.ended_at - ended_at < SOON + 2 * SLACK  # Python itself needs time to end
    process.wait()


# 8: the key of what is in flight was "thread:operation".
def test_mistake_08_overlapping_operations_stay_apart(mount, watch):
    daemon = mount("delay=open:100ms:/slow*")
    for number in range(4):
        (daemon.branch / f"slow{number}").write_text("x")
    monitor = watch(daemon)
    readers = [Later((daemon / f"slow{number}").read_text) for number in range(4)]
    assert [reader.join() for reader in readers] == ["x"] * 4
    found = monitor.wait_for_operations(["open"] * 4, timeout=DEADLINE)
    assert sorted(one.path for one in found) == [f"/slow{number}" for number in range(4)]
    assert all(one.duration_ms >= 100 for one in found)
    starts, ends = [one.start_time for one in found], [one.end_time for one in found]
    assert max(starts) < min(ends)  # they did overlap


# 9: duration_ms was documented but absent.
def test_mistake_09_operations_have_what_is_documented(daemon, monitor):
    create(daemon / "a", "hello")
    one = monitor.wait_for_operation("write", path="/a", timeout=DEADLINE)
    assert one.operation == "write" and one.path == "/a"
    assert one.status is OperationStatus.COMPLETED and one.errno == 0 and one.error is None
    assert one.duration_ms > 0 and one.end_time >= one.start_time
    assert one.details["size"] == 5 and one.details["offset"] == 0
    assert monitor.summary() is not None


# 10: absolute paths were compared with paths in the mount, deletion was matched by suffix.
def test_mistake_10_paths_are_exact(daemon, monitor, smart_wait):
    create(daemon / "ba.txt")
    create(daemon / "a.txt")
    assert monitor.wait_for_operation("create", path=daemon / "a.txt").path == "/a.txt"
    assert monitor.wait_for_operation("create", path=str(daemon / "a.txt")).path == "/a.txt"
    assert monitor.wait_for_operation("create", path="/a.txt").path == "/a.txt"
    os.unlink(daemon / "ba.txt")
    assert not smart_wait.wait_for_deletion(daemon / "a.txt", timeout=0.1)
    assert smart_wait.wait_for_deletion(daemon / "ba.txt", timeout=DEADLINE)
    with pytest.raises(ValueError, match=str(daemon.mountpoint)):
        monitor.wait_for_operation("create", path=daemon.branch / "a.txt")


def test_mistake_10_another_release_is_no_complete_write(daemon, monitor, smart_wait):
    file = open(daemon / "a.txt", "wb", buffering=0)
    with file:
        file.write(b"hello")
        create(daemon / "b.txt")
        assert monitor.wait_for_operation("release", path="/b.txt", timeout=DEADLINE)
        assert not smart_wait.wait_for_write_complete(daemon / "a.txt", timeout=0.1)
    assert smart_wait.wait_for_write_complete(daemon / "a.txt", timeout=DEADLINE)


# 11: None and False were ignored; the xattr wait without a trace slept 0.1 s and returned True.
def test_mistake_11_a_wait_in_vain_is_seen(daemon, monitor, caplog):
    assert monitor.wait_for_operation("create", path="/never", timeout=0.01) is None
    assert "create" in caplog.text and "/never" in caplog.text
    assert monitor.last_reports[-1].verdict in ("never started", "no events")


def test_mistake_11_an_attribute_that_was_never_set(mount):
    daemon = mount()
    create(daemon / "a")
    smart_wait = SmartWaitHelper(None, mountpoint=daemon.mountpoint)
    assert not smart_wait.wait_for_xattr_operation(daemon / "a", "setxattr", timeout=0.15)
    assert "no trace" in smart_wait.last_report
    os.setxattr(daemon / "a", "user.it", b"1")
    assert smart_wait.wait_for_xattr_operation(daemon / "a", "setxattr", timeout=DEADLINE)


# 15: slept 0.1 s after each match.
def test_mistake_15_waits_return_at_once(daemon, monitor, smart_wait):
    create(daemon / "a")
    began = time.monotonic()
    for _ in range(20):
        assert monitor.wait_for_operation("create", path="/a", timeout=DEADLINE)
        assert smart_wait.wait_for_file_visible(daemon / "a", timeout=DEADLINE)
        assert smart_wait.wait_for_write_complete(daemon / "a", timeout=DEADLINE)
    assert time.monotonic() - began < 1.0


# 16: a pattern for start and end that the real log never prints.
def test_mistake_16_operations_complete(daemon, monitor):
    create(daemon / "a")
    wait_until(lambda: monitor.get_operation_count("release"), "the release")
    assert not monitor.in_flight
    assert all(one.status is not OperationStatus.STARTED for one in monitor.completed_operations)


def test_the_wait_of_a_process_of_its_own(mount):
    """The package needs nothing of the test runner."""
    daemon = mount()
    code = """
import sys, pathlib
from fusetrace import FuseTraceMonitor
with FuseTraceMonitor(sys.argv[1]) as monitor:
    pathlib.Path(sys.argv[1], "a").write_text("x")
    print(monitor.wait_for_operation("release", path="/a").path)
"""
    process = run_python(code, daemon.mountpoint)
    assert process.communicate(timeout=DEADLINE)[0] == "/a\n"
