# SPDX-License-Identifier: MIT
"""The rules of smart waits (docs/waiting.md): whose word counts, and which operations prove that
something was written. tests/live/test_smart_waits.py has them on filesystems of other kinds."""

import os
import time

from conftest_core import (  # noqa: F401
    daemon, kernel_monitor, monitor, mount, smart_wait, source, watch)
from daemons import DEADLINE, Later, wait_for_waiters
from fusetrace import SmartWaitHelper

SHORT = 0.1  # for waits that are in vain


def test_rule_24_the_last_word_is_the_filesystems(daemon, monitor, smart_wait):
    """Operations say otherwise: both changes were undone behind the mount."""
    (daemon / "a").write_text("x")
    assert monitor.wait_for_operation("create", path="/a", timeout=DEADLINE)
    (daemon.branch / "a").unlink()
    assert not smart_wait.wait_for_file_visible(daemon / "a", timeout=SHORT)
    (daemon / "b").write_text("x")
    os.unlink(daemon / "b")
    assert monitor.wait_for_operation("unlink", path="/b", timeout=DEADLINE)
    (daemon.branch / "b").write_text("x")
    assert not smart_wait.wait_for_deletion(daemon / "b", timeout=SHORT)


def test_rule_24_an_error_is_neither_visible_nor_gone(mount, watch):
    daemon = mount("fail=getattr:EIO", "entry_timeout=0", "attr_timeout=0")
    smart_wait = SmartWaitHelper(watch(daemon))
    (daemon.branch / "a").write_text("x")
    assert not smart_wait.wait_for_deletion(daemon / "a", timeout=SHORT)
    assert "EIO" in smart_wait.last_report
    assert not smart_wait.wait_for_file_visible(daemon / "a", timeout=SHORT)
    assert "EIO" in smart_wait.last_report


def test_rule_24_an_event_ends_the_pause(daemon, kernel_monitor):
    """It asks again every 50 ms, as what happens behind the mount is no event; but what is one is
    not waited for so long. Most of eight tries, as one may be held up."""
    smart_wait = SmartWaitHelper(kernel_monitor)

    def took(path):
        waiter = Later(smart_wait.wait_for_file_visible, path, timeout=DEADLINE)
        wait_for_waiters()
        time.sleep(0.1)  # the pauses grow
        made = time.monotonic()
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY))
        assert waiter.join()
        return waiter.ended_at - made

    def is_woken(batch):
        return sorted(took(daemon / f"f{batch}-{number}") for number in range(8))[5] < 0.01

    assert any(is_woken(batch) for batch in range(5))


def test_rule_24_asks_once_more_at_the_deadline(daemon, smart_wait):
    """What is made behind the mount, shortly before it, is no event and lies between two looks."""

    def try_once(path, timeout=0.2):
        earliest = time.monotonic() + timeout
        waiter = Later(smart_wait.wait_for_file_visible, daemon / path, timeout=timeout)
        time.sleep(max(0.0, earliest - 0.01 - time.monotonic()))
        (daemon.branch / path).touch()
        was_in_time = time.monotonic() < earliest
        is_found = waiter.join()
        assert is_found or not was_in_time
        return was_in_time

    assert any(try_once(f"f{number}") for number in range(20))


def test_rule_25_a_name_that_leads_nowhere_is_not_written(mount, watch):
    daemon = mount("entry_timeout=0", "attr_timeout=0")
    monitor = watch(daemon)
    (daemon / "a").write_text("x")
    assert monitor.wait_for_operation("release", path="/a", timeout=DEADLINE)
    (daemon.branch / "a").unlink()
    assert not SmartWaitHelper(monitor).wait_for_write_complete(daemon / "a", timeout=SHORT)
    (daemon.branch / "a").touch()
    assert SmartWaitHelper(monitor).wait_for_write_complete(daemon / "a", timeout=DEADLINE)
