# SPDX-License-Identifier: MIT
"""What the tests of the command share: running it with deadlines, and mounts to run it on.

Nothing here touches a mount itself unless a daemon is known to answer: what may hang is done by
other processes, which have a deadline.
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
from pathlib import Path

# Far longer than anything takes that works, so that a slow machine fails nothing.
DEADLINE = 60.0
TEST_DEADLINE = 180.0
CONNECTIONS = Path("/sys/fs/fuse/connections")
DATA = Path(__file__).parent.parent / "data"
GOLDEN = Path(__file__).parent / "golden"

SATISFIED, UNSATISFIED, USAGE, GONE, NO_VERDICT, CANNOT_RUN, SETUP = 0, 1, 2, 3, 4, 77, 99


def find_fusetrace():
    return os.environ.get("FUSETRACE") or shutil.which("fusetrace")


def find_branchfs():
    return os.environ.get("FUSETRACE_BRANCHFS") or shutil.which("branchfs")


def run(*arguments, stdin=None, timeout=DEADLINE, **keywords):
    """Runs the command to its end. Its texts are str, or bytes with text=False."""
    keywords.setdefault("text", True)
    keywords.setdefault("stdout", subprocess.PIPE)
    if stdin is None:
        keywords.setdefault("stdin", subprocess.DEVNULL)
    return subprocess.run([find_fusetrace(), *map(str, arguments)], input=stdin,
                          stderr=subprocess.PIPE, timeout=timeout, **keywords)


def records(text):
    """The JSON lines of an output; each one must be an object of version 1."""
    found = [json.loads(line) for line in text.splitlines()]
    assert all(record["v"] == 1 for record in found)
    return found


def operations(text, **wanted):
    """The operations of a JSON output that have these values."""
    return [record for record in records(text) if "op" in record
            and all(record.get(key) == value for key, value in wanted.items())]


def events(text):
    """The names of the events of a JSON output, in order."""
    return [record["event"] for record in records(text) if "event" in record]


def children_of(pid):
    """All descendants of a process."""
    found = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += [int(child), *children_of(int(child))]
    return found


class Background:
    """The command while it runs. Its outputs are read by threads, so it never waits for us."""

    def __init__(self, *arguments, program=None, stdout=None, is_read=True, **keywords):
        self.outputs = {"out": bytearray(), "err": bytearray()}
        self.ready_fd, child_fd = os.pipe()
        before = [find_fusetrace()] if program is None else program
        arguments = [str(argument) for argument in arguments]
        self.process = subprocess.Popen(
            [*before, arguments[0], "--ready-fd", str(child_fd), *arguments[1:]],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE if stdout is None else stdout,
            stderr=subprocess.PIPE, pass_fds=(child_fd,), **keywords)
        os.close(child_fd)
        self.threads = []
        if stdout is None and is_read:
            self._read("out", self.process.stdout)
        self._read("err", self.process.stderr)

    def _read(self, name, stream):
        def read():
            while data := os.read(stream.fileno(), 65536):
                self.outputs[name] += data

        thread = threading.Thread(target=read, daemon=True)
        thread.start()
        self.threads.append(thread)

    def wait_ready(self):
        """Until the trace is armed."""
        is_readable, _, _ = select.select([self.ready_fd], [], [], DEADLINE)
        assert is_readable, f"not armed in time: {self.err}"
        word = os.read(self.ready_fd, 100)
        assert word == b"ready\n", f"ended before it was armed: {self.finish()}, {self.err}"
        return self

    def signal(self, number):
        self.process.send_signal(number)
        return self

    def finish(self, number=None, timeout=DEADLINE):
        """Its exit code, after that signal if there is one."""
        if number is not None:
            self.signal(number)
        code = self.process.wait(timeout)
        for thread in self.threads:
            thread.join(timeout)
        return code

    def kill(self):
        """With everything that it has started."""
        if self.process.poll() is None:
            for pid in [*children_of(self.process.pid), self.process.pid]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def stop(self):
        """For the end of a test; ends what it has started, too. False: it had to be killed."""
        has_ended = self.process.poll() is not None
        self.kill()
        self.process.wait()
        for thread in self.threads:
            thread.join(DEADLINE)
        os.close(self.ready_fd)
        for stream in (self.process.stdout, self.process.stderr):
            if stream:
                stream.close()
        return has_ended

    def wait_for(self, text, name="out"):
        """Until the output holds text."""
        limit = time.monotonic() + DEADLINE
        while text.encode() not in self.outputs[name]:
            assert time.monotonic() < limit, f"{text!r} is not in {self.outputs[name]!r}"
            assert any(thread.is_alive() for thread in self.threads), self.outputs
            threading.Event().wait(0.005)
        return self

    @property
    def out(self):
        return self.outputs["out"].decode()

    @property
    def err(self):
        return self.outputs["err"].decode()


def is_armed_line(text, mountpoint):
    """Whether that is all that was said: the trace is armed. bindfs has one of two types."""
    return re.fullmatch(rf"fusetrace: tracing {re.escape(str(mountpoint))} "
                        r"\(fuse(\.[a-z0-9]+)?, kernel source\)\n", text)


def mounted_connection(mountpoint):
    """The number of the connection that is mounted there, or None. The mount is not touched."""
    found = None
    for line in Path("/proc/self/mountinfo").read_text(errors="surrogateescape").splitlines():
        fields = line.split(" ")
        point = fields[4].encode("utf-8", "surrogateescape").decode("unicode_escape")
        if point == str(mountpoint) and fields[fields.index("-") + 1].startswith("fuse"):
            found = int(fields[2].split(":")[1])
    return found


def unmount(mountpoint):
    subprocess.run(["umount", "-l", str(mountpoint)], stderr=subprocess.DEVNULL, check=False)


def wait_until(condition, what):
    """Polls what cannot be waited for, such as the table of mounts."""
    limit = time.monotonic() + DEADLINE
    while not (result := condition()):
        assert time.monotonic() < limit, f"not in time: {what}"
        threading.Event().wait(0.005)
    return result


def stop_process(pid):
    """All its threads have stopped when it returns: until then they may answer a request."""
    os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: all(stat.read_text().rpartition(")")[2].split()[0] == "T"
                           for stat in Path(f"/proc/{pid}/task").glob("*/stat")),
               "the process to stop")


# Likewise, for a process in Python that stops the one that has started it.
STOP_PARENT = """
import glob, os, signal
os.kill(os.getppid(), signal.SIGSTOP)
while any(open(stat).read().rpartition(")")[2].split()[0] != "T"
          for stat in glob.glob(f"/proc/{os.getppid()}/task/*/stat")):
    pass
"""


class Asking:
    """A process that asks a filesystem for its size, a single request, and hangs if it hangs. It
    ends with its mount, which ends later than all other processes of a test."""

    def __init__(self, mountpoint):
        self.process = subprocess.Popen(
            [sys.executable, "-c", f"import os; os.statvfs({str(mountpoint)!r})"],
            stderr=subprocess.DEVNULL)
        wchan = Path(f"/proc/{self.process.pid}/wchan")
        wait_until(lambda: "request_wait" in wchan.read_text(),
                   "a process that waits for the daemon")

    def finish(self):
        self.process.wait(DEADLINE)

    def abort(self):
        self.process.kill()


class Mount:
    """A bindfs in the foreground, or another daemon with the same two arguments at its end."""

    def __init__(self, folder, name="mnt", command=("bindfs", "-f")):
        self.source = folder / f"{name}.source"
        self.mountpoint = folder / name
        self.source.mkdir()
        self.mountpoint.mkdir()
        self.process = subprocess.Popen([*command, str(self.source), str(self.mountpoint)],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        self.connection = wait_until(self._find, f"{command[0]} on {self.mountpoint}")

    def _find(self):
        assert self.process.poll() is None, "the daemon has ended before it mounted"
        return mounted_connection(self.mountpoint)

    def __truediv__(self, name):
        return self.mountpoint / name

    @property
    def is_mounted(self):
        return mounted_connection(self.mountpoint) == self.connection

    def abort(self):
        """Frees everybody who waits for an answer."""
        with contextlib.suppress(OSError):
            (CONNECTIONS / str(self.connection) / "abort").write_text("1")

    def unmount(self):
        subprocess.run(["umount", str(self.mountpoint)], check=True, timeout=DEADLINE)

    def kill(self, number=signal.SIGKILL):
        self.process.send_signal(number)
        return self.process.wait(DEADLINE)

    def stop(self):
        """The daemon answers nothing any more. Before, it has answered: it is past INIT."""
        os.statvfs(self.mountpoint)
        stop_process(self.process.pid)

    def ask(self, belongings):
        """A process that hangs in this mount, which is stopped."""
        asking = Asking(self.mountpoint)
        belongings.mounts.append(asking)
        return asking.process

    def finish(self):
        if self.process.poll() is None:
            self.abort()
            self.process.kill()
            self.process.wait(DEADLINE)
        if self.is_mounted:
            unmount(self.mountpoint)
