# SPDX-License-Identifier: MIT
"""What the tests of branchfs share: mounting, waiting, system calls that Python does not have."""

import ctypes
import json
import os
import select
import signal
import subprocess
import sys
import time

DEADLINE = 60.0  # seconds for one test
PATIENCE = 20.0  # for one thing to happen within it

RENAME_NOREPLACE = 1
RENAME_EXCHANGE = 2
UTIME_NOW = (1 << 30) - 1
UTIME_OMIT = (1 << 30) - 2
FALLOC_FL_KEEP_SIZE = 1
FALLOC_FL_PUNCH_HOLE = 2
AT_FDCWD = -100
AT_SYMLINK_NOFOLLOW = 0x100
PR_SET_PDEATHSIG = 1

libc = ctypes.CDLL(None, use_errno=True)


class Timespec(ctypes.Structure):
    _fields_ = [("tv_sec", ctypes.c_long), ("tv_nsec", ctypes.c_long)]


def _check(result, path=None):
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error), path)
    return result


def renameat2(old, new, flags):
    _check(libc.renameat2(AT_FDCWD, os.fsencode(old), AT_FDCWD, os.fsencode(new), flags), str(old))


def utimensat(path, atime, mtime):
    """Times are (seconds, nanoseconds), where nanoseconds may be UTIME_NOW or UTIME_OMIT."""
    times = (Timespec * 2)(Timespec(*atime), Timespec(*mtime))
    _check(libc.utimensat(AT_FDCWD, os.fsencode(path), times, AT_SYMLINK_NOFOLLOW), str(path))


def fallocate(fd, mode, offset, length):
    _check(libc.fallocate(fd, mode, ctypes.c_long(offset), ctypes.c_long(length)))


def end_with_parent():
    """In a child before exec: SIGTERM when the process that runs the tests is killed."""
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def wait_until(condition, what, timeout=PATIENCE):
    """Returns the first true value of condition(). For what has no event to wait for."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {timeout} s: {what}")
        time.sleep(0.001)


def wait_until_empty(path):
    """A file that was closed a moment ago is still open for the daemon, until the kernel's RELEASE
    comes. Unlinked before that, libfuse hides it under another name."""
    wait_until(lambda: os.listdir(path) == [], "hidden files to go with their last release")


def make(root, kind):
    """Makes an object called as its kind and something that tells it from others."""
    path = root / kind
    if kind.startswith("file"):
        path.write_bytes(kind.encode())
    elif kind.startswith("empty"):
        path.mkdir(mode=0o711)
    elif kind.startswith("full"):
        path.mkdir()
        (path / "inside").touch()
    elif kind.startswith("link"):
        path.symlink_to(kind)
    elif kind.startswith("fifo"):
        os.mkfifo(path)


def errno_of(function, *arguments, **keywords):
    """The errno that the call fails with, 0 when it succeeds."""
    try:
        function(*arguments, **keywords)
    except OSError as error:
        return error.errno
    return 0


def run_python(code, *arguments, **keywords):
    """Starts a Python process that runs code with the arguments in sys.argv[1:]."""
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        **keywords,
    )


def mountinfo(path):
    """The (device minor number, file system type) of the mount on path, None if there is none.

    Only looks into /proc: touching a mount that hangs would hang, too.
    """
    wanted = os.fsencode(path)
    found = None
    with open("/proc/self/mountinfo", "rb") as lines:
        for line in lines:
            words = line.split()
            mounted_on = words[4].decode("unicode_escape").encode("latin-1")
            if mounted_on == wanted:
                found = (
                    int(words[2].split(b":")[1]),
                    words[words.index(b"-") + 1].decode(),
                )
    return found


def wait_for_mountinfo(condition, what, timeout=PATIENCE):
    """Waits until condition() holds, looking at each change of the mount table."""
    end = time.monotonic() + timeout
    with open("/proc/self/mountinfo", "rb") as table:
        poll = select.poll()
        poll.register(table, select.POLLPRI)
        while not condition():
            if time.monotonic() > end:
                raise AssertionError(f"not within {timeout} s: {what}")
            poll.poll(100)


_live_mounts = []


def abort_all_mounts():
    for mount in list(_live_mounts):
        mount.abort()


class Mount:
    """A running branchfs.

    Options are "-s" or what follows -o. words replaces the specification of the branches.
    """

    def __init__(
        self, binary, folder, branches, name, options=(), env=None, foreground=True, words=None
    ):
        self.path = folder / name
        self.branches = []
        self.process = None
        self.stderr_path = folder / f"{name}.stderr"
        self._minor = None
        self._env = {k: v for k, v in os.environ.items() if k != "FUSE_TRACE"} | (env or {})
        self.path.mkdir(exist_ok=True)
        specifications = []
        for branch in branches:
            location, separator, mode = str(branch).partition("=")
            location = folder / location
            location.mkdir(exist_ok=True)
            self.branches.append(location)
            specifications.append(f"{location}{separator}{mode}")
        self.command = [binary, *(["-f"] if foreground else [])]
        for option in options:
            self.command += [option] if option.startswith("-") else ["-o", option]
        self.command += [words or ":".join(specifications), str(self.path)]
        self.foreground = foreground

    def start(self):
        with open(self.stderr_path, "ab") as stderr:
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stderr=stderr,
                env=self._env,
                preexec_fn=end_with_parent,
            )
        if not self.foreground:
            assert self.process.wait(PATIENCE) == 0, self.stderr()
        _live_mounts.append(self)
        wait_for_mountinfo(
            lambda: self._is_mounted() or self.foreground and self.process.poll() is not None,
            f"mount on {self.path}",
        )
        assert self._is_mounted(), self.stderr()
        self._minor, kind = mountinfo(self.path)
        assert kind == "fuse.branchfs"
        return self

    def _is_mounted(self):
        return mountinfo(self.path) is not None

    def __truediv__(self, name):
        return self.path / name

    def stderr(self):
        return self.stderr_path.read_text(errors="surrogateescape")

    def trace(self):
        """The operations that were traced so far, oldest first."""
        lines = self.stderr_path.read_bytes().split(b"\n")
        return [json.loads(line) for line in lines[:-1] if line.startswith(b"{")]

    def wait_for_trace(self, what, **wanted):
        """Waits for an operation that has all the wanted values and returns it."""

        def look():
            for operation in self.trace():
                if all(operation.get(key) == value for key, value in wanted.items()):
                    return operation
            return None

        return wait_until(look, f"{what}: {wanted}")

    def abort(self):
        """Ends the connection from the kernel's side."""
        try:
            with open(f"/sys/fs/fuse/connections/{self._minor}/abort", "w") as control:
                control.write("1")
        except OSError:
            pass  # gone already, or no right to: then the process's end does it
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)

    def unmount(self, lazy=False):
        if os.geteuid() == 0:
            command = ["umount", *(["-l"] if lazy else [])]
        else:
            command = ["fusermount3", "-u", *(["-z"] if lazy else [])]
        subprocess.run([*command, self.path], check=True)

    def wait(self):
        """The exit code of the process in the foreground."""
        code = self.process.wait(PATIENCE)
        self._check_stderr()
        return code

    def end(self):
        """Unmounts and returns the exit code."""
        self.unmount()
        return self.wait()

    def _check_stderr(self):
        text = self.stderr()
        for complaint in ("Sanitizer", "runtime error:"):
            assert complaint not in text, text

    def finish(self):
        """Leaves nothing behind, whatever state the test left it in."""
        _live_mounts.remove(self)
        if self._is_mounted():
            self.unmount(lazy=True)
        if self.foreground and self.process.poll() is None:
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.abort()
                self.process.kill()
                self.process.wait(PATIENCE)
                raise
        self._check_stderr()
