# SPDX-License-Identifier: MIT
"""What `lib.timing_utils` has besides the monitor and the smart waits."""

import inspect
import os
import threading
import time
from types import SimpleNamespace

import pytest

from fusetrace.config import FuseConfig
from fusetrace.manager import FuseManager
from fusetrace.operation import Operation, OperationStatus
from fusetrace.timing import (FuseLogCapture, FuseOperation, OperationTiming, TimingAnalyzer,
                              measure_mount_time, wait_for_file_creation, wait_for_path_operation,
                              wait_for_sync_operations)
from fusetrace.trace_monitor import FuseTraceMonitor
from traced import DEADLINE, branchfs, need_mounts, replayed


def timing(operation, duration_ms, path="/a"):
    return OperationTiming(operation, 1.0, None, duration_ms, path, "7")


# ---- OperationTiming ----


def test_timing_has_the_fields_that_suites_give():
    made = OperationTiming(operation="write", start_time=1.0, end_time=1.5, duration_ms=500.0,
                           path="/a", thread_id="7", details={"size": 3})
    assert (made.status, made.error, made.span_id) == (OperationStatus.STARTED, None, None)
    assert made == OperationTiming("write", 1.0, 1.5, 500.0, "/a", "7", {"size": 3})
    names = list(inspect.signature(OperationTiming).parameters)
    assert names == ["operation", "start_time", "end_time", "duration_ms", "path", "thread_id",
                     "details", "status", "error", "span_id"]


def test_timing_of_an_operation(tmp_path):
    monitor = replayed(tmp_path, ("write", {"duration_ns": 2_000_000, "status": "failed",
                                            "errno": 28, "size": 9}))
    found = OperationTiming.from_operation(monitor.completed_operations[0])
    assert (found.operation, found.path, found.thread_id) == ("write", "/a", "100")
    assert (found.duration_ms, found.error, found.span_id) == (2.0, "ENOSPC", "2")
    assert found.status is OperationStatus.FAILED
    assert found.details["size"] == 9
    assert found.end_time - found.start_time == pytest.approx(0.002)


def test_timing_without_times(tmp_path):
    monitor = replayed(tmp_path, ("flush", {"start_ns": None, "duration_ns": None, "pid": None,
                                            "unique": None}))
    found = OperationTiming.from_operation(monitor.completed_operations[0])
    assert (found.start_time, found.end_time, found.duration_ms) == (None, None, None)
    assert (found.thread_id, found.span_id) == (None, None)


def test_fuse_operation_is_an_operation():
    assert FuseOperation is Operation
    for name in ("operation", "thread_id", "timestamp", "path", "parent", "name", "ino", "fh",
                 "status", "error_code", "details"):
        assert hasattr(FuseOperation, name)


# ---- TimingAnalyzer ----


def test_analysis():
    timings = [timing("write", 10.0), timing("write", 200.0, "/slow"), timing("read", 150.0),
               timing("open", None)]
    analysis = TimingAnalyzer().analyze_timings(timings)
    assert analysis["total_operations"] == 4
    assert analysis["total_time_ms"] == 360.0
    assert [one.duration_ms for one in analysis["slow_operations"]] == [200.0, 150.0]
    assert analysis["operation_stats"]["write"] == {
        "count": 2, "min_ms": 10.0, "max_ms": 200.0, "avg_ms": 105.0, "total_ms": 210.0,
        "p50_ms": 10.0, "p95_ms": 200.0, "p99_ms": 200.0}
    assert "open" not in analysis["operation_stats"]


def test_analysis_of_nothing_can_be_reported():
    analyzer = TimingAnalyzer()
    analysis = analyzer.analyze_timings([])
    assert analysis == {"total_operations": 0, "total_time_ms": 0, "slow_operations": [],
                        "operation_stats": {}}
    assert analyzer.generate_report(analysis) == "0 operations took 0ns in all"


def test_operations_of_a_monitor_can_be_analysed(tmp_path):
    monitor = replayed(tmp_path, ("write", {"duration_ns": 150_000_000}), ("read", {}))
    analyzer = TimingAnalyzer()
    assert analyzer.slow_threshold_ms == 100
    assert analyzer.analyze_timings(monitor.completed_operations)["slow_operations"] == (
        monitor.completed_operations[:1])


def test_threshold():
    timings = [timing("write", ms) for ms in (1.0, 2.0, 3.0)]
    analyzer = TimingAnalyzer(slow_threshold_ms=2.0)
    assert analyzer.slow_operations(timings) == timings[2:]  # longer, not as long
    assert analyzer.slow_operations(timings, threshold_ms=0.5) == timings[::-1]
    analyzer.slow_threshold_ms = 1.0
    assert len(analyzer.analyze_timings(timings)["slow_operations"]) == 2


def test_groups():
    timings = [timing("write", 1.0), timing("read", None), timing("write", 2.0)]
    groups = TimingAnalyzer.group_by_operation(iter(timings))
    assert groups == {"write": [timings[0], timings[2]], "read": [timings[1]]}


@pytest.mark.parametrize("count, p50, p95, p99", [(1, 1, 1, 1), (20, 10, 19, 20),
                                                  (100, 50, 95, 99), (1000, 500, 950, 990)])
def test_percentiles_are_nearest_ranks(count, p50, p95, p99):
    found = TimingAnalyzer.statistics(timing("x", float(n)) for n in range(count, 0, -1))["x"]
    assert (found["p50_ms"], found["p95_ms"], found["p99_ms"]) == (p50, p95, p99)


def test_report():
    timings = [timing("write", float(n), "/file\x1b[2J") for n in range(1, 121)]
    text = TimingAnalyzer().report(timings + [timing("fsync", 5000.0, None)])
    lines = text.splitlines()
    assert lines[0] == "121 operations took 12.26s in all"
    assert lines[2] == ("OP                 COUNT    TOTAL     MEAN      MIN      P50      P95"
                        "      MAX")
    assert lines[3] == ("write                120   7.260s  60.50ms  1.000ms  60.00ms  114.0ms"
                        "  120.0ms")
    assert lines[4].startswith("fsync                  1   5.000s")
    assert lines[6] == "21 took longer than 100.0ms:"
    assert lines[7] == "  fsync             5.000s"
    assert lines[8] == r"  write            120.0ms  /file\x1b[2J"
    assert lines[-1] == "  ... and 11 more"
    assert "\x1b" not in text


# ---- waits ----


class Waits:
    """What the waits need of a monitor: a replayed one has no mount that they could wait on."""

    def __init__(self, tmp_path, *records):
        self.monitor = FuseTraceMonitor(None, source="replay")
        self.monitor.start_capture()
        path = tmp_path / "recording.jsonl"
        replayed(tmp_path, *records)
        self.monitor._core.feed(path.read_bytes())

    def path(self, operation, path, timeout=0):
        return wait_for_path_operation(self.monitor, operation, path, timeout)

    def creation(self, path, timeout=0):
        return wait_for_file_creation(self.monitor, path, timeout)


def test_path_operation(tmp_path):
    waits = Waits(tmp_path, ("write", {"path": "/ba.txt"}))
    assert waits.path("write", "/ba.txt") is True
    assert waits.path("write", "/a.txt") is False  # no match by the end of the name
    assert waits.path("read", "/ba.txt") is False
    with pytest.raises(ValueError, match="write"):
        waits.path("wrte", "/ba.txt")


def test_path_operation_passes_over_probes(tmp_path):
    probe = {"status": "failed", "errno": 2, "probe": True}
    assert Waits(tmp_path, ("lookup", probe), ("lookup", {})).path("lookup", "/a") is True
    assert Waits(tmp_path, ("lookup", probe)).path("lookup", "/a") is False


def test_path_operation_that_fails_ends_the_wait(tmp_path):
    failed = {"status": "failed", "errno": 28}
    start = time.monotonic()
    assert Waits(tmp_path, ("write", failed)).path("write", "/a", timeout=DEADLINE) is False
    assert time.monotonic() - start < DEADLINE
    # It was tried again, with success.
    assert Waits(tmp_path, ("write", failed), ("write", {})).path("write", "/a") is True


@pytest.mark.parametrize("operation, fields, is_made", [
    ("create", {"path": "/a.txt"}, True),
    ("mknod", {"path": "/a.txt"}, True),
    ("symlink", {"path": "/a.txt"}, True),
    ("rename", {"path": "/tmp.txt", "path2": "/a.txt"}, True),
    ("link", {"path": "/tmp.txt", "path2": "/a.txt"}, True),
    ("rename", {"path": "/a.txt", "path2": "/b.txt"}, False),
    ("create", {"path": "/ba.txt"}, False),
    ("create", {"path": "/d/a.txt"}, False),
    ("create", {"path": "/a.txt", "status": "failed", "errno": 30}, False),
    ("open", {"path": "/a.txt"}, False),
    ("mkdir", {"path": "/a.txt"}, False)])
def test_file_creation(tmp_path, operation, fields, is_made):
    assert Waits(tmp_path, (operation, fields)).creation("/a.txt") is is_made


def test_sync_operations(tmp_path):
    monitor = Waits(tmp_path, ("write", {}), ("write", {}), ("fsync", {})).monitor
    assert wait_for_sync_operations(monitor, ["fsync", "write", "write"], 0) is True
    assert wait_for_sync_operations(monitor, ["write"] * 3, 0) is False
    assert wait_for_sync_operations(monitor, [], 0) is True


def test_signatures_are_those_of_suites():
    assert str(inspect.signature(wait_for_path_operation)).startswith(
        "(trace_monitor: 'FuseTraceMonitor', operation: 'str | Matcher', path: ")
    for wait, names in ((wait_for_path_operation, ["trace_monitor", "operation", "path"]),
                        (wait_for_file_creation, ["trace_monitor", "filepath"]),
                        (wait_for_sync_operations, ["trace_monitor", "operations"])):
        parameters = inspect.signature(wait).parameters
        assert list(parameters) == [*names, "timeout"]
        assert parameters["timeout"].default == 5.0


def test_mount_time(monkeypatch):
    clock = iter((10.0, 12.5))
    called = []
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    assert measure_mount_time(lambda: called.append(1)) == 2.5
    assert called == [1]


def test_mount_time_lets_errors_through():
    def fail():
        raise RuntimeError("no mount")

    with pytest.raises(RuntimeError, match="no mount"):
        measure_mount_time(fail)


# ---- on a real filesystem ----


def test_log_capture(tmp_path):
    with branchfs(tmp_path) as (process, mountpoint):
        capture = FuseLogCapture(process)
        assert capture.process is process
        capture.start_capture()
        capture.monitor.wait_for_mount(DEADLINE)
        assert capture.monitor.source == "log"
        (mountpoint / "a.txt").write_text("hello")
        assert capture.monitor.wait_for_operation("release", "/a.txt", DEADLINE)
        timings = capture.analyze_operations()
        assert [one for one in timings if one.operation == "create" and one.path == "/a.txt"
                and one.status is OperationStatus.COMPLETED and one.duration_ms > 0]
        assert any('"create"' in line for line in capture.get_logs())
        assert capture.log_lines == capture.get_logs()
        capture.stop_capture()
        capture.stop_capture()
        assert [one for one in capture.analyze_operations() if one.operation == "write"]


def test_log_capture_of_a_managed_process():
    """Its output is read by the manager; the operations must not be missing silently."""
    need_mounts()
    with FuseManager() as manager:
        config = FuseConfig(branches=manager.create_temp_dirs(1))
        process = manager.mount(config)
        with FuseLogCapture(process) as capture:
            (config.mountpoint / "a.txt").write_text("hello")
            assert [one for one in capture.analyze_operations() if one.operation == "create"]


def test_log_capture_drains_for_ever(tmp_path):
    """More than a pipe holds, before the capture and after it: the daemon must not block."""
    with branchfs(tmp_path) as (process, mountpoint):
        with FuseLogCapture(process) as capture:
            capture.monitor.wait_for_mount(DEADLINE)
        done = threading.Event()

        def write_much():
            for number in range(300):
                (mountpoint / f"file{number}").write_bytes(b"x")
            done.set()

        threading.Thread(target=write_much, daemon=True).start()
        assert done.wait(DEADLINE)


def test_waits_while_it_happens(tmp_path):
    with branchfs(tmp_path) as (process, mountpoint), FuseTraceMonitor(process) as monitor:
        monitor.wait_for_mount(DEADLINE)
        path = mountpoint / "a.txt"
        writer = threading.Thread(target=path.write_text, args=("hello",))
        writer.start()
        assert wait_for_file_creation(monitor, path, DEADLINE)
        assert wait_for_path_operation(monitor, "write", path, DEADLINE)
        assert wait_for_path_operation(monitor, "write", str(path), DEADLINE)
        assert wait_for_sync_operations(monitor, ["create", "write", "release"], DEADLINE)
        writer.join()
        with pytest.raises(ValueError, match=str(mountpoint)):
            wait_for_file_creation(monitor, tmp_path / "elsewhere", 0)


def test_looks_like_a_timing_is_enough():
    found = TimingAnalyzer.statistics([SimpleNamespace(operation="x", duration_ms=1.0, path=None)])
    assert found["x"]["count"] == 1


def test_nothing_is_left_behind(tmp_path):
    before = len(os.listdir("/proc/self/fd"))
    for number in range(3):
        folder = tmp_path / str(number)
        folder.mkdir()
        with branchfs(folder) as (process, _), FuseLogCapture(process) as capture:
            capture.monitor.wait_for_mount(DEADLINE)
        del capture, process
    deadline = time.monotonic() + DEADLINE
    while len(os.listdir("/proc/self/fd")) > before + 4 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert len(os.listdir("/proc/self/fd")) <= before + 4
