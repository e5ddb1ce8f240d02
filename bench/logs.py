# SPDX-License-Identifier: MIT
"""How fast logs become operations, beside grep -c (the floor) and a parser in Python.

Real logs of tests/data/formats are repeated up to a size that takes a while, and read from memory.
"""

import contextlib
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).parent
DATA = HERE.parent / "tests" / "data" / "formats"
TEXT = 400e6  # bytes a second
FLOOR = 3e6  # lines a second, of text
FUSER = b"fuser::"
# What is printed in the table, the log, the target in bytes a second, and lines that are left out.
LOGS = [
    ("libfuse, high level", "libfuse-314-threads.log", TEXT, None),
    ("libfuse, low level", "libfuse-319-lowlevel.log", TEXT, None),
    ("tracing, full", "tracing-03-fuser.log", TEXT, FUSER),
    ("tracing, full, and fuser's requests", "tracing-03-fuser.log", None, None),
    ("tracing, JSON", "tracing-json-03-fuser.log", 250e6, FUSER),
    ("tracing, JSON, and fuser's requests", "tracing-json-03-fuser.log", None, None),
    ("tracing, compact", "tracing-03-compact.log", None, None),
    ("tracing, pretty", "tracing-pretty-03.log", None, None),
    ("mergerfs", "mergerfs-2.42-debug.log", None, None),
    ("go-fuse", "go-fuse-2.10-loopback.log", None, None),
    ("bazil", "bazil-rclone-160-vv.log", None, None),
    ("jacobsa", "jacobsa-2024-memfs.log", None, None),
    ("fuser", "fuser-012-env_logger.log", None, None),
    ("fusepy", "fusepy-30-middle.log", None, None),
    ("s3fs", "s3fs-190-debug.log", None, None),
    ("JuiceFS", "juicefs-1.4-accesslog.log", None, None),
    ("unionfs", "unionfs-10-debug_file.log", None, None),
    ("encfs", "encfs-19-verbose.log", None, None),
    ("fusetrace's own JSON", "fusetrace-0.1-branchfs.log", None, None),
]


@contextlib.contextmanager
def repeated(name, size, without=None):
    """A file in memory with the log over and over; yields its path, bytes and lines."""
    lines = (DATA / name).read_bytes().splitlines(keepends=True)
    text = b"".join(line for line in lines if not without or without not in line)
    count = max(1, size // len(text))
    with tempfile.NamedTemporaryFile(dir="/dev/shm", suffix=".log") as file:
        for _ in range(count):
            file.write(text)
        file.flush()
        yield file.name, count * len(text), count * text.count(b"\n")


def seconds(*command):
    """Processor time of a command, as others may want the processor, too."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    # not to /dev/null: grep would stop at the first match
    status = subprocess.run(command, stdout=subprocess.PIPE, timeout=600).returncode
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if status > (command[0] == "grep"):
        raise RuntimeError(f"{command} ended with {status}")
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def measure_log(name, without, size, repeat):
    with repeated(name, size, without) as (path, count, lines):
        pairs = [(seconds("fusetrace", "read", "--quiet", path),
                  seconds("grep", "-c", "unique", path)) for _ in range(repeat)]
    return {
        "bytes_per_s": count / statistics.median(ours for ours, _ in pairs),
        "lines_per_s": lines / statistics.median(ours for ours, _ in pairs),
        "grep_ratio": statistics.median(ours / floor for ours, floor in pairs),
    }


def measure_python(repeat):
    """The parser in Python on libfuse's text, and how many times faster the library is."""
    with repeated(LOGS[0][1], 20_000_000) as (path, count, lines):
        pairs = [(seconds(sys.executable, HERE / "log_regex.py", path),
                  seconds("fusetrace", "read", "--quiet", path)) for _ in range(repeat)]
    return {
        "bytes_per_s": count / statistics.median(theirs for theirs, _ in pairs),
        "lines_per_s": lines / statistics.median(theirs for theirs, _ in pairs),
        "ratio": statistics.median(theirs / ours for theirs, ours in pairs),
    }


def peak_of_stream(size):
    """Peak memory in bytes of reading that much from a pipe, and the seconds it took."""
    block = (DATA / LOGS[0][1]).read_bytes() * 8
    began = time.monotonic()
    reader = subprocess.Popen(["fusetrace", "read", "--quiet", "-"], stdin=subprocess.PIPE,
                              stdout=subprocess.DEVNULL)
    for _ in range(max(1, size // len(block))):
        reader.stdin.write(block)
    reader.stdin.close()
    _, status, usage = os.wait4(reader.pid, 0)
    reader.returncode = os.waitstatus_to_exitcode(status)
    if reader.returncode:
        raise RuntimeError(f"fusetrace read - ended with {reader.returncode}")
    return usage.ru_maxrss * 1024, time.monotonic() - began


def measure(repeat, size=200_000_000, stream=10_000_000_000):
    short, _ = peak_of_stream(size)
    long, took = peak_of_stream(stream)
    return {
        "logs": {title: measure_log(name, without, size, repeat)
                 for title, name, _, without in LOGS},
        "python": measure_python(repeat),
        "stream": {"bytes": stream, "peak": long, "peak_ratio": long / short, "seconds": took},
    }


def verdict(figures, target):
    if target is None:
        return ""
    is_met = figures["bytes_per_s"] >= target and \
        (target < TEXT or figures["lines_per_s"] >= FLOOR)
    return "met" if is_met else "**missed**"


def rates(figures):
    return f"{figures['bytes_per_s'] / 1e6:.0f} | {figures['lines_per_s'] / 1e6:.1f}"


def table(result):
    python, stream = result["python"], result["stream"]
    lines = ["| log | MB/s | M lines/s | times the time of `grep -c` | target | |",
             "|---|---|---|---|---|---|"]
    for title, _, target, _ in LOGS:
        figures = result["logs"][title]
        wanted = f"{target / 1e6:.0f} MB/s" if target else ""
        wanted += f", {FLOOR / 1e6:.0f} M lines/s" if target == TEXT else ""
        lines.append(f"| {title} | {rates(figures)} | {figures['grep_ratio']:.1f} | {wanted} | "
                     f"{verdict(figures, target)} |")
    lines.append(f"| libfuse, by patterns in Python | {rates(python)} | | | |")
    flat = "met" if stream["peak_ratio"] <= 1.05 else "**missed**"
    lines += ["", f"fusetrace takes libfuse's text {python['ratio']:.0f} times as fast as the parser "
              f"in Python. A stream of {stream['bytes'] / 1e9:.0f} GB through a pipe took "
              f"{stream['peak'] / 1e6:.0f} MB at most, {stream['peak_ratio']:.2f} of what one of "
              f"200 MB takes (target: flat, {flat})."]
    return "\n".join(lines) + "\n"
