# SPDX-License-Identifier: MIT
"""Smart waits tell the truth: what they say is so, and what they do not say is not known."""

import contextlib
import os
import stat
import time

import pytest

from conftest_core import (  # noqa: F401
    daemon, monitor, mount, smart_wait, source, watch)
from daemons import DEADLINE, SLACK, SOON, Later, wait_until
from fusetrace import FuseTraceMonitor, MonitorStopped, SmartWaitHelper, timeouts

SHORT = 0.15  # for waits that are in vain


@pytest.fixture(params=["traced", "untraced"])
def helper(request, daemon):
    """Smart waits with the kernel's trace, and without any."""
    if request.param == "untraced":
        yield SmartWaitHelper(None, mountpoint=daemon.mountpoint)
        return
    with FuseTraceMonitor(daemon.process, source="kernel") as monitor:
        yield SmartWaitHelper(monitor)


def no_slower_than(seconds, wait, *arguments, **keywords):
    began = time.monotonic()
    found = wait(*arguments, **keywords)
    assert time.monotonic() - began < seconds + SLACK
    return found


# ---- what is visible ----

def test_visible(daemon, helper):
    assert not helper.wait_for_file_visible(daemon / "a", timeout=SHORT)
    assert repr(str(daemon / "a")) in helper.last_report
    (daemon / "a").write_text("x")
    (daemon / "d").mkdir()
    assert helper.wait_for_file_visible(daemon / "a")
    assert helper.wait_for_dir_visible(daemon / "d")
    assert not helper.wait_for_file_visible(daemon / "d", timeout=SHORT)
    assert not helper.wait_for_dir_visible(daemon / "a", timeout=SHORT)


@pytest.mark.parametrize("form", [lambda daemon: daemon / "a", lambda daemon: str(daemon / "a"),
                                  lambda daemon: "/a", lambda daemon: "a"])
def test_forms_of_a_path(daemon, helper, form):
    (daemon / "a").write_text("x")
    assert helper.wait_for_file_visible(form(daemon))


def test_visible_means_that_the_filesystem_says_so(daemon, helper):
    """What appears in the branch without an operation is there when it can be seen."""
    waiter = Later(helper.wait_for_file_visible, daemon / "new", timeout=DEADLINE)
    (daemon.branch / "new").write_text("x")
    assert waiter.join()
    assert (daemon / "new").exists()


def test_it_wakes(daemon, helper):
    waiter = Later(helper.wait_for_file_visible, daemon / "a", timeout=DEADLINE)
    with pytest.raises(AssertionError):
        wait_until(lambda: waiter.is_done, "nothing", timeout=SHORT)
    (daemon / "a").write_text("x")
    made_at = time.monotonic()
    assert waiter.join()
    assert waiter.ended_at - made_at < SOON + SLACK


def test_other_kinds_of_files(daemon, helper):
    os.symlink("nowhere", daemon / "link")
    os.mkfifo(daemon / "fifo")
    assert helper.wait_for_file_visible(daemon / "link", timeout=SHORT)
    assert helper.wait_for_file_visible(daemon / "fifo", timeout=SHORT)
    os.symlink("/", daemon / "root")
    assert not helper.wait_for_dir_visible(daemon / "root", timeout=SHORT)


@pytest.mark.parametrize("name", ["a[1]", "a*", "a?", "ä b", "a\\b", "*", "[a-z]", "a\nb"])
def test_names_that_look_like_patterns(daemon, monitor, smart_wait, name):
    (daemon / "a1").write_text("x")
    assert not smart_wait.wait_for_file_visible(daemon / name, timeout=0)
    (daemon / name).write_text("x")
    for given in (daemon / name, str(daemon / name), "/" + name):
        assert smart_wait.wait_for_file_visible(given, timeout=SHORT)
        assert smart_wait.wait_for_write_complete(given, timeout=DEADLINE)
    os.unlink(daemon / "a1")
    assert not smart_wait.wait_for_deletion(daemon / name, timeout=0)
    os.unlink(daemon / name)
    assert smart_wait.wait_for_deletion(daemon / name, timeout=SHORT)


# ---- deletion ----

def test_deletion_is_of_that_very_name(daemon, helper):
    for name in ("a.txt", "ba.txt"):
        (daemon / name).write_text("x")
    os.unlink(daemon / "ba.txt")
    assert helper.wait_for_deletion(daemon / "ba.txt")
    assert not helper.wait_for_deletion(daemon / "a.txt", timeout=SHORT)
    os.unlink(daemon / "a.txt")
    assert helper.wait_for_deletion(daemon / "a.txt")
    assert helper.wait_for_deletion(daemon / "never" / "was")


def test_deletion_by_rename(daemon, helper):
    (daemon / "a").write_text("x")
    waiter = Later(helper.wait_for_deletion, daemon / "a", timeout=DEADLINE)
    os.rename(daemon / "a", daemon / "b")
    assert waiter.join()


def test_a_new_file_of_that_name_is_no_deletion(daemon, helper):
    (daemon / "a").write_text("x")
    os.unlink(daemon / "a")
    (daemon / "a").write_text("y")
    assert not helper.wait_for_deletion(daemon / "a", timeout=SHORT)


# ---- written ----

def test_write_complete(daemon, smart_wait):
    (daemon / "a").write_text("hello")
    assert smart_wait.wait_for_write_complete(daemon / "a", timeout=DEADLINE)


def test_not_before_the_release_or_an_fsync(daemon, smart_wait):
    with open(daemon / "a", "wb", buffering=0) as file:
        assert not smart_wait.wait_for_write_complete(daemon / "a", timeout=SHORT)
        file.write(b"hello")
        assert not smart_wait.wait_for_write_complete(daemon / "a", timeout=SHORT)
        assert "operations on it" in smart_wait.last_report and "write" in smart_wait.last_report
        os.fsync(file.fileno())
        assert smart_wait.wait_for_write_complete(daemon / "a", timeout=SHORT)
        file.write(b"more")
        assert not smart_wait.wait_for_write_complete(daemon / "a", timeout=SHORT)
    assert smart_wait.wait_for_write_complete(daemon / "a", timeout=DEADLINE)


def test_the_release_of_another_handle_is_none(daemon, smart_wait):
    with open(daemon / "a", "wb", buffering=0) as file:
        file.write(b"hello")
        with open(daemon / "a", "rb") as reader:
            reader.read()
        with open(daemon / "a", "ab"):
            pass
        assert not smart_wait.wait_for_write_complete(daemon / "a", timeout=SHORT)
    assert smart_wait.wait_for_write_complete(daemon / "a", timeout=DEADLINE)


def test_a_reader_proves_nothing(daemon, monitor, smart_wait):
    (daemon / "a").write_text("hello")
    assert monitor.wait_for_operation("release", timeout=DEADLINE)
    monitor.clear_completed()
    (daemon / "a").read_text()
    assert monitor.wait_for_operation("release", timeout=DEADLINE)
    assert not smart_wait.wait_for_write_complete(daemon / "a", timeout=SHORT)


def test_empty_files_and_truncation(daemon, smart_wait):
    (daemon / "a").touch()
    assert smart_wait.wait_for_write_complete(daemon / "a", timeout=DEADLINE)
    os.truncate(daemon / "a", 100)
    assert smart_wait.wait_for_write_complete(daemon / "a", timeout=DEADLINE)
    with open(daemon / "a", "wb", buffering=0) as file:
        assert not smart_wait.wait_for_write_complete(daemon / "a", timeout=SHORT)
        file.truncate(10)
        assert not smart_wait.wait_for_write_complete(daemon / "a", timeout=SHORT)
    assert smart_wait.wait_for_write_complete(daemon / "a", timeout=DEADLINE)


def test_written_under_another_name(daemon, smart_wait):
    (daemon / "a.tmp").write_text("hello")
    os.replace(daemon / "a.tmp", daemon / "a")
    assert smart_wait.wait_for_write_complete(daemon / "a", timeout=DEADLINE)
    with open(daemon / "b.tmp", "wb", buffering=0) as file:
        file.write(b"hello")
        os.replace(daemon / "b.tmp", daemon / "a")
        assert not smart_wait.wait_for_write_complete(daemon / "a", timeout=SHORT)
    assert smart_wait.wait_for_write_complete(daemon / "a", timeout=DEADLINE)


def test_a_slow_release_is_waited_for(mount, watch):
    daemon = mount("delay=release:300ms")
    smart_wait = SmartWaitHelper(watch(daemon))
    began = time.monotonic()
    (daemon / "a").write_text("hello")
    assert not smart_wait.wait_for_write_complete(daemon / "a", timeout=SHORT)
    assert smart_wait.wait_for_write_complete(daemon / "a", timeout=DEADLINE)
    assert time.monotonic() - began > 0.3


@pytest.mark.parametrize("option", ["write_behind=300ms", "writeback_cache", "direct_io"])
def test_kinds_of_writing(mount, watch, option):
    daemon = mount(option)
    monitor = watch(daemon)
    smart_wait = SmartWaitHelper(monitor)
    content = os.urandom(300_000)
    for number in range(5):
        (daemon / f"f{number}").write_bytes(content)
        assert smart_wait.wait_for_write_complete(daemon / f"f{number}", timeout=DEADLINE)
        assert (daemon / f"f{number}").read_bytes() == content
    sizes = [one.details["size"] for one in monitor.since(monitor._since).matching("write", "/f0")]
    assert sum(sizes) == len(content)


def test_writeback_by_fsync(mount, watch):
    daemon = mount("writeback_cache")
    smart_wait = SmartWaitHelper(watch(daemon))
    with open(daemon / "a", "wb", buffering=0) as file:
        file.write(b"x" * 100_000)
        assert not smart_wait.wait_for_write_complete(daemon / "a", timeout=SHORT)
        os.fsync(file.fileno())
        assert smart_wait.wait_for_write_complete(daemon / "a", timeout=DEADLINE)


def test_a_failed_write_is_told_at_once(mount, watch):
    daemon = mount("fail=write:ENOSPC:1")
    smart_wait = SmartWaitHelper(watch(daemon))
    with pytest.raises(OSError), open(daemon / "a", "wb", buffering=0) as file:
        file.write(b"hello")
    assert not no_slower_than(1, smart_wait.wait_for_write_complete, daemon / "a",
                              timeout=DEADLINE)
    assert "ENOSPC" in smart_wait.last_report
    (daemon / "a").write_text("hello")  # now it goes well
    assert smart_wait.wait_for_write_complete(daemon / "a", timeout=DEADLINE)


def test_a_write_that_was_tried_again(mount, watch):
    """What Python's buffer could not write it writes once more when it is closed."""
    daemon = mount("fail=write:ENOSPC:1")
    smart_wait = SmartWaitHelper(watch(daemon))
    with pytest.raises(OSError):
        (daemon / "a").write_text("hello")
    assert (daemon / "a").read_text() == "hello"
    assert smart_wait.wait_for_write_complete(daemon / "a", timeout=DEADLINE)


@pytest.mark.parametrize("fault", ["flush:EIO:1", "fsync:EIO:1"])
def test_a_failure_to_flush_is_one_to_write(mount, watch, fault):
    daemon = mount(f"fail={fault}")
    smart_wait = SmartWaitHelper(watch(daemon))
    with contextlib.suppress(OSError), open(daemon / "a", "wb", buffering=0) as file:
        file.write(b"hello")
        if "fsync" in fault:
            os.fsync(file.fileno())
    assert not no_slower_than(1, smart_wait.wait_for_write_complete, daemon / "a",
                              timeout=DEADLINE)
    assert "EIO" in smart_wait.last_report


def test_written_without_a_trace_is_a_guess(daemon):
    helper = SmartWaitHelper(None, mountpoint=daemon.mountpoint)
    assert not helper.wait_for_write_complete(daemon / "a", timeout=SHORT)
    assert "a guess" in helper.last_report and "source: none" in helper.last_report
    (daemon / "a").write_text("x")
    began = time.monotonic()
    assert helper.wait_for_write_complete(daemon / "a", timeout=DEADLINE)
    assert time.monotonic() - began >= 0.05


def test_many_writes_cost_no_more_each(daemon, smart_wait):
    with open(daemon / "a", "wb", buffering=0) as file:
        for _ in range(5000):
            file.write(b"x")
        assert not smart_wait.wait_for_write_complete(daemon / "a", timeout=SHORT)
    assert no_slower_than(2, smart_wait.wait_for_write_complete, daemon / "a", timeout=DEADLINE)


# ---- extended attributes ----

def test_xattr_is_read_back(daemon, monitor, smart_wait):
    (daemon / "a").write_text("x")
    assert not smart_wait.wait_for_xattr_operation(daemon / "a", "setxattr", timeout=SHORT)
    os.setxattr(daemon / "a", "user.one", b"1")
    assert smart_wait.wait_for_xattr_operation(daemon / "a", "setxattr", timeout=DEADLINE)
    assert smart_wait.wait_for_xattr_operation(daemon / "a", timeout=DEADLINE)
    os.removexattr(daemon / "a", "user.one")
    assert not smart_wait.wait_for_xattr_operation(daemon / "a", "setxattr", timeout=SHORT)
    assert smart_wait.wait_for_xattr_operation(daemon / "a", "removexattr", timeout=DEADLINE)
    os.setxattr(daemon / "a", "user.two", b"2")
    assert smart_wait.wait_for_xattr_operation(daemon / "a", "setxattr", timeout=DEADLINE)


def test_xattr_that_is_asked_for(daemon, smart_wait):
    (daemon / "a").write_text("x")
    os.setxattr(daemon / "a", "user.one", b"1")
    assert not smart_wait.wait_for_xattr_operation(daemon / "a", "getxattr", timeout=SHORT)
    os.getxattr(daemon / "a", "user.one")
    os.listxattr(daemon / "a")
    assert smart_wait.wait_for_xattr_operation(daemon / "a", "getxattr", timeout=DEADLINE)
    assert smart_wait.wait_for_xattr_operation(daemon / "a", "listxattr", timeout=DEADLINE)


def test_an_xattr_that_fails(mount, watch):
    daemon = mount("fail=setxattr:ENOSPC:1")
    smart_wait = SmartWaitHelper(watch(daemon))
    (daemon / "a").write_text("x")
    with pytest.raises(OSError):
        os.setxattr(daemon / "a", "user.one", b"1")
    assert not no_slower_than(1, smart_wait.wait_for_xattr_operation, daemon / "a", "setxattr",
                              timeout=DEADLINE)
    assert "ENOSPC" in smart_wait.last_report


def test_no_such_xattr_operation(helper):
    with pytest.raises(ValueError, match="setxattr, getxattr"):
        helper.wait_for_xattr_operation("/a", "chxattr")


# ---- own probes ----

def test_own_probes_do_not_count(daemon, monitor, smart_wait):
    (daemon / "a").write_text("x")
    assert monitor.wait_for_operation("release", timeout=DEADLINE)
    monitor.wait_for_idle(quiet=0.02, timeout=DEADLINE)
    before = [one.seq for one in monitor.completed_operations]
    assert smart_wait.wait_for_file_visible(daemon / "a", timeout=DEADLINE)
    assert not smart_wait.wait_for_file_visible(daemon / "b", timeout=SHORT)
    assert not smart_wait.wait_for_dir_visible(daemon / "d", timeout=SHORT)
    assert smart_wait.wait_for_deletion(daemon / "c", timeout=DEADLINE)
    assert smart_wait.wait_for_write_complete(daemon / "a", timeout=DEADLINE)
    assert [one.seq for one in monitor.completed_operations] == before
    assert monitor.get_failed_operations(probes=True) == \
        [one for one in monitor.completed_operations if one.errno]
    monitor.expect_none("*", path="/b", since=monitor._since)


# ---- filesystems that hang, and that end ----

@pytest.mark.parametrize("fault", ["getattr:/x*", "*:/x*"])
@pytest.mark.parametrize("traced", [True, False])
def test_a_filesystem_that_hangs(mount, fault, traced):
    daemon = mount(f"hang={fault}", "attr_timeout=0", "entry_timeout=0")
    (daemon.branch / "x").write_text("x")
    monitor = FuseTraceMonitor(daemon.process, source="kernel") if traced else None
    if monitor is not None:
        monitor.start_capture()
    helper = SmartWaitHelper(monitor, mountpoint=daemon.mountpoint)
    waits = [helper.wait_for_file_visible, helper.wait_for_dir_visible, helper.wait_for_deletion,
             helper.wait_for_write_complete, helper.wait_for_xattr_operation]
    for wait in waits:
        assert not no_slower_than(SHORT + 1, wait, daemon / "x", timeout=SHORT)
    assert "has not answered" in helper.last_report or traced
    if monitor is not None:
        monitor.stop_capture()


def test_one_that_hangs_holds_up_nobody_else(mount, watch):
    daemon = mount("hang=getattr:/d/x", "attr_timeout=0", "entry_timeout=0")
    (daemon.branch / "d").mkdir()  # whose names cannot be changed while one is looked up
    (daemon.branch / "d" / "x").write_text("x")
    smart_wait = SmartWaitHelper(watch(daemon))
    hanging = Later(smart_wait.wait_for_file_visible, daemon / "d" / "x", timeout=3)
    (daemon / "a").write_text("x")
    assert no_slower_than(0.5, smart_wait.wait_for_file_visible, daemon / "a", timeout=DEADLINE)
    assert no_slower_than(0.5, smart_wait.wait_for_write_complete, daemon / "a",
                          timeout=DEADLINE)
    assert not hanging.is_done
    daemon.abort()
    assert not hanging.join()


def test_a_dead_daemon_ends_it_at_once(daemon, helper):
    waiters = [Later(helper.wait_for_file_visible, daemon / "a", timeout=DEADLINE),
               Later(helper.wait_for_deletion, daemon.mountpoint, timeout=DEADLINE),
               Later(helper.wait_for_write_complete, daemon / "a", timeout=DEADLINE)]
    with pytest.raises(AssertionError):
        wait_until(lambda: any(one.is_done for one in waiters), "nothing", timeout=SHORT)
    daemon.kill()
    killed_at = time.monotonic()
    assert [one.join() for one in waiters] == [False] * 3
    assert max(one.ended_at for one in waiters) - killed_at < SOON + SLACK
    assert "SIGKILL" in helper.last_report or helper.trace_monitor is None


def test_an_unmount_is_no_deletion(daemon, helper):
    """What the mount had covered is not the filesystem's answer."""
    (daemon / "a").write_text("x")
    waiter = Later(helper.wait_for_deletion, daemon / "a", timeout=DEADLINE)
    with pytest.raises(AssertionError):
        wait_until(lambda: waiter.is_done, "nothing", timeout=SHORT)
    daemon.unmount()
    unmounted_at = time.monotonic()
    if helper.trace_monitor is not None:
        assert not waiter.join()
        assert waiter.ended_at - unmounted_at < SOON + SLACK
        assert "unmounted" in helper.last_report or "ended" in helper.last_report
    else:
        assert not waiter.join()
    (daemon / "b").write_text("below")
    assert not helper.wait_for_deletion(daemon / "a", timeout=SHORT)
    assert not helper.wait_for_file_visible(daemon / "b", timeout=SHORT)


def test_errors_of_the_filesystem_are_told(mount, watch):
    daemon = mount("fail=getattr:EIO:*:/a", "attr_timeout=0")
    (daemon.branch / "a").write_text("x")
    smart_wait = SmartWaitHelper(watch(daemon))
    assert not smart_wait.wait_for_file_visible(daemon / "a", timeout=SHORT)
    assert "Input/output error" in smart_wait.last_report
    assert not smart_wait.wait_for_deletion(daemon / "a", timeout=SHORT)


# ---- monitors in other states ----

def test_before_the_start(daemon):
    helper = SmartWaitHelper(FuseTraceMonitor(daemon.process))
    with pytest.raises(MonitorStopped):
        helper.wait_for_file_visible(daemon / "a")


def test_after_the_stop(daemon, monitor, smart_wait):
    (daemon / "a").write_text("x")
    assert monitor.wait_for_operation("release", timeout=DEADLINE)
    monitor.stop_capture()
    assert smart_wait.wait_for_file_visible(daemon / "a")  # the filesystem can still be asked
    assert not smart_wait.wait_for_file_visible(daemon / "b", timeout=SHORT)
    os.unlink(daemon / "a")
    assert smart_wait.wait_for_deletion(daemon / "a")
    assert not smart_wait.wait_for_xattr_operation(daemon / "a", timeout=DEADLINE)
    assert "stopped" in smart_wait.last_report


def test_a_mount_to_come(mount):
    with FuseTraceMonitor.pending(source="kernel") as monitor:
        helper = SmartWaitHelper(monitor)
        assert not helper.wait_for_file_visible("/etc/passwd", timeout=SHORT)
        assert "nothing is mounted yet" in helper.last_report
        waiter = Later(helper.wait_for_file_visible, "/a", timeout=DEADLINE)
        daemon = mount(waits=False)
        (daemon.branch / "a").write_text("x")
        monitor.follow(daemon.process)
        assert waiter.join()
        daemon.wait_for_mount()


def test_a_path_elsewhere(daemon, helper):
    for wait in (helper.wait_for_file_visible, helper.wait_for_dir_visible,
                 helper.wait_for_deletion, helper.wait_for_write_complete,
                 helper.wait_for_xattr_operation):
        with pytest.raises(ValueError, match=str(daemon.mountpoint)):
            wait(daemon.branch / "a")
        for wrong in (5, None, b"/a"):
            with pytest.raises(TypeError, match="a path is"):
                wait(wrong)


@pytest.mark.parametrize("timeout, error", [(-1, ValueError), (float("nan"), ValueError),
                                            ("2", TypeError), (True, TypeError)])
def test_bad_timeouts(daemon, helper, timeout, error):
    for wait in (helper.wait_for_file_visible, helper.wait_for_write_complete,
                 helper.wait_for_xattr_operation):
        with pytest.raises(error):
            wait(daemon / "a", timeout=timeout)


def test_a_scale_is_applied_once(daemon, smart_wait, monkeypatch):
    monkeypatch.setattr(timeouts.settings, "scale", 5.0)
    began = time.monotonic()
    assert not smart_wait.wait_for_write_complete(daemon / "a", timeout=0.05)
    assert not smart_wait.wait_for_xattr_operation(daemon / "a", timeout=0.05)
    assert 0.5 <= time.monotonic() - began < 0.5 + 2 * SLACK


def test_reports_are_kept(daemon, monitor, smart_wait, caplog):
    assert not smart_wait.wait_for_file_visible(daemon / "a", timeout=0)
    assert monitor.last_reports[-1].text == smart_wait.last_report
    assert smart_wait.last_report in caplog.text
