# SPDX-License-Identifier: MIT
"""Several processes of tests, and tests that are run again: pytest-xdist, pytest-rerunfailures."""

import json
import re
import select
import time

import pytest

from conftest import mounts_below

pytestmark = pytest.mark.needs_fuse

MANY = """
    import os
    import pytest

    @pytest.mark.parametrize("number", range(8))
    def test_one(mounted_fs_with_trace, smart_wait, number):
        process, mountpoint, branches, trace_monitor = mounted_fs_with_trace
        (mountpoint / "a").write_text("hello")
        assert smart_wait.wait_for_write_complete(mountpoint / "a")
        (mountpoint / "d").mkdir()
        assert trace_monitor.get_operation_count("mkdir") == 1
        assert os.environ["PYTEST_XDIST_WORKER"] in ("gw0", "gw1")
"""


@pytest.mark.parametrize("distribution", ["load", "loadgroup", "worksteal"])
def test_two_workers(suite, distribution):
    suite.write(MANY)
    result = suite.passes(8, "-n2", "--dist", distribution, "--fusetrace-summary",
                          "--fusetrace-json=all.json")
    assert re.search(r"^mkdir +8 +-", str(result.stdout), re.M)
    result.stdout.fnmatch_lines(["operations of 8 traced mounts"])
    found = json.loads((suite.path / "all.json").read_text())
    assert len(found["tests"]) == 8 and sum(one["mounts"] for one in found["tests"]) == 8


def test_reports_cross_processes(suite):
    suite.write("""
        def test_bad(mounted_fs_with_trace):
            (mounted_fs_with_trace.mountpoint / "evil\\x1b[2J").mkdir()
            assert mounted_fs_with_trace.trace_monitor.wait_for_operation("rmdir", timeout=0.01)

        def test_vain(mounted_fs, smart_wait):
            smart_wait.wait_for_file_visible(mounted_fs.mountpoint / "a", timeout=0.01)

        def test_unawaited(trace_monitor):
            trace_monitor.expect("mkdir")
    """)
    result = suite.run("-n2", "--junitxml=junit.xml", "--fusetrace-trace=retain-on-failure",
                       "--fusetrace-json=all.json")
    result.assert_outcomes(passed=2, failed=1, errors=1)
    result.stdout.fnmatch_lines(["*- fusetrace -*", "wait in vain 1: no rmdir within*",
                                 "trace: test-results/test_it.py-test_bad/trace.jsonl*"])
    result.stdout.fnmatch_lines(["waits in vain: 2 in 2 tests"])
    result.stdout.fnmatch_lines(["the expectation made at *test_it.py:9 was never waited for*"])
    assert "\x1b[2J" not in str(result.stdout)
    assert 'name="fusetrace_waits_in_vain" value="1"' in (suite.path / "junit.xml").read_text()
    assert (suite.path / "test-results/test_it.py-test_bad/trace.jsonl").exists()
    tests = {one["nodeid"]: one
             for one in json.loads((suite.path / "all.json").read_text())["tests"]}
    assert tests["test_it.py::test_bad"]["waits_in_vain"][0]["report"]["counts"]["mkdir"] == 1


def test_settings_reach_the_workers(suite, monkeypatch):
    monkeypatch.setenv("FUSE_TRACE", "1")
    suite.ini("fusetrace_timeout = 0.5").write("""
        from fusetrace import timeouts

        def test_one(mounted_fs):
            assert mounted_fs.trace_monitor is not None
            assert timeouts.scale() == 3 and timeouts.settings.default == 0.5
    """).passes(1, "-n1", "--fusetrace-timeout-scale=3")


def test_flag_that_makes_no_sense_under_xdist(suite, monkeypatch):
    monkeypatch.setenv("FUSE_TRACE", "maybe")
    result = suite.write("def test_one(): pass").run("-n1")
    assert result.ret == pytest.ExitCode.USAGE_ERROR


def wait_until_unmounted(directory, seconds):
    """By the event that the kernel gives for a change of the mounts."""
    end = time.monotonic() + seconds
    with open("/proc/self/mountinfo", "rb") as file:
        poll = select.poll()
        poll.register(file, select.POLLPRI)
        while mounts_below(directory) and time.monotonic() < end:
            poll.poll(1000 * max(0, end - time.monotonic()))
            file.read()
    return not mounts_below(directory)


CRASHING = """
    import os
    import signal

    def test_fine(mounted_fs): pass

    def test_crash(mounted_fs_with_trace):
        with open(os.environ["PID_FILE"], "w") as file:
            file.write(str(mounted_fs_with_trace.process.pid))
        {end}

    def test_after(mounted_fs): pass
"""


@pytest.mark.parametrize("end", ["os.kill(os.getpid(), signal.SIGKILL)", "os._exit(3)",
                                 "os.abort()"])
def test_worker_that_crashes(suite, monkeypatch, end):
    monkeypatch.setenv("PID_FILE", str(suite.path / "pid"))
    result = suite.write(CRASHING.format(end=end)).run("-n1")
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["*worker 'gw0' crashed while running 'test_it.py::test_crash'*"])
    assert wait_until_unmounted(suite.path, 20)
    assert_ends(int((suite.path / "pid").read_text()))


def assert_ends(pid):
    import os

    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    assert poll.poll(20000), f"the daemon {pid} still runs"


def test_process_that_crashes(suite, monkeypatch):
    monkeypatch.setenv("PID_FILE", str(suite.path / "pid"))
    suite.write(CRASHING.format(end="os.kill(os.getpid(), signal.SIGKILL)")).run()
    assert wait_until_unmounted(suite.path, 20)
    assert_ends(int((suite.path / "pid").read_text()))


# ---- again ----


def test_each_attempt_has_its_files_and_its_reports(suite):
    suite.write("""
        attempts = []

        def test_it(mounted_fs_with_trace):
            attempts.append(mounted_fs_with_trace.mountpoint)
            (mounted_fs_with_trace.mountpoint / f"d{len(attempts)}").mkdir()
            assert mounted_fs_with_trace.trace_monitor.get_operation_count("mkdir") == 1
            if len(attempts) < 3:
                mounted_fs_with_trace.trace_monitor.wait_for_operation("rmdir", timeout=0.01)
            assert len(attempts) == 3
    """)
    result = suite.run("--reruns=2", "--fusetrace-trace=retain-on-failure",
                       "--fusetrace-json=all.json")
    result.stdout.fnmatch_lines(["*1 passed, 2 rerun*"])
    found = sorted(path.name for path in suite.path.glob("test-results/*"))
    assert found == ["test_it.py-test_it", "test_it.py-test_it-attempt2"]
    (test,) = json.loads((suite.path / "all.json").read_text())["tests"]
    assert test["outcome"] == "passed" and test["attempts"] == 3
    assert len(test["waits_in_vain"]) == 2 and test["mounts"] == 3


def test_again_in_workers(suite):
    result = suite.write("""
        import os

        def test_it(mounted_fs, tmp_path_factory):
            marker = tmp_path_factory.getbasetemp() / "was_here"
            assert marker.exists() or marker.write_text("") is None and False
    """).run("-n2", "--reruns=1")
    result.stdout.fnmatch_lines(["*1 passed, 1 rerun*"])


def test_fork_of_a_worker(suite):
    """The child of a worker may neither use its monitor nor take its mount away."""
    suite.write("""
        import os
        import pytest
        from fusetrace import FuseTraceError

        @pytest.mark.parametrize("turn", range(4))
        def test_it(mounted_fs_with_trace, fuse_manager, smart_wait, turn):
            mountpoint, monitor = mounted_fs_with_trace[1], mounted_fs_with_trace[3]
            child = os.fork()
            if child == 0:
                try:
                    with pytest.raises(FuseTraceError, match="fork"):
                        monitor.wait_for_operation("create", timeout=5)
                    assert fuse_manager.unmount(mountpoint) is False
                    fuse_manager.cleanup()
                    monitor.stop_capture()
                except BaseException:
                    os._exit(1)
                os._exit(0)
            assert os.waitpid(child, 0)[1] == 0
            (mountpoint / "a").touch()
            assert smart_wait.wait_for_write_complete(mountpoint / "a")
    """).passes(4, "-n", "2")
