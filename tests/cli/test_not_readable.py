# SPDX-License-Identifier: MIT
"""What is said of a daemon that cannot be looked into: it has another user, /proc hides it (hidepid),
or it is in another PID namespace. Each is such a situation for real; nobody is told as dead."""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from .support import (CANNOT_RUN, CONNECTIONS, DEADLINE, GONE, UNSATISFIED, events,
                      find_branchfs, find_fusetrace, mounted_connection, wait_until)

pytestmark = [
    pytest.mark.branchfs,
    pytest.mark.skipif(not shutil.which("setpriv") or not shutil.which("unshare"),
                       reason="setpriv or unshare is not installed"),
]

USER = "65534"
AS_USER = ["setpriv", "--reuid", USER, "--regid", USER, "--clear-groups"]
HIDDEN = "/proc hides the processes of other users (hidepid)"
FORBIDDEN = "what processes of other users hold is not readable"
NOT_SEEN = "no process of this PID namespace is seen to hold it"
UNKNOWN = "  daemon  : which one it is and whether it lives is not known: "


def in_namespace(*words, hides=False):
    """A command with mounts of its own, among them perhaps a /proc that hides others."""
    script = "mount -t proc -o hidepid=2 proc /proc && " if hides else ""
    return ["unshare", "--mount", "sh", "-c", script + 'exec "$@"', "sh", *map(str, words)]


@pytest.fixture
def program(folder):
    """The command, where every user may run it."""
    return shutil.copy(find_fusetrace(), folder / "fusetrace")


class Daemon:
    """branchfs of root's, for everybody, which prints its requests to a file and answers no mkdir."""

    def __init__(self, folder):
        self.mountpoint = folder / "mnt"
        self.log = folder / "log"
        for path in (folder / "source", self.mountpoint):
            path.mkdir()
        (folder / "source").chmod(0o777)
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [find_branchfs(), "-d", "-o", "allow_other,hang=mkdir", str(folder / "source"),
                 str(self.mountpoint)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=log)
        self.connection = wait_until(lambda: mounted_connection(self.mountpoint), "a mount")
        self.asking = None

    def hang(self):
        """Somebody asks for what is not answered."""
        self.asking = subprocess.Popen(["mkdir", str(self.mountpoint / "d")],
                                       stderr=subprocess.DEVNULL)
        wait_until(lambda: "MKDIR" in self.log.read_text(errors="replace"), "a request")

    def abort(self):
        (CONNECTIONS / str(self.connection) / "abort").write_text("1")

    def finish(self):
        if self.process.poll() is None:
            self.abort()
            self.process.kill()
        self.process.wait(DEADLINE)
        subprocess.run(["umount", "-l", str(self.mountpoint)], check=False)
        if self.asking:
            self.asking.wait(DEADLINE)


@pytest.fixture
def daemon(folder, belongings):
    daemon = Daemon(folder)
    belongings.mounts.append(daemon)
    return daemon


def expect_in_vain(command, daemon, *options, act):
    """The text and the JSON of a wait's report; act() is done when it is armed."""
    read, write = os.pipe()
    process = subprocess.Popen(
        [*command, "expect", "mkdir", "/d", "--mount", str(daemon.mountpoint), "--timeout", "1s",
         "--format", "json", "--ready-fd", str(write), *options], stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, pass_fds=[write], text=True)
    os.close(write)
    with os.fdopen(read) as ready:
        assert ready.readline() == "ready\n" or process.wait(DEADLINE) == CANNOT_RUN
    act()
    out, err = process.communicate(timeout=DEADLINE)
    if process.returncode == CANNOT_RUN:
        pytest.skip(err)
    assert process.returncode == UNSATISFIED, err
    found = [json.loads(line) for line in out.splitlines()]
    return err, next(record for record in found if record["event"] == "report")


def assert_no_death(text):
    assert not re.search(r"has ended|died|ended|state \?|gone", text), text


@pytest.mark.parametrize("hides, reason, key", [(False, FORBIDDEN, "forbidden"),
                                                (True, HIDDEN, "hidden")],
                         ids=["other-user", "hidepid"])
def test_daemon_of_another_user(program, daemon, hides, reason, key):
    text, report = expect_in_vain(
        in_namespace(*AS_USER, program, hides=hides), daemon, "--source", "log", "--log",
        str(daemon.log), act=daemon.hang)
    assert report["verdict"] == "in flight" and report["state"] == "mounted"
    assert UNKNOWN + reason in text
    assert report["daemon_unknown"] == key and "daemon" not in report
    assert_no_death(text)


def test_its_death_is_not_known_either(program, daemon):
    """It is not seen to die; that it lives is not claimed."""
    text, report = expect_in_vain(
        in_namespace(*AS_USER, program, hides=True), daemon, "--source", "log", "--log",
        str(daemon.log), act=daemon.process.kill)
    assert UNKNOWN + HIDDEN in text and report["verdict"] == "no events"


def test_daemon_of_another_pid_namespace(program, daemon):
    """Root traces, but the daemon is not among the processes of its namespace."""
    text, report = expect_in_vain(
        ["unshare", "--fork", "--pid", "--mount-proc", str(program)], daemon, "--source", "kernel",
        act=daemon.hang)
    assert report["verdict"] == "in flight"
    assert UNKNOWN + NOT_SEEN in text and report["daemon_unknown"] == "not seen"
    assert_no_death(text)


def test_daemon_that_is_seen(program, daemon):
    """The other side: who may look is told all, and not that something is not known."""
    text, report = expect_in_vain([str(program)], daemon, "--source", "log", "--log",
                                  str(daemon.log), act=daemon.hang)
    assert "daemon  :" not in text and "daemon_unknown" not in report
    assert f"daemon pid {daemon.process.pid}" in text


# ---- a daemon that was started, and took another user's rights ----


@pytest.fixture
def become_root(folder):
    """What sudo does: a command line that runs the rest as root."""
    folder = folder / "bin"
    folder.mkdir()
    program = Path(shutil.copy(shutil.which("setpriv"), folder / "become"))
    program.chmod(0o4755)
    if os.statvfs(folder).f_flag & os.ST_NOSUID:
        pytest.skip("the temporary directory is mounted nosuid")
    return [str(program), "--reuid", "0", "--regid", "0", "--clear-groups", "env",
            f"LD_LIBRARY_PATH={os.environ.get('LD_LIBRARY_PATH', '')}"]


class Run:
    """`fusetrace run` by a user of a daemon that becomes root's and goes into the background."""

    def __init__(self, folder, program, become_root, hides, script=None):
        self.mountpoint = folder / "mnt"
        self.log = folder / "log"
        for path in (folder / "source", self.mountpoint):
            path.mkdir()
        self.log.touch(0o644)
        daemon = [find_branchfs(), "-o", f"allow_other,trace_file={self.log}",
                  folder / "source", self.mountpoint]
        if script:
            script.write_text(shlex.join(map(str, daemon)))
            daemon = ["sh", script]
        self.process = subprocess.Popen(
            in_namespace(*AS_USER, program, "run", "--source", "log", "--log", self.log,
                         "--timeout", "2s", "--format", "json", "--", *become_root, *daemon,
                         hides=hides),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def enter(self, *words):
        """A command among its mounts; they end with it."""
        result = subprocess.run(
            ["nsenter", "--mount", "--target", str(self.process.pid), *map(str, words)],
            check=False, timeout=DEADLINE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            text=True)
        if result.returncode != 0:
            self.process.terminate()
            pytest.fail(f"{words[0]}: {result.stderr}{self.process.communicate(timeout=DEADLINE)}")

    def wait_mounted(self):
        def is_there():
            mounts = Path(f"/proc/{self.process.pid}/mountinfo").read_text()
            return f" {self.mountpoint} " in mounts
        wait_until(is_there, "a mount")

    def end(self):
        out, err = self.process.communicate(timeout=DEADLINE)
        return events(out), err


@pytest.fixture
def started(folder, program, become_root, belongings):
    """started(hides, script): such a run; with a script only that one names the mountpoint."""
    if not shutil.which("nsenter"):
        pytest.skip("nsenter is not installed")

    def start(hides, script=None):
        run = Run(folder, program, become_root, hides, script)
        belongings.mounts.append(run)
        run.abort = run.process.kill
        run.finish = lambda: (run.process.kill(), run.process.wait(DEADLINE))
        return run

    return start


@pytest.mark.parametrize("hides", [False, True], ids=["other-user", "hidepid"])
def test_background_daemon_of_another_user_is_not_told_as_dead(started, hides):
    """What it mounts is known by its command line, also when the one that had it is hidden or gone."""
    run = started(hides)
    run.wait_mounted()
    run.enter("mkdir", run.mountpoint / "x")
    wait_until(lambda: '"mkdir"' in run.log.read_text(), "an operation")
    run.enter("umount", run.mountpoint)
    seen, err = run.end()
    assert seen[:2] == ["trace", "mounted"] and seen[-1] == "unmounted", (seen, err)
    assert "without a daemon" not in err and run.process.returncode == 0


def test_background_daemon_of_another_user_at_ctrl_c(started):
    """It cannot be told to end: the run ends, and says what stays."""
    run = started(False)
    run.wait_mounted()
    run.enter("mkdir", run.mountpoint / "x")
    wait_until(lambda: '"mkdir"' in run.log.read_text(), "an operation")
    run.process.send_signal(signal.SIGINT)
    run.process.wait(DEADLINE)
    _, err = run.end()
    assert "stays mounted: whoever serves it is not seen" in err and run.process.returncode != GONE


def test_hidden_daemon_may_have_mounted(started, folder):
    run = started(True, script=folder / "script")
    _, err = run.end()
    assert run.process.returncode == UNSATISFIED
    assert "ended without mounting anything that is seen to be its own" in err


# ---- what is left behind ----


@pytest.mark.parametrize("hides", [False, True], ids=["other-user", "hidepid"])
def test_process_of_a_hidden_starter_is_not_left_over(program, folder, hides):
    """Who started it runs as root, and this user cannot see that: it is no business of his."""
    process = subprocess.Popen([*AS_USER, "env", f"FUSETRACE_DAEMON={os.getpid()}-0123456789abcdef",
                                "sleep", "60"])
    try:
        wait_until(lambda: b"sleep" in Path(f"/proc/{process.pid}/cmdline").read_bytes(), "sleep")
        for options in ((), ("--clean",)):
            result = subprocess.run(
                in_namespace(*AS_USER, program, "doctor", "--format", "json", *options, hides=hides),
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=DEADLINE, check=False)
            told = [json.loads(line) for line in result.stdout.splitlines()]
            assert [one for one in told if one.get("owner") == os.getpid()] == []
        assert process.poll() is None
    finally:
        process.kill()
        process.wait(DEADLINE)
