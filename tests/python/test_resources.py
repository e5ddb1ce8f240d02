# SPDX-License-Identifier: MIT
"""Nothing leaks, and much is not slow. What a test takes of time is asserted loosely: machines that
run tests do other things, too."""

import contextlib
import gc
import json
import os
import threading
import time
import tracemalloc

import pytest

from conftest_core import daemon, kernel_monitor, mount  # noqa: F401
from daemons import DEADLINE, record, running, wait_until
from fusetrace import (
    FuseTraceMonitor, Monitor, OperationTimeout, SmartWaitHelper, op)
from fusetrace.paths import MountPaths

MANY = 100_000
MIB = 1 << 20


def resident():
    """Bytes of memory that this process has."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def descriptors():
    return len(os.listdir("/proc/self/fd"))


class Growth:
    """What a piece of work leaves behind, once it has been done before."""

    def __init__(self, work, count):
        tracemalloc.start()
        work(max(1, count // 5))  # what is made once is made
        gc.collect()
        before = self._now()
        work(count)
        gc.collect()
        self.traced, self.descriptors, self.memory = (
            after - was for after, was in zip(self._now(), before))
        tracemalloc.stop()

    @staticmethod
    def _now():
        return tracemalloc.get_traced_memory()[0], descriptors(), resident()

    def is_none(self, memory=8 * MIB):
        assert self.descriptors <= 0
        assert self.traced < 100_000
        assert self.memory < memory
        return True


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    """100,000 operations: five of each of 20,000 files."""
    path = tmp_path_factory.mktemp("recording") / "many.jsonl"
    kinds = ("lookup", "create", "write", "flush", "release")
    with open(path, "w") as file:
        for seq in range(1, MANY + 1):
            number = (seq - 1) // 5
            file.write(json.dumps(record(kinds[seq % 5], seq, path=f"/d{number % 100}/f{number}",
                                         fh=number, size=seq % 4096)) + "\n")
    return path


@pytest.fixture(scope="module")
def replayed(recording):
    return FuseTraceMonitor.replay(recording)


# ---- speed ----

def test_completed_operations(replayed):
    """A million in less than a second: so a hundred thousand in less than a tenth; here, four."""
    times = []
    for _ in range(3):
        began = time.perf_counter()
        found = replayed.completed_operations
        times.append(time.perf_counter() - began)
        assert len(found) == MANY
        del found
    assert min(times) < 0.4


def test_a_wait_for_what_is_there(replayed):
    began = time.perf_counter()
    for _ in range(100):
        assert replayed.wait_for_operation("create", path="/d0/f0", timeout=0)
    assert (time.perf_counter() - began) / 100 < 0.02


def test_pausing_costs_nothing_in_a_long_history(replayed):
    """What a smart wait does between two looks makes no report over all that has happened."""
    match = op("mkdir", path="/none").tuple_for(MountPaths())
    mark = replayed.mark()
    began = time.perf_counter()
    for _ in range(200):
        with pytest.raises(OperationTimeout):
            replayed._core.wait(mark, (match,), 0, 0, False)
    assert (time.perf_counter() - began) / 200 < 0.001


def test_a_long_recording_is_read(recording):
    began = time.perf_counter()
    assert Monitor.replay(recording).mark().seq == MANY
    assert time.perf_counter() - began < 20


# ---- leaks ----

def test_operations(replayed):
    def work(count):
        for _ in range(-(-count // MANY)):
            for one in replayed.completed_operations:
                one.details, one.path, repr(one)

    assert Growth(work, MANY).is_none()


def test_marks_and_counts(replayed):
    match = (op("create").tuple_for(MountPaths()),)

    def work(count):
        for _ in range(count):
            mark = replayed.mark()
            replayed._core.count(mark, match)
            replayed._core.operations(mark, match)
            replayed._core.lost(mark)
            replayed._core.in_flight()

    assert Growth(work, MANY).is_none()


def test_matchers(replayed):
    def work(count):
        for number in range(count):
            op("write", path=f"/{number % 7}", check_fn=lambda one: number, label="x").tuple_for(
                replayed._paths)

    assert Growth(work, 20_000).is_none()


def test_refused_matches(replayed):
    from fusetrace import _core

    good = op("write").tuple_for(replayed._paths)

    def work(count):
        for _ in range(count):
            for wrong in (None, good[:5], good[:1] + (5,) + good[2:], (b"nothing",) + good[1:]):
                with pytest.raises((TypeError, ValueError)):
                    _core.check_match(wrong)
                with pytest.raises((TypeError, ValueError)):
                    replayed._core.wait(None, (good, wrong), 0, 0)
                with pytest.raises((TypeError, ValueError)):
                    _core.Expect(replayed._core, None, (good, wrong), 0)

    assert Growth(work, 2000).is_none()


def test_expectations(replayed):
    """100,000 of them, as the library has them; those that are met, and those that are not."""
    from fusetrace import _core

    met = (op("create", check_fn=lambda one: True).tuple_for(replayed._paths),)
    unmet = (op("mkdir").tuple_for(replayed._paths),)
    start = (0, 0, 0)

    def work(count):
        for _ in range(count // 2):
            expect = _core.Expect(replayed._core, start, met, 0)
            assert expect.wait(0)[0]._name == "create"
            expect.close()
            expect = _core.Expect(replayed._core, None, unmet, 0)
            with pytest.raises(OperationTimeout):
                expect.wait(0, False)
            del expect

    assert Growth(work, MANY).is_none()


def test_expectations_in_with_blocks(kernel_monitor):
    def work(count):
        for _ in range(count):
            with kernel_monitor.expect("create") as expected:
                expected.cancel()

    assert Growth(work, 20_000).is_none()
    assert kernel_monitor.unawaited_expectations() == []


def test_waits_in_vain(kernel_monitor, monkeypatch):
    monkeypatch.setattr("fusetrace.trace_monitor.logger.disabled", True)  # pytest keeps all of it

    def work(count):
        for number in range(count):
            kernel_monitor.wait_for_operation("create", timeout=0, path=f"/{number % 10}")
            with pytest.raises(OperationTimeout):
                kernel_monitor.expect("mkdir", timeout=0).wait()

    assert Growth(work, 1000).is_none()


def test_checks_that_raise(replayed):
    def check(operation):
        raise LookupError(operation)

    def work(count):
        for _ in range(count):
            with pytest.raises(LookupError):
                replayed.wait_for_operation("create", check_fn=check, timeout=0)

    assert Growth(work, 3000).is_none()


def test_monitors(daemon):
    before = set(threading.enumerate())

    def work(count):
        for _ in range(count):
            with FuseTraceMonitor(daemon.process, source="kernel") as monitor:
                helper = SmartWaitHelper(monitor)
                assert helper.wait_for_deletion("/none")
            del monitor, helper
        wait_until(lambda: not probe_threads(), "the threads of probes to end")
        assert new_threads(before, "fusetrace-drain") <= 2  # for the pipes of the daemon

    assert Growth(work, 30).is_none(64 * MIB)


def test_monitors_that_are_never_started(daemon):
    def work(count):
        for _ in range(count):
            FuseTraceMonitor(daemon.mountpoint)
            FuseTraceMonitor.pending()

    assert Growth(work, 1000).is_none()


def probe_threads():
    """The library's threads that ask a filesystem."""
    found = []
    for task in os.listdir("/proc/self/task"):
        with contextlib.suppress(OSError):
            with open(f"/proc/self/task/{task}/comm") as file:
                found.append(file.read().strip())
    return [name for name in found if name == "fusetrace-probe"]


def new_threads(before, name):
    return [one.name for one in threading.enumerate() if one not in before].count(name)


def test_daemons_that_come_and_go(tmp_path):
    """All pipes are closed when a daemon has ended and its monitor is gone."""
    numbers = iter(range(1000))
    before = set(threading.enumerate())

    def work(count):
        for _ in range(count):
            with running(tmp_path, name=f"mnt{next(numbers)}") as one:
                with FuseTraceMonitor(one.process, source="kernel") as monitor:
                    (one / "a").write_text("x")
                    assert monitor.wait_for_operation("release", timeout=DEADLINE)
            del monitor
        wait_until(lambda: not new_threads(before, "fusetrace-drain"), "the drains to end")

    assert Growth(work, 5).is_none(64 * MIB)


def test_probes(daemon, kernel_monitor):
    helper = SmartWaitHelper(kernel_monitor)
    (daemon / "a").write_text("x")

    def work(count):
        for _ in range(count):
            helper.wait_for_file_visible(daemon / "a")
        wait_until(lambda: not probe_threads(), "the threads of probes to end")

    assert Growth(work, 5000).is_none()
