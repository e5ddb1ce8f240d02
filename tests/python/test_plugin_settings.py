# SPDX-License-Identifier: MIT
"""Options, ini keys, environment and marks: who wins, and what is refused."""

import pytest

pytestmark = pytest.mark.needs_fuse

IS_TRACED = """
    def test_it(mounted_fs):
        assert (mounted_fs.trace_monitor is not None) == TRACED
"""


# ---- which mounts are traced: ini < environment < command line < mark < argument ----


@pytest.mark.parametrize("ini, environment, option, mark, is_traced", [
    (None, None, None, None, False),
    ("on", None, None, None, True),
    ("on", "0", None, None, False),
    ("off", "1", None, None, True),
    ("on", "", None, None, False),
    ("auto", "1", "--fusetrace=auto", None, False),
    (None, "0", "--fusetrace=on", None, True),
    (None, "0", "--fusetrace", None, True),
    (None, None, "--fusetrace=on", False, False),
    (None, "0", "--fusetrace=off", True, True),
])
def test_which_mounts_are_traced(suite, monkeypatch, ini, environment, option, mark, is_traced):
    if ini is not None:
        suite.ini(f"fusetrace = {ini}")
    if environment is not None:
        monkeypatch.setenv("FUSE_TRACE", environment)
    decorator = "" if mark is None else f"@pytest.mark.fusetrace(trace={mark})"
    suite.write(f"""
        import pytest

        {decorator}
        def test_it(mounted_fs):
            assert (mounted_fs.trace_monitor is not None) == {is_traced}
    """).passes(1, *([option] if option else []))


def test_argument_wins_over_the_mark(suite):
    suite.write("""
        import pytest

        pytestmark = pytest.mark.fusetrace(trace=False)

        def test_factory(fusetrace_mount_factory):
            assert fusetrace_mount_factory().trace_monitor is None
            assert fusetrace_mount_factory(enable_trace=True).trace_monitor is not None

        def test_fixture(mounted_fs_with_trace):
            assert mounted_fs_with_trace.trace_monitor is not None
    """).passes(2, "--fusetrace=on")


def test_off_skips_what_needs_a_trace(suite):
    suite.write("""
        def test_traced(mounted_fs_with_trace, smart_wait): pass
        def test_monitor(mounted_fs, trace_monitor): pass
        def test_plain(mounted_fs, smart_wait):
            assert mounted_fs.trace_monitor is None
            (mounted_fs.mountpoint / "a").write_text("hello")
            assert smart_wait.wait_for_write_complete(mounted_fs.mountpoint / "a")
    """)
    result = suite.run("--fusetrace=off", "-rs")
    result.assert_outcomes(passed=1, skipped=2)
    result.stdout.fnmatch_lines(["SKIPPED*needs a trace, and tracing is off (--fusetrace=off*"])


# ---- sources ----


@pytest.mark.parametrize("ini, environment, option, mark, source", [
    (None, None, None, None, "kernel"),
    ("log", None, None, None, "log"),
    ("log", "kernel", None, None, "kernel"),
    (None, "kernel", "--fusetrace-source=log", None, "log"),
    (None, None, "--fusetrace-source=kernel", "log", "log"),
])
def test_source(suite, monkeypatch, ini, environment, option, mark, source):
    if ini:
        suite.ini(f"fusetrace_source = {ini}")
    if environment:
        monkeypatch.setenv("FUSETRACE_SOURCE", environment)
    decorator = f"@pytest.mark.fusetrace(source={mark!r})" if mark else ""
    suite.write(f"""
        import pytest

        {decorator}
        def test_it(mounted_fs_with_trace, smart_wait):
            process, mountpoint, branches, trace_monitor = mounted_fs_with_trace
            assert trace_monitor.source == {source!r}
            (mountpoint / "a").write_text("hello")
            assert trace_monitor.wait_for_operation("create", path="/a")
            assert smart_wait.wait_for_write_complete(mountpoint / "a")
    """).passes(1, *([option] if option else []))


def test_source_as_an_argument_wins(suite):
    suite.write("""
        def test_it(fusetrace_mount_factory):
            mount = fusetrace_mount_factory(enable_trace=True, source="log")
            assert mount.trace_monitor.source == "log"
    """).passes(1, "--fusetrace-source=kernel")


# ---- timeouts ----


@pytest.mark.parametrize("ini, environment, option, mark, scale", [
    (None, None, None, None, 1),
    (2, None, None, None, 2),
    (2, "3", None, None, 3),
    (2, "3", "--fusetrace-timeout-scale=4", None, 4),
    (None, "3", "--fusetrace-timeout-scale=4", 5, 5),
])
def test_timeout_scale(suite, monkeypatch, ini, environment, option, mark, scale):
    if ini is not None:
        suite.ini(f"fusetrace_timeout_scale = {ini}")
    if environment is not None:
        monkeypatch.setenv("FUSETRACE_TIMEOUT_SCALE", environment)
    decorator = f"@pytest.mark.fusetrace(timeout_scale={mark})" if mark is not None else ""
    suite.write(f"""
        import pytest
        from fusetrace import timeouts

        {decorator}
        def test_scaled():
            assert timeouts.scale() == {scale}

        def test_without_the_mark():
            assert timeouts.scale() == {1 if mark is None and scale == 1 else 'timeouts.scale()'}
    """).passes(2, *([option] if option else []))


def test_scale_multiplies_a_timeout_of_a_call_and_ends_with_its_test(suite):
    suite.write("""
        import time
        import pytest
        from fusetrace import timeouts

        @pytest.mark.fusetrace(timeout_scale=0.1)
        def test_scaled(trace_monitor):
            begin = time.monotonic()
            assert trace_monitor.wait_for_operation("mkdir", timeout=5) is None
            assert 0.4 <= time.monotonic() - begin < 4

        def test_not_scaled():
            assert timeouts.scale() == 2
    """).passes(2, "--fusetrace-timeout-scale=2")


def test_marks_of_class_and_test_complete_each_other(suite):
    suite.write("""
        import pytest
        from fusetrace import timeouts

        @pytest.mark.fusetrace(trace=True, timeout_scale=7)
        class TestIt:
            @pytest.mark.fusetrace(timeout_scale=3)
            def test_one(self, mounted_fs):
                assert timeouts.scale() == 3 and mounted_fs.trace_monitor is not None
    """).passes()


def test_default_timeouts(suite):
    suite.ini("fusetrace_timeout = 0.25", "fusetrace_mount_timeout = 12.5").write("""
        import time
        from fusetrace import timeouts

        def test_one(trace_monitor, fuse_config):
            assert fuse_config.timeout == 12.5 and timeouts.settings.mount == 12.5
            begin = time.monotonic()
            expectation = trace_monitor.expect("mkdir")
            try:
                expectation.wait()
            except TimeoutError:
                assert 0.2 < time.monotonic() - begin < 4
            else:
                assert False
    """).passes()


# ---- what is refused ----


@pytest.mark.parametrize("name", ["FUSE_TRACE", "FUSE_TRACE_SUMMARY"])
def test_flag_that_is_neither_yes_nor_no(suite, monkeypatch, name):
    monkeypatch.setenv(name, "maybe")
    result = suite.write("def test_one(): pass").run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {name}='maybe'*1*true*yes*on*0*false*no*off*"])


@pytest.mark.parametrize("name, value, text", [
    ("FUSETRACE_SOURCE", "bpf", "ERROR: FUSETRACE_SOURCE='bpf': give one of auto, kernel, log"),
    ("FUSETRACE_TIMEOUT_SCALE", "-1", "ERROR: FUSETRACE_TIMEOUT_SCALE='-1': give a number*"),
    ("FUSETRACE_TIMEOUT_SCALE", "nan", "ERROR: FUSETRACE_TIMEOUT_SCALE='nan': give a number*"),
])
def test_environment_that_makes_no_sense(suite, monkeypatch, name, value, text):
    monkeypatch.setenv(name, value)
    result = suite.write("def test_one(): pass").run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([text])


@pytest.mark.parametrize("line, text", [
    ("fusetrace = maybe", "ERROR: ini key fusetrace = maybe: give one of auto, on, off"),
    ("fusetrace_source = bpf", "ERROR: ini key fusetrace_source = bpf: give one of auto*"),
    ("fusetrace_trace = always", "ERROR: ini key fusetrace_trace = always: give one of off*"),
    ("fusetrace_timeout = -1", "ERROR: ini key fusetrace_timeout: *must not be negative*"),
    ("fusetrace_timeout = soon", "ERROR: *could not convert*soon*"),
    ("fusetrace_timeout_scale = -2", "ERROR: ini key fusetrace_timeout_scale=*give a number*"),
    ("fusetrace_on_hang = panic", "ERROR: ini key fusetrace_on_hang = panic: give one of*"),
    ("fusetrace_default_raising = perhaps", "ERROR: *perhaps*"),
])
def test_ini_that_makes_no_sense(suite, line, text):
    result = suite.ini(line).write("def test_one(): pass").run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([text])


@pytest.mark.parametrize("option, text", [
    ("--fusetrace=maybe", "*--fusetrace: 'maybe': give one of auto, on, off*"),
    ("--fusetrace-source=bpf", "*--fusetrace-source: 'bpf': give one of auto, kernel, log*"),
    ("--fusetrace-trace=always", "*--fusetrace-trace: 'always': give one of off, on, retain*"),
    ("--fusetrace-summary=all", "*--fusetrace-summary: 'all': give a number of rows*"),
    ("--fusetrace-timeout-scale=-1", "*--fusetrace-timeout-scale='-1': give a number*"),
])
def test_option_that_makes_no_sense(suite, option, text):
    result = suite.write("def test_one(): pass").run(option)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([text])


@pytest.mark.parametrize("mark, text", [
    ("trace='yes'", "*test_one: mark fusetrace(trace='yes'): give True or False"),
    ("source='bpf'", "*mark fusetrace(source='bpf'): give one of auto, kernel, log"),
    ("timeout_scale=-1", "*mark fusetrace(timeout_scale=)='-1': give a number*"),
    ("scale=2", "*mark fusetrace takes trace=, source= and timeout_scale=, not 'scale'"),
    ("True", "*mark fusetrace takes trace=, source= and timeout_scale=, not True"),
])
def test_mark_that_makes_no_sense(suite, mark, text):
    result = suite.write(f"""
        import pytest

        @pytest.mark.fusetrace({mark})
        def test_one(): pass

        def test_other(): pass
    """).run()
    result.assert_outcomes(errors=1, passed=1)
    result.stdout.fnmatch_lines([text])


# ---- where they are told ----


def test_marks_and_options_are_documented(suite):
    result = suite.run("--markers", "--strict-markers")
    result.stdout.fnmatch_lines(["@pytest.mark.fusetrace(trace=None, *",
                                 "@pytest.mark.needs_fuse:*"])
    result = suite.run("--help")
    result.stdout.fnmatch_lines(["*fusetrace*", "*--fusetrace*", "*--fusetrace-timeout-scale=F*"])
    result = suite.run("--fixtures", "-v")
    result.stdout.fnmatch_lines(["fuse_manager*", "*See fusetrace_manager*"])


@pytest.mark.parametrize("options, environment, is_shown", [
    ([], {}, False),
    (["-v"], {}, True),
    (["-o", "verbosity_fusetrace=1"], {}, True),
    (["--fusetrace=on"], {}, True),
    ([], {"FUSE_TRACE": "1"}, True),
    (["-q"], {}, False),
])
def test_header(suite, monkeypatch, options, environment, is_shown):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    result = suite.write("def test_one(): pass").passes(1, *options)
    lines = [line for line in result.outlines if line.startswith("fusetrace ")]
    assert len(lines) == is_shown
    if is_shown:
        assert "tracing " in lines[0] and "source auto" in lines[0]


def test_header_says_the_scale(suite):
    result = suite.write("def test_one(): pass").passes(1, "--fusetrace-timeout-scale=2.5")
    result.stdout.fnmatch_lines(["fusetrace *timeout scale 2.5*"])
