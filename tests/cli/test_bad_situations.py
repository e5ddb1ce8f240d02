# SPDX-License-Identifier: MIT
"""Surroundings that nobody wishes for: other namespaces, clocks that jump, mountpoints that are
covered or vanish, full disks, few descriptors. A wait answers rightly in all of them, or says why it
cannot."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .support import (DEADLINE, GONE, SATISFIED, SETUP, UNSATISFIED, events, find_fusetrace,
                      operations, records, run, wait_until)

pytestmark = pytest.mark.mounts
JUMPING_CLOCK = Path(__file__).parent / "jumping_clock.c"


def expect_touch(made, name, before=(), timeout="5s", **keywords):
    """A wait for what its own command does, which any mistake about time would miss."""
    return subprocess.run([*before, find_fusetrace(), "expect", "--mount", made.mountpoint,
                           "--timeout", timeout, "create", f"/{name}", "--", "touch", made / name],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=DEADLINE, check=False, **keywords)


def only_old(made, before=(), timeout="300ms", **keywords):
    """A wait for what was before: it must not be satisfied, and must take its time."""
    begun = time.monotonic()
    result = subprocess.run([*before, find_fusetrace(), "expect", "--mount", made.mountpoint,
                             "--timeout", timeout, "create", "/old"], stdin=subprocess.DEVNULL,
                            capture_output=True, text=True, timeout=DEADLINE, check=False,
                            **keywords)
    return result, time.monotonic() - begun


# ---- clocks ----


@pytest.mark.parametrize("offsets", [("--monotonic", "100000"), ("--monotonic", "-1000"),
                                     ("--boottime", "1000000"),
                                     ("--monotonic", "50", "--boottime", "999999")])
def test_clocks_of_a_time_namespace(mount, offsets):
    """Containers may have clocks of their own. A machine that was suspended is the same thing: its
    CLOCK_BOOTTIME is ahead of CLOCK_MONOTONIC by the time that it slept."""
    made = mount()
    before = ["unshare", "--time", "--fork", *offsets]
    (made / "old").touch()
    result = expect_touch(made, "new", before)
    assert result.returncode == SATISFIED, result.stderr
    result, seconds = only_old(made, before)
    assert result.returncode == UNSATISFIED, result.stderr
    assert 0.3 <= seconds < 5


def test_times_of_a_time_namespace_are_its_own(mount):
    """What a trace says of the time fits to what the programs beside it see."""
    made = mount()
    code = ("import subprocess, sys, time; begin = time.monotonic_ns();"
            "trace = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE, text=True).stdout;"
            "print(begin, time.monotonic_ns()); print(trace)")
    result = subprocess.run(
        ["unshare", "--time", "--fork", "--monotonic", "5000", sys.executable, "-c", code,
         find_fusetrace(), "expect", "--show", "--format", "json", "--mount", made.mountpoint, "create", "--",
         "touch", made / "a"], capture_output=True, text=True, timeout=DEADLINE, check=True)
    times, trace = result.stdout.split("\n", 1)
    begin, end = map(int, times.split())
    created, = operations(trace.strip(), op="create")
    assert begin < created["start_ns"] < end


@pytest.fixture(name="jumping_clock")
def make_jumping_clock(folder):
    """The environment in which the time of day jumps by an hour, forth and back, at each look."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if not compiler:
        pytest.skip("there is no C compiler")
    library = folder / "jumping_clock.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, JUMPING_CLOCK], check=True,
                   timeout=DEADLINE)
    environment = {**os.environ, "LD_PRELOAD": str(library)}
    steps = {subprocess.run(["date", "+%H"], env=environment, capture_output=True, check=True,
                            timeout=DEADLINE).stdout for _ in range(10)}
    assert len(steps) > 1, "the clock jumps"
    return environment


def test_steps_of_the_time_of_day(mount, jumping_clock):
    made = mount()
    (made / "old").touch()
    result = expect_touch(made, "new", env=jumping_clock)
    assert result.returncode == SATISFIED, result.stderr
    result, seconds = only_old(made, env=jumping_clock)
    assert result.returncode == UNSATISFIED, result.stderr
    assert 0.3 <= seconds < 5


def test_idle_while_the_time_of_day_jumps(mount, jumping_clock):
    begun = time.monotonic()
    result = run("idle", "--quiet-for", "200ms", "--mount", mount().mountpoint, env=jumping_clock)
    assert result.returncode == SATISFIED, result.stderr
    assert 0.2 <= time.monotonic() - begun < 5


# ---- mountpoints ----


def test_covered_by_another_filesystem(mount, start):
    """A mount that is covered goes on: who has a file of it open uses it still."""
    made = mount()
    descriptor = os.open(made.mountpoint, os.O_RDONLY | os.O_DIRECTORY)
    trace = start("attach", "-f", "json", made.mountpoint).wait_ready()
    try:
        subprocess.run(["mount", "-t", "tmpfs", "none", made.mountpoint], check=True)
        os.close(os.open("below", os.O_CREAT | os.O_WRONLY, dir_fd=descriptor))
        (made / "above").touch()
    finally:
        os.close(descriptor)
        subprocess.run(["umount", made.mountpoint], check=True)
    (made / "again").touch()
    made.unmount()
    assert trace.finish() == SATISFIED
    assert [one["path"] for one in operations(trace.out, op="create")] == ["/below", "/again"]
    assert events(trace.out)[-1] == "unmounted"


def test_two_mounts_on_one_point(mount, start):
    """The upper one is meant; the lower one comes to light again."""
    lower = mount("mnt")
    upper = mount("upper")
    subprocess.run(["mount", "--move", upper.mountpoint, lower.mountpoint], check=False)
    if not os.path.ismount(upper.mountpoint):
        pass  # it was moved
    else:  # a shared parent does not let it go
        subprocess.run(["mount", "--bind", upper.mountpoint, lower.mountpoint], check=True)
    trace = start("attach", "-f", "json", lower.mountpoint).wait_ready()
    (lower / "a").touch()
    assert (upper.source / "a").exists()
    subprocess.run(["umount", lower.mountpoint], check=True)
    if os.path.ismount(upper.mountpoint):
        upper.unmount()
    assert trace.finish() == SATISFIED
    assert [one["path"] for one in operations(trace.out, op="create")] == ["/a"]
    assert expect_touch(lower, "b").returncode == SATISFIED
    assert (lower.source / "b").exists()


def test_replaced_by_a_new_mount(mount, start):
    """A new filesystem on the same point is another one: the wait does not go over to it."""
    made = mount()
    wait = start("expect", "--mount", made.mountpoint, "create", "/late").wait_ready()
    made.unmount()
    again = subprocess.Popen(["bindfs", "-f", str(made.source), str(made.mountpoint)])
    try:
        assert wait.finish() == GONE
        wait_until(lambda: os.path.ismount(made.mountpoint), "the second mount")
        assert expect_touch(made, "late").returncode == SATISFIED
    finally:
        subprocess.run(["umount", "-l", made.mountpoint], check=True)
        again.wait(DEADLINE)


def in_namespace(code, *arguments, **keywords):
    """A shell in a mount namespace of its own, from which nothing comes back."""
    return subprocess.run(["unshare", "--mount", "--propagation", "private", "sh", "-e", "-c", code,
                           "sh", *map(str, arguments)], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=DEADLINE, check=False, **keywords)


def test_mountpoint_that_is_deleted(mount, start):
    """Removed where it is not mounted, it takes the mount away everywhere."""
    made = mount()
    wait = start("expect", "--mount", made.mountpoint, "create").wait_ready()
    result = in_namespace('umount "$1"; rmdir "$1"', made.mountpoint)
    assert result.returncode == 0, result.stderr
    assert wait.finish() == GONE
    assert "unmounted" in wait.err
    assert not made.is_mounted and made.process.wait(DEADLINE) == 0


def test_mount_of_another_namespace(mount, folder):
    """It is not ours to see; from within it is as any other."""
    made = mount()
    (folder / "there").mkdir()
    tool = find_fusetrace()
    result = in_namespace(f'mount --move "$1" "$2" || mount --bind "$1" "$2"; '
                          f'{tool} expect --mount "$2" create /a -- touch "$2/a"',
                          made.mountpoint, folder / "there")
    assert result.returncode == SATISFIED, result.stderr
    result = run("attach", folder / "there")
    assert result.returncode == SETUP
    assert "is not on a FUSE mount" in result.stderr


def test_unmounted_here_and_alive_elsewhere(mount, start):
    """A copy of the mount in another namespace keeps the filesystem; here it has gone."""
    made = mount()
    keeper = subprocess.Popen(["unshare", "--mount", "--propagation", "private", "sh", "-c",
                               "echo; exec sleep 100"], stdout=subprocess.PIPE)
    try:
        keeper.stdout.readline()
        trace = start("attach", "-f", "json", made.mountpoint).wait_ready()
        (made / "a").touch()
        made.unmount()
        assert trace.finish() == SATISFIED
        assert events(trace.out) == ["trace", "unmounted"]
        assert made.process.poll() is None
    finally:
        keeper.kill()
        keeper.wait(DEADLINE)
        keeper.stdout.close()
    assert made.process.wait(DEADLINE) == 0


# ---- little of everything ----


def test_read_only_root(mount):
    """Nothing is written but what -o names."""
    made = mount()
    result = in_namespace(f'mount -o remount,ro,bind /; ! touch /var/tmp/x 2>/dev/null; '
                          f'{find_fusetrace()} expect --mount "$1" create /a -- touch "$1/a"',
                          made.mountpoint)
    assert result.returncode == SATISFIED, result.stderr


def test_full_disk(mount, start, folder):
    """What was recorded before can be read; that it ends there is said."""
    made = mount()
    small = folder / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", small], check=True)
    try:
        trace = start("attach", "-f", "json", "-o", small / "trace", made.mountpoint).wait_ready()
        for number in range(200):
            (made / str(number)).touch()
        assert trace.finish(signal.SIGINT) == SETUP
        assert f"cannot write to {small}/trace: No space left on device: make room" in trace.err
        text = (small / "trace").read_text()
    finally:
        subprocess.run(["umount", small], check=True)
    whole, _, _ = text.rpartition("\n")
    assert len(text) == 65536 and len(records(whole)) > 100


def test_few_descriptors(mount):
    made = mount()
    result = expect_touch(made, "a", before=["prlimit", "--nofile=64"])
    assert result.returncode == SATISFIED, result.stderr
    wanted = [word for number in range(16) for word in ("--and", "create", f"/{number}")][1:]
    result = subprocess.run(
        ["prlimit", "--nofile=64", find_fusetrace(), "expect", "--mount", made.mountpoint, *wanted,
         "--", "sh", "-c", 'cd "$1"; for i in $(seq 0 15); do touch $i; done', "sh",
         made.mountpoint], stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=DEADLINE, check=False)
    assert result.returncode == SATISFIED, result.stderr


def test_no_descriptors(mount):
    """Too few to load anything: an error that says so, no crash."""
    made = mount()
    codes = set()
    for limit in range(4, 40, 3):
        result = expect_touch(made, f"f{limit}", before=["prlimit", f"--nofile={limit}"])
        codes.add(result.returncode)
        if result.returncode not in (SATISFIED, 127):
            assert result.returncode in (SETUP, 126), (limit, result.stderr)
            assert "Too many open files" in result.stderr, (limit, result.stderr)
    assert SETUP in codes and SATISFIED in codes
