# SPDX-License-Identifier: MIT
"""The calls of the specification: they return what they found, and a wait in vain is reported."""

import logging
import os
import time

import pytest

from conftest_core import daemon, kernel_monitor, monitor, mount, source, watch  # noqa: F401
from daemons import (
    DEADLINE, SLACK, SOON, Later, wait_for_waiters, wait_until_asked, write_recording)
from fusetrace import FuseTraceError, FuseTraceMonitor, OperationStatus, op
from fusetrace.assignment import assign


def create(path, text="x"):
    path.write_text(text)
    return path


# ---- one operation ----

def test_rule_03_looks_back_and_does_not_consume(daemon, monitor):
    create(daemon / "a")
    first = monitor.wait_for_operation("create", path=daemon / "a", timeout=DEADLINE)
    assert first == monitor.wait_for_operation("create", path="/a", timeout=0)
    assert first.status is OperationStatus.COMPLETED


def test_the_first_one_is_given(daemon, monitor):
    for name in ("a", "b"):
        create(daemon / name)
    assert monitor.wait_for_operations(["release"] * 2, timeout=DEADLINE)
    assert monitor.wait_for_operation("create").path == "/a"


def test_rule_09_whatever_its_result(mount, watch):
    daemon = mount("fail=mkdir:EDQUOT:1")
    monitor = watch(daemon)
    with pytest.raises(OSError):
        os.mkdir(daemon / "d")
    found = monitor.wait_for_operation("mkdir", timeout=DEADLINE)
    assert found.status is OperationStatus.FAILED and found.error == "EDQUOT"


def test_rule_03_consume(daemon, monitor):
    for name in ("a", "b"):
        create(daemon / name)
    assert monitor.wait_for_operations(["release"] * 2, timeout=DEADLINE)
    found = [monitor.wait_for_operation("create", consume=True, timeout=0) for _ in range(3)]
    assert [one and one.path for one in found] == ["/a", "/b", None]
    assert monitor.wait_for_operation("create", timeout=0).path == "/a"


def test_rule_03_consume_by_many_threads(daemon, kernel_monitor):
    waiters = [Later(kernel_monitor.wait_for_operation, "create", consume=True, timeout=DEADLINE)
               for _ in range(8)]
    for number in range(8):
        create(daemon / f"f{number}")
    found = [waiter.join() for waiter in waiters]
    assert len({one.seq for one in found}) == 8


def test_since(daemon, monitor):
    mark = monitor.mark()
    create(daemon / "a")
    assert monitor.wait_for_operation("release", timeout=DEADLINE)
    monitor.clear_completed()
    assert monitor.wait_for_operation("create", timeout=0) is None
    assert monitor.wait_for_operation("create", timeout=0, since=mark).path == "/a"


def test_rule_14_it_wakes(daemon, monitor):
    waiter = Later(monitor.wait_for_operation, "mkdir", path="/d", timeout=DEADLINE)
    wait_for_waiters()
    os.mkdir(daemon / "d")
    made_at = time.monotonic()
    assert waiter.join().path == "/d"
    assert waiter.ended_at - made_at < SOON + SLACK


@pytest.mark.parametrize("timeout", [0, 0.05])
def test_in_vain(daemon, monitor, timeout, caplog):
    began = time.monotonic()
    with caplog.at_level(logging.WARNING, logger="fusetrace"):
        assert monitor.wait_for_operation("mkdir", path="/d", timeout=timeout,
                                          label="the folder") is None
    assert timeout <= time.monotonic() - began < timeout + SLACK
    (report,) = monitor.last_reports
    assert report.text.startswith("the folder: no mkdir path=/d")
    assert report.report["label"] == "the folder" and report.time >= began
    assert report.text in caplog.text
    monitor.clear_reports()
    assert monitor.last_reports == []


def test_reports_are_limited(monitor):
    for number in range(120):
        monitor.wait_for_operation("mkdir", path=f"/{number}", timeout=0)
    assert len(monitor.last_reports) == 100
    assert "/119" in monitor.last_reports[-1].text


@pytest.mark.parametrize("timeout, error", [(-1, ValueError), (float("nan"), ValueError),
                                            ("2", TypeError), (True, TypeError)])
def test_rule_19_bad_timeouts(monitor, timeout, error):
    with pytest.raises(error):
        monitor.wait_for_operation("create", timeout=timeout)
    with pytest.raises(error):
        monitor.wait_for_operations(["create"], timeout=timeout)
    with pytest.raises(error):
        monitor.wait_for_operations([], timeout=timeout)


def test_none_as_a_timeout_is_the_default(daemon, monitor, monkeypatch):
    monkeypatch.setattr("fusetrace.timeouts.settings.default", 0.05)
    assert monitor.wait_for_operation("create", timeout=None) is None


# ---- check functions ----

def test_check(daemon, monitor):
    create(daemon / "a", "x" * 2000)
    found = monitor.wait_for_operation(
        "write", check_fn=lambda one: one.details.get("size", 0) > 1024, timeout=DEADLINE)
    assert found.details["size"] == 2000
    assert monitor.wait_for_operation(
        "write", check_fn=lambda one: one.details.get("size", 0) > 2048, timeout=0.05) is None
    assert "refused by the check" in monitor.last_reports[-1].text


def test_rule_32_check_that_raises(daemon, monitor):
    create(daemon / "a")

    def check(operation):
        raise LookupError("not so")

    calls = (lambda: monitor.wait_for_operation("create", check_fn=check),
             lambda: monitor.wait_for_operations([op("create", check_fn=check)]),
             lambda: monitor.wait_for_operations([op("create", check_fn=check)],
                                                 all_required=False),
             lambda: monitor.expect("create", check_fn=check, since=monitor._since).wait(),
             lambda: monitor.expect_none("create", check_fn=check, since=monitor._since),
             lambda: monitor.since(monitor._since).count(op("create", check_fn=check)),
             lambda: monitor.explain(op("create", check_fn=check)))
    monitor.wait_for_operation("create", timeout=DEADLINE)
    for call in calls:
        with pytest.raises(LookupError, match="not so") as error:
            call()
        (note,) = error.value.__notes__
        assert "create /a" in note
    assert monitor.wait_for_operation("create", timeout=0)  # nothing is left of it


def test_a_check_that_ends_the_process(daemon, monitor):
    create(daemon / "a")

    def check(operation):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        monitor.wait_for_operation("create", check_fn=check, timeout=DEADLINE)


def test_a_check_whose_answer_is_no_bool(daemon, monitor):
    class Odd:
        def __bool__(self):
            raise ArithmeticError

    create(daemon / "a")
    with pytest.raises(ArithmeticError):
        monitor.wait_for_operation("create", check_fn=lambda one: Odd(), timeout=DEADLINE)
    assert monitor.wait_for_operation("create", check_fn=lambda one: [1], timeout=DEADLINE)


def test_rule_32_check_that_touches_the_mount(daemon, monitor):
    def check(operation):
        return (daemon / "a").read_text() == "hello" and create(daemon / "b") is not None

    create(daemon / "a", "hello")
    assert monitor.wait_for_operation("create", path="/a", check_fn=check, timeout=DEADLINE)
    assert monitor.wait_for_operation("create", path="/b", timeout=DEADLINE)


def test_rule_32_check_that_blocks_holds_up_nobody(daemon, monitor):
    import threading

    inside, go_on = threading.Event(), threading.Event()

    def check(operation):
        inside.set()
        return go_on.wait(DEADLINE)

    blocked = Later(monitor.wait_for_operation, "create", check_fn=check, timeout=DEADLINE)
    create(daemon / "a")
    assert inside.wait(DEADLINE)
    create(daemon / "b")  # the daemon goes on
    assert monitor.wait_for_operation("release", path="/b", timeout=DEADLINE)  # so do others
    assert not blocked.is_done
    go_on.set()
    assert blocked.join().path == "/a"


@pytest.mark.parametrize("inner", [
    lambda m: m.wait_for_operation("create", timeout=0),
    lambda m: m.wait_for_operations(["create"], timeout=0),
    lambda m: m.expect("create"),
    lambda m: m.expect_none("mkdir"),
    lambda m: m.wait_for_idle(quiet=0, timeout=0),
    lambda m: m.mark(),
    lambda m: m.completed_operations,
], ids=["wait", "waits", "expect", "none", "idle", "mark", "history"])
def test_a_check_that_waits(daemon, monitor, inner):
    create(daemon / "a")
    with pytest.raises(FuseTraceError, match="a check function may not wait"):
        monitor.wait_for_operation("create", check_fn=lambda one: inner(monitor),
                                   timeout=DEADLINE)
    assert monitor.wait_for_operation("create", timeout=0)


# ---- several operations ----

def test_several(daemon, monitor):
    create(daemon / "a")
    found = monitor.wait_for_operations(["create", "write", "release"], timeout=DEADLINE)
    assert [one.operation for one in found] == ["create", "write", "release"]
    assert monitor.wait_for_operations([]) == []


def test_several_in_the_order_asked(daemon, monitor):
    create(daemon / "a")
    found = monitor.wait_for_operations(["release", op("create", path="/a")], timeout=DEADLINE)
    assert [one.operation for one in found] == ["release", "create"]


def test_several_of_which_some_come(daemon, monitor):
    create(daemon / "a")
    assert monitor.wait_for_operation("release", timeout=DEADLINE)
    found = monitor.wait_for_operations(["unlink", "release", "mkdir", "create"], timeout=0.05)
    assert [one.operation for one in found] == ["release", "create"]
    assert len(monitor.last_reports) == 1


def test_some_come_and_the_assignment_is_best(daemon, monitor):
    for name in ("a", "b"):
        create(daemon / name)
    assert monitor.wait_for_operations(["release"] * 2, timeout=DEADLINE)
    found = monitor.wait_for_operations(["create", op("create", path="/a"), "mkdir"], timeout=0)
    assert [one.path for one in found] == ["/b", "/a"]


def test_any_of_several(daemon, monitor):
    waiter = Later(monitor.wait_for_operations, ["mkdir", op("create", path="/b"), "rmdir"],
                   DEADLINE, all_required=False)
    create(daemon / "a")
    assert not waiter.is_done
    create(daemon / "b")
    (found,) = waiter.join()
    assert found.path == "/b"
    assert monitor.wait_for_operations(["mkdir", "rmdir"], 0.05, all_required=False) == []
    assert monitor.last_reports


def test_thousands_in_vain(tmp_path):
    path = write_recording(tmp_path / "r.jsonl", *[("create", {})] * 1500)
    monitor = FuseTraceMonitor.replay(path)
    began = time.monotonic()
    assert len(monitor.wait_for_operations(["create"] * 2000, timeout=0)) == 1500
    assert time.monotonic() - began < 20


@pytest.mark.parametrize("choices, count", [
    ([], 0), ([[]], 0), ([[1], [1]], 1), ([[1, 2], [1]], 2), ([[1, 2], [2, 3], [3, 1]], 3),
    ([[1], [1, 2], [2, 3], [3]], 3),
])
def test_assignment(choices, count):
    found = assign(choices)
    given = [one for one in found if one is not None]
    assert len(given) == len(set(given)) == count
    assert all(one is None or one in wanted for one, wanted in zip(found, choices))


# ---- counts, summaries ----

def test_rule_06_counts(daemon, monitor):
    for name in ("a", "b"):
        create(daemon / name)
    assert monitor.wait_for_operations(["release"] * 2, timeout=DEADLINE)
    assert monitor.get_operation_count("create") == 2
    assert monitor.get_operation_count(op("create", path="/a")) == 1
    assert monitor.get_operation_count(op("create", check_fn=lambda one: one.path == "/b")) == 1
    assert monitor.get_operation_count() == len(monitor.completed_operations)
    monitor.clear_completed()
    assert monitor.get_operation_count("create") == 0
    assert monitor.get_operation_count() == len(monitor.completed_operations) == 0


def test_completed_operations_is_a_list_of_ones_own(daemon, monitor):
    create(daemon / "a")
    assert monitor.wait_for_operation("release", timeout=DEADLINE)
    found = monitor.completed_operations
    found.clear()
    assert [one.seq for one in monitor.completed_operations] == \
        sorted(one.seq for one in monitor.completed_operations) != []


def test_explain(daemon, monitor):
    create(daemon / "a")
    assert monitor.wait_for_operation("release", timeout=DEADLINE)
    assert monitor.explain("create").startswith("satisfied by <#")
    assert "verdict" in monitor.explain("mkdir", path="/a")
    assert monitor.last_reports == []


def test_to_pandas(daemon, monitor):
    pandas = pytest.importorskip("pandas")
    create(daemon / "a", "hello")
    assert monitor.wait_for_operation("release", timeout=DEADLINE)
    frame = monitor.to_pandas()
    assert list(frame.columns)[:4] == ["seq", "operation", "path", "path2"]
    assert frame[frame.operation == "write"]["size"].iloc[0] == 5
    assert len(frame) == monitor.get_operation_count()
    monitor.clear_completed()
    assert isinstance(monitor.to_pandas(), pandas.DataFrame)
    assert "operation" in monitor.to_pandas().columns


def test_rule_22_wait_for_idle(mount, watch):
    daemon = mount("delay=mkdir:200ms")
    monitor = watch(daemon)
    maker = Later(os.mkdir, daemon / "d")
    if monitor.source == "kernel":
        wait_until_asked(monitor, "mkdir")
    else:
        maker.join()
    monitor.wait_for_idle(quiet=0.02, timeout=DEADLINE)
    maker.join()
    assert monitor.get_operation_count("mkdir") == 1
