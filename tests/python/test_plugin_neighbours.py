# SPDX-License-Identifier: MIT
"""Beside other plugins: pytest-timeout, pytest-asyncio, trio, debuggers, and without some of
pytest's own."""

import re
import sys

import pytest

from namespaces import WITHOUT_FUSECTL

pytestmark = pytest.mark.needs_fuse

HANGING = """
    import pytest

    @pytest.fixture(scope="session")
    def fusetrace_mount_options():
        return ["hang=mkdir"]
"""


# ---- pytest-timeout ----


@pytest.mark.parametrize("method", ["signal", "thread"])
def test_rule_21_wait_reports_before_the_timeout(suite, method):
    """The test itself would wait for a minute; the report comes, and the session goes on."""
    result = suite.write("""
        import pytest

        def test_slow(trace_monitor, mountpoint):
            (mountpoint / "a").write_text("hello")
            assert trace_monitor.wait_for_operation("mkdir", timeout=60), "no mkdir"

        def test_raising(trace_monitor, mountpoint):
            with trace_monitor.expect("mkdir", timeout=60):
                (mountpoint / "a").write_text("hello")

        @pytest.mark.timeout(0)
        def test_without(trace_monitor):
            from fusetrace import timeouts
            assert timeouts.settings.limit is None
    """).run("--timeout=6", f"--timeout-method={method}")
    result.assert_outcomes(failed=2, passed=1)
    text = str(result.stdout)
    # Once a test, and in CI pytest's own summary has the whole message once more.
    assert text.count("verdict : never started") in (2, 3)
    assert "wait in vain 1: no mkdir within" in text
    assert "Timeout (>6.0s) from pytest-timeout" not in text and "+ Timeout +" not in text


def test_limit_is_of_one_test(suite):
    suite.write("""
        import time
        import pytest
        from fusetrace import timeouts

        @pytest.mark.timeout(20)
        def test_long():
            assert 18 < timeouts.settings.limit - time.monotonic() <= 19

        @pytest.mark.timeout(5, func_only=True)
        def test_short(mounted_fs):
            assert 4 < timeouts.settings.limit - time.monotonic() <= 4.5

        def test_none():
            assert timeouts.settings.limit is None
    """).passes(3)


STUCK = """
    import pytest

    @pytest.mark.timeout(6)
    def test_stuck(mounted_fs_with_trace):
        (mounted_fs_with_trace.mountpoint / "d").mkdir()

    def test_after(mounted_fs): pass
"""


def test_stuck_in_the_mount_until_the_signal(suite):
    """The signal interrupts the request, which this daemon answers."""
    result = suite.conftest(HANGING).write(STUCK).run("--timeout-method=signal")
    result.assert_outcomes(failed=1, passed=1)
    text = str(result.stdout)
    assert re.search(r"note: the test hangs in its filesystem: thread \d+ waits in", text)
    assert re.search(r"daemon \d+ of .*/mnt, thread \d+", text)
    assert re.search(r"mkdir +/d  ", text)


def test_rule_36_stuck_in_the_mount_is_freed(suite):
    result = suite.conftest(HANGING).ini("fusetrace_on_hang = abort").write(
        STUCK).run("--timeout-method=thread")
    result.assert_outcomes(failed=1, passed=1)
    text = str(result.stdout)
    assert "was aborted (fusetrace_on_hang = abort)" in text
    assert "Software caused connection abort" in text


def test_rule_36_stuck_where_nothing_can_be_aborted(suite):
    """It is said why; the signal frees the test all the same."""
    suite.conftest(HANGING).ini("fusetrace_on_hang = abort").write(STUCK)
    result = suite.pytester.run(*WITHOUT_FUSECTL, sys.executable, "-m", "pytest", "-p",
                                "no:cacheprovider", "--timeout-method=signal", timeout=100)
    result.assert_outcomes(failed=1, passed=1)
    assert ("could not be aborted: fusectl is not mounted at /sys/fs/fuse/connections"
            in str(result.stdout))


def test_end_of_the_process_leaves_no_mount(suite):
    """The thread method ends it at once; what hangs is told before, the mount goes behind."""
    result = suite.conftest(HANGING).write(STUCK).run("--timeout-method=thread")
    assert "+ Timeout +" in str(result.stderr) + str(result.stdout)
    assert "1 failed" not in str(result.stdout)  # it never came to a summary
    assert "fusetrace: test_it.py::test_stuck: the test hangs in its filesystem" in \
        str(result.stderr)

    from test_plugin_parallel import wait_until_unmounted

    assert wait_until_unmounted(suite.path, 20)


# ---- event loops ----


def test_asyncio(suite):
    suite.ini("asyncio_mode = strict").write("""
        import asyncio
        import pytest
        from fusetrace import OperationTimeout

        @pytest.mark.asyncio
        async def test_block(mounted_fs_with_trace):
            process, mountpoint, branches, trace_monitor = mounted_fs_with_trace
            async with trace_monitor.expect("mkdir", path="/d") as expected:
                await asyncio.to_thread((mountpoint / "d").mkdir)
            assert expected.operation.path == "/d"

        @pytest.mark.asyncio
        async def test_await(trace_monitor, mountpoint):
            expected = trace_monitor.expect("mkdir")
            asyncio.get_running_loop().call_soon((mountpoint / "d").mkdir)
            assert (await expected).path == "/d"

        @pytest.mark.asyncio
        async def test_timeout(trace_monitor):
            with pytest.raises(OperationTimeout):
                await trace_monitor.expect("mkdir", timeout=0.01)

        @pytest.mark.asyncio
        async def test_cancelled(trace_monitor):
            waiting = asyncio.ensure_future(trace_monitor.expect("mkdir")._wait_async())
            await asyncio.sleep(0)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting

        def test_plain(mounted_fs, smart_wait):
            (mounted_fs.mountpoint / "a").write_text("hello")
            assert smart_wait.wait_for_write_complete(mounted_fs.mountpoint / "a")
    """).passes(5)


def test_asyncio_forgotten_await(suite):
    result = suite.write("""
        import pytest

        @pytest.mark.asyncio
        async def test_it(trace_monitor):
            trace_monitor.expect("mkdir")
    """).run()
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["the expectation made at *test_it.py:5 was never waited for*"])


def test_trio(suite):
    suite.write("""
        import trio

        def test_it(mounted_fs_with_trace):
            process, mountpoint, branches, trace_monitor = mounted_fs_with_trace

            async def main():
                async with trace_monitor.expect("mkdir", path="/d") as expected:
                    await trio.to_thread.run_sync((mountpoint / "d").mkdir)
                assert expected.operation.path == "/d"
                with trio.move_on_after(0.01):
                    await trace_monitor.expect("rmdir")

            trio.run(main)
    """).passes()


# ---- debuggers ----


def test_mount_stays_during_the_debugger(suite):
    suite.write("""
        def test_it(mounted_fs_with_trace):
            mountpoint = mounted_fs_with_trace.mountpoint
            (mountpoint / "a").write_text("hello")
            assert False
    """)
    typed = (b"p ('mounted', mountpoint.is_mount(), (mountpoint / 'a').read_text())\n"
             b"p ('seen', mounted_fs_with_trace.trace_monitor.get_operation_count('create'))\n"
             b"q\n")
    result = suite.pytester.run(sys.executable, "-m", "pytest", "--pdb", "-p", "no:cacheprovider",
                                stdin=typed, timeout=60)
    result.stdout.fnmatch_lines(["*('mounted', True, 'hello')*", "*('seen', 1)*"])
    result.stdout.fnmatch_lines(["*1 failed*"])


def test_breakpoint_lifts_the_limit(suite):
    """From there on a person decides how long it takes."""
    suite.write("""
        import pytest
        from fusetrace import timeouts

        @pytest.mark.timeout(30)
        def test_it(mounted_fs, pytestconfig):
            assert timeouts.settings.limit is not None
            pytestconfig.hook.pytest_enter_pdb(config=pytestconfig, pdb=None)
            assert timeouts.settings.limit is None
    """).passes()


# ---- without ----


@pytest.mark.parametrize("options", [
    ["-p", "no:cacheprovider"], ["-p", "no:logging"], ["-p", "no:terminal"], ["-p", "no:xdist"],
    ["-p", "no:timeout"], ["-p", "no:asyncio"], ["-p", "no:rerunfailures"],
    ["-p", "no:faulthandler"], ["-p", "no:junitxml"], ["-s"], ["--capture=sys"],
    ["--import-mode=importlib"], ["-W", "error", "-p", "no:asyncio"], ["--show-capture=no"],
    ["--tb=no"],
])
def test_without_other_plugins(suite, options):
    result = suite.write("""
        def test_good(mounted_fs_with_trace, smart_wait):
            (mounted_fs_with_trace.mountpoint / "a").write_text("hello")
            assert smart_wait.wait_for_write_complete(mounted_fs_with_trace.mountpoint / "a")

        def test_vain(trace_monitor):
            trace_monitor.wait_for_operation("mkdir", timeout=0.01)
            assert False
    """).run("--fusetrace=on", "--fusetrace-summary", *options)
    assert result.ret == 1
    if "no:terminal" not in options:
        result.assert_outcomes(passed=1, failed=1)
    assert "INTERNALERROR" not in str(result.stdout) + str(result.stderr)


def test_without_us(suite):
    suite.write("def test_it(): pass").passes(1, "-p", "no:fusetrace")
