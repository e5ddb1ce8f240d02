# SPDX-License-Identifier: MIT
"""FuseManager with a trace, from the kernel and from the daemon's log."""

import os
import shutil
from pathlib import Path

import pytest

pytest.importorskip("fusetrace._core", reason="the extension is not built")

from fusetrace import mounts  # noqa: E402
from fusetrace.config import FuseConfig  # noqa: E402
from fusetrace.errors import MountError, TraceUnavailable  # noqa: E402
from fusetrace.manager import FuseManager  # noqa: E402
from fusetrace.polling import wait_for_operation  # noqa: E402
from fusetrace.trace_monitor import FuseTraceMonitor  # noqa: E402

SECONDS = 30

pytestmark = [
    pytest.mark.skipif(mounts.why_no_fuse() is not None, reason=str(mounts.why_no_fuse())),
    pytest.mark.skipif(shutil.which("branchfs") is None, reason="branchfs is not on PATH"),
]


@pytest.fixture(autouse=True)
def no_variables(monkeypatch):
    for name in ("FUSE_TRACE", "FUSE_TRACE_SUMMARY", "FUSE_BINARY", "RUST_LOG"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def why_no_kernel():
    try:
        with FuseTraceMonitor.pending(source="kernel"):
            return None
    except TraceUnavailable as error:
        return str(error)


@pytest.fixture(params=["kernel", "log"])
def source(request, why_no_kernel):
    if request.param == "kernel" and why_no_kernel:
        pytest.skip(why_no_kernel)
    return request.param


@pytest.fixture
def manager(source, tmp_path):
    with FuseManager(source=source, temp_root=tmp_path / "temporary") as manager:
        yield manager


@pytest.fixture
def config(manager):
    return FuseConfig(branches=manager.create_temp_dirs(2), enable_trace=True,
                      mountpoint=manager.create_temp_mountpoint())


def environment_of(process):
    data = Path(f"/proc/{process.pid}/environ").read_bytes()
    return dict(os.fsdecode(one).split("=", 1) for one in data.split(b"\0") if one)


def test_operations_are_seen(manager, config, source):
    with manager.mounted_fs(config) as (process, mountpoint, branches, monitor):
        assert monitor.source == source and monitor.state == "mounted"
        assert manager.trace_monitors == {mountpoint: monitor}
        assert manager.get_trace_monitor(mountpoint) is monitor
        (mountpoint / "a.txt").write_text("hello")
        found = monitor.wait_for_operation("release", path="/a.txt", timeout=SECONDS)
        assert found is not None and found.error is None
    assert manager.trace_monitors == {} and manager.get_trace_monitor(mountpoint) is None
    assert monitor.state == "stopped"


def test_the_smart_waits_of_a_mount(manager, config):
    with manager.mounted_fs(config) as (_, mountpoint, _, monitor):
        helper = manager.get_smart_wait_helper(mountpoint)
        assert helper.trace_monitor is monitor
        (mountpoint / "a.txt").write_text("hello")
        assert helper.wait_for_write_complete(mountpoint / "a.txt", timeout=SECONDS)


def test_the_smart_waits_of_a_mount_without_a_trace(manager, config):
    config.enable_trace = False
    with manager.mounted_fs(config) as (_, mountpoint, _):
        helper = manager.get_smart_wait_helper(mountpoint)
        assert helper.trace_monitor is None
        (mountpoint / "a.txt").write_text("hello")
        assert helper.wait_for_file_visible(mountpoint / "a.txt", timeout=SECONDS)


def test_the_trace_begins_with_init_and_has_what_comes_late(manager, config, source):
    if source == "log":
        pytest.skip("branchfs does not print INIT")
    config.options = ["write_behind=1m"]
    with manager.mounted_fs(config) as (_, mountpoint, _, monitor):
        (mountpoint / "a.txt").write_text("hello")
    assert monitor.completed_operations[0].operation == "init"
    assert any(one.operation == "release" for one in monitor.completed_operations)


def test_the_managers_question_is_not_counted(manager, config, source):
    if source == "log":
        pytest.skip("a log does not say who asked")
    with manager.mounted_fs(config) as (*_, monitor):
        assert monitor.wait_for_operation("init", timeout=SECONDS)
        assert [one.operation for one in monitor.completed_operations] == ["init"]


def test_the_daemons_environment(manager, config, source, monkeypatch):
    monkeypatch.setenv("FUSE_TRACE", "on")
    with manager.mounted_fs(config) as (process, *_):
        found = environment_of(process)
    assert found.get("FUSE_TRACE") == ("1" if source == "log" else None)
    assert found["RUST_LOG"] == "trace"


@pytest.mark.parametrize("origin", ["environment", "configuration"])
def test_a_users_own_rust_log_wins(manager, config, monkeypatch, origin):
    if origin == "environment":
        monkeypatch.setenv("RUST_LOG", "info")
    else:
        config.environment = {"RUST_LOG": "info"}
    with manager.mounted_fs(config) as (process, *_):
        assert environment_of(process)["RUST_LOG"] == "info"


def test_arguments_that_make_it_log(manager, config, source):
    if shutil.which("bindfs") is None:
        pytest.skip("bindfs is not installed")
    config.command = "bindfs"
    with manager.mounted_fs(config) as (process, mountpoint, _, monitor):
        assert ("-d" in process.args) == (source == "log")
        (mountpoint / "a").touch()
        assert monitor.wait_for_operation("create", path="/a", timeout=SECONDS)


@pytest.mark.parametrize("is_in_code", [True, False])
def test_the_shape_does_not_depend_on_the_environment(source, tmp_path, monkeypatch, is_in_code):
    """Mistake 13."""
    monkeypatch.setenv("FUSE_TRACE", "1")
    with FuseManager(source=source, temp_root=tmp_path) as manager:
        config = FuseConfig(branches=manager.create_temp_dirs(1), enable_trace=is_in_code)
        with manager.mounted_fs(config) as mounted:
            assert len(mounted) == (4 if is_in_code else 3)
            assert mounted.trace_monitor is not None
            assert mounted.trace_monitor is manager.get_trace_monitor(mounted.mountpoint)


@pytest.mark.parametrize("value, is_traced", [("0", False), ("", False), ("off", False),
                                              ("1", True), ("Yes", True)])
def test_fuse_trace_is_yes_or_no(monkeypatch, tmp_path, value, is_traced):
    """Mistake 14: FUSE_TRACE=0 was true in one place."""
    monkeypatch.setenv("FUSE_TRACE", value)
    with FuseManager(source="log", temp_root=tmp_path) as manager:
        assert manager.enable_trace is is_traced
        with manager.mounted_fs(FuseConfig(branches=manager.create_temp_dirs(1))) as mounted:
            assert (mounted.trace_monitor is not None) is is_traced


def test_what_is_asked_for_in_code_is_traced_whatever_the_environment_says(monkeypatch, manager,
                                                                           config):
    monkeypatch.setenv("FUSE_TRACE", "0")
    with manager.mounted_fs(config) as mounted:
        assert mounted.trace_monitor is not None


def test_a_configurations_source_wins(tmp_path):
    with FuseManager(source="kernel", temp_root=tmp_path) as manager:
        config = FuseConfig(branches=manager.create_temp_dirs(1), enable_trace=True, source="log")
        with manager.mounted_fs(config) as (*_, monitor):
            assert monitor.source == "log"


@pytest.mark.parametrize("value", ["1", "0"])
def test_the_summary_is_printed_after_the_unmount(manager, config, monkeypatch, capsys, value):
    monkeypatch.setenv("FUSE_TRACE_SUMMARY", value)
    with manager.mounted_fs(config) as (_, mountpoint, _, monitor):
        (mountpoint / "a.txt").write_text("hello")
        assert monitor.wait_for_operation("release", timeout=SECONDS)
        assert capsys.readouterr().out == ""
    out = capsys.readouterr().out
    if value == "0":
        assert out == ""
    else:
        assert str(mountpoint) in out and "release" in out and "write" in out


def test_output_is_that_of_the_monitor(manager, config, tmp_path):
    script = tmp_path / "daemon"
    script.write_text('#!/bin/sh\necho "it begins" >&2; branchfs -f "$@"; echo it ends\n')
    script.chmod(0o755)
    config.command = [str(script), "{branches}", "{mountpoint}"]
    with manager.mounted_fs(config):
        assert "it begins" in manager.get_output(config.mountpoint)
    assert "it ends" in manager.get_output(config.mountpoint)


def test_a_daemon_that_prints_a_lot_does_not_block(manager, config, tmp_path):
    """Mistake 6, with a monitor that reads."""
    script = tmp_path / "daemon"
    script.write_text('#!/bin/sh\nseq 200000; branchfs -f "$@"; seq 200000 >&2\n')
    script.chmod(0o755)
    config.command = [str(script), "{branches}", "{mountpoint}"]
    with manager.mounted_fs(config) as (process, *_):
        pass
    assert process.poll() == 0


def test_a_daemon_that_fails(manager, config, tmp_path):
    script = tmp_path / "daemon"
    script.write_text("#!/bin/sh\necho no such disk >&2; exit 3\n")
    script.chmod(0o755)
    config.command = [str(script), "{branches}", "{mountpoint}"]
    config.timeout = 1000
    with pytest.raises(MountError) as caught:
        manager.mount(config)
    assert "ended with exit code 3" in str(caught.value) and "no such disk" in str(caught.value)
    assert manager.trace_monitors == {} and manager.active_mounts == {}


def test_a_daemon_in_the_background(manager, config, source):
    config.command = ["branchfs", "{options}", "{branches}", "{mountpoint}"]
    with manager.mounted_fs(config) as (process, mountpoint, _, monitor):
        assert process.wait(SECONDS) == 0
        (mountpoint / "a").touch()
        assert monitor.wait_for_operation("create", path="/a", timeout=SECONDS)
    assert mounts.find_mount(str(config.mountpoint)) is None


def test_a_daemon_that_dies_ends_waits_at_once(manager, config):
    process = manager.mount(config)
    monitor = manager.get_trace_monitor(config.mountpoint)
    process.kill()
    assert wait_for_operation(lambda: monitor.state == "gone", SECONDS)[0]
    assert monitor.wait_for_operation("create", path="/never", timeout=1000) is None
    assert manager.unmount(config.mountpoint) is True


def test_mounts_leave_no_descriptors(manager, config):
    def descriptors():
        return len(os.listdir("/proc/self/fd"))

    for _ in range(2):
        with manager.mounted_fs(config):
            pass
    before = descriptors()
    for _ in range(20):
        with manager.mounted_fs(config):
            pass
    # One or two are on their way: of the mount that was last, of a thread that ends.
    assert wait_for_operation(lambda: descriptors() < before + 10, SECONDS)[0]
