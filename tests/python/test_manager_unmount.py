# SPDX-License-Identifier: MIT
"""FuseManager without a trace: unmounts that leave nothing, and what is not ours."""

import contextlib
import logging
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

pytest.importorskip("fusetrace._core", reason="the extension is not built")

from conftest_manager import (  # noqa: E402, F401
    config, is_mounted, manager, no_trace, nothing_left, script,
)

import fusetrace  # noqa: E402
from fusetrace import _core  # noqa: E402
from fusetrace import daemon as daemon_module  # noqa: E402
from fusetrace import mounts  # noqa: E402
from fusetrace.config import FuseConfig  # noqa: E402
from fusetrace.errors import MountError  # noqa: E402
from fusetrace.manager import FuseManager, MountedFilesystem  # noqa: E402
from fusetrace.polling import wait_for_operation  # noqa: E402

SECONDS = 30

pytestmark = [
    pytest.mark.skipif(mounts.why_no_fuse() is not None, reason=str(mounts.why_no_fuse())),
    pytest.mark.skipif(shutil.which("branchfs") is None, reason="branchfs is not on PATH"),
]


# ---- unmounting, in steps ----


def test_what_was_written_behind_is_there(manager, config):
    config.options = ["write_behind=1m"]
    with manager.mounted_fs(config) as (_, mountpoint, branches):
        (mountpoint / "f").write_text("x" * 100_000)
    assert (branches[0] / "f").stat().st_size == 100_000


def test_a_daemon_that_was_killed_leaves_a_mount_that_is_taken_away(manager, config, nothing_left):
    process = manager.mount(config)
    process.kill()
    process.wait(SECONDS)
    assert is_mounted(config.mountpoint)
    assert manager.unmount(config.mountpoint) is True
    assert not is_mounted(config.mountpoint)


def test_a_daemon_that_was_ended_by_the_test(manager, config):
    process = manager.mount(config)
    process.terminate()
    assert process.wait(SECONDS) == 0
    assert manager.unmount(config.mountpoint) is True


def test_a_mount_that_somebody_else_took_away(manager, config):
    process = manager.mount(config)
    _core.unmount(os.fsencode(config.mountpoint), 0)
    assert process.wait(SECONDS) == 0
    assert manager.unmount(config.mountpoint) is True


def test_again(manager, config):
    manager.mount(config)
    assert manager.unmount(config.mountpoint) is True
    assert manager.unmount(config.mountpoint) is True


def test_what_is_not_ours_is_not_touched(manager, config, tmp_path):
    assert manager.unmount(tmp_path) is False
    assert manager.unmount("/proc") is False
    with FuseManager() as other, other.mounted_fs(config):
        assert manager.unmount(config.mountpoint) is False
        assert is_mounted(config.mountpoint)


def test_another_mount_in_its_place_is_not_touched(manager, config):
    process = manager.mount(config)
    _core.unmount(os.fsencode(config.mountpoint), 0)
    process.wait(SECONDS)
    with FuseManager() as other, other.mounted_fs(config) as (others, *_):
        assert manager.unmount(config.mountpoint) is True
        assert is_mounted(config.mountpoint) and others.poll() is None


WITHOUT_FUSECTL = """
import os, subprocess, sys
import pytest
subprocess.run(["umount", "/sys/fs/fuse/connections"], check=True)
sys.exit(pytest.main(["-q", "-p", "no:cacheprovider", "-k",
                      "not_touched and not fusectl or that_was_killed", sys.argv[1]]))
"""


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("unshare") or
                    not os.path.exists("/sys/fs/fuse/connections"),
                    reason="needs root, unshare and fusectl to be without it")
def test_mounts_in_its_place_are_not_touched_without_fusectl():
    """In a mount namespace that lacks it, connections have no identity but who holds them."""
    subprocess.run(["unshare", "--mount", "--propagation", "private", sys.executable, "-c",
                    WITHOUT_FUSECTL, __file__], check=True, timeout=2 * SECONDS)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to mount a tmpfs")
def test_a_mount_on_top_of_it_is_not_touched(manager, config, monkeypatch):
    process = manager.mount(config)
    subprocess.run(["mount", "-t", "tmpfs", "none", config.mountpoint], check=True, timeout=SECONDS)
    try:
        assert manager.unmount(config.mountpoint) is False
        assert mounts.find_mount(str(config.mountpoint)).kind == "tmpfs"
        assert process.poll() is None and list(manager.active_mounts) == [config.mountpoint]
    finally:
        subprocess.run(["umount", config.mountpoint], check=True, timeout=SECONDS)
    assert is_mounted(config.mountpoint)
    assert manager.unmount(config.mountpoint) is True
    assert not is_mounted(config.mountpoint)


def test_a_mount_in_use_is_waited_for(manager, config, nothing_left):
    process = manager.mount(config)
    user = subprocess.Popen(["cat"], stdin=subprocess.PIPE, cwd=config.mountpoint)
    results = []
    thread = threading.Thread(target=lambda: results.append(manager.unmount(config.mountpoint)))
    thread.start()
    user.communicate()  # ends it
    thread.join(SECONDS)
    assert results == [True] and process.poll() == 0


def test_a_mount_that_stays_in_use_goes_lazily(manager, config, monkeypatch, nothing_left):
    monkeypatch.setattr(daemon_module, "BUSY_SECONDS", 0.1)
    monkeypatch.setattr(daemon_module, "TERM_SECONDS", 0.5)
    manager.mount(config)
    file = os.open(config.mountpoint / "f", os.O_WRONLY | os.O_CREAT)
    try:
        assert manager.unmount(config.mountpoint) is True
        assert not is_mounted(config.mountpoint)
    finally:
        with contextlib.suppress(OSError):  # nobody is there to be told of it
            os.close(file)


def test_a_daemon_that_does_not_end_is_killed(config, script, monkeypatch, nothing_left):
    monkeypatch.setattr(daemon_module, "TERM_SECONDS", 0.1)
    binary = script('trap "" TERM; branchfs -f "$@"; exec cat /dev/zero > /dev/null')
    with FuseManager(binary) as manager:
        process = manager.mount(config)
        assert manager.unmount(config.mountpoint, timeout=0.1) is True
    assert process.poll() == -signal.SIGKILL


def test_a_daemon_that_was_stopped_is_killed(manager, config, monkeypatch, nothing_left):
    monkeypatch.setattr(daemon_module, "TERM_SECONDS", 0.1)
    process = manager.mount(config)
    process.send_signal(signal.SIGSTOP)
    assert manager.unmount(config.mountpoint, timeout=0.1) is True
    assert process.poll() is not None


def test_an_unmount_that_hangs_is_cut_off(manager, config, monkeypatch, nothing_left):
    """What the kernel has gathered cannot be written back to a daemon that is stopped."""
    monkeypatch.setattr(daemon_module, "TERM_SECONDS", 0.1)
    config.options = ["writeback_cache"]
    process = manager.mount(config)
    (config.mountpoint / "f").write_text("x")
    process.send_signal(signal.SIGSTOP)
    begin = time.monotonic()
    assert manager.unmount(config.mountpoint, timeout=0.2) is True
    assert time.monotonic() - begin < SECONDS


def test_a_busy_mount_of_a_process_that_hangs_in_it(manager, config, monkeypatch, nothing_left):
    monkeypatch.setattr(daemon_module, "BUSY_SECONDS", 0.1)
    monkeypatch.setattr(daemon_module, "TERM_SECONDS", 0.3)
    config.options = ["hang=mkdir"]
    manager.mount(config)
    with subprocess.Popen(["mkdir", config.mountpoint / "d"], stderr=subprocess.DEVNULL) as user:
        assert wait_for_operation(lambda: "request_wait" in wchan(user.pid), SECONDS)[0]
        assert manager.unmount(config.mountpoint, timeout=0.3) is True


def wchan(pid):
    return Path(f"/proc/{pid}/wchan").read_text(encoding="ascii")


# ---- the context managers ----


def test_mounted_fs(manager, config):
    with manager.mounted_fs(config) as mounted:
        process, mountpoint, branches = mounted
        assert (mounted.process, mounted.mountpoint, mounted.branches) == tuple(mounted)
        assert mounted.trace_monitor is None and len(mounted) == 3
        assert mounted[1] == mountpoint == config.mountpoint and branches == config.branches
        assert process.poll() is None and str(mountpoint) in repr(mounted)
    assert not is_mounted(config.mountpoint)


def test_the_shape_is_that_of_the_request():
    """Mistake 13: a tuple of 3 or 4 by the environment."""
    monitor = object()
    traced = MountedFilesystem(None, Path("/m"), [], monitor)
    assert list(traced) == [None, Path("/m"), []] and traced.trace_monitor is monitor
    asked = MountedFilesystem(None, Path("/m"), [], monitor, with_trace=True)
    assert len(asked) == 4 and asked[3] is asked[-1] is monitor and asked[1:3] == (Path("/m"), [])


def test_the_bodys_exception_comes_out(manager, config, nothing_left):
    with pytest.raises(ZeroDivisionError):
        with manager.mounted_fs(config):
            raise ZeroDivisionError
    assert not is_mounted(config.mountpoint)


def test_the_bodys_exception_is_not_hidden_by_the_unmount(manager, config, monkeypatch, caplog):
    def fail(mountpoint, timeout=0.0):
        unmount(mountpoint)
        raise OSError("no")

    unmount = manager.unmount
    monkeypatch.setattr(manager, "unmount", fail)
    with caplog.at_level(logging.WARNING, logger="fusetrace"):
        with pytest.raises(ZeroDivisionError) as caught:
            with manager.mounted_fs(config):
                raise ZeroDivisionError
    assert caught.value.__context__ is None
    assert "unmounting failed: no" in caplog.text


def test_a_body_that_unmounts_itself(manager, config):
    with manager.mounted_fs(config):
        assert manager.unmount(config.mountpoint)


def test_an_unmount_that_fails_is_told(manager, config, monkeypatch):
    unmount = manager.unmount
    with pytest.raises(MountError, match="could not be unmounted"):
        with manager.mounted_fs(config):
            monkeypatch.setattr(manager, "unmount", lambda mountpoint: False)
    assert unmount(config.mountpoint)


def test_the_manager_as_a_context_manager(tmp_path):
    with FuseManager(temp_root=tmp_path / "temporary") as manager:
        manager.mount(FuseConfig(branches=manager.create_temp_dirs(2)))
        manager.mount(FuseConfig(branches=manager.create_temp_dirs(2)))
        assert len(manager.active_mounts) == 2
    assert manager.active_mounts == {} and os.listdir(tmp_path / "temporary") == []


# ---- cleanup ----


def test_temporary_directories(manager, tmp_path):
    directories = manager.create_temp_dirs(3)
    mountpoint = manager.create_temp_mountpoint()
    assert len(set([*directories, mountpoint])) == 4
    assert all(one.parent == tmp_path / "temporary" and os.listdir(one) == []
               for one in [*directories, mountpoint])
    manager.cleanup()
    assert os.listdir(tmp_path / "temporary") == []
    assert manager.create_temp_dirs(1)[0].is_dir()


def test_the_default_place(monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with FuseManager() as manager:
        assert manager.create_temp_mountpoint().parent == tmp_path


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to mount a tmpfs")
def test_cleanup_never_removes_through_a_mount(manager, caplog):
    directory, = manager.create_temp_dirs(1)
    inner = directory / "inner"
    inner.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "none", inner], check=True, timeout=SECONDS)
    try:
        (inner / "precious").touch()
        manager.cleanup()
        assert (inner / "precious").exists() and "something is mounted" in caplog.text
    finally:
        subprocess.run(["umount", inner], check=True, timeout=SECONDS)
    shutil.rmtree(directory)


def test_cleanup_goes_on_after_an_exception(manager, config, monkeypatch):
    manager.mount(config)
    second = FuseConfig(branches=manager.create_temp_dirs(1))
    manager.mount(second)
    stop = daemon_module.Daemon.stop

    def fail(self, timeout):
        if self.mountpoint == str(second.mountpoint):
            monkeypatch.undo()
            raise RuntimeError("cannot")
        return stop(self, timeout)

    monkeypatch.setattr(daemon_module.Daemon, "stop", fail)
    with pytest.raises(RuntimeError, match="cannot"):
        manager.cleanup()
    assert list(manager.active_mounts) == [second.mountpoint]
    assert not config.mountpoint.exists() and second.mountpoint.exists()
    manager.unmount(second.mountpoint)
    second.mountpoint.rmdir()


def test_a_forked_child_unmounts_nothing(manager, config):
    manager.mount(config)
    child = os.fork()
    if child == 0:
        code = 1
        with contextlib.suppress(BaseException):
            manager.cleanup()
            assert manager.unmount(config.mountpoint) is False
            try:
                manager.mount(config)
            except MountError as error:
                code = 0 if "after fork()" in str(error) else 2
        os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert is_mounted(config.mountpoint) and config.mountpoint.exists()


# ---- what it gives for a mount ----


def test_what_is_asked_for_a_mount_that_is_not_there(manager, tmp_path):
    assert manager.get_trace_monitor(tmp_path) is None
    assert manager.get_output(tmp_path) == []


def test_importing_costs_little_and_nothing_of_the_extension():
    code = ("import sys; import fusetrace.manager; "
            "heavy = {'asyncio', 'ctypes', 'tempfile', 'json', 'statistics', 'shlex', 'shutil', "
            "'fusetrace._core', 'fusetrace.monitor'} & set(sys.modules); sys.exit(str(heavy)) "
            "if heavy else None")
    subprocess.run([sys.executable, "-S", "-c", code], check=True, timeout=SECONDS,
                   env={**os.environ, "PYTHONPATH": str(Path(fusetrace.__file__).parents[1])})
