# SPDX-License-Identifier: MIT
"""Machines that cannot mount, packages that are incomplete, suites with a `lib` of their own, and
what goes on in a process that runs."""

import pytest

from fusetrace.pytest_plugin import requirements

# ---- what is missing ----

USING = """
    import pytest

    @pytest.mark.needs_fuse
    def test_marked(): pass

    def test_mounted(mounted_fs): pass
    def test_traced(mounted_fs_with_trace, smart_wait): pass
    def test_manager(fuse_manager): pass
    def test_factory(fusetrace_mount_factory): pass
    def test_directories(temp_branches, temp_mountpoint): pass
    def test_other(): pass
"""


def test_without_the_device(suite):
    suite.conftest("""
        from fusetrace import mounts
        mounts.DEVICE = "/nonexistent/fuse"
    """).write(USING)
    result = suite.run("-rs")
    result.assert_outcomes(skipped=5, passed=2)
    result.stdout.fnmatch_lines(["SKIPPED*needs FUSE: there is no /nonexistent/fuse: modprobe*"])


def test_device_that_cannot_be_opened(suite):
    suite.conftest("""
        from fusetrace import mounts
        mounts.DEVICE = "/proc/self/mem/no"
    """).write(USING)
    result = suite.run("-rs")
    result.assert_outcomes(skipped=5, passed=2)
    result.stdout.fnmatch_lines(["SKIPPED*needs FUSE: /proc/self/mem/no cannot be opened: *"])


def test_without_the_extension(suite):
    suite.conftest("""
        import sys
        sys.modules["fusetrace._core"] = None
    """).write(USING)
    result = suite.run("-rs", "-v", "--fusetrace=on", "--fusetrace-summary",
                       "--fusetrace-json=all.json")
    result.assert_outcomes(skipped=5, passed=2)
    result.stdout.fnmatch_lines(["SKIPPED*the extension of fusetrace cannot be loaded*"])


@pytest.mark.parametrize("mode, found, text", [
    (0o4755, True, None),
    (0o755, True, "has no set-user-id bit of root, and you are not root"),
    (0, False, "you are not root, and there is no fusermount3"),
])
def test_helper_of_those_who_are_not_root(monkeypatch, tmp_path, mode, found, text):
    if found:
        (tmp_path / "fusermount3").write_text("#!/bin/sh\n")
        (tmp_path / "fusermount3").chmod(mode)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    reason = requirements._missing_helper()
    assert reason is None if text is None else text in reason


# ---- lib ----

IMPORTING = """
    from lib.fuse_manager import FileSystemState, FuseConfig, FuseManager
    from lib.simple_trace import SimpleTraceMonitor, SimpleWaitHelper
    from lib.timing_utils import FuseTraceMonitor, OperationStatus, SmartWaitHelper
    import fusetrace

    def test_names():
        assert FuseTraceMonitor is fusetrace.FuseTraceMonitor
        assert FuseManager is fusetrace.FuseManager
"""


def test_lib_when_asked_for(suite):
    suite.ini("fusetrace_lib_compat = true").conftest("import lib.timing_utils").write(IMPORTING)
    suite.passes(1)
    suite.passes(1, "-n1")


def test_no_lib_without_being_asked(suite):
    result = suite.write(IMPORTING).run()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*ModuleNotFoundError: No module named 'lib'*"])


OWN = "WHOSE = 'the project'"


@pytest.mark.parametrize("options", [[], ["--import-mode=append"]])
def test_lib_of_the_project_wins(suite, options):
    suite.pytester.mkpydir("lib").joinpath("timing_utils.py").write_text(OWN)
    suite.ini("fusetrace_lib_compat = true", "pythonpath = .").write("""
        from lib.timing_utils import WHOSE

        def test_own():
            assert WHOSE == "the project"
    """).passes(1, *options)


def test_lib_that_is_there_already(suite, monkeypatch):
    suite.pytester.mkpydir("lib").joinpath("timing_utils.py").write_text(OWN)
    suite.path.joinpath("early.py").write_text("import lib.timing_utils")
    monkeypatch.setenv("PYTHONPATH", str(suite.path))
    suite.ini("fusetrace_lib_compat = true").write("""
        from lib.timing_utils import WHOSE

        def test_own(): pass
    """)
    result = suite.passes(1, "-p", "early")
    result.stdout.fnmatch_lines([
        "*PytestConfigWarning: fusetrace_lib_compat: a package 'lib' has been imported already, "
        "from */lib/__init__.py: its modules are used, not those of fusetrace*"])


# ---- a process that runs ----


@pytest.mark.needs_fuse
def test_live(suite):
    suite.conftest("""
        import pytest

        @pytest.fixture(scope="session")
        def fusetrace_mount_options():
            return {"options": ["hang=mkdir"]}
    """).write("""
        import contextlib
        import os
        import signal
        import threading

        def waiting_here(trace_monitor):
            os.kill(os.getpid(), signal.SIGUSR1)

        def test_it(mounted_fs_with_trace, trace_monitor):
            def make():
                with contextlib.suppress(OSError):
                    (mounted_fs_with_trace.mountpoint / "d").mkdir()

            thread = threading.Thread(target=make, name="maker", daemon=True)
            with contextlib.suppress(TimeoutError):
                with trace_monitor.expect("mkdir", timeout=0.2):
                    thread.start()
            waiting_here(trace_monitor)
    """)
    result = suite.passes(1, "--fusetrace-live")
    lines = [line.strip() for line in result.errlines]
    assert any(line.startswith("---- fusetrace: process ") for line in lines)
    assert "test_it.py::test_it" in lines
    assert any("mkdir" in line and "/d  in flight" in line for line in lines)
    assert "thread maker:" in lines
    assert any(line.endswith("waiting_here") for line in lines)


def test_signal_is_nobodys_without_being_asked(suite):
    suite.write("""
        import signal

        def test_it():
            assert signal.getsignal(signal.SIGUSR1) == signal.SIG_DFL
    """).passes()
