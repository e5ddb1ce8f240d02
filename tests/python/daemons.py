# SPDX-License-Identifier: MIT
"""Filesystems that the tests of the package mount, trace and take away again.

A mount that hangs is aborted by its connection's number, and processes are ended by their own id:
whatever a test does to its filesystem, it leaves nothing behind.
"""

import contextlib
import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import threading
import time

import pytest

DEADLINE = 30.0  # seconds; far longer than anything takes that works
SOON = 0.05  # what "at once" means for a wait that ends
# One of two processors may be busy with other things; "at once" is then a little later.
SLACK = 0.25


def need_mounts():
    """Skips the test where branchfs cannot be mounted."""
    if os.geteuid() != 0:
        pytest.skip("mounting and tracing need root")
    if not os.path.exists("/dev/fuse"):
        pytest.skip("there is no /dev/fuse here")
    if not shutil.which("branchfs"):
        pytest.skip("branchfs is not on the PATH")


def wait_until(condition, what, timeout=DEADLINE):
    """The first true value of condition(); for what has no event to wait for."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"not within {timeout} s: {what}"
        time.sleep(0.001)


def mount_minor(mountpoint):
    """Number of the FUSE connection on a mountpoint, None without one. Touches no mount."""
    found = None
    with open("/proc/self/mountinfo", "rb") as lines:
        for line in lines:
            words = line.split()
            escaped = re.sub(rb"[ \t\n\\]", lambda found: b"\\%03o" % ord(found[0]),
                             os.fsencode(str(mountpoint)))
            if words[4] == escaped and b" - fuse" in line:
                found = int(words[2].split(b":")[1])
    return found


class Daemon:
    """A branchfs that runs in the foreground and prints its operations into its pipes.

    Attributes:
        process: the subprocess.Popen, whose pipes nobody reads but a monitor.
        mountpoint, branch: directories.
    """

    def __init__(self, folder, *options, name="mnt", trace=True, waits=True):
        need_mounts()
        self.branch, self.mountpoint = folder / f"{name}-branch", folder / name
        self.branch.mkdir()
        self.mountpoint.mkdir()
        self._minor = None
        words = ["branchfs", "-f"]
        for option in (["trace"] if trace else []) + list(options):
            words += ["-o", option]
        environment = {k: v for k, v in os.environ.items() if k != "FUSE_TRACE"}
        self.process = subprocess.Popen(
            [*words, str(self.branch), str(self.mountpoint)], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)
        if waits:
            self.wait_for_mount()

    def __truediv__(self, name):
        return self.mountpoint / name

    def wait_for_mount(self):
        wait_until(lambda: mount_minor(self.mountpoint) is not None
                   or self.process.poll() is not None, f"mount on {self.mountpoint}")
        self._minor = mount_minor(self.mountpoint)
        assert self._minor is not None, self.process.stderr.read()

    def kill(self, number=signal.SIGKILL):
        self.process.send_signal(number)

    def stop(self):
        """All its threads have stopped when it returns: until then they may answer a request."""
        self.kill(signal.SIGSTOP)
        os.waitid(os.P_PID, self.process.pid, os.WSTOPPED)

    def abort(self):
        """Ends the connection from the kernel's side: whatever hangs in it fails."""
        if self._minor is None:
            self._minor = mount_minor(self.mountpoint)
        with contextlib.suppress(OSError):
            with open(f"/sys/fs/fuse/connections/{self._minor}/abort", "w") as file:
                file.write("1")

    def unmount(self, lazy=False):
        subprocess.run(["umount", *(["-l"] if lazy else []), str(self.mountpoint)], check=True,
                       timeout=DEADLINE)

    def finish(self):
        """Leaves nothing behind, whatever state the test left it in."""
        if mount_minor(self.mountpoint) is not None:
            self.abort()
            with contextlib.suppress(subprocess.CalledProcessError):
                self.unmount(lazy=True)
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(DEADLINE)
        self.process.stdout.close()
        self.process.stderr.close()


@contextlib.contextmanager
def running(folder, *options, **keywords):
    """A Daemon, which is finished at the end."""
    daemon = Daemon(folder, *options, **keywords)
    try:
        yield daemon
    finally:
        daemon.finish()


def run_python(code, *arguments, **keywords):
    """Starts a Python process that runs code with the arguments in sys.argv[1:]."""
    return subprocess.Popen([sys.executable, "-c", code, *map(str, arguments)],
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True, **keywords)


def is_asleep(process):
    """Whether its main thread sleeps: it has said that it begins, and does nothing any more."""
    with open(f"/proc/{process.pid}/task/{process.pid}/stat") as file:
        return file.read().rpartition(")")[2].split()[0] == "S"


def settle(process):
    """Until it has been asleep for some looks in a row; waits with a trace wake up to look again,
    so that it sleeps at one moment is not enough."""
    end = time.monotonic() + 0.1
    while time.monotonic() < end:
        wait_until(lambda: is_asleep(process), "the wait to sleep")


class Later:
    """Runs a function in a thread, the moment that start() is called; join() gives what it returned
    or raises what it raised."""

    def __init__(self, function, *arguments, **keywords):
        self._call = (function, arguments, keywords)
        self._value = None
        self._error = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.ended_at = None
        self._thread.start()

    @property
    def native_id(self):
        return self._thread.native_id

    def _run(self):
        function, arguments, keywords = self._call
        try:
            self._value = function(*arguments, **keywords)
        except BaseException as error:  # the test shall see it
            self._error = error
        self.ended_at = time.monotonic()

    @property
    def is_done(self):
        return not self._thread.is_alive()

    def join(self, timeout=DEADLINE):
        self._thread.join(timeout)
        assert self.is_done, "the thread has not ended"
        if self._error is not None:
            raise self._error
        return self._value


# The number of ppoll(2), in which the library waits.
PPOLL = {"x86_64": "271", "aarch64": "73", "riscv64": "73"}.get(os.uname().machine)


def wait_for_waiters(count=1):
    """Until that many threads of this process sleep in the library. There is no event for that
    somebody has gone to sleep; /proc tells it, where the number of the system call is known."""

    def are_asleep():
        number = 0
        for thread in os.listdir("/proc/self/task"):
            with contextlib.suppress(OSError):
                with open(f"/proc/self/task/{thread}/syscall") as file:
                    number += file.read().split()[0] == PPOLL
        return number >= count

    if PPOLL is not None:
        wait_until(are_asleep, f"{count} threads in ppoll()")


def wait_until_asked(monitor, name):
    """Until such an operation is in flight."""
    wait_until(lambda: name in [one.operation for one in monitor.in_flight], f"a {name}")


def record(op, seq, **fields):
    """One operation as a recording has it; each begins 1 ms after the one before."""
    found = {"v": 1, "seq": seq, "op": op, "path": "/a", "status": "completed", "errno": 0,
             "start_ns": 1_000_000_000_000 + seq * 1_000_000, "duration_ns": 1000, "pid": 100,
             "unique": 2 * seq, "source": "kernel"}
    found.update(fields)
    return {key: value for key, value in found.items() if value is not None}


def write_recording(path, *records):
    """A file for Monitor.replay() of (name, fields)."""
    path.write_text("".join(json.dumps(record(op, seq, **fields)) + "\n"
                            for seq, (op, fields) in enumerate(records, 1)))
    return path


def readable(descriptor, timeout=0.0):
    """Whether there is something to read."""
    return bool(select.select([descriptor], [], [], timeout)[0])
