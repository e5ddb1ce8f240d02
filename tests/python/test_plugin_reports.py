# SPDX-License-Identifier: MIT
"""What a test's report says of its mounts and waits, and what all tests come to."""

import json
import re

import pytest

from fusetrace.pytest_plugin.artifacts import directory_name
from fusetrace.pytest_plugin.reports import plain

pytestmark = pytest.mark.needs_fuse


def sections(result):
    """The lines of each section of the output, by the text of its rule."""
    found, name = {}, ""
    for line in result.outlines:
        rule = re.fullmatch(r"[-=_!]+ (.+) [-=_!]+", line)
        if rule:
            name = rule[1]
        found.setdefault(name, []).append(line)
    return {name: "\n".join(lines) for name, lines in found.items()}


# ---- failures ----


def test_failure_shows_operations_and_the_daemon(suite):
    result = suite.write(r"""
        import os

        def test_it(mounted_fs_with_trace):
            process, mountpoint, branches, trace_monitor = mounted_fs_with_trace
            (mountpoint / "evil\x1b[2J\nname").write_text("hello")
            assert trace_monitor.wait_for_operation("mkdir", timeout=0.01)
    """).run()
    result.assert_outcomes(failed=1)
    text = sections(result)["fusetrace"]
    assert "wait in vain 1: no mkdir within" in text
    assert re.search(r"/mnt \(daemon \d+, source kernel, mounted\)", text)
    assert re.search(r"last operations:\n(?s:.)*create +/evil\\x1b\[2J\\nname  ok", text)
    assert "in flight:" not in text
    assert "\x1b[2J" not in str(result.stdout)


def test_report_is_told_once(suite):
    suite.write("""
        def test_it(trace_monitor, mountpoint):
            (mountpoint / "a").write_text("hello")
            assert trace_monitor.wait_for_operation("mkdir", timeout=0.01)
    """)
    result = suite.run()
    assert str(result.stdout).count("verdict :") == 1
    assert "(its report is above, in what was captured)" in sections(result)["fusetrace"]
    result = suite.run("-p", "no:logging")
    assert str(result.stdout).count("verdict :") == 1
    result = suite.run("-p", "no:logging", "-s")
    assert "verdict : never started" in sections(result)["fusetrace"]


def test_failure_shows_at_most_twenty_operations(suite):
    result = suite.write("""
        def test_it(mounted_fs_with_trace):
            for number in range(40):
                (mounted_fs_with_trace.mountpoint / f"d{number}").mkdir()
            assert False
    """).run()
    text = sections(result)["fusetrace"]
    assert 15 <= len(re.findall(r"^ +[+-]\d", text, re.M)) <= 20
    assert "/d39" in text and "/d5 " not in text


def test_failure_shows_what_is_in_flight_and_what_the_daemon_printed(suite):
    result = suite.conftest("""
        import pytest

        @pytest.fixture(scope="session")
        def fusetrace_mount_options():
            return {"options": ["hang=mkdir", "trace"]}
    """).write("""
        import threading

        def test_it(mounted_fs_with_trace):
            process, mountpoint, branches, trace_monitor = mounted_fs_with_trace

            def make():
                try:
                    (mountpoint / "d").mkdir()
                except OSError:
                    pass

            threading.Thread(target=make, daemon=True).start()
            expectation = trace_monitor.expect("mkdir", include_in_flight=True, timeout=0.2)
            expectation.wait()
    """).run()
    result.assert_outcomes(failed=1)
    text = sections(result)["fusetrace"]
    assert re.search(r"in flight:\n.*mkdir +/d  in flight", text)
    assert re.search(r'the daemon.s last lines:\n(?s:.)*"getattr","path":"/d"', text)


def test_failure_of_a_mount_without_trace(suite):
    result = suite.write("""
        def test_it(mounted_fs, smart_wait):
            assert smart_wait.wait_for_file_visible(mounted_fs.mountpoint / "a", timeout=0.01)
    """).run()
    text = sections(result)["fusetrace"]
    assert re.search(r"/mnt \(daemon \d+, not traced\)", text)
    assert "wait in vain 1: in vain: waited until a file is visible" in text


def test_failure_in_a_with_block_of_the_manager(suite):
    """The mount is gone when the report is made."""
    result = suite.write("""
        from dataclasses import replace

        def test_it(fuse_manager, fuse_config):
            with fuse_manager.mounted_fs(replace(fuse_config, enable_trace=True)) as mount:
                (mount.mountpoint / "d").mkdir()
                assert False
    """).run()
    text = sections(result)["fusetrace"]
    assert re.search(r"last operations:\n(?s:.)*mkdir +/d  ok", text)


def test_failure_in_setup(suite):
    result = suite.write("""
        import pytest

        @pytest.fixture
        def broken(mounted_fs_with_trace):
            (mounted_fs_with_trace.mountpoint / "d").mkdir()
            raise OSError("no")

        def test_it(broken): pass
    """).run()
    result.assert_outcomes(errors=1)
    assert re.search(r"mkdir +/d  ok", sections(result)["fusetrace"])


def test_ignored_operations(suite):
    result = suite.ini("fusetrace_ignore =", "    mkdir", "    init").write("""
        def test_it(mounted_fs_with_trace):
            (mounted_fs_with_trace.mountpoint / "d").mkdir()
            (mounted_fs_with_trace.mountpoint / "a").write_text("hello")
            assert False
    """).run("--fusetrace-summary")
    assert "create" in sections(result)["fusetrace"]
    assert "mkdir" not in str(result.stdout).partition("last operations")[2].replace(").mkdir", "")


def test_diagnoses_of_others(suite):
    suite.conftest(r"""
        def pytest_fusetrace_diagnose(report):
            return [f"the verdict was {report.verdict}", "and \x1b[31mred"]
    """).write("""
        import pytest

        @pytest.fixture(autouse=True)
        def write(mountpoint):
            (mountpoint / "a").write_text("hello")

        def test_returns(trace_monitor):
            assert trace_monitor.wait_for_operation("mkdir", timeout=0.01)

        def test_raises(trace_monitor, mountpoint):
            with trace_monitor.expect("mkdir", timeout=0.01):
                (mountpoint / "b").write_text("hello")
    """)
    result = suite.run()
    result.assert_outcomes(failed=2)
    text = str(result.stdout)
    assert text.count("  the verdict was never started") == 2
    assert "and \\x1b[31mred" in text


def test_diagnosis_that_fails(suite):
    result = suite.conftest("""
        def pytest_fusetrace_diagnose(report):
            return 1 / 0
    """).write("""
        def test_it(trace_monitor):
            assert trace_monitor.wait_for_operation("mkdir", timeout=0.01)
    """).run()
    assert "pytest_fusetrace_diagnose failed: ZeroDivisionError" in sections(result)["fusetrace"]


# ---- waits in vain of tests that pass ----


def test_wait_in_vain_never_passes_unseen(suite):
    suite.write("""
        import threading

        def test_traced(trace_monitor, mountpoint):
            (mountpoint / "a").write_text("hello")
            trace_monitor.wait_for_operation("mkdir", timeout=0.01, label="the index")
            thread = threading.Thread(target=trace_monitor.wait_for_operations,
                                      args=(["rmdir"], 0.01))
            thread.start()
            thread.join()

        def test_without(mounted_fs, smart_wait):
            smart_wait.wait_for_dir_visible(mounted_fs.mountpoint / "d", timeout=0.01)

        def test_fine(mounted_fs, smart_wait):
            assert smart_wait.wait_for_dir_visible(mounted_fs.mountpoint)
    """)
    result = suite.passes(3)
    result.stdout.fnmatch_lines([
        "waits in vain: 3 in 2 tests",
        "  test_it.py::test_traced (passed): 2",
        "    the index: no mkdir within*",
        "    no rmdir within*",
        "  test_it.py::test_without (passed): 1",
    ])
    result = suite.passes(3, "-rP")
    assert "wait in vain 1: the index: mkdir" in sections(result)["fusetrace"] \
        or "wait in vain" in str(result.stdout)
    result = suite.passes(3, "-o", "verbosity_fusetrace=1")
    result.stdout.fnmatch_lines(["*verdict : never started*"])


def test_own_monitor_of_a_test_is_heard(suite):
    suite.write("""
        from fusetrace import FuseTraceMonitor

        def test_it(mounted_fs):
            with FuseTraceMonitor(mounted_fs.mountpoint) as monitor:
                monitor.wait_for_operation("mkdir", timeout=0.01)
    """)
    suite.passes(1).stdout.fnmatch_lines(["waits in vain: 1 in 1 test"])


def test_default_raising(suite):
    result = suite.ini("fusetrace_default_raising = true").write("""
        import pytest
        from fusetrace import DaemonDied, OperationTimeout

        def test_wait(trace_monitor, mountpoint):
            (mountpoint / "a").write_text("hello")
            with pytest.raises(OperationTimeout, match="never started"):
                trace_monitor.wait_for_operation("mkdir", timeout=0.01)

        def test_smart(mounted_fs, smart_wait):
            with pytest.raises(OperationTimeout, match="in vain"):
                smart_wait.wait_for_file_visible(mounted_fs.mountpoint / "a", timeout=0.01)

        def test_cause(mounted_fs_with_trace):
            mounted_fs_with_trace.process.kill()
            with pytest.raises(DaemonDied):
                mounted_fs_with_trace.trace_monitor.wait_for_operation("mkdir")

        def test_fails(mounted_fs, smart_wait):
            smart_wait.wait_for_file_visible(mounted_fs.mountpoint / "a", timeout=0.01)
    """).run()
    result.assert_outcomes(passed=3, failed=1)
    result.stdout.fnmatch_lines(["E *OperationTimeout: in vain: waited until*",
                                 "test_it.py:*: OperationTimeout"])


# ---- suites with fixtures of their own ----


OWN = """
    import pytest
    from fusetrace import FuseConfig, FuseManager

    @pytest.fixture
    def mounted(tmp_path):
        with FuseManager() as manager:
            config = FuseConfig(branches=manager.create_temp_dirs(2), enable_trace=True)
            with manager.mounted_fs(config) as mount:
                yield mount
"""


def test_mount_of_an_own_fixture_is_reported(suite):
    result = suite.conftest(OWN).write("""
        def test_bad(mounted):
            (mounted.mountpoint / "d").mkdir()
            assert mounted.trace_monitor.wait_for_operation("rmdir", timeout=0.01)

        def test_vain(mounted):
            mounted.trace_monitor.wait_for_operation("rmdir", timeout=0.01)

        def test_unawaited(mounted):
            mounted.trace_monitor.expect("rmdir")
    """).run()
    result.assert_outcomes(passed=2, failed=1, errors=1)
    text = sections(result)["fusetrace"]
    assert "waits in vain: 2 in 2 tests" in text
    assert re.search(r"last operations:\n(?s:.)*mkdir +/d  ok", str(result.stdout))
    result.stdout.fnmatch_lines(["*test_it.py:9 was never waited for*"])


# ---- expectations that nobody waited for ----


def test_expectation_never_awaited_is_an_error(suite):
    result = suite.write("""
        def test_it(trace_monitor):
            trace_monitor.expect("mkdir")  # line 2
    """).run()
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["the expectation made at *test_it.py:2 was never waited for*"])


def test_expectation_never_awaited_adds_to_a_failure(suite):
    result = suite.write("""
        def test_it(trace_monitor):
            trace_monitor.expect("mkdir")
            assert not "the failure"
    """).run()
    result.assert_outcomes(failed=1)
    assert "test_it.py:2 was never waited for" in sections(result)["fusetrace teardown"]
    assert "the failure" in str(result.stdout)


def test_expectations_that_were_awaited_or_given_up(suite):
    suite.write("""
        import pytest

        def test_it(trace_monitor, mountpoint):
            with trace_monitor.expect("mkdir"):
                (mountpoint / "d").mkdir()
            trace_monitor.expect("mkdir").cancel()
            with pytest.raises(KeyError):
                with trace_monitor.expect("mkdir"):
                    raise KeyError
            with pytest.raises(TimeoutError):
                trace_monitor.expect("mkdir", timeout=0.01).wait()
    """).passes()


# ---- files ----


TRACED = """
    def test_good(mounted_fs_with_trace):
        (mounted_fs_with_trace.mountpoint / "d").mkdir()

    def test_bad(mounted_fs_with_trace):
        (mounted_fs_with_trace.mountpoint / "d").mkdir()
        assert False
"""


@pytest.mark.parametrize("choice, kept", [
    ([], []),
    (["--fusetrace-trace=off"], []),
    (["--fusetrace-trace=retain-on-failure"], ["bad"]),
    (["--fusetrace-trace=on"], ["bad", "good"]),
    (["-o", "fusetrace_trace=on"], ["bad", "good"]),
    (["-o", "fusetrace_trace=on", "--fusetrace-trace=retain-on-failure"], ["bad"]),
])
def test_traces_are_kept(suite, choice, kept):
    from fusetrace import Monitor

    result = suite.write(TRACED).run(*choice)
    result.assert_outcomes(passed=1, failed=1)
    paths = sorted(suite.path.glob("test-results/*/trace.jsonl"))
    assert [path.parent.name for path in paths] == [f"test_it.py-test_{name}" for name in kept]
    for path in paths:
        names = [one.operation for one in Monitor.replay(path).completed_operations]
        assert "mkdir" in names and "init" in names
    if kept:
        text = sections(result)["fusetrace"]
        assert "trace: test-results/test_it.py-test_bad/trace.jsonl" in text


def test_traces_go_where_one_wants(suite):
    suite.write("""
        def test_two(fusetrace_mount_factory):
            fusetrace_mount_factory(enable_trace=True)
            fusetrace_mount_factory(enable_trace=True)
    """).passes(1, "--fusetrace-trace=on", "--fusetrace-output=out/here")
    found = sorted(path.name for path in suite.path.glob("out/here/test_it.py-test_two/*"))
    assert found == ["trace-2.jsonl", "trace.jsonl"]


def test_trace_that_cannot_be_written(suite):
    suite.path.joinpath("file").write_text("")
    result = suite.write(TRACED).run("--fusetrace-trace=on", "--fusetrace-output=file/x")
    result.assert_outcomes(passed=1, failed=1)
    assert re.search("trace: .* cannot be written: .*Not a directory", str(result.stdout))


def test_names_of_directories():
    assert directory_name("a/test_b.py::TestC::test_d") == "a-test_b.py-TestC-test_d"
    names = [directory_name(f"test_a.py::test_b[{text}]")
             for text in ("x/y", "x-y", "x y", "../..", "\x1b", "é", "e", "a" * 300, "a" * 301)]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[A-Za-z0-9._-]{1,140}", name) for name in names)
    assert directory_name("test_a.py::test_b", 2) == "test_a.py-test_b-attempt2"


# ---- the table ----


@pytest.mark.parametrize("way", ["environment", "option", "ini"])
def test_summary(suite, monkeypatch, way):
    if way == "environment":
        monkeypatch.setenv("FUSE_TRACE_SUMMARY", "1")
    options = {"option": ["--fusetrace-summary"], "ini": ["-o", "fusetrace_summary=true"]}
    result = suite.write("""
        def test_a(mounted_fs):
            (mounted_fs.mountpoint / "a").mkdir()

        def test_b(mounted_fs):
            (mounted_fs.mountpoint / "b").mkdir()
            try:
                (mounted_fs.mountpoint / "no").rmdir()
            except FileNotFoundError:
                pass
    """).passes(2, "--fusetrace=on", *options.get(way, []))
    text = sections(result)["fusetrace"]
    assert re.search(r"^OP +COUNT +FAILED +P50 +P95 +MAX +SLOWEST$", text, re.M)
    assert re.search(r"^mkdir +2 +- .*s  /[ab]$", text, re.M)
    assert "operations of 2 traced mounts" in text


def test_summary_of_few_rows(suite):
    result = suite.write("""
        def test_it(mounted_fs_with_trace):
            (mounted_fs_with_trace.mountpoint / "d").mkdir()
            (mounted_fs_with_trace.mountpoint / "e").mkdir()
    """).passes(1, "--fusetrace-summary=2")
    rows = sections(result)["fusetrace"].splitlines()
    rows = rows[rows.index("operations of 1 traced mount") + 1:]
    assert [row.split()[0] for row in rows[:3]] == ["OP", "lookup", "mkdir"]
    assert re.fullmatch(r"\.\.\. \d more rows?", rows[3])
    assert re.fullmatch(r"\d operations, 0 failed, 2 probes", rows[4]) and len(rows) == 5


def test_summary_on_unmount(suite):
    result = suite.write(TRACED).run("-rP", "--fusetrace-summary")
    assert len(re.findall(r"^mkdir +1 ", str(result.stdout), re.M)) >= 2
    assert len(re.findall(r"^mkdir +2 ", str(result.stdout), re.M)) == 1


def test_summary_of_nothing(suite, monkeypatch):
    monkeypatch.setenv("FUSE_TRACE_SUMMARY", "1")
    result = suite.write("def test_it(mounted_fs): pass").passes()
    result.stdout.fnmatch_lines(["no mount was traced: FUSE_TRACE=1 or --fusetrace=on traces all"])
    monkeypatch.setenv("FUSE_TRACE_SUMMARY", "0")
    assert "no mount was traced" not in str(suite.passes().stdout)


def test_json(suite):
    suite.write("""
        def test_good(trace_monitor, mountpoint):
            (mountpoint / "d").mkdir()
            trace_monitor.wait_for_operation("rmdir", timeout=0.01)

        def test_bad(mounted_fs): assert False

        def test_other(): pass
    """).run("--fusetrace-json=out/all.json")
    found = json.loads((suite.path / "out/all.json").read_text())
    good, bad = found["tests"]
    assert found["version"] == 1
    assert good["nodeid"] == "test_it.py::test_good" and good["outcome"] == "passed"
    assert good["mounts"] == 1 and good["lost_events"] == 0
    assert good["waits_in_vain"][0]["verdict"] == "never started"
    assert good["waits_in_vain"][0]["report"]["counts"]
    assert bad["outcome"] == "failed" and bad["waits_in_vain"] == []
    assert [row["count"] for row in found["summary"]["rows"] if row["operation"] == "mkdir"] == [1]


def test_junit(suite):
    suite.write("""
        def test_it(trace_monitor, mountpoint):
            (mountpoint / "a").write_text("hello")
            assert trace_monitor.wait_for_operation("rmdir", timeout=0.01)
    """).run("--junitxml=junit.xml")
    text = (suite.path / "junit.xml").read_text()
    assert '<property name="fusetrace_waits_in_vain" value="1"' in text
    assert '<property name="fusetrace_verdict" value="never started"' in text


# ---- assertions, texts ----


def test_operations_that_differ(suite):
    result = suite.write("""
        def test_it(trace_monitor, mountpoint):
            (mountpoint / "a").mkdir()
            (mountpoint / "b").mkdir()
            one, other = [op for op in trace_monitor.completed_operations
                          if op.operation == "mkdir"]
            assert one == other
    """).run()
    result.stdout.fnmatch_lines(["E*#* mkdir /a completed*", "E*path: '/a' != '/b'", "E*seq: *"])


def test_texts_without_control_characters():
    assert plain("a\x1b[2Jb\n  c\\d\x00 é\u202e") == "a\\x1b[2Jb\n  c\\d\\x00 é\\u{202e}"
    assert plain("\udc80") == "\\x80"
