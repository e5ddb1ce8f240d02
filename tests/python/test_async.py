# SPDX-License-Identifier: MIT
"""Expectations in event loops: asyncio and trio, with the same code."""

import asyncio
import time

import pytest
import trio

from conftest_core import daemon, kernel_monitor, mount  # noqa: F401
from daemons import DEADLINE, SLACK, SOON
from fusetrace import (
    DaemonDied, FuseTraceMonitor, MonitorStopped, OperationFailed, OperationTimeout)


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


def test_timeout(kernel_monitor, loop):
    async def test():
        began = time.monotonic()
        with pytest.raises(OperationTimeout, match="create") as error:
            await kernel_monitor.expect("create", timeout=0.1)
        assert 0.1 <= time.monotonic() - began < 0.1 + SLACK
        assert error.value.verdict
        with pytest.raises(OperationTimeout):
            await kernel_monitor.expect("create", timeout=0)
        with pytest.raises(OperationTimeout):
            async with kernel_monitor.expect("create", timeout=0.01):
                pass

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
