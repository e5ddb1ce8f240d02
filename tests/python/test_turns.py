# SPDX-License-Identifier: MIT
"""What a user's tests look like, again and again: a wait that passes by luck fails some time.

Three turns in the suite; script/soak sets FUSETRACE_TURNS to a thousand.
"""

import os
import signal
import threading
import time

import pytest

from fusetrace import DaemonDied, FuseConfig, OperationTimeout, op

pytestmark = [
    pytest.mark.needs_fuse,
    pytest.mark.parametrize("turn", range(int(os.environ.get("FUSETRACE_TURNS", "3")))),
]


def test_write_reaches_the_branch(mounted_fs_with_trace, smart_wait, turn):
    process, mountpoint, branches, trace_monitor = mounted_fs_with_trace
    (mountpoint / "a.txt").write_text(f"turn {turn}")
    assert smart_wait.wait_for_write_complete(mountpoint / "a.txt")
    assert (branches[0] / "a.txt").read_text() == f"turn {turn}"
    assert trace_monitor.get_operation_count("write") == 1
    assert trace_monitor.get_operation_count("release") == 1
    assert not trace_monitor.get_failed_operations()
    assert not trace_monitor.lost_events


def test_names_come_and_go(mounted_fs_with_trace, smart_wait, turn):
    mountpoint = mounted_fs_with_trace.mountpoint
    thread = threading.Thread(target=(mountpoint / "directory").mkdir)
    thread.start()
    assert smart_wait.wait_for_dir_visible(mountpoint / "directory")
    thread.join()
    (mountpoint / "directory").rmdir()
    assert smart_wait.wait_for_deletion(mountpoint / "directory")
    (mountpoint / "file").touch()
    os.setxattr(mountpoint / "file", "user.turn", str(turn).encode())
    assert smart_wait.wait_for_xattr_operation(mountpoint / "file", "setxattr")


def test_five_creates(mounted_fs_with_trace, turn):
    process, mountpoint, branches, trace_monitor = mounted_fs_with_trace
    names = [f"file{index}" for index in range(5)]
    threads = [threading.Thread(target=(mountpoint / name).touch) for name in names]
    for thread in threads:
        thread.start()
    found = trace_monitor.wait_for_operations(["create"] * 5, timeout=10)
    assert sorted(one.path for one in found) == [f"/{name}" for name in names]
    for thread in threads:
        thread.join()


def test_release_after_close(mounted_fs_with_trace, turn):
    process, mountpoint, branches, monitor = mounted_fs_with_trace
    file = open(mountpoint / "a.txt", "wb")
    file.write(b"x" * 3000)  # fits into the buffer
    with monitor.expect_all([op("write", min_size=3000), "flush", "release"],
                            order="in_order", timeout=10):
        file.close()
    with monitor.forbid("write,release"):
        os.stat(mountpoint / "a.txt")
    monitor.wait_for_idle(timeout=10)
    assert monitor.in_flight == []


def test_slow_release(fuse_manager, temp_branches, temp_mountpoint, turn):
    config = FuseConfig(branches=temp_branches, mountpoint=temp_mountpoint, enable_trace=True,
                        options=["delay=release:5ms"])
    with fuse_manager.mounted_fs(config) as mount:
        began = time.monotonic()
        with mount.trace_monitor.expect("release", path="/a.txt", timeout=10) as release:
            (mount.mountpoint / "a.txt").touch()
        assert release.operation.duration_ms >= 5
        assert time.monotonic() - began >= 0.005


def test_daemon_that_is_killed(mounted_fs_with_trace, turn):
    process, mountpoint, branches, monitor = mounted_fs_with_trace
    with pytest.raises(DaemonDied, match="SIGKILL"):
        with monitor.expect("mkdir", timeout=30):
            os.kill(process.pid, signal.SIGKILL)


def test_in_vain(mounted_fs_with_trace, turn):
    process, mountpoint, branches, monitor = mounted_fs_with_trace
    with pytest.raises(OperationTimeout) as timeout:
        with monitor.expect("mkdir", path="/a", timeout=0.01):
            (mountpoint / "b").mkdir()
    assert timeout.value.verdict == "on another path"
