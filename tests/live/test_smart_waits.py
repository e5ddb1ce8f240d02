# SPDX-License-Identifier: MIT
"""Smart waits on real filesystems that cache, do not cache, gather writes, delay them, or are remote:
each wait both when it must succeed and when it must not."""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
import time
from pathlib import Path

import pytest

from fusetrace import FuseTraceMonitor, SmartWaitHelper

from .mounting import Deadline

DEADLINE = 30.0
SHORT = 0.15  # for waits that are in vain
SOON = 2.0
FOREVER_CACHES = ("entry_timeout=1000", "negative_timeout=1000", "attr_timeout=1000")
KINDS = {
    "cached": ("branchfs",),
    "cached for ever": ("branchfs", *FOREVER_CACHES),
    "direct": ("branchfs", "direct_io"),
    "write-back": ("branchfs", "writeback_cache"),
    "write-behind": ("branchfs", "write_behind=200ms"),
    "remote": ("sshfs",),
    "remote, not cached": ("sshfs", "dir_cache=no"),
}


class Subject:
    """A mount, what lies behind it, and smart waits on it."""

    def __init__(self, mount, directory: Path, kind: tuple[str, ...]):
        self.is_remote = kind[0] == "sshfs"
        self.caches_itself = kind == ("sshfs",)
        self.is_behind = any(option.startswith("write_behind") for option in kind)
        self.mount = mount(*kind)
        self.store = directory / ("store" if self.is_remote else "one")
        self.monitor = FuseTraceMonitor(self.mount.mountpoint, source="kernel")
        self.monitor.start_capture()
        self.waits = SmartWaitHelper(self.monitor)

    def __truediv__(self, name: str) -> Path:
        return self.mount.mountpoint / name


@pytest.fixture
def make(mount, directory):
    with contextlib.ExitStack() as stack:
        def start(*kind: str) -> Subject:
            subject = Subject(mount, directory, kind)
            stack.callback(subject.monitor.stop_capture)
            return subject

        yield start


@pytest.fixture(params=KINDS.values(), ids=KINDS.keys())
def subject(request, make):
    return make(*request.param)


class Later(threading.Thread):
    """A wait in a thread of its own."""

    def __init__(self, wait, *arguments, **keywords):
        super().__init__(daemon=True)
        self.result = None
        self.ended = 0.0
        self.call = lambda: wait(*arguments, **keywords)
        self.start()

    def run(self):
        self.result = self.call()
        self.ended = time.monotonic()

    def is_pending(self) -> bool:
        self.join(SHORT)
        return self.is_alive()

    def get(self):
        self.join(DEADLINE)
        assert not self.is_alive()
        return self.result


# ---- on each kind of mount ----

def test_rule_25_written(subject):
    content = os.urandom(300_000)
    with open(subject / "a", "wb", buffering=0) as file:
        file.write(content)
        assert not subject.waits.wait_for_write_complete(subject / "a", timeout=SHORT)
    assert subject.waits.wait_for_write_complete(subject / "a", timeout=DEADLINE)
    if not subject.is_behind:
        assert (subject.store / "a").read_bytes() == content
    with open(subject / "a", "ab", buffering=0) as file:
        file.write(b"more")
        os.fsync(file.fileno())
        assert subject.waits.wait_for_write_complete(subject / "a", timeout=DEADLINE)
        if not subject.is_behind:
            assert (subject.store / "a").read_bytes() == content + b"more"
    assert not subject.waits.wait_for_write_complete(subject / "b", timeout=SHORT)


def test_rule_25_written_and_renamed(subject):
    (subject / "d").mkdir()
    (subject / "d" / "t").write_bytes(b"hello")
    os.replace(subject / "d" / "t", subject / "d" / "a")
    os.rename(subject / "d", subject / "e")
    assert subject.waits.wait_for_write_complete(subject / "e/a", timeout=DEADLINE)
    assert not subject.waits.wait_for_write_complete(subject / "d/a", timeout=SHORT)
    assert not subject.waits.wait_for_write_complete(subject / "d/t", timeout=SHORT)


def test_rule_24_visible(subject):
    waiter = Later(subject.waits.wait_for_file_visible, subject / "a", timeout=DEADLINE)
    assert waiter.is_pending()
    (subject / "a").write_bytes(b"x")
    made = time.monotonic()
    assert waiter.get()
    assert waiter.ended - made < SOON
    assert not subject.waits.wait_for_dir_visible(subject / "a", timeout=SHORT)


def test_rule_24_visible_from_behind(subject):
    """No operation on this mount tells of it, and the kernel has cached that there is nothing."""
    if subject.caches_itself:
        pytest.skip("the daemon's own cache is the daemon's word")
    assert not os.path.exists(subject / "a")
    waiter = Later(subject.waits.wait_for_file_visible, subject / "a", timeout=DEADLINE)
    assert waiter.is_pending()
    (subject.store / "a").write_bytes(b"x")
    assert waiter.get()
    assert (subject / "a").read_bytes() == b"x"  # nor is the cache in anybody else's way


def test_rule_24_gone_from_behind(subject):
    if subject.caches_itself:
        pytest.skip("the daemon's own cache is the daemon's word")
    (subject.store / "a").write_bytes(b"x")
    assert os.path.exists(subject / "a")
    waiter = Later(subject.waits.wait_for_deletion, subject / "a", timeout=DEADLINE)
    assert waiter.is_pending()
    (subject.store / "a").unlink()
    assert waiter.get()
    assert not os.path.exists(subject / "a")


def test_gone(subject):
    (subject / "d").mkdir()
    (subject / "d" / "a").write_bytes(b"x")
    (subject / "d" / "ba").write_bytes(b"x")
    waiter = Later(subject.waits.wait_for_deletion, subject / "d/a", timeout=DEADLINE)
    os.unlink(subject / "d" / "ba")
    assert waiter.is_pending()
    os.rename(subject / "d", subject / "e")
    assert waiter.get()
    assert subject.waits.wait_for_file_visible(subject / "e/a", timeout=DEADLINE)
    assert not subject.waits.wait_for_deletion(subject / "e/a", timeout=SHORT)
    os.unlink(subject / "e" / "a")
    assert subject.waits.wait_for_deletion(subject / "e/a", timeout=DEADLINE)


def test_xattr(subject):
    (subject / "a").write_bytes(b"x")
    assert not subject.waits.wait_for_xattr_operation(subject / "a", timeout=SHORT)
    if subject.is_remote:
        with pytest.raises(OSError):
            os.setxattr(subject / "a", "user.one", b"1")
        assert not subject.waits.wait_for_xattr_operation(subject / "a", timeout=SHORT)
        return
    os.setxattr(subject / "a", "user.one", b"1")
    assert subject.waits.wait_for_xattr_operation(subject / "a", timeout=DEADLINE)
    os.removexattr(subject.store / "a", "user.one")  # from behind: nothing reads back
    assert not subject.waits.wait_for_xattr_operation(subject / "a", timeout=SHORT)


# ---- filesystems with faults ----

def timed(wait, *arguments, **keywords):
    began = time.monotonic()
    return wait(*arguments, **keywords), time.monotonic() - began


def test_a_slow_release(make):
    subject = make("branchfs", "delay=release:400ms")
    (subject / "a").write_bytes(b"x")
    assert not subject.waits.wait_for_write_complete(subject / "a", timeout=SHORT)
    assert "in flight" in subject.waits.last_report
    assert subject.waits.wait_for_write_complete(subject / "a", timeout=DEADLINE)


@pytest.mark.parametrize("fault", ["write:ENOSPC:1", "flush:EIO:1"])
def test_what_failed_is_told_at_once(make, fault):
    subject = make("branchfs", f"fail={fault}")
    waiter = Later(subject.waits.wait_for_write_complete, subject / "a", timeout=DEADLINE)
    with contextlib.suppress(OSError), open(subject / "a", "wb", buffering=0) as file:
        file.write(b"x")
    failed = time.monotonic()
    assert waiter.get() is False
    assert waiter.ended - failed < SOON
    assert fault.split(":")[1] in subject.waits.last_report


def test_a_crash_ends_every_wait_at_once(make):
    subject = make("branchfs", "crash=write:1")
    waiters = [Later(wait, subject / "never", timeout=DEADLINE) for wait in (
        subject.waits.wait_for_file_visible, subject.waits.wait_for_write_complete,
        subject.waits.wait_for_xattr_operation)]
    assert waiters[0].is_pending()
    with pytest.raises(OSError), open(subject / "a", "wb", buffering=0) as file:
        file.write(b"x")
    crashed = time.monotonic()
    assert [waiter.get() for waiter in waiters] == [False] * 3
    assert max(waiter.ended for waiter in waiters) - crashed < SOON


def probe_threads() -> int:
    count = 0
    for task in Path("/proc/self/task").iterdir():
        with contextlib.suppress(OSError):
            count += (task / "comm").read_text().strip() == "fusetrace-probe"
    return count


def test_what_hangs_leaves_few_threads_behind(make):
    subject = make("branchfs", "hang=getattr:/x*", "attr_timeout=0", "entry_timeout=0")
    for number in range(8):
        found, seconds = timed(subject.waits.wait_for_file_visible, subject / f"x{number}",
                               timeout=0)
        assert not found and seconds < 1 + SOON
        assert probe_threads() <= 4
    assert "questions" in subject.waits.last_report
    subject.mount.abort()
    end = Deadline(DEADLINE)
    while probe_threads():
        assert not end.has_passed()
        threading.Event().wait(0.01)


def test_a_wait_is_not_in_the_way_of_an_unmount(make):
    """While a slow daemon is asked, again and again, nothing is busy."""
    subject = make("branchfs", "delay=getattr:30ms", "attr_timeout=0", "entry_timeout=0")
    waiter = Later(subject.waits.wait_for_file_visible, subject / "never", timeout=DEADLINE)
    assert waiter.is_pending()
    done = subprocess.run(["umount", subject.mount.mountpoint], capture_output=True, text=True,
                          timeout=DEADLINE)
    assert done.returncode == 0, done.stderr
    unmounted = time.monotonic()
    assert waiter.get() is False
    assert waiter.ended - unmounted < SOON
