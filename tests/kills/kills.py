# SPDX-License-Identifier: MIT
"""Kills a test, or the daemon that it has mounted, at a moment of chance, again and again.

    python -m tests.kills.kills [--rounds N] [--seed N] [--load N] -- WORKER...

WORKER is started with a directory and a seed; what it tells on its standard output is described in
worker.c. After each round nothing may be left: no mount, process, directory or BPF program. When the
daemon was killed, each wait must have ended at once, and have said why. Prints the figures, and exits
with 1 if one round was not as it must be.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

ROUND_SECONDS = 60.0
CLEAN_SECONDS = 20.0
# What the worker has told before the moment, which is up to so many seconds later.
STAGES = {"nothing": 0.3, "started": 0.02, "mounted": 0.1, "stopping": 0.02}
PROMPT_MS = 50.0
EPIPE, ENOTCONN = -32, -107
DAEMON_DIED, UNMOUNTED = 8, 13
SKIPPED = 77
MARK = b"FUSETRACE_DAEMON="
# LeakSanitizer says so when a thread ends while it looks at the process's end. It goes on.
NO_FAULT = re.compile(r"^==\d+==Unable to get registers from thread \d+\.$")
VICTIMS = ("daemon", "daemon", "test", "test", "group", "both")


# ---- what is there ----


def marked(owner: int) -> list[int]:
    """The processes that a worker has started as a daemon, and their children."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit() and int(entry) != os.getpid():
            with contextlib.suppress(OSError):
                if MARK + f"{owner}-".encode() in Path(f"/proc/{entry}/environ").read_bytes():
                    found.append(int(entry))
    return found


def is_mounted_in(directory: str) -> bool:
    return f" {directory}/" in Path("/proc/self/mountinfo").read_text(errors="surrogateescape")


class _Next(ctypes.Structure):
    _fields_ = [("start", ctypes.c_uint32), ("next", ctypes.c_uint32), ("flags", ctypes.c_uint32)]


def bpf_programs() -> int:
    """How many there are on this machine; -1 where that cannot be asked."""
    libc = ctypes.CDLL(None, use_errno=True)
    number = {"x86_64": 321, "aarch64": 280}.get(os.uname().machine)
    if number is None:
        return -1
    attribute = _Next()
    count = 0
    while libc.syscall(number, 11, ctypes.byref(attribute), ctypes.sizeof(attribute)) == 0:
        count += 1
        attribute.start = attribute.next
    return count


def guardians() -> int:
    """How many run on this machine."""
    found = 0
    for entry in os.listdir("/proc"):
        with contextlib.suppress(OSError):
            found += entry.isdigit() and \
                Path(f"/proc/{entry}/comm").read_text().startswith("fusetrace-guard")
    return found


def machine() -> Counter[str]:
    """What there is of everybody, for a comparison when nobody else is at work."""
    return Counter({"BPF programs": bpf_programs(), "guardians": guardians(),
                    "FUSE mounts": Path("/proc/self/mountinfo").read_text(
                        errors="surrogateescape").count(" - fuse")})


# ---- one round ----


@dataclass
class Figures:
    """Of all rounds."""

    rounds: int = 0
    stages: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    late_ms: list[float] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def fault(self, text: str) -> None:
        self.faults.append(text)
        print(f"round {self.rounds}: {text}", file=sys.stderr, flush=True)


@dataclass
class Event:
    time_ns: int
    name: str
    words: list[str]


class Round:
    """A worker, from its start to what is left of it."""

    def __init__(self, command: list[str], seed: int, figures: Figures) -> None:
        self.figures = figures
        self.random = random.Random(seed)
        self.victim = self.random.choice(VICTIMS)
        self.directory = tempfile.mkdtemp(prefix="fusetrace-kills-")
        self.process = subprocess.Popen([*command, self.directory, str(seed)], text=True,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, start_new_session=True)
        self.kill_ns = 0
        self.daemons: list[int] = []
        self.stage = self.random.choice(list(STAGES))
        self.lines: list[str] = []
        self.error = ""
        self.stage_seen = threading.Event()
        self.readers = [threading.Thread(target=read) for read in (self._read, self._read_error)]
        for reader in self.readers:
            reader.start()

    def _read(self) -> None:
        for line in self.process.stdout:
            self.lines.append(line)
            if line.split()[1:] == [self.stage]:
                self.stage_seen.set()
        self.stage_seen.set()

    def _read_error(self) -> None:
        self.error = "\n".join(line for line in self.process.stderr.read().strip().split("\n")
                               if not NO_FAULT.match(line))

    def _kill(self) -> None:
        """The victim. A daemon has more than one process while it goes into the background."""
        self.daemons = marked(self.process.pid)
        self.kill_ns = time.monotonic_ns()
        if self.victim in ("daemon", "both"):
            for pid in self.daemons:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        if self.victim in ("test", "both"):
            self.process.kill()
        if self.victim == "group":
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)

    def run(self) -> int:
        """The exit code of the worker; negative: killed."""
        if self.stage != "nothing":
            self.stage_seen.wait(ROUND_SECONDS)
        time.sleep(self.random.uniform(0, STAGES[self.stage]))  # the moment of chance
        self._kill()
        try:
            self.process.wait(ROUND_SECONDS)
        except subprocess.TimeoutExpired:
            self.figures.fault(f"the worker has not ended ({self.victim} killed)")
            self.process.kill()
        code = self.process.wait()
        if code != SKIPPED:
            self._check_left()
        for reader in self.readers:  # a daemon holds the other end as long as it lives
            reader.join()
        for stream in (self.process.stdout, self.process.stderr):
            stream.close()
        if code != SKIPPED:
            self._check(code)
        return code

    def _check(self, code: int) -> None:
        events = [Event(int(words[0]), words[1], words[2:]) for words in
                  (line.split() for line in self.lines) if len(words) > 1]
        if self.error:
            self.figures.fault(f"the worker says: {self.error}")
        if self.victim == "daemon":
            self._check_events(events, code)
        self._count_stage(events)

    def _count_stage(self, events: list[Event]) -> None:
        before = [event.name for event in events if event.time_ns < self.kill_ns]
        stage = before[-1] if before else "nothing"
        self.figures.stages[f"{self.victim} after {stage}"] += 1

    def _check_events(self, events: list[Event], code: int) -> None:
        """Of a worker that has lived on."""
        if code:
            self.figures.fault(f"the worker ended with {code}")
        at = {event.name: event.time_ns for event in events}
        # What was killed while it was being taken away may have been gone already.
        was_stopping = at.get("stopping", self.kill_ns) < self.kill_ns or not self.daemons
        for event in events:
            if event.name == "ended":
                # Of two ends at one time either is true.
                was_first = at.get("stopping", event.time_ns) < event.time_ns
                self._check_wait(event, was_stopping or was_first)
            elif event.name == "failed":
                self._check_failure(event)
            elif event.name == "stopped" and event.words[0] != "0":
                self.figures.fault(f"the end: {event.words}")

    def _check_wait(self, event: Event, was_stopping: bool) -> None:
        wait, result, verdict = event.words[0], int(event.words[1]), int(event.words[2])
        allowed = {(EPIPE, DAEMON_DIED)}
        if wait == "state":
            allowed = {(EPIPE, 0)}
        if wait == "none":  # what is forbidden cannot come any more
            allowed = {(0, 0)}
        if wait == "use":  # it may have noticed by itself
            allowed.add((0, 0))
        if was_stopping:
            allowed |= {(ENOTCONN, UNMOUNTED), (0, 0), (ENOTCONN, 0)}
        self.figures.ends[f"{wait} {result} {verdict}"] += 1
        if (result, verdict) not in allowed:
            self.figures.fault(f"wait {wait} ended with {result}, verdict {verdict}")
        if not was_stopping and event.time_ns > self.kill_ns:
            self.figures.late_ms.append((event.time_ns - self.kill_ns) / 1e6)

    def _check_failure(self, event: Event) -> None:
        text = " ".join(event.words)
        self.figures.ends["did not mount"] += 1
        # One in the background may be killed before anybody has seen that it is there.
        if self.daemons and "killed by signal 9" not in text and "nobody saw how" not in text:
            self.figures.fault(f"the reason is not told: {text}")
        if self.daemons:
            self.figures.late_ms.append((event.time_ns - self.kill_ns) / 1e6)

    def _check_left(self) -> None:
        """Nothing is left, at the latest after a moment: the guardian works on its own."""
        end = time.monotonic() + CLEAN_SECONDS
        while left := self._what_is_left():
            if time.monotonic() > end:
                self.figures.fault(f"left behind ({self.victim} killed): {', '.join(left)}")
                return
            time.sleep(0.002)

    def _what_is_left(self) -> list[str]:
        left = [f"process {pid}" for pid in marked(self.process.pid)]
        if is_mounted_in(self.directory):
            left.append("a mount")
        with contextlib.suppress(FileNotFoundError):
            if os.listdir(self.directory):
                left.append(f"directory {self.directory}")
            else:  # it was killed before it could guard it
                os.rmdir(self.directory)
        return left


# ---- all rounds ----


class Load:
    """Processes that do nothing but take the processors."""

    def __init__(self, number: int) -> None:
        self.processes = [subprocess.Popen([sys.executable, "-c", "while True: pass"])
                          for _ in range(number)]

    def __enter__(self) -> Load:
        return self

    def __exit__(self, *exception: object) -> None:
        for process in self.processes:
            process.kill()
            process.wait()


def percentile(values: list[float], part: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


def show(figures: Figures) -> None:
    print(f"rounds {figures.rounds}")
    for name, count in sorted(figures.stages.items()):
        print(f"  killed: {name}: {count}")
    for name, count in sorted(figures.ends.items()):
        print(f"  ended: {name}: {count}")
    if figures.late_ms:
        prompt = sum(late <= PROMPT_MS for late in figures.late_ms) / len(figures.late_ms)
        print(f"from death to return, {len(figures.late_ms)} waits: "
              f"p50 {percentile(figures.late_ms, 0.5):.1f} ms, "
              f"p99 {percentile(figures.late_ms, 0.99):.1f} ms, "
              f"longest {max(figures.late_ms):.1f} ms; {prompt:.2%} within {PROMPT_MS:.0f} ms")
    print(f"faults {len(figures.faults)}")


def kill(command: list[str], rounds: int, seed: int, load: int = 0, *,
         is_alone: bool) -> Figures | None:
    """None: the worker cannot trace here. is_alone: nobody else mounts and traces meanwhile, so what
    there is of everybody can be compared."""
    figures = Figures()
    before = machine()
    with Load(load):
        for number in range(rounds):
            figures.rounds = number + 1
            if Round(command, seed + number, figures).run() == SKIPPED:
                return None
    end = time.monotonic() + CLEAN_SECONDS
    while is_alone and (more := machine() - before) and time.monotonic() < end:
        time.sleep(0.1)
    for name, count in more.items() if is_alone else ():
        figures.fault(f"{name}: {count} more than before")
    show(figures)
    return figures


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--load", type=int, default=2)
    parser.add_argument("worker", nargs="+")
    options = parser.parse_args()
    print(f"seed {options.seed}, {options.load} busy processes beside", flush=True)
    figures = kill(options.worker, options.rounds, options.seed, options.load, is_alone=True)
    if figures is None:
        return SKIPPED
    return 1 if figures.faults else 0


if __name__ == "__main__":
    sys.exit(main())
