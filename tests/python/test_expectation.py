# SPDX-License-Identifier: MIT
"""Waits that are armed before the action, and their opposite."""

import errno
import gc
import os
import time

import pytest

from conftest_core import daemon, kernel_monitor, monitor, mount, source, watch  # noqa: F401
from daemons import DEADLINE, SLACK, SOON, Later, readable, wait_for_waiters, wait_until_asked
from fusetrace import (
    EventsLost, FuseTraceError, FuseTraceMonitor, Monitor, MonitorStopped, OperationFailed,
    OperationTimeout, OrderViolation, UnexpectedOperation, WaitInterrupted, op)


def create(path, text="x"):
    path.write_text(text)
    return path


# ---- one ----

def test_rule_02_with_block(daemon, monitor):
    with monitor.expect("create", path=daemon / "a", timeout=DEADLINE) as expected:
        assert expected.is_open
        create(daemon / "a")
    assert not expected.is_open
    assert expected.operation.path == "/a" and expected.operations == [expected.operation]


def test_wait(daemon, monitor):
    expected = monitor.expect("release", path="/a")
    create(daemon / "a")
    found = expected.wait(DEADLINE)
    assert found == expected.wait() == expected.operation
    expected.cancel()
    assert expected.wait() == found  # decided stays decided


def test_rule_02_only_what_begins_after_counts(daemon, monitor):
    create(daemon / "a")
    with pytest.raises(OperationTimeout) as error:
        monitor.expect("create", path="/a").wait(0.05)
    assert error.value.verdict in ("before the mark", "no events", "never started")
    assert isinstance(error.value, TimeoutError)


def test_rule_01_since(daemon, monitor):
    mark = monitor.mark()
    create(daemon / "a")
    assert monitor.wait_for_operation("release", path="/a", timeout=DEADLINE)
    later = monitor.mark()
    assert monitor.expect("create", path="/a", since=mark).wait(0).path == "/a"
    with pytest.raises(OperationTimeout):
        monitor.expect("create", path="/a", since=later).wait(0)


def test_rule_02_in_flight_on_request(mount, watch):
    daemon = mount("delay=mkdir:300ms")
    monitor = watch(daemon)
    maker = Later(os.mkdir, daemon / "d")
    if monitor.source == "kernel":
        wait_until_asked(monitor, "mkdir")
        without = monitor.expect("mkdir", path="/d")
        within = monitor.expect("mkdir", path="/d", include_in_flight=True)
        assert within.wait(DEADLINE).path == "/d"
        with pytest.raises(OperationTimeout):
            without.wait(0)
    maker.join()


def test_rule_09_failure_ends_it_at_once(mount, watch):
    daemon = mount("fail=mkdir:ENOSPC:1")
    monitor = watch(daemon)
    waiter = Later(monitor.expect("mkdir", path="/d").wait, DEADLINE)
    wait_for_waiters()
    with pytest.raises(OSError):
        os.mkdir(daemon / "d")
    failed_at = time.monotonic()
    with pytest.raises(OperationFailed, match="ENOSPC") as error:
        waiter.join()
    assert error.value.verdict == "failed"
    assert error.value.report["subject"]["errno"] == errno.ENOSPC
    assert waiter.ended_at - failed_at < SOON + SLACK


def test_rule_09_failure_that_is_allowed_or_wanted(mount, watch):
    daemon = mount("fail=mkdir:ENOSPC:1")
    monitor = watch(daemon)
    allowed = monitor.expect("mkdir", path="/d", allow_failure=True)
    wanted = monitor.expect("mkdir", path="/d", errno=errno.ENOSPC)
    by_matcher = monitor.expect(op("mkdir", errno=errno.ENOSPC))
    of_status = monitor.expect("mkdir", status="error")
    any_of_them = monitor.expect("mkdir", status="any")
    other = monitor.expect("mkdir", errno=errno.EACCES)
    with pytest.raises(OSError):
        os.mkdir(daemon / "d")
    os.mkdir(daemon / "d")
    assert allowed.wait(DEADLINE).errno == 0
    for one in (wanted, by_matcher, of_status, any_of_them):
        assert one.wait(DEADLINE).error == "ENOSPC"
    with pytest.raises(OperationTimeout):
        other.wait(0)


def test_rule_30_body_counts_more(daemon, monitor):
    began = time.monotonic()
    with pytest.raises(KeyError):
        with monitor.expect("create", timeout=DEADLINE) as expected:
            raise KeyError("mine")
    assert time.monotonic() - began < 1
    assert not expected.is_open
    assert monitor.unawaited_expectations() == []


def test_cancelled_in_the_body(daemon, monitor):
    with monitor.expect("create", timeout=DEADLINE) as expected:
        expected.cancel()
        expected.cancel()
    with pytest.raises(ValueError, match="closed"):
        expected.wait()
    with pytest.raises(ValueError, match="closed"):
        expected.fileno()
    with pytest.raises(RuntimeError, match="not satisfied"):
        expected.operation


def test_rule_31_never_waited_for(daemon, monitor):
    forgotten = monitor.expect("create")
    waited = monitor.expect("mkdir")
    os.mkdir(daemon / "d")
    waited.wait(DEADLINE)
    monitor.expect("rmdir").cancel()
    with pytest.raises(OperationTimeout):
        monitor.expect("rmdir").wait(0)
    assert monitor.unawaited_expectations() == [forgotten]
    file, _, line = forgotten.where.rpartition(":")
    assert file == __file__ and int(line) > 0
    del forgotten
    assert len(monitor.unawaited_expectations()) == 1


def test_rule_14_descriptor(daemon, kernel_monitor):
    expected = kernel_monitor.expect("create", path="/a")
    assert not readable(expected.fileno())
    create(daemon / "b")
    assert not readable(expected.fileno(), 0.05)
    create(daemon / "a")
    assert readable(expected.fileno(), DEADLINE)
    assert expected.wait(0).path == "/a"


@pytest.mark.parametrize("timeout, error", [(-1, ValueError), (float("nan"), ValueError),
                                            ("5", TypeError), (True, TypeError)])
def test_bad_timeouts(kernel_monitor, timeout, error):
    with pytest.raises(error):
        kernel_monitor.expect("create", timeout=timeout)
    expected = kernel_monitor.expect("create")
    with pytest.raises(error):
        expected.wait(timeout)
    with pytest.raises(error):
        kernel_monitor.expect_all(["create"], timeout=timeout)
    with pytest.raises(error):
        kernel_monitor.expect_none("create", within=timeout)
    with pytest.raises(error):
        kernel_monitor.wait_for_idle(quiet=timeout)
    with pytest.raises(error):
        kernel_monitor.wait_for_idle(quiet=0, timeout=timeout)
    with pytest.raises(error):
        kernel_monitor.wait_for_mount(timeout)
    with pytest.raises(error), kernel_monitor.within(timeout):
        pass


def test_rule_40_report(daemon, monitor):
    create(daemon / "near")
    with pytest.raises(OperationTimeout) as error:
        monitor.expect("mkdir", path="/near", label="the index", since=monitor._since).wait(0.01)
    text = str(error.value)
    assert text.startswith("the index: no mkdir path=/near")
    assert "verdict" in text and "create" in text
    assert error.value.report["label"] == "the index"
    assert error.value.report["counts"]["create"] == 1
    assert error.value.code == errno.ETIMEDOUT


def test_rule_17_within(daemon, monitor):
    began = time.monotonic()
    with monitor.within(0.1):
        for _ in range(3):
            with pytest.raises(OperationTimeout):
                monitor.expect("create").wait(DEADLINE)
    assert 0.1 <= time.monotonic() - began < 0.1 + SLACK


# ---- several ----

def test_rule_04_all_of_them(daemon, monitor):
    with monitor.expect_all(["release", op("create", path="/b"), "create"],
                            timeout=DEADLINE) as expected:
        create(daemon / "a")
        create(daemon / "b")
    assert [one.operation for one in expected.operations] == ["release", "create", "create"]
    assert [one.path for one in expected.operations[1:]] == ["/b", "/a"]
    assert expected.wait() == expected.operations


def test_rule_04_best_assignment(daemon, monitor):
    with monitor.expect_all(["create", op("create", path="/a")], timeout=DEADLINE) as expected:
        create(daemon / "a")
        create(daemon / "b")
    assert [one.path for one in expected.operations] == ["/b", "/a"]


def test_rule_05_in_order(daemon, monitor):
    with monitor.expect_all(["create", "write", "release"], order="in_order",
                            timeout=DEADLINE) as expected:
        create(daemon / "a")
    assert [one.seq for one in expected.operations] == \
        sorted(one.seq for one in expected.operations)
    os.mkdir(daemon / "d")
    with pytest.raises(OperationTimeout):
        monitor.expect_all(["mkdir", "create"], order="in_order", since=monitor._since).wait(0.05)


def test_rule_05_strict_order(daemon, monitor):
    expected = monitor.expect_all(["mkdir", "rmdir", "mkdir"], order="strict")
    os.mkdir(daemon / "a")
    create(daemon / "f")  # is none of them
    os.mkdir(daemon / "b")
    began = time.monotonic()
    with pytest.raises(OrderViolation) as error:
        expected.wait(DEADLINE)
    assert error.value.verdict == "order violated"
    assert time.monotonic() - began < 1


@pytest.mark.parametrize("order", ["sorted", None, 1, []])
def test_no_such_order(kernel_monitor, order):
    with pytest.raises((ValueError, TypeError)):
        kernel_monitor.expect_all(["create"], order=order)


def test_nothing_to_expect(kernel_monitor):
    with pytest.raises(ValueError, match="nothing to wait for"):
        kernel_monitor.expect_all([])
    with pytest.raises(TypeError):
        kernel_monitor.expect_all(None)
    with pytest.raises(TypeError):
        kernel_monitor.expect_all([None])


def test_a_name_is_no_list_of_names(kernel_monitor):
    with pytest.raises(TypeError, match="a list of operations"):
        kernel_monitor.expect_all("create")
    with pytest.raises(TypeError, match="a list of operations"):
        kernel_monitor.wait_for_operations("create")


def test_an_errno_among_several(mount, watch):
    daemon = mount("fail=mkdir:ENOSPC:1")
    monitor = watch(daemon)
    with monitor.expect_all([op("mkdir", errno=errno.ENOSPC), "rmdir"],
                            timeout=DEADLINE) as expected:
        with pytest.raises(OSError):
            os.mkdir(daemon / "d")
        os.mkdir(daemon / "d")
        os.rmdir(daemon / "d")
    assert expected.operations[0].error == "ENOSPC"


# ---- a time to begin ----

def test_rule_20_it_must_begin_in_time(daemon, monitor):
    began = time.monotonic()
    with pytest.raises(OperationTimeout, match="no mkdir .* begun within 0.050 s") as error:
        with monitor.expect("mkdir", path="/d", start_timeout=0.05, timeout=DEADLINE):
            pass
    assert time.monotonic() - began < SOON + SLACK
    assert error.value.code == errno.ETIME
    assert error.value.report["start_timeout_ns"] == 50_000_000


def test_rule_20_what_takes_long_has_its_time(mount, watch):
    daemon = mount("delay=mkdir:300ms")
    monitor = watch(daemon)
    if monitor.source != "kernel":
        pytest.skip("a log tells of what has ended")
    expected = monitor.expect_all(["mkdir", op("lookup", status="error")],
                                  start_timeout=0.1, timeout=DEADLINE)
    maker = Later(os.mkdir, daemon / "d")
    assert expected.wait()[0].path == "/d"
    maker.join()


@pytest.mark.parametrize("value", [-1, float("nan"), "1"])
def test_rule_20_bad_times(daemon, monitor, value):
    with pytest.raises((ValueError, TypeError), match="start_timeout"):
        monitor.expect("mkdir", start_timeout=value)


# ---- none ----

def test_rule_07_forbid(daemon, monitor):
    with monitor.forbid("unlink"):
        create(daemon / "a")
    with pytest.raises(UnexpectedOperation, match="/a") as error:
        with monitor.forbid("unlink", path=daemon / "a"):
            os.unlink(daemon / "a")
    assert isinstance(error.value, AssertionError)
    with monitor.forbid("unlink"):
        pass  # what was before does not count
    with pytest.raises(KeyError), monitor.forbid():
        create(daemon / "b")
        raise KeyError


def test_rule_07_forbid_what_is_in_flight(mount, watch):
    daemon = mount("delay=mkdir:300ms")
    monitor = watch(daemon)
    if monitor.source != "kernel":
        pytest.skip("a log tells of what has ended")
    with pytest.raises(UnexpectedOperation, match="mkdir"):
        with monitor.forbid("mkdir"):
            maker = Later(os.mkdir, daemon / "d")
            wait_until_asked(monitor, "mkdir")
    maker.join()


def test_rule_07_expect_none(daemon, monitor):
    mark = monitor.mark()
    monitor.expect_none("create")
    create(daemon / "a")
    assert monitor.wait_for_operation("release", timeout=DEADLINE)
    monitor.expect_none("create")  # from now on
    with pytest.raises(UnexpectedOperation):
        monitor.expect_none("create", since=mark)
    monitor.expect_none("create", path="/b", since=mark)
    monitor.expect_none("create", check_fn=lambda one: one.path == "/b", since=mark)
    began = time.monotonic()
    monitor.expect_none("unlink", within=0.1)
    assert 0.1 <= time.monotonic() - began < 0.1 + SLACK


def test_rule_07_ends_with_the_offender(daemon, monitor):
    waiter = Later(monitor.expect_none, "create", within=DEADLINE)
    wait_for_waiters()
    create(daemon / "a")
    created_at = time.monotonic()
    with pytest.raises(UnexpectedOperation):
        waiter.join()
    assert waiter.ended_at - created_at < SOON + SLACK


def test_rule_07_ends_when_nothing_more_can_come(daemon, monitor):
    waiter = Later(monitor.expect_none, "create", within=DEADLINE)
    wait_for_waiters()
    monitor.stop_capture()
    assert waiter.join() is None


# ---- losses ----

LOST = '{"v":1,"event":"lost","count":3}\n'


@pytest.fixture
def lossy(tmp_path):
    """A replayed monitor that goes on being fed: something was lost after its mark."""
    monitor = FuseTraceMonitor(None, source="replay")
    monitor.start_capture()
    return monitor


def feed(monitor, name, path="/a", seq=1):
    start = time.monotonic_ns()
    monitor._core.feed(f'{{"v":1,"seq":{seq},"op":"{name}","path":"{path}","status":"completed",'
                       f'"errno":0,"start_ns":{start},"duration_ns":1}}\n'.encode())


def test_rule_08_loss_makes_absence_unprovable(lossy):
    mark = lossy.mark()
    feed(lossy, "create")
    lossy._core.feed(LOST.encode())
    assert lossy.lost_events == 3 and lossy.since(mark).lost == 3
    with pytest.raises(EventsLost):
        lossy.expect_none("unlink", since=mark)
    with pytest.raises(EventsLost, match="at least 1"):
        lossy.since(mark).count("create")
    assert lossy.expect("create", since=mark).wait(0).path == "/a"  # was seen
    with pytest.raises(EventsLost) as error:
        lossy.expect("unlink", since=mark).wait(0.01)
    assert error.value.verdict == "events lost"


def test_rule_08_after_a_loss_it_may_still_come(lossy):
    """Nobody knows what was lost, but what comes was not."""
    mark = lossy.mark()
    lossy._core.feed(LOST.encode())
    waiters = [Later(lossy.expect("create", since=mark).wait, DEADLINE),
               Later(lossy.wait_for_operation, "create", since=mark, timeout=DEADLINE),
               Later(lossy.wait_for_operations, ["create", "mkdir"], DEADLINE, False, since=mark)]
    wait_for_waiters(2)
    assert not any(waiter.is_done for waiter in waiters)
    feed(lossy, "create")
    assert waiters[0].join().path == waiters[1].join().path == waiters[2].join()[0].path == "/a"


# ---- objects ----

def test_it_may_outlive_its_monitor(daemon):
    monitor = FuseTraceMonitor(daemon.process, source="kernel")
    monitor.start_capture()
    expected = monitor.expect("create")
    monitor.stop_capture()
    del monitor
    gc.collect()
    with pytest.raises(MonitorStopped):
        expected.wait(DEADLINE)


def test_a_cycle_is_collected(kernel_monitor):
    import weakref

    class Holder:
        pass

    holder = Holder()
    holder.expected = kernel_monitor.expect("create", check_fn=lambda one: holder is None)
    holder.expected.cancel()
    kernel_monitor.unawaited_expectations()
    gone = weakref.ref(holder)
    del holder
    gc.collect()
    assert gone() is None


def test_two_threads_on_one(daemon, kernel_monitor):
    expected = kernel_monitor.expect("create")
    waiter = Later(expected.wait, DEADLINE)
    wait_for_waiters()
    with pytest.raises(ValueError, match="another thread"):
        expected.wait(0)
    with pytest.raises(ValueError, match="another thread"):
        expected.cancel()
    create(daemon / "a")
    assert waiter.join().path == "/a"
    assert expected.wait().path == "/a"


def test_rule_29_interrupt(kernel_monitor):
    waiter = Later(kernel_monitor.expect("create").wait, DEADLINE)
    wait_for_waiters()
    kernel_monitor.interrupt()
    with pytest.raises(WaitInterrupted):
        waiter.join()
