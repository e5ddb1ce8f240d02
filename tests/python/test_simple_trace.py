# SPDX-License-Identifier: MIT
"""SimpleTraceMonitor and SimpleWaitHelper, as suites use them."""

import inspect
import logging
import os
import subprocess
import sys

import pytest

from fusetrace.config import FuseConfig
from fusetrace.manager import FuseManager
from fusetrace.simple_trace import SimpleTraceMonitor, SimpleWaitHelper
from fusetrace.smart_wait import SmartWaitHelper
from fusetrace.trace_monitor import FuseTraceMonitor
from traced import DEADLINE, branchfs, need_mounts


@pytest.fixture
def traced(tmp_path):
    with branchfs(tmp_path) as (process, mountpoint):
        monitor = SimpleTraceMonitor(process)
        monitor.start_capture()
        assert monitor.wait_for_mount_ready(timeout=DEADLINE) is True
        yield monitor, mountpoint
        monitor.stop_capture()


@pytest.fixture
def unmounted():
    """A monitor of a process that lives until it is told to end, and mounts nothing."""
    process = subprocess.Popen([sys.executable, "-c", "print('hello', flush=True); input()"],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    monitor = SimpleTraceMonitor(process)
    yield monitor
    monitor.stop_capture()
    process.stdin.close()
    process.wait(DEADLINE)
    process.stdout.close()


def test_patterns_are_operations(traced):
    monitor, mountpoint = traced
    (mountpoint / "test.txt").write_text("content")
    assert monitor.wait_for_pattern("create", timeout=DEADLINE) is True
    assert monitor.wait_for_pattern("write", DEADLINE) is True
    assert monitor.wait_for_pattern("mount_ready", DEADLINE) is True
    assert monitor.wait_for_pattern("mkdir", timeout=0) is False
    assert "mkdir" in monitor.last_reports[-1].text


def test_unknown_patterns_are_errors(traced):
    monitor, _ = traced
    with pytest.raises(ValueError, match="write"):
        monitor.wait_for_pattern("wirte", 0)
    with pytest.raises(ValueError, match="mount_ready"):
        monitor.wait_for_pattern("mount_redy", 0)
    with pytest.raises(TypeError):
        monitor.wait_for_pattern(7, 0)


def test_waits_of_the_helper(traced):
    monitor, mountpoint = traced
    helper = SimpleWaitHelper(monitor)
    file, folder = mountpoint / "a.txt", mountpoint / "d"
    file.write_text("content")
    assert helper.wait_for_file_visible(file, DEADLINE) is True
    assert helper.wait_for_write_complete(file, DEADLINE) is True
    folder.mkdir()
    assert helper.wait_for_dir_visible(folder, DEADLINE) is True
    os.setxattr(file, "user.test", b"1")
    assert helper.wait_for_xattr_operation(file, "setxattr", DEADLINE) is True
    file.unlink()
    assert helper.wait_for_deletion(file, DEADLINE) is True
    assert helper.wait_for_file_visible(file, timeout=0) is False


def test_as_suites_do_it_with_a_manager():
    """A monitor of the suite's own beside a filesystem that a manager has mounted."""
    need_mounts()
    with FuseManager() as manager:
        config = FuseConfig(branches=manager.create_temp_dirs(2))
        with manager.mounted_fs(config) as (process, mountpoint, branches):
            monitor = SimpleTraceMonitor(process)
            monitor.start_capture()
            helper = SimpleWaitHelper(monitor)
            assert monitor.wait_for_mount_ready(timeout=10.0)
            file = mountpoint / "test.txt"
            file.write_text("content")
            assert helper.wait_for_file_visible(file)
            assert helper.wait_for_write_complete(file)
            assert (branches[0] / "test.txt").read_text() == "content"
            monitor.stop_capture()


def test_helper_of_the_managers_monitor():
    need_mounts()
    with FuseManager() as manager:
        config = FuseConfig(branches=manager.create_temp_dirs(1), enable_trace=True)
        with manager.mounted_fs(config) as (_, mountpoint, _, trace_monitor):
            (mountpoint / "a").write_text("content")
            assert SimpleWaitHelper(trace_monitor).wait_for_write_complete(mountpoint / "a")


def test_helper_without_a_trace(tmp_path):
    helper = SimpleWaitHelper()
    assert helper.trace_monitor is None
    (tmp_path / "a").write_text("content")
    assert helper.wait_for_file_visible(tmp_path / "a") is True
    assert helper.wait_for_dir_visible(tmp_path) is True
    assert helper.wait_for_deletion(tmp_path / "b") is True
    assert helper.wait_for_write_complete(tmp_path / "a", DEADLINE) is True


def test_logs(traced):
    monitor, mountpoint = traced
    (mountpoint / "test.txt").write_text("content")
    wait = "create"
    assert monitor.wait_for_pattern(wait, DEADLINE)
    if monitor.source != "log":  # the line may come after the operation
        from fusetrace.polling import wait_for_operation

        assert wait_for_operation(lambda: any(wait in line for line in monitor.get_logs()),
                                  timeout=DEADLINE)[0]
    assert any(wait in line for line in monitor.log_lines)
    assert len(monitor.get_recent_logs(2)) == 2
    assert monitor.get_recent_logs(0) == []
    assert len(monitor.get_recent_logs(100_000)) <= len(monitor.get_logs())


def test_not_ready_in_time(unmounted, caplog):
    unmounted.start_capture()
    with caplog.at_level(logging.WARNING):
        assert unmounted.wait_for_mount_ready(timeout=0) is False
    assert "did not become ready" in caplog.text


def test_not_ready_as_the_process_ended(unmounted, caplog):
    unmounted.start_capture()
    unmounted.process.stdin.close()
    assert unmounted.wait_for_mount_ready(3.0) is False
    assert "ended" in caplog.text
    assert "hello" in caplog.text  # the last lines say why


def test_it_is_a_monitor(unmounted):
    assert isinstance(unmounted, FuseTraceMonitor)
    assert isinstance(SimpleWaitHelper(unmounted), SmartWaitHelper)
    assert unmounted.process.poll() is None
    unmounted.stop_capture()
    unmounted.stop_capture()


def test_patterns_are_for_looking_only(unmounted):
    patterns = unmounted.patterns
    assert {"lookup", "create", "write", "mkdir", "rmdir", "unlink", "getattr", "setxattr",
            "getxattr", "listxattr", "mount_ready"} <= set(patterns)
    assert patterns["create"].search("fuse::create name=a")
    assert not patterns["create"].search("recreated")


def test_signatures_are_those_of_suites():
    for method, default in ((SimpleTraceMonitor.wait_for_pattern, 5.0),
                            (SimpleTraceMonitor.wait_for_mount_ready, 10.0)):
        assert inspect.signature(method).parameters["timeout"].default == default
    for name in ("wait_for_file_visible", "wait_for_write_complete", "wait_for_dir_visible",
                 "wait_for_deletion", "wait_for_xattr_operation"):
        assert callable(getattr(SimpleWaitHelper, name))
