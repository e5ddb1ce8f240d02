# SPDX-License-Identifier: MIT
"""The mount that is measured, and the ways to watch it: fusetrace and what one would take instead."""

import contextlib
import os
import pathlib
import select
import shutil
import signal
import subprocess
import tempfile



@contextlib.contextmanager
def mounted(*options, debug=False):
    """A branchfs over one branch in memory; yields the mountpoint."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        branch, mount = pathlib.Path(folder, "branch"), pathlib.Path(folder, "mount")
        branch.mkdir()
        mount.mkdir()
        command = ["branchfs", "-d" if debug else "-f"]
        for option in options:
            command += ["-o", option]
        log = open(pathlib.Path(folder, "log"), "wb")
        daemon = subprocess.Popen([*command, str(branch), str(mount)], stdout=log, stderr=log)
        try:
            wait_for_mount(mount, daemon)
            yield mount
        finally:
            subprocess.run(["umount", str(mount)], check=False)
            daemon.wait(timeout=10)
            log.close()


def wait_for_mount(mount, daemon):
    """Until /proc/self/mountinfo has the mountpoint; the kernel wakes us when it changes."""
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as info:
        poll = select.poll()
        poll.register(info, select.POLLPRI)
        for _ in range(100):
            info.seek(0)
            if f" {mount} " in info.read():
                return
            if daemon.poll() is not None:
                break
            poll.poll(100)
    raise RuntimeError(f"branchfs did not mount {mount}")


class Tracer:
    """One way to watch the workload: started before it, ended after it."""

    name = ""
    tool = None  # the binary that must be there

    def missing(self):
        return self.tool and not shutil.which(self.tool) and f"{self.tool} is not installed"

    def prefix(self):
        """What is put in front of the workload's command."""
        return []

    @contextlib.contextmanager
    def running(self, mount):
        yield


class Background(Tracer):
    """A tracer that is a process of its own; ready when it has printed something or said so."""

    def command(self, mount, ready):
        """The process; ready is a descriptor that it may write to."""
        raise NotImplementedError

    def wait_ready(self, process, read_end):
        """Returns when requests are seen."""
        raise NotImplementedError

    @contextlib.contextmanager
    def running(self, mount):
        read_end, write_end = os.pipe()
        command = self.command(mount, write_end)
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, pass_fds=[write_end]
        )
        os.close(write_end)
        try:
            self.wait_ready(process, read_end)
            yield
        finally:
            os.close(read_end)
            process.send_signal(signal.SIGINT)
            process.stderr.close()
            process.wait(timeout=30)


class Fusetrace(Background):
    name = "fusetrace attach, live, JSON to /dev/null"
    tool = "fusetrace"
    options = ["--format", "json"]

    def command(self, mount, ready):
        return ["fusetrace", "attach", *self.options, "--ready-fd", str(ready), str(mount)]

    def wait_ready(self, process, read_end):
        os.read(read_end, 16)


class FusetraceQuiet(Fusetrace):
    name = "fusetrace attach --quiet --summary"
    options = ["--quiet", "--summary"]


class Unconcerned(FusetraceQuiet):
    """Another mount is traced: what is left is looking a connection up, and the counting."""

    name = "fusetrace attach, another mount"

    @contextlib.contextmanager
    def running(self, mount):
        with mounted() as other, super().running(other):
            yield


class Bpftrace(Tracer):
    name = "bpftrace, the same two tracepoints"
    tool = "bpftrace"
    script = """
        BEGIN { printf("ready\\n"); }
        tracepoint:fuse:fuse_request_send {
            @begin[args->unique] = nsecs; printf("%d %lu\\n", args->opcode, args->unique); }
        tracepoint:fuse:fuse_request_end {
            printf("%lu %d %lu\\n", args->unique, args->error, nsecs - @begin[args->unique]);
            delete(@begin[args->unique]); }
    """

    @contextlib.contextmanager
    def running(self, mount):
        process = subprocess.Popen(
            ["bpftrace", "-B", "line", "-e", self.script],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        reader = None
        try:
            while b"ready" not in (line := process.stdout.readline()):
                if not line:
                    raise RuntimeError(f"bpftrace ended: {process.stderr.read().decode()}")
            reader = subprocess.Popen(
                ["cat"], stdin=process.stdout, stdout=subprocess.DEVNULL
            )
            yield
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=30)
            if reader:
                reader.wait(timeout=30)
            process.stdout.close()
            process.stderr.close()


class PerfTrace(Tracer):
    name = "perf trace -a -e 'fuse:*'"
    tool = "perf"

    def prefix(self):
        return ["perf", "trace", "-a", "-e", "fuse:*", "-o", "/dev/null", "--"]


class StraceClient(Tracer):
    name = "strace -f on the workload"
    tool = "strace"

    def prefix(self):
        return ["strace", "-f", "-o", "/dev/null"]
