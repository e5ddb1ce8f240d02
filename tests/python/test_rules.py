# SPDX-License-Identifier: MIT
"""The rules of waiting (docs/waiting.md) that no other file has a test of by name, on a real
filesystem. A test's name begins with the number of its rule."""

import inspect
import json
import os
import subprocess
import time
import traceback

import pytest

from conftest_core import (  # noqa: F401
    daemon, kernel_monitor, monitor, mount, smart_wait, source, watch)
from daemons import DEADLINE, SLACK, Later, wait_for_waiters, wait_until_asked
from fusetrace import (
    DaemonDied, FuseTraceMonitor, Monitor, OperationFailed, OperationTimeout, OrderViolation,
    SmartWaitHelper, UnexpectedOperation, op)


def create(path, text="x"):
    path.write_text(text)
    return path


def test_rule_01_what_ended_before_the_mark_is_never_behind_it(daemon, kernel_monitor):
    for number in range(50):
        os.close(os.open(daemon / "a", os.O_CREAT | os.O_WRONLY))
        os.unlink(daemon / "a")
        mark = kernel_monitor.mark()
        assert kernel_monitor.since(mark).count("unlink") == 0
        assert len([one for one in kernel_monitor.completed_operations
                    if one.operation == "unlink"]) == number + 1


def test_rule_04_no_operation_answers_twice(daemon, monitor):
    create(daemon / "a")
    create(daemon / "b")
    # The first match takes either: it must not take the only one that the second may have.
    found = monitor.wait_for_operations([op("create"), op("create", path="/a")], timeout=DEADLINE)
    assert [one.path for one in found] == ["/b", "/a"]


def test_rule_05_violated_strict_order_fails_at_once(daemon, monitor):
    expected = monitor.expect_all([op("create", path="/a"), op("create", path="/b"),
                                   op("create", path="/c")], order="strict", timeout=DEADLINE)
    for name in "acb":
        create(daemon / name)
    began = time.monotonic()
    with pytest.raises(OrderViolation):
        expected.wait()
    assert time.monotonic() - began < DEADLINE / 2


def test_rule_06_exactly_is_decided_at_the_barrier(daemon, kernel_monitor):
    for number in range(20):
        mark = kernel_monitor.mark()
        for name in range(number):
            create(daemon / f"f{number}-{name}")
        # The call that made the last one has just returned: nothing waits here.
        assert kernel_monitor.since(mark).count("create") == number


def test_rule_07_forbidden_since_the_mark(daemon, monitor):
    mark = monitor.mark()
    create(daemon / "a")
    with pytest.raises(UnexpectedOperation):
        monitor.expect_none("create", since=mark, within=DEADLINE)  # at once, not after 30 s


def test_rule_07_window_is_not_scaled(daemon, kernel_monitor, monkeypatch):
    monkeypatch.setenv("FUSETRACE_TIMEOUT_SCALE", "100")
    began = time.monotonic()
    kernel_monitor.expect_none("mkdir", within=0.05)
    assert 0.05 <= time.monotonic() - began < 0.05 + 4


def test_rule_09_the_errno_is_told(mount, watch):
    daemon = mount("fail=create:ENOSPC")
    monitor = watch(daemon)
    with pytest.raises(OperationFailed, match="ENOSPC"), \
            monitor.expect("create", path="/a", timeout=DEADLINE):
        with pytest.raises(OSError):
            create(daemon / "a")


def test_rule_11_another_file_of_that_ending_is_none(daemon, monitor):
    create(daemon / "ba.txt")
    assert monitor.wait_for_operation("create", path="/a.txt", timeout=0) is None
    create(daemon / "a.txt")
    for path in ("/a.txt", daemon / "a.txt", "//x/../a.txt", "/a.*"):
        assert monitor.wait_for_operation("create", path=path, timeout=DEADLINE).path == "/a.txt"


def test_rule_11_source_or_target_of_a_rename(daemon, monitor):
    create(daemon / "a")
    os.rename(daemon / "a", daemon / "b")
    for path in ("/a", "/b"):
        found = monitor.wait_for_operation("rename", path=path, timeout=DEADLINE)
        assert (found.path, found.path2) == ("/a", "/b")


def test_rule_12_probes_of_a_smart_wait_do_not_count(daemon, kernel_monitor):
    kernel_monitor.clear_completed()
    assert SmartWaitHelper(kernel_monitor).wait_for_file_visible(daemon / "none", timeout=0.05) \
        is False
    assert kernel_monitor.completed_operations == []
    os.path.exists(daemon / "another")  # of the test itself: counts
    assert [one.path for one in kernel_monitor.completed_operations] == ["/another"]


def test_rule_13_a_statfs_in_flight_is_not_busy(mount):
    """A desktop's daemon asks for it whenever it likes; it is recorded, and idle passes it over."""
    daemon = mount("delay=statfs:2s")
    with FuseTraceMonitor(daemon.process, source="kernel") as monitor:
        later = Later(os.statvfs, daemon.mountpoint)
        wait_until_asked(monitor, "statfs")
        monitor.wait_for_idle(quiet=0.01, timeout=1)
        assert [one.operation for one in monitor.in_flight] == ["statfs"]
        later.join()
        assert monitor.wait_for_operation("statfs", timeout=DEADLINE)


def test_rule_13_forbid_all_passes_over_what_comes_by_itself(daemon, monitor):
    with monitor.forbid("*"):
        os.statvfs(daemon.mountpoint)
        assert monitor.wait_for_operation("statfs", timeout=DEADLINE)
    with pytest.raises(UnexpectedOperation, match="statfs"):
        with monitor.forbid("statfs"):
            os.statvfs(daemon.mountpoint)
    with pytest.raises(UnexpectedOperation):
        with monitor.forbid("*"):
            os.mkdir(daemon / "d")


def test_rule_14_every_waiter_of_one_operation_wakes(daemon, monitor):
    waiters = [Later(monitor.wait_for_operation, "create", path="/a", timeout=DEADLINE)
               for _ in range(8)]
    wait_for_waiters(8)
    create(daemon / "a")
    assert {one.join().path for one in waiters} == {"/a"}


def test_rule_15_a_killed_daemon_ends_waits_with_its_cause(daemon, monitor):
    later = Later(monitor.expect("mkdir", timeout=DEADLINE).wait)
    wait_for_waiters()
    began = time.monotonic()
    daemon.kill()
    with pytest.raises(DaemonDied, match="SIGKILL"):
        later.join()
    assert time.monotonic() - began < SLACK * 8


def test_rule_16_times_are_those_of_the_source(mount):
    daemon = mount("delay=mkdir:200ms")
    with FuseTraceMonitor(daemon.process, source="kernel") as monitor:
        os.mkdir(daemon / "d")
        time.sleep(0.3)  # it is read much later than it happened
        found = monitor.wait_for_operation("mkdir", timeout=0)
        assert 200 <= found.duration_ms < 200 + 290


def test_rule_19_options_are_keywords():
    for call in (Monitor.expect, Monitor.expect_all, Monitor.forbid, Monitor.expect_none,
                 Monitor.wait_for_idle, Monitor.wait_for_log):
        timeouts = [one for one in inspect.signature(call).parameters.values()
                    if one.name in ("timeout", "start_timeout", "within", "quiet", "since",
                                    "label")]
        assert timeouts and all(one.kind is one.KEYWORD_ONLY for one in timeouts), call


def test_rule_19_zero_means_that_it_is_there(daemon, kernel_monitor):
    create(daemon / "a")
    began = time.monotonic()
    assert kernel_monitor.wait_for_operation("create", timeout=0).path == "/a"
    assert kernel_monitor.wait_for_operation("mkdir", timeout=0) is None
    assert time.monotonic() - began < 1


def test_rule_22_idle_names_what_kept_it_busy(mount):
    daemon = mount("delay=mkdir:1s")
    with FuseTraceMonitor(daemon.process, source="kernel") as monitor:
        check_idle(daemon, monitor)


def check_idle(daemon, monitor):
    later = Later(os.mkdir, daemon / "d")
    wait_until_asked(monitor, "mkdir")
    with pytest.raises(OperationTimeout, match="mkdir"):
        monitor.wait_for_idle(quiet=0.01, timeout=0.1)
    later.join()
    monitor.wait_for_idle(quiet=0.01, timeout=DEADLINE)


def test_rule_23_sync_tells_how_far(daemon, kernel_monitor):
    before = kernel_monitor.sync()
    os.mkdir(daemon / "d")
    after = kernel_monitor.sync()
    assert after > before
    found, = [one for one in kernel_monitor.completed_operations if one.operation == "mkdir"]
    assert before < found.seq <= after
    assert kernel_monitor.sync() == after  # a barrier asks nothing of the filesystem


def test_rule_24_state_first(daemon, monitor, smart_wait):
    create(daemon / "a")
    monitor.clear_completed()  # no event to come: the state alone says so
    assert smart_wait.wait_for_file_visible(daemon / "a", timeout=DEADLINE)
    os.unlink(daemon / "a")
    monitor.clear_completed()
    assert smart_wait.wait_for_deletion(daemon / "a", timeout=DEADLINE)
    assert not smart_wait.wait_for_file_visible(daemon / "a", timeout=0.05)


def test_rule_25_written_means_released(mount, watch):
    daemon = mount("delay=release:300ms")
    monitor = watch(daemon)
    create(daemon / "a")  # close(2) does not wait for RELEASE
    assert SmartWaitHelper(monitor).wait_for_write_complete(daemon / "a", timeout=DEADLINE)
    assert [one.path for one in monitor.completed_operations if one.operation == "release"] \
        == ["/a"]


def test_rule_26_a_bare_directory_is_no_mount(tmp_path):
    with subprocess.Popen(["sleep", "100"]) as process:
        monitor = FuseTraceMonitor(process)
        try:
            with monitor, pytest.raises(OperationTimeout):
                monitor.wait_for_mount(0.1)
        finally:
            process.kill()


def test_rule_26_init_was_answered(mount):
    daemon = mount(waits=False)
    with FuseTraceMonitor(daemon.process, source="kernel") as monitor:
        monitor.wait_for_mount(DEADLINE)
        daemon.wait_for_mount()
        assert os.listdir(daemon.mountpoint) == []


def test_rule_32_what_the_check_raises_ends_the_wait(daemon, monitor):
    def check(one):
        raise LookupError(one.path)

    create(daemon / "a")
    with pytest.raises(LookupError, match="/a"):
        monitor.wait_for_operation("create", timeout=DEADLINE, check_fn=check)


def test_rule_37_new_calls_raise(daemon, monitor):
    for wait in (monitor.expect("mkdir").wait, monitor.expect_all(["mkdir"]).wait):
        with pytest.raises(OperationTimeout):
            wait(0)
    mark = monitor.mark()
    create(daemon / "a")
    with pytest.raises(UnexpectedOperation):
        monitor.expect_none("create", since=mark)


def verdict_line(error):
    """What stands first, behind the line that says what was waited for."""
    return str(error.value).splitlines()[1].strip()


def test_rule_39_the_verdict_comes_first(daemon, monitor):
    with monitor.expect("release"):  # it comes after close() has returned
        create(daemon / "a")
    for arguments, verdict in ((("create", "/a"), "before the mark"),
                               (("mkdir", "/d"), "no events")):
        with pytest.raises(OperationTimeout) as error:
            monitor.expect(*arguments).wait(0)
        assert verdict_line(error).startswith("verdict"), str(error.value)
        assert error.value.verdict == verdict and verdict in verdict_line(error)
    mark = monitor.mark()
    create(daemon / "b")
    for arguments, verdict in ((("create", "/c"), "on another path"),
                               (("mkdir", "/d"), "never started")):
        with pytest.raises(OperationTimeout) as error:
            monitor.expect(*arguments, since=mark).wait(0)
        assert error.value.verdict == verdict and verdict in verdict_line(error)


def test_rule_39_what_came_too_early_is_named(daemon, monitor):
    mark = monitor.mark()
    os.mkdir(daemon / "b")
    os.mkdir(daemon / "a")
    with pytest.raises(OperationTimeout) as error:
        monitor.expect_all([op("mkdir", "/a"), op("mkdir", "/b")], order="in_order",
                           since=mark).wait(0)
    assert error.value.verdict == "order violated"
    assert "item 2: mkdir path=/b" in verdict_line(error)
    assert verdict_line(error).endswith("was seen, but before mkdir /a:")


def test_rule_39_what_came_too_early_is_taken_by_the_check(daemon, monitor):
    mark = monitor.mark()
    os.mkdir(daemon / "b", 0o700)
    os.mkdir(daemon / "a")
    asked = []

    def wait(check):
        asked.clear()
        with pytest.raises(OperationTimeout) as error:
            monitor.expect_all([op("mkdir", "/a"), op("mkdir", "/b", check_fn=check)],
                               order="in_order", since=mark).wait(0)
        assert [one.path for one in asked] == ["/b"]
        return error

    def refuses(one):
        asked.append(one)
        return False

    def takes(one):
        asked.append(one)
        return os.path.isdir(daemon / one.path[1:])  # no lock is held: it may use the mount

    error = wait(refuses)
    assert error.value.verdict == "refused by the check"
    assert "refuses 1 times, and before its turn" in verdict_line(error)
    error = wait(takes)
    assert error.value.verdict == "order violated"
    assert verdict_line(error).endswith("was seen, but before mkdir /a:")

    def raises(one):
        raise KeyError(one.path)

    with pytest.raises(KeyError, match="/b"):
        monitor.expect_all([op("mkdir", "/a"), op("mkdir", "/b", check_fn=raises)],
                           order="in_order", since=mark).wait(0)


def test_rule_40_at_most_forty_lines_and_all_of_it_as_a_dict(daemon, kernel_monitor):
    mark = kernel_monitor.mark()
    for number in range(60):
        create(daemon / f"f{number}")
    with pytest.raises(OperationTimeout) as error:
        kernel_monitor.expect("create", path="/none", since=mark).wait(0)
    assert len(str(error.value).splitlines()) <= 40
    report = error.value.report
    assert report["counts"]["create"] == 60 and report["lost"] == 0
    assert len(report["last"]) == 10 and report["near"]
    assert report["verdict"] == "on another path"


def test_rule_41_label_first_and_the_line_of_the_test_last(daemon, monitor):
    with pytest.raises(OperationTimeout) as error:
        monitor.expect("mkdir", label="index flushed").wait(0)
    assert "index flushed" in str(error.value).splitlines()[0]
    # What pytest shows of the way: no frame of the package.
    shown = [frame.f_code.co_filename for frame, _ in traceback.walk_tb(error.value.__traceback__)
             if not frame.f_locals.get("__tracebackhide__")]
    assert shown == [__file__]


def test_rule_42_waits_stand_in_the_saved_trace(daemon, kernel_monitor, tmp_path):
    """Waits are in the trace, each behind what had ended before it."""
    with kernel_monitor.expect("create", path="/a", label="first"):
        (daemon / "a").touch()
    assert kernel_monitor.wait_for_operation("mkdir", path="/never", timeout=0.05) is None
    with kernel_monitor.expect("create", path="/b", label="second"):
        (daemon / "b").touch()
    kernel_monitor.save(tmp_path / "trace")
    lines = [json.loads(line) for line in (tmp_path / "trace").read_text().splitlines()]
    told = [line.get("label") or line.get("verdict") or line["path"] for line in lines
            if line.get("event") == "wait" or line.get("op") == "create"]
    assert told == ["/a", "first", "never started", "/b", "second"]
    waits = [line for line in lines if line.get("event") == "wait"]
    assert [wait["verdict"] for wait in waits] == ["satisfied", "never started", "satisfied"]
    answers = {line["seq"]: line["path"] for line in lines if line.get("op") == "create"}
    assert [answers[wait["answer"]] for wait in waits if "answer" in wait] == ["/a", "/b"]
    assert len(Monitor.replay(tmp_path / "trace").completed_operations) > 2
