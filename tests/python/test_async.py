# SPDX-License-Identifier: MIT
"""Expectations in event loops: asyncio and trio, with the same code."""

import asyncio
import os
import time

import pytest
import trio

from conftest_core import daemon, kernel_monitor, mount  # noqa: F401
from daemons import DEADLINE, SLACK, SOON
from fusetrace import (
    DaemonDied, EventsLost, FuseTraceMonitor, Monitor, MonitorStopped, OperationFailed,
    OperationTimeout)


class Asyncio:
    """What the tests need of a loop."""

    @staticmethod
    def run(function):
        async def bounded():
            return await asyncio.wait_for(function(), DEADLINE)

        return asyncio.run(bounded())

    @staticmethod
    async def gather(*functions):
        return await asyncio.gather(*(function() for function in functions))

    @staticmethod
    async def cancel_after(seconds, function):
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(function(), seconds)

    sleep = staticmethod(asyncio.sleep)

    @staticmethod
    async def in_thread(function, *arguments):
        return await asyncio.get_running_loop().run_in_executor(None, function, *arguments)

    @staticmethod
    def has_reader(descriptor):
        loop = asyncio.get_running_loop()
        return loop.remove_reader(descriptor)


class Trio:
    @staticmethod
    def run(function):
        async def bounded():
            with trio.fail_after(DEADLINE):
                return await function()

        return trio.run(bounded)

    @staticmethod
    async def gather(*functions):
        found = [None] * len(functions)

        async def keep(index, function):
            found[index] = await function()

        async with trio.open_nursery() as nursery:
            for index, function in enumerate(functions):
                nursery.start_soon(keep, index, function)
        return found

    @staticmethod
    async def cancel_after(seconds, function):
        with pytest.raises(trio.TooSlowError):
            with trio.fail_after(seconds):
                await function()

    sleep = staticmethod(trio.sleep)

    @staticmethod
    async def in_thread(function, *arguments):
        return await trio.to_thread.run_sync(function, *arguments)

    @staticmethod
    def has_reader(descriptor):
        return False  # trio raises BusyResourceError itself


@pytest.fixture(params=[Asyncio, Trio])
def loop(request):
    return request.param


async def write(loop, path):
    await loop.in_thread(path.write_text, "x")


def test_rule_35_await(daemon, kernel_monitor, loop):
    async def test():
        expected = kernel_monitor.expect("release", path="/a")
        await write(loop, daemon / "a")
        found = await expected
        assert found.path == "/a" and found == expected.operation
        assert await expected == found
        expected.cancel()

    loop.run(test)


def test_rule_35_async_with(daemon, kernel_monitor, loop):
    async def test():
        async with kernel_monitor.expect("release", path="/a", timeout=DEADLINE) as expected:
            await write(loop, daemon / "a")
        assert expected.operation.path == "/a"
        async with kernel_monitor.expect_all(["create"] * 2, timeout=DEADLINE) as expected:
            await write(loop, daemon / "b")
            await write(loop, daemon / "c")
        assert [one.path for one in expected.operations] == ["/b", "/c"]

    loop.run(test)


def test_rule_20_a_time_to_begin(daemon, kernel_monitor, loop):
    async def test():
        began = time.monotonic()
        with pytest.raises(OperationTimeout, match="begun within 0.050 s"):
            await kernel_monitor.expect("mkdir", start_timeout=0.05, timeout=DEADLINE)
        assert time.monotonic() - began < SOON + SLACK

    loop.run(test)


def test_the_loop_runs_while_it_waits(daemon, kernel_monitor, loop):
    async def test():
        async def waits():
            found = await kernel_monitor.expect("create", path="/a", timeout=DEADLINE)
            return found, time.monotonic()

        async def acts():
            await loop.sleep(0.05)
            (daemon / "a").write_text("x")
            return time.monotonic()

        (found, ended_at), made_at = await loop.gather(waits, acts)
        assert found.path == "/a" and ended_at - made_at < SOON + SLACK

    loop.run(test)


def test_many_at_once(daemon, kernel_monitor, loop):
    async def test():
        async def waits(number):
            return await kernel_monitor.expect("create", path=f"/f{number}", timeout=DEADLINE)

        async def acts():
            await loop.sleep(0.02)
            for number in reversed(range(20)):
                await write(loop, daemon / f"f{number}")

        found = await loop.gather(*(lambda n=number: waits(n) for number in range(20)), acts)
        assert [one.path for one in found[:-1]] == [f"/f{number}" for number in range(20)]

    loop.run(test)


def test_rule_35_the_deadline_is_kept(kernel_monitor, loop):
    async def test():
        began = time.monotonic()
        with pytest.raises(OperationTimeout, match="create") as error:
            await kernel_monitor.expect("create", timeout=0.1)
        assert 0.1 <= time.monotonic() - began < DEADLINE / 2
        assert error.value.verdict
        with pytest.raises(OperationTimeout):
            await kernel_monitor.expect("create", timeout=0)
        with pytest.raises(OperationTimeout):
            async with kernel_monitor.expect("create", timeout=0.01):
                pass

    loop.run(test)


def test_rule_38_what_came_too_late_for_a_loop(mount, loop):
    """As a wait that blocks it looks on for a moment, and the loop runs meanwhile."""
    daemon = mount("delay=mkdir:1050ms")
    turns = []

    async def test(monitor):
        async def waits():
            with pytest.raises(OperationTimeout) as error:
                await monitor.expect("mkdir", "/d", timeout=1.0)
            turns.append(None)
            return error.value

        async def ticks():
            while None not in turns:
                turns.append(time.monotonic())
                await loop.sleep(0.005)

        error, *_ = await loop.gather(waits, ticks,
                                      lambda: loop.in_thread(os.mkdir, daemon / "d"))
        return error

    with FuseTraceMonitor(daemon.process, source="kernel") as monitor:
        monitor.start_capture()
        error = loop.run(lambda: test(monitor))
    if "late" not in error.report:
        pytest.skip("this machine was too slow to be late by little")
    assert 0 < error.report["late_ns"] <= 100_000_000
    assert "after the deadline" in str(error) and error.report["timeout_ns"] > 900_000_000
    moments = [one for one in turns if one is not None]
    gaps = [later - one for one, later in zip(moments, moments[1:])]
    assert len(moments) > 50 and max(gaps) < 0.1


def test_what_ends_behind_the_deadline_is_too_late_for_a_busy_loop(daemon, kernel_monitor, loop):
    """It has come when the loop looks again, but not in time."""
    async def test():
        async def waits():
            with pytest.raises(OperationTimeout) as error:
                await kernel_monitor.expect("mkdir", "/d", timeout=0.1)
            return error.value

        async def keeps_busy():
            await loop.sleep(0.02)  # it is waited for
            time.sleep(0.2)  # not the loop's: nobody else has a turn
            os.mkdir(daemon / "d")

        error, _ = await loop.gather(waits, keeps_busy)
        assert error.report["late"]["op"] == "mkdir" and error.report["late_ns"] >= 50_000_000

    loop.run(test)


def test_rule_20_a_time_to_begin_and_a_loss_in_a_loop(loop):
    """Its begin may have been lost: there is no verdict, and it is told when it had to begin."""
    async def test(monitor):
        expected = monitor.expect("mkdir", start_timeout=0.05, timeout=DEADLINE)
        monitor._core.feed(b'{"v":1,"event":"lost","count":1}\n')
        began = time.monotonic()
        with pytest.raises(EventsLost):
            await expected
        assert 0.05 <= time.monotonic() - began < SOON + SLACK

    with Monitor(None, source="replay") as monitor:
        monitor.start_capture()
        loop.run(lambda: test(monitor))


def test_awaited_again_after_a_cancellation(daemon, kernel_monitor, loop):
    """Its time begins anew."""
    async def test():
        expected = kernel_monitor.expect("mkdir", timeout=0.3)
        await loop.cancel_after(0.2, lambda: wait(expected))
        began = time.monotonic()
        with pytest.raises(OperationTimeout):
            await expected
        assert time.monotonic() - began >= 0.3

    async def wait(expected):
        await expected

    loop.run(test)


def test_rule_35_cancellation_leaves_nothing_behind(daemon, kernel_monitor, loop):
    async def test():
        expected = kernel_monitor.expect("create", path="/a", timeout=DEADLINE)

        async def waits():
            return await expected

        await loop.cancel_after(0.05, waits)
        assert not loop.has_reader(expected.fileno())
        await write(loop, daemon / "a")
        assert (await expected).path == "/a"  # it can be waited for again

        async def in_block():
            async with kernel_monitor.expect("mkdir", timeout=DEADLINE) as block:
                found.append(block)
                await loop.sleep(DEADLINE)

        found = []
        await loop.cancel_after(0.05, in_block)
        with pytest.raises(ValueError, match="closed"):
            found[0].fileno()

    loop.run(test)


def test_the_body_counts_more(kernel_monitor, loop):
    async def test():
        with pytest.raises(KeyError):
            async with kernel_monitor.expect("create", timeout=DEADLINE):
                raise KeyError

    loop.run(test)


def test_two_tasks_on_one(daemon, kernel_monitor, loop):
    async def test():
        expected = kernel_monitor.expect("create", timeout=DEADLINE)

        async def waits():
            try:
                return await expected
            except RuntimeError as error:
                assert "another task" in str(error)

        async def acts():
            await loop.sleep(0.02)
            await write(loop, daemon / "a")

        found = await loop.gather(waits, waits, acts)
        assert sorted(one is None for one in found) == [False, True, True]

    loop.run(test)


def test_ends(mount, loop):
    daemon = mount("fail=mkdir:ENOSPC:1")
    monitor = FuseTraceMonitor(daemon.process, source="kernel")
    monitor.start_capture()

    async def test():
        with pytest.raises(OperationFailed, match="verdict(.|\n)*ENOSPC"):
            async with monitor.expect("mkdir", timeout=DEADLINE):
                with pytest.raises(OSError):
                    await loop.in_thread((daemon / "d").mkdir)
        with pytest.raises(DaemonDied, match="SIGKILL"):
            async with monitor.expect("mkdir", timeout=DEADLINE):
                daemon.kill()
        monitor.stop_capture()
        with pytest.raises((MonitorStopped, DaemonDied)):
            await monitor.expect("mkdir", timeout=DEADLINE)

    loop.run(test)


def test_a_check_that_raises(daemon, kernel_monitor, loop):
    async def test():
        def check(operation):
            raise LookupError

        with pytest.raises(LookupError):
            async with kernel_monitor.expect("create", check_fn=check, timeout=DEADLINE):
                await write(loop, daemon / "a")

    loop.run(test)


def test_rule_35_no_loop_is_loaded():
    import subprocess
    import sys

    code = """
import sys
import fusetrace
for name in fusetrace.__all__:
    if name not in ("FuseConfig", "FuseManager", "MountedFilesystem", "FileSystemState"):
        getattr(fusetrace, name)
print([name for name in ("asyncio", "trio", "ctypes", "tempfile") if name in sys.modules])
"""
    assert subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True,
                          timeout=DEADLINE, check=True).stdout == "[]\n"
