# SPDX-License-Identifier: MIT
"""expect, forbid and idle: verdicts, reports and exit codes."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time

import pytest

from .support import (CANNOT_RUN, DEADLINE, GONE, NO_VERDICT, SATISFIED, SETUP, STOP_PARENT,
                      UNSATISFIED, USAGE, find_fusetrace, is_armed_line, operations, records, run,
                      wait_until)

pytestmark = pytest.mark.mounts

SHORT = ("--timeout", "200ms")


def shell(text, *arguments):
    """CMD: a shell command whose $1, $2, ... are arguments."""
    return ["--", "sh", "-c", text, "sh", *map(str, arguments)]


# ---- expect -----------------------------------------------------------------------------------


def test_expect(mount):
    made = mount()
    result = run("expect", "--mount", made.mountpoint, "create", "/a*", "--timeout", "5s",
                 *shell('touch "$1"', made / "abc"))
    assert (result.returncode, result.stdout) == (SATISFIED, "")
    assert is_armed_line(result.stderr, made.mountpoint)


def test_expect_quiet(mount):
    made = mount()
    result = run("expect", "-q", "--mount", made.mountpoint, "create", "--",
                 "touch", made / "a")
    assert (result.returncode, result.stdout, result.stderr) == (SATISFIED, "", "")


@pytest.mark.branchfs
def test_expect_returns_at_the_end_of_the_operation(mount):
    """close() returns at once, the RELEASE takes 300 ms: that long it takes, and hardly longer."""
    made = mount(command=["branchfs", "-f", "-o", "delay=release:300ms"])
    begun = time.monotonic()
    result = run("expect", "-f", "json", "--show", "release", made / "a", "--", "touch",
                 made / "a")
    assert result.returncode == SATISFIED
    assert time.monotonic() - begun >= 0.3
    release, = operations(result.stdout)
    assert release["duration_ns"] >= 300_000_000


@pytest.mark.parametrize("pattern", ["mnt/sub/a", "./mnt/sub/a", "link/sub/a", "/sub/a", "a*",
                                     "mnt/**", "mnt/sub/../sub/a"])
def test_path_tells_the_mount(mount, folder, pattern):
    """Also when there are other mounts; a path in the mount needs --mount then."""
    made = mount()
    mount("other")
    (made / "sub").mkdir()
    (folder / "link").symlink_to("mnt")
    named = [] if "/" in pattern and pattern[0] != "/" else ["--mount", "mnt"]
    result = run("expect", *named, *SHORT, "create", pattern, "--", "touch", "mnt/sub/a",
                 cwd=folder)
    assert result.returncode == SATISFIED, result.stderr


def test_path_relative_to_a_folder_of_the_mount(mount):
    made = mount()
    (made / "sub").mkdir()
    result = run("expect", *SHORT, "create", "a", "--", "touch", "a", cwd=made / "sub")
    assert result.returncode == SATISFIED, result.stderr


def only_mount():
    lines = open("/proc/self/mountinfo").read().splitlines()
    types = [line.split(" - ")[1].split()[0] for line in lines]
    return sum(kind.startswith("fuse") and kind != "fusectl" for kind in types) == 1


def test_only_mount_needs_no_name(mount):
    made = mount()
    result = run("expect", "create", "--", "touch", made / "a")
    if only_mount():
        assert result.returncode == SATISFIED
    else:  # somebody else's
        assert result.returncode == USAGE
        assert "FUSE mounts: say which one by --mount" in result.stderr


def test_several_mounts_need_a_name(mount):
    mount("a")
    mount("b")
    result = run("expect", "create", "/x", "--", "true")
    assert result.returncode == USAGE
    assert "FUSE mounts: say which one by --mount" in result.stderr


@pytest.mark.parametrize("place, code", [("missing", SETUP), ("", SETUP)])
def test_no_such_mount(folder, place, code):
    result = run("expect", "--mount", folder / place, "create", "--", "touch", folder / "never")
    assert result.returncode == code
    assert not (folder / "never").exists(), "CMD is not run when it cannot be watched"


def test_timeout_is_explained(mount):
    made = mount()
    result = run("expect", "-q", *SHORT, "release", made / "a", "--label", "a is closed",
                 *shell('touch "$1"', made / "b"))
    assert (result.returncode, result.stdout) == (UNSATISFIED, "")
    first, second, *rest = result.stderr.splitlines()
    assert first.startswith("fusetrace: a is closed: no release path=/a status=ok within 0.200 s")
    assert second.strip() == "verdict : on another path - the nearest one:"
    assert any("/b" in line for line in rest)


def test_timeout_as_json(mount):
    made = mount()
    result = run("expect", "-q", "-f", "json", *SHORT, "unlink", made / "a", "--", "true")
    assert result.returncode == UNSATISFIED
    wait, report = records(result.stdout)
    assert wait["event"] == "wait" and wait["verdict"] == report["verdict"]
    assert report["verdict"] == "no events" and report["waited_for"].startswith("unlink path=/a")
    assert result.stderr.startswith("fusetrace: no unlink path=/a")


def test_timeout_zero_means_that_it_must_be_there(mount):
    made = mount()
    assert run("expect", "--timeout", "0", "create", made / "a", "--", "touch",
               made / "a").returncode == SATISFIED
    begun = time.monotonic()
    assert run("expect", "--timeout", "0", "create", made / "c", "--", "touch",
               made / "b").returncode == UNSATISFIED
    assert time.monotonic() - begun < DEADLINE / 2


def test_what_was_before_does_not_count(mount):
    made = mount()
    (made / "a").touch()
    result = run("expect", *SHORT, "create", made / "a", "--", "true")
    assert result.returncode == UNSATISFIED


def test_slow_command_is_waited_for(mount):
    """The limit begins when CMD has ended."""
    made = mount()
    result = run("expect", *SHORT, "create", made / "a", *shell('sleep 1; touch "$1"', made / "a"))
    assert result.returncode == SATISFIED


def test_operation_that_comes_after_the_command(mount):
    made = mount()
    result = run("expect", "--timeout", "10s", "create", made / "a",
                 *shell('(sleep 0.5; touch "$1") >/dev/null 2>&1 &', made / "a"))
    assert result.returncode == SATISFIED


def test_several_operations(mount):
    made = mount()
    command = shell('touch "$1"; touch "$2"', made / "a", made / "b")
    assert run("expect", *SHORT, "create", made / "b", "--and", "create", made / "a",
               *command).returncode == SATISFIED
    for name in "ab":
        (made / name).unlink()
    result = run("expect", "-q", *SHORT, "create", "--and", "create", "--and", "create",
                 "--mount", made.mountpoint, *command)
    assert result.returncode == UNSATISFIED, "two creates do not answer three"


@pytest.mark.parametrize("order, names, code", [
    ("in-order", "ab", SATISFIED), ("in-order", "ba", UNSATISFIED),
    ("strict", "ab", SATISFIED), ("strict", "aab", UNSATISFIED), ("any", "ba", SATISFIED),
])
def test_order(mount, order, names, code):
    made = mount()
    command = ["--", sys.executable, "-c", "import os, sys\n"
               "for path in sys.argv[1:]:\n"
               "    os.close(os.open(path, os.O_CREAT | os.O_WRONLY)); os.unlink(path)",
               *(made / name for name in names)]
    result = run("expect", "-q", *SHORT, "--order", order, "create", made / "a", "--and",
                 "create", made / "b", *command)
    assert result.returncode == code, result.stderr
    if order == "strict" and code:
        assert "order violated" in result.stderr


def failing_mkdir(path):
    return ["--", sys.executable, "-c", "import os, sys, contextlib\n"
            "with contextlib.suppress(OSError): os.mkdir(sys.argv[1])", path]


@pytest.mark.branchfs
@pytest.mark.parametrize("options, code, text", [
    ([], UNSATISFIED, "a matching operation failed"),
    (["--status", "failed"], SATISFIED, ""),
    (["--status", "any"], SATISFIED, ""),
    (["--errno", "ENOSPC"], SATISFIED, ""),
    (["--errno", "28"], SATISFIED, ""),
    (["--errno", "EIO"], UNSATISFIED, "within 0.200 s"),
])
def test_failures(mount, options, code, text):
    made = mount(command=["branchfs", "-f", "-o", "fail=mkdir:ENOSPC"])
    result = run("expect", "-q", *SHORT, "mkdir", made / "d", *options, *failing_mkdir(made / "d"))
    assert result.returncode == code, result.stderr
    assert text in result.stderr


def test_options_belong_to_the_operation_before_them(mount):
    made = mount()
    (made / "file").touch()
    command = [sys.executable, "-c", "import os, sys, contextlib\n"
               "with contextlib.suppress(OSError): os.rmdir(sys.argv[1])\n"
               "os.unlink(sys.argv[2])", made / "dir", made / "file"]
    os.makedirs(made / "dir" / "full")
    assert run("expect", *SHORT, "rmdir", made / "dir", "--errno", "ENOTEMPTY", "--and", "unlink",
               made / "file", "--", *command).returncode == SATISFIED
    (made / "file").touch()
    assert run("expect", *SHORT, "--errno", "ENOTEMPTY", "rmdir", made / "dir", "--and", "unlink",
               made / "file", "--", *command).returncode == UNSATISFIED


def test_in_flight(mount, start, belongings):
    """An operation that had begun before counts only when it is asked for."""
    made = mount()
    made.stop()
    made.ask(belongings)
    waits = [start("expect", "--timeout", "1s", *options, "statfs", "--mount", made.mountpoint)
             for options in ([], ["--in-flight"])]
    for wait in waits:
        wait.wait_ready()
    made.process.send_signal(signal.SIGCONT)
    assert [wait.finish() for wait in waits] == [UNSATISFIED, SATISFIED]


def test_without_a_command(mount, start):
    """For a script that does the work itself."""
    made = mount()
    wait = start("expect", "release", made / "a", "--timeout", "30s").wait_ready()
    assert wait.process.poll() is None
    (made / "a").touch()
    assert wait.finish() == SATISFIED


def test_show(mount):
    made = mount()
    result = run("expect", "--show", "create", made / "a", "--and", "release", made / "a", "--",
                 "touch", made / "a")
    create, release = result.stdout.splitlines()
    assert create.split()[1:3] == ["create", "ok"] and release.split()[1:3] == ["release", "ok"]


def test_rule_20_on_the_command_line(mount):
    """What nobody asks for is told long before the timeout."""
    made = mount()
    began = time.monotonic()
    result = run("expect", "--start-timeout", "50ms", "--timeout", "60s", "create", made / "a", "--",
                 "true")
    assert result.returncode == UNSATISFIED
    assert "no create path=/a status=ok begun within 0.050 s\n" in result.stderr
    assert time.monotonic() - began < 30
    result = run("expect", "--start-timeout", "30s", "create", made / "a", "--", "touch", made / "a")
    assert result.returncode == SATISFIED


# ---- CMD --------------------------------------------------------------------------------------


def test_command_that_fails_although_all_is_well(mount):
    made = mount()
    result = run("expect", "-q", "create", made / "a", *shell('touch "$1"; exit 7', made / "a"))
    assert result.returncode == 7
    assert "all is as it should be, but sh ended with exit code 7" in result.stderr


def test_command_that_fails_when_nothing_is_well(mount):
    made = mount()
    result = run("expect", "-q", *SHORT, "create", made / "a", *shell("exit 7"))
    assert result.returncode == UNSATISFIED


def test_command_that_is_killed(mount):
    made = mount()
    result = run("expect", "-q", "create", made / "a", *shell('touch "$1"; kill -9 $$', made / "a"))
    assert result.returncode == 128 + signal.SIGKILL


@pytest.mark.parametrize("command", ["expect", "forbid"])
def test_command_that_is_not_there(mount, command):
    result = run(command, "-q", "create", "--mount", mount().mountpoint, "--", "/no/such")
    assert result.returncode == SETUP
    assert result.stderr == ("fusetrace: cannot run /no/such: No such file or directory: "
                             "give a program that is there\n")


def test_command_has_its_own_streams(mount):
    made = mount()
    result = run("expect", "-q", "create", made / "a", stdin="from outside",
                 *shell('touch "$1"; cat; echo err >&2', made / "a"))
    assert (result.stdout, result.stderr) == ("from outside", "err\n")


def test_signal_is_passed_on_to_the_command(mount, start, folder):
    made = mount()
    wait = start("expect", "create", made / "a", *shell(
        'trap "exit 3" TERM; touch "$1"; while :; do sleep 0.01; done', folder / "begun"))
    wait.wait_ready()
    wait_until((folder / "begun").exists, "CMD has begun")
    assert wait.finish(signal.SIGTERM) == 128 + signal.SIGTERM


def test_signal_ends_a_wait(mount, start):
    made = mount()
    wait = start("expect", "create", made / "a", "--timeout", "forever").wait_ready()
    assert wait.finish(signal.SIGINT, timeout=10) == -signal.SIGINT


def test_command_that_hangs_in_the_mount(mount, folder):
    """Nobody waits for ever: the request that is not answered is shown."""
    made = mount()
    made.stop()
    begun = time.monotonic()
    # CMD may outlive us, so nobody waits for the end of what it writes to.
    with open(folder / "errors", "w+") as errors:
        code = subprocess.run([find_fusetrace(), "expect", "-q", *SHORT, "create",
                               str(made / "a"), "--", "touch", str(made / "a")],
                              stdout=subprocess.DEVNULL, stderr=errors, timeout=20,
                              check=False).returncode
        errors.seek(0)
        text = errors.read()
    assert code == UNSATISFIED
    assert 5 <= time.monotonic() - begun < 20
    assert "touch was ended, as the filesystem did not answer it" in text or \
        "cannot be ended, as the filesystem does not answer it" in text
    assert "in flight" in text


# ---- the end of the mount ---------------------------------------------------------------------


def test_daemon_that_is_killed(mount):
    made = mount()
    result = run("expect", "-q", "create", made / "a", "--timeout", "30s",
                 *shell(f"kill -9 {made.process.pid}"))
    assert result.returncode == GONE
    assert "daemon died" in result.stderr


def test_unmount(mount):
    made = mount()
    result = run("expect", "-q", "create", made / "a", "--timeout", "30s",
                 *shell('umount "$1"', made.mountpoint))
    assert result.returncode == GONE
    assert "unmounted" in result.stderr


def test_what_came_before_the_end_counts(mount):
    made = mount()
    result = run("expect", "-q", "create", made / "a",
                 *shell('touch "$1"; umount "$2"', made / "a", made.mountpoint))
    assert result.returncode == SATISFIED


# ---- forbid -----------------------------------------------------------------------------------


def test_forbid(mount):
    made = mount()
    result = run("forbid", "-q", "unlink,rename", "--mount", made.mountpoint, "--",
                 "touch", made / "a")
    assert (result.returncode, result.stderr) == (SATISFIED, "")


def test_forbidden_and_seen(mount):
    made = mount()
    (made / "a").touch()
    result = run("forbid", "-q", "unlink,rename", made / "**", "--", "mv", made / "a", made / "b")
    assert result.returncode == UNSATISFIED
    assert "forbidden operation seen" in result.stderr and "rename" in result.stderr


@pytest.mark.parametrize("first, second", [("unlink", "mkdir"), ("mkdir", "unlink")])
def test_forbid_several(mount, first, second):
    made = mount()
    (made / "a").touch()
    result = run("forbid", "-q", first, "--and", second, "--mount", made.mountpoint, "--",
                 "mkdir", made / "d")
    assert result.returncode == UNSATISFIED and "mkdir" in result.stderr


def test_forbid_several_within_one_time(mount):
    made = mount()
    more = [word for name in ("mkdir", "rmdir", "link", "symlink", "mknod") for word in ("--and", name)]
    begun = time.monotonic()
    result = run("forbid", "-q", "--within", "1s", "unlink", *more, "--mount", made.mountpoint)
    assert result.returncode == SATISFIED
    assert 1 <= time.monotonic() - begun < 5


def test_forbid_takes_no_time(mount):
    """The end of CMD is exact: no time is spent to see whether something follows."""
    made = mount()
    begun = time.monotonic()
    run("forbid", "-q", "unlink", "--mount", made.mountpoint, "--", "true")
    alone = time.monotonic() - begun
    begun = time.monotonic()
    run("forbid", "-q", "--within", "1s", "unlink", "--mount", made.mountpoint, "--", "true")
    assert time.monotonic() - begun >= 1 > alone - 1


def test_forbid_within(mount):
    made = mount()
    (made / "a").touch()
    command = shell('(sleep 0.5; rm "$1") >/dev/null 2>&1 &', made / "a")
    begun = time.monotonic()
    assert run("forbid", "-q", "--within", "30s", "unlink", made / "a",
               *command).returncode == UNSATISFIED
    assert time.monotonic() - begun < 20, "the first offender ends it"


def test_forbid_counts_failures_unless_told_otherwise(mount):
    made = mount()
    command = ["--", "test", "-e", made / "missing"]
    arguments = ["-q", "lookup", "--mount", made.mountpoint]
    assert run("forbid", *arguments, *command).returncode == UNSATISFIED
    assert run("forbid", *arguments, "--no-probes", *command).returncode == 1
    assert "forbidden" not in run("forbid", *arguments, "--no-probes", *command).stderr
    assert "forbidden" not in run("forbid", *arguments, "--status", "ok", *command).stderr


def stop_tracer_and_touch(made):
    """CMD: more operations than a small ring holds, while the tracer sleeps."""
    return ["--", sys.executable, "-c", f"""{STOP_PARENT}
for number in range(200):
    os.path.exists({str(made.mountpoint)!r} + f"/{{number}}")
os.kill(os.getppid(), signal.SIGCONT)
"""]


def test_no_verdict_when_events_are_lost(mount):
    made = mount()
    for command in ("forbid", "expect"):
        result = run(command, "-q", "--ring", "4096", "unlink", "--mount", made.mountpoint,
                     *(SHORT if command == "expect" else []), *stop_tracer_and_touch(made))
        assert result.returncode == NO_VERDICT, result.stderr
        assert "events lost" in result.stderr


def test_what_was_seen_counts_in_spite_of_losses(mount):
    made = mount()
    result = run("expect", "-q", "--ring", "4096", "--status", "failed", "lookup", "/0", "--mount",
                 made.mountpoint, *stop_tracer_and_touch(made))
    assert result.returncode == SATISFIED, result.stderr


# ---- idle -------------------------------------------------------------------------------------


def test_idle(mount):
    made = mount()
    result = run("idle", "-q", "--mount", made.mountpoint, "--", "touch", made / "a")
    assert (result.returncode, result.stderr) == (SATISFIED, "")


def test_idle_is_quiet_for_so_long(mount):
    made = mount()
    begun = time.monotonic()
    assert run("idle", "--quiet-for", "1s", "--timeout", "30s", "--mount", made.mountpoint, "--",
               "touch", made / "a").returncode == SATISFIED
    assert time.monotonic() - begun >= 1


@pytest.mark.branchfs
def test_idle_waits_for_what_is_in_flight(mount):
    made = mount(command=["branchfs", "-f", "-o", "delay=release:500ms"])
    begun = time.monotonic()
    assert run("idle", "--quiet-for", "1ms", "--mount", made.mountpoint, "--", "touch",
               made / "a").returncode == SATISFIED
    assert time.monotonic() - begun >= 0.5


@pytest.mark.branchfs
def test_not_idle(mount):
    made = mount(command=["branchfs", "-f", "-o", "delay=release:3s"])
    result = run("idle", "-q", *SHORT, "--mount", made.mountpoint, "--", "touch", made / "a")
    assert result.returncode == UNSATISFIED
    assert "not idle" in result.stderr and "release" in result.stderr


def test_idle_when_the_daemon_dies(mount):
    """CMD ends when the daemon is really dead, which is a while after the signal."""
    made = mount()
    result = run("idle", "-q", "--mount", made.mountpoint, *shell(
        'kill -9 "$1"; until grep -q "^State:.Z" "/proc/$1/status"; do sleep 0.01; done',
        made.process.pid))
    assert result.returncode == GONE


# ---- rights -----------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [["expect", "create"], ["forbid", "create"], ["idle"]])
def test_without_rights(mount, folder, arguments):
    if not shutil.which("setpriv"):
        pytest.skip("setpriv is not installed")
    made = mount()
    folder.chmod(0o777)
    program = shutil.copy(find_fusetrace(), folder / "fusetrace")
    result = subprocess.run(["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups",
                             "--inh-caps", "-all", program, *arguments, "--mount",
                             made.mountpoint, "--", "touch", folder / "started"],
                            capture_output=True, text=True, timeout=DEADLINE, check=False)
    assert result.returncode == CANNOT_RUN
    assert "CAP_BPF and CAP_PERFMON" in result.stderr
    assert not (folder / "started").exists()


def test_rule_42_waits_stand_in_the_trace(mount):
    """Who waited for what, how long and what came of it, beside the operations."""
    made = mount()
    result = run("expect", "-f", "json", "--show", "--mount", made.mountpoint, "--label", "made",
                 "create", "/a", "--and", "mkdir", "/b", "--timeout", "300ms", "--", "touch",
                 made / "a")
    assert result.returncode == UNSATISFIED
    wait, = [record for record in records(result.stdout) if record.get("event") == "wait"]
    assert wait["label"] == "made" and wait["verdict"] == "never started"
    assert wait["waited_for"].startswith("mkdir path=/b")
    assert wait["mono_ns"] - wait["began_ns"] >= 300_000_000
    trace = run("read", "-", stdin=result.stdout)
    assert re.search(r"-- waited 3\S+ for made: mkdir path=/b.*: never started", trace.stdout)
