# SPDX-License-Identifier: MIT
"""wait-written, wait-visible and wait-gone: what they say, and their exit codes."""

import json
import os
import signal
import time

import pytest

from .support import GONE, SATISFIED, UNSATISFIED, USAGE, is_armed_line, run
from .test_waits import SHORT, shell

pytestmark = [pytest.mark.mounts, pytest.mark.branchfs]


@pytest.fixture
def branchfs(mount):
    """branchfs("delay=..."): a mount with these options."""
    def make(*options):
        more = ["-o", ",".join(options)] if options else []
        return mount(command=["branchfs", "-f", *more])

    return make


def armed_and(result, made):
    """The rest of what it said, after that the trace is armed."""
    first, _, rest = result.stderr.partition("\n")
    assert is_armed_line(first + "\n", made.mountpoint), result.stderr
    return rest


# ---- written ----------------------------------------------------------------------------------


def test_written(branchfs):
    made = branchfs("delay=release:300ms")
    begun = time.monotonic()
    result = run("wait-written", made / "a", *shell('echo x > "$1"', made / "a"))
    assert (result.returncode, result.stdout) == (SATISFIED, "")
    assert armed_and(result, made) == f"fusetrace: {made / 'a'} is written (release)\n"
    assert time.monotonic() - begun >= 0.3


def test_written_by_fsync(branchfs, folder):
    """A process in the background keeps the file open when CMD has ended."""
    made = branchfs()
    program = ('exec 9>"$1"; echo x >&9; test -n "$3" && sync "$1"; '
               'sleep 60 >/dev/null 2>&1 & echo $! > "$2"')
    for is_synced in ("yes", ""):
        result = run("wait-written", made / "a", *SHORT,
                     *shell(program, made / "a", folder / "pid", is_synced))
        os.kill(int((folder / "pid").read_text()), signal.SIGKILL)
        assert result.returncode == (SATISFIED if is_synced else UNSATISFIED), result.stderr
        assert ("is written (fsync)" in result.stderr) == bool(is_synced)


def test_written_by_nobody(branchfs):
    """With CMD it is CMD that must write."""
    made = branchfs()
    (made / "a").write_text("x")
    result = run("wait-written", made / "a", *SHORT, "--", "true")
    assert result.returncode == UNSATISFIED
    assert "nobody has written it since the mark" in result.stderr


def test_a_write_that_fails(branchfs):
    made = branchfs("fail=write:ENOSPC:1")
    begun = time.monotonic()
    result = run("wait-written", made / "a", "--timeout", "30s",
                 *shell('echo x > "$1"; true', made / "a"))
    assert result.returncode == UNSATISFIED
    assert "verdict : failed" in result.stderr and "ENOSPC" in result.stderr
    assert time.monotonic() - begun < 20


def test_written_before(branchfs):
    """cp a mnt; fusetrace wait-written mnt/a"""
    made = branchfs()
    (made / "a").write_text("x")
    result = run("wait-written", made / "a")
    assert result.returncode == SATISFIED, result.stderr
    assert armed_and(result, made) == f"fusetrace: {made / 'a'} is written (closed)\n"


def test_written_before_but_still_open(branchfs):
    made = branchfs()
    with open(made / "a", "wb", buffering=0) as file:
        file.write(b"x")
        result = run("wait-written", made / "a", *SHORT)
        assert result.returncode == UNSATISFIED
        assert f"process {os.getpid()} has it open for writing" in result.stderr
    with open(made / "a", "rb"):
        assert run("wait-written", "-q", made / "a").returncode == SATISFIED


def test_written_before_but_in_flight(branchfs):
    """The release was sent before the trace began: it is not seen, but counted by the kernel."""
    made = branchfs("delay=release:1500ms")
    begun = time.monotonic()
    (made / "a").write_text("x")
    result = run("wait-written", "-q", made / "a", "--timeout", "30s")
    assert result.returncode == SATISFIED, result.stderr
    assert time.monotonic() - begun >= 1.5


def test_written_but_not_there(branchfs):
    made = branchfs()
    result = run("wait-written", made / "a", *SHORT)
    assert result.returncode == UNSATISFIED
    assert "there is nothing of that name" in result.stderr


# ---- visible, gone ----------------------------------------------------------------------------


def test_visible(branchfs):
    made = branchfs("negative_timeout=1000", "entry_timeout=1000", "attr_timeout=1000")
    assert not os.path.exists(made / "a")
    result = run("wait-visible", "-q", made / "a", "--", "touch", made.source / "a")
    assert (result.returncode, result.stdout, result.stderr) == (SATISFIED, "", "")
    assert os.path.exists(made / "a")


def test_not_visible(branchfs):
    made = branchfs()
    result = run("wait-visible", "-f", "json", made / "a", *SHORT)
    assert result.returncode == UNSATISFIED
    assert "until something is visible" in result.stderr
    wait, report = [json.loads(line) for line in result.stdout.splitlines()]
    assert (wait["event"], wait["verdict"]) == ("wait", "not so")
    assert (report["event"], report["verdict"]) == ("report", "not so")
    assert "nothing of that name" in report["found"]


@pytest.mark.parametrize("kind, code", [("any", SATISFIED), ("directory", SATISFIED),
                                        ("file", UNSATISFIED)])
def test_visible_of_a_kind(branchfs, kind, code):
    made = branchfs()
    (made / "d").mkdir()
    assert run("wait-visible", "--kind", kind, made / "d", *SHORT).returncode == code


def test_gone(branchfs):
    made = branchfs()
    (made / "a").write_text("x")
    (made / "ba").write_text("x")
    result = run("wait-gone", made / "a", *SHORT, "--", "rm", made / "ba")
    assert result.returncode == UNSATISFIED and "a file is there" in result.stderr
    assert run("wait-gone", made / "a", "--", "rm", made / "a").returncode == SATISFIED


def test_gone_by_the_rename_of_a_directory(branchfs):
    made = branchfs()
    (made / "d").mkdir()
    (made / "d" / "a").write_text("x")
    assert run("wait-gone", made / "d/a", "--", "mv", made / "d",
               made / "e").returncode == SATISFIED
    assert run("wait-visible", made / "e/a").returncode == SATISFIED


@pytest.mark.parametrize("command", ["wait-written", "wait-visible", "wait-gone"])
def test_a_daemon_that_ends(branchfs, start, command):
    made = branchfs()
    (made / "there").write_text("x")
    name = "there" if command == "wait-gone" else "never"
    waiting = start(command, "--timeout", "60s", made / name).wait_ready()
    made.kill()
    killed = time.monotonic()
    assert waiting.finish() == GONE
    assert time.monotonic() - killed < 10
    assert "daemon died" in waiting.err


@pytest.mark.parametrize("command", ["wait-written", "wait-visible", "wait-gone"])
def test_a_filesystem_that_hangs(branchfs, command):
    made = branchfs("hang=getattr:/x", "attr_timeout=0", "entry_timeout=0")
    begun = time.monotonic()
    result = run(command, made / "x", *SHORT)
    assert result.returncode == UNSATISFIED
    assert time.monotonic() - begun < 20
    assert "has not answered" in result.stderr
    assert "in flight" in result.stderr
    made.abort()


def test_a_path_that_is_on_no_mount(branchfs, folder):
    branchfs()
    (folder / "a").write_text("x")
    for path in (folder / "a", folder / "none"):
        result = run("wait-gone", path, *SHORT)
        assert result.returncode == USAGE
        assert "is on no FUSE mount" in result.stderr


def test_a_path_in_the_mount(branchfs):
    made = branchfs()
    (made / "a").write_text("x")
    assert run("wait-visible", "-q", "--mount", made.mountpoint, "/a").returncode == SATISFIED
    assert run("wait-visible", "-q", "a", cwd=made.mountpoint).returncode == SATISFIED


@pytest.mark.parametrize("arguments", [[], ["a", "b"], ["--kind", "fish", "a"]])
def test_usage(arguments):
    assert run("wait-visible", *arguments).returncode == USAGE
