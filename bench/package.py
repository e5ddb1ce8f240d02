# SPDX-License-Identifier: MIT
"""The package for Python end to end: pytest with the plugin, on branchfs, each figure beside what a
test does without it. Everything is measured in runs of their own of the environment's pytest, which
tell the duration of each phase of each test.
"""

import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).parent
TIMEOUT = 900  # seconds, for one run of pytest
# Not what else is installed here, which takes its time to load.
PLUGINS = ("-p", "fusetrace.pytest_plugin", "-p", "xdist")

CONFTEST = """\
import json, os

def pytest_runtest_logreport(report):
    with open(os.environ["BENCH_PHASES"], "a") as file:
        print(json.dumps([report.nodeid, report.when, report.duration, report.outcome]), file=file)
"""

# The specification's patterns: the body of a test with a sleep, and with the wait for what it means.
PATTERNS = {
    "write": ("(mountpoint / 'a').write_text('content')", "wait_for_write_complete(mountpoint / 'a')"),
    "create": ("(mountpoint / 'a').touch()", "wait_for_file_visible(mountpoint / 'a')"),
    "mkdir": ("(mountpoint / 'a').mkdir()", "wait_for_dir_visible(mountpoint / 'a')"),
    "unlink": ("(mountpoint / 'a').touch(); (mountpoint / 'a').unlink()",
               "wait_for_deletion(mountpoint / 'a')"),
    "setxattr": ("(mountpoint / 'a').touch(); os.setxattr(mountpoint / 'a', 'user.a', b'b')",
                 "wait_for_xattr_operation(mountpoint / 'a', 'setxattr')"),
}
PATTERN = """\
@pytest.mark.parametrize("turn", range({rounds}))
def test_{name}(mounted_fs_with_trace, smart_wait, turn):
    mountpoint = mounted_fs_with_trace.mountpoint
    {action}
    assert smart_wait.{wait}

"""
SLEEP = """\
import os, time, pytest

@pytest.mark.parametrize("turn", range({rounds}))
def test_slept(mounted_fs_with_trace, turn):
    mountpoint = mounted_fs_with_trace.mountpoint
    (mountpoint / "test.txt").write_text("content")
    time.sleep(0.5)
    assert (mountpoint / "test.txt").exists()

"""

FIXTURES = """\
import pytest

@pytest.mark.parametrize("turn", range({rounds}))
def test_mounted(mounted_fs, turn):
    pass

@pytest.mark.parametrize("turn", range({rounds}))
def test_traced(mounted_fs_with_trace, turn):
    pass
"""

# Twenty tests that wait for a filesystem which takes its time, as network filesystems do.
LIVE = """\
import pytest

@pytest.fixture(scope="session")
def fusetrace_mount_options():
    return {"options": ["delay=release:20ms"]}

@pytest.mark.parametrize("turn", range(20))
def test_live(mounted_fs_with_trace, smart_wait, turn):
    for index in range(20):
        path = mounted_fs_with_trace.mountpoint / f"file{index}"
        path.write_text("content")
        assert smart_wait.wait_for_write_complete(path)
"""


def run_pytest(test, *arguments):
    """(seconds of the whole run, phases as [test, phase, seconds, outcome])."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "pytest.ini").write_text("[pytest]\n")
        (folder / "conftest.py").write_text(CONFTEST)
        (folder / "test_bench.py").write_text(test)
        began = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *PLUGINS, *arguments],
            cwd=folder, timeout=TIMEOUT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env={**os.environ, "BENCH_PHASES": str(folder / "phases"),
                 "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"})
        seconds = time.monotonic() - began
        if done.returncode:
            raise RuntimeError(done.stdout)
        phases = [json.loads(line) for line in (folder / "phases").read_text().splitlines()]
    return seconds, phases


def durations(phases, test, *wanted):
    """Of each test of that name the seconds of the wanted phases together."""
    totals = {}
    for name, phase, seconds, outcome in phases:
        if f"::{test}[" in name and phase in wanted:
            assert outcome == "passed", name
            totals[name] = totals.get(name, 0.0) + seconds
    return list(totals.values())


def measure_waits(rounds):
    tests = SLEEP.format(rounds=rounds) + "".join(
        PATTERN.format(rounds=rounds, name=name, action=action, wait=wait)
        for name, (action, wait) in PATTERNS.items())
    _, phases = run_pytest(tests)
    return {name: statistics.median(durations(phases, f"test_{name}", "call"))
            for name in ("slept", *PATTERNS)}


def measure_fixtures(rounds):
    _, phases = run_pytest(FIXTURES.format(rounds=rounds))
    by_hand = json.loads(subprocess.run(
        [sys.executable, str(HERE / "by_hand.py"), "mounts", str(rounds)], check=True, text=True,
        capture_output=True, timeout=TIMEOUT).stdout)
    hand = statistics.median(by_hand)
    return {"by_hand_s": hand, **{
        name: statistics.median(durations(phases, f"test_{name}", "setup", "teardown")) - hand
        for name in ("mounted", "traced")}}


def measure_calls():
    return json.loads(subprocess.run(
        [sys.executable, str(HERE / "by_hand.py"), "calls"], check=True, text=True,
        capture_output=True, timeout=TIMEOUT).stdout)


def measure_parallel(repeat):
    ratios = []
    for _ in range(repeat):
        serial, _ = run_pytest(LIVE)
        parallel, _ = run_pytest(LIVE, "-n", "2")
        ratios.append(parallel / serial)
    return {"ratio": statistics.median(ratios)}


def measure(repeat):
    return {
        "waits": measure_waits(20),
        "fixtures": measure_fixtures(50),
        "calls": measure_calls(),
        "parallel": measure_parallel(min(repeat, 3)),
    }


def table(result):
    waits, fixtures, calls = result["waits"], result["fixtures"], result["calls"]
    rows = [
        *((f"{name} and {wait.partition('(')[0]}(), against a sleep of 0.5 s",
           f"{waits['slept'] / waits[name]:.0f} times faster ({waits[name] * 1e3:.2f} ms)",
           ">= 100 times", waits["slept"] >= 100 * waits[name])
          for name, (_, wait) in PATTERNS.items()),
        ("mounted_fs beyond mount and unmount by hand",
         f"{fixtures['mounted'] * 1e3:.1f} ms (by hand {fixtures['by_hand_s'] * 1e3:.1f} ms)",
         "<= 5 ms", fixtures["mounted"] <= 0.005),
        ("mounted_fs_with_trace, likewise", f"{fixtures['traced'] * 1e3:.1f} ms", "<= 5 ms",
         fixtures["traced"] <= 0.005),
        ("reply to return of wait_for_operation(), p50 / p99",
         f"{calls['wait_p50_us']:.0f} / {calls['wait_p99_us']:.0f} us", "p50 <= 60 us",
         calls["wait_p50_us"] <= 60),
        ("completed_operations of 1 million", f"{calls['million_s']:.2f} s", "< 1 s",
         calls["million_s"] < 1),
        ("import fusetrace, and with FuseTraceMonitor",
         f"{calls['import_ms']:.0f} ms, {calls['import_monitor_ms']:.0f} ms", "< 30 ms",
         calls["import_ms"] < 30),
        ("20 live tests under -n 2, of the serial time", f"{result['parallel']['ratio']:.2f}",
         "<= 0.65", result["parallel"]["ratio"] <= 0.65),
    ]
    words = {True: "met", False: "**missed**"}
    return "\n".join(["| what | measured | target | |", "|---|---|---|---|"] + [
        f"| {what} | {measured} | {target} | {words[verdict]} |"
        for what, measured, target, verdict in rows]) + "\n"
