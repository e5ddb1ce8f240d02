# SPDX-License-Identifier: MIT
"""fusetrace as the tests use it: the command `attach`, and its operations as Python objects."""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Callable

from .mounting import Deadline, end_process, wait_for_exit

ARM_SECONDS = 20
END_SECONDS = 20
EVENT_SECONDS = 20
READ_SIZE = 1 << 16
BYTES_KEYS = ("path", "path2", "name", "name2", "xattr", "target")


def find_fusetrace() -> str | None:
    return os.environ.get("FUSETRACE") or shutil.which("fusetrace")


class Operation:
    """One record of docs/json.md; what is absent there is None here. Names are bytes."""

    def __init__(self, record: dict):
        self.record = record

    def __getattr__(self, key: str):
        if key.startswith("__"):
            raise AttributeError(key)
        return self.record.get(key)

    @property
    def end_ns(self) -> int | None:
        if self.start_ns is None or self.duration_ns is None:
            return None
        return self.start_ns + self.duration_ns

    def __repr__(self) -> str:
        shown = {key: value for key, value in self.record.items()
                 if key not in ("v", "source", "uid", "gid", "start_ns", "duration_ns")}
        return " ".join(f"{key}={value}" for key, value in shown.items())


def parse_record(line: bytes) -> dict:
    record = json.loads(line)
    for key in BYTES_KEYS:
        exact = record.pop(f"{key}_bytes", None)
        if exact is not None:
            record[key] = base64.b64decode(exact, validate=True)
        elif key in record:
            record[key] = record[key].encode()
    for key, value in record.items():
        if key in ("unique", "fh", "nodeid", "nodeid2", "entry", "offset") and \
                isinstance(value, str):
            record[key] = int(value)
    return record


class Records:
    """The lines of a trace as they come out of a pipe."""

    def __init__(self, pipe: int):
        self.pipe = pipe
        self.rest = b""
        self.operations: list[Operation] = []
        self.events: list[dict] = []

    def _take(self, data: bytes) -> None:
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            record = parse_record(line)
            if "op" in record:
                self.operations.append(Operation(record))
            else:
                self.events.append(record)

    def _read(self, deadline: Deadline) -> bool:
        """Takes what is there or comes by the deadline; False: nothing more will."""
        poll = select.poll()
        poll.register(self.pipe, select.POLLIN)
        if not poll.poll(deadline.left_ms()):
            return False
        data = os.read(self.pipe, READ_SIZE)
        self._take(data)
        return bool(data)

    def wait_for(self, is_it: Callable[[Operation], bool]) -> Operation:
        """The first operation that is_it() accepts, now or to come."""
        deadline = Deadline(EVENT_SECONDS)
        seen = 0
        while True:
            for operation in self.operations[seen:]:
                if is_it(operation):
                    return operation
            seen = len(self.operations)
            if not self._read(deadline):
                raise AssertionError("the operation did not come; the last ones were\n" +
                                     "\n".join(map(repr, self.operations[-20:])))

    def wait_for_event(self, name: str) -> None:
        deadline = Deadline(EVENT_SECONDS)
        while name not in [event["event"] for event in self.events]:
            assert self._read(deadline), (name, self.events)

    def read_to_end(self, deadline: Deadline) -> None:
        while self._read(deadline):
            pass

    def lost(self) -> int:
        return sum(event.get("count", 1) for event in self.events if event["event"] == "lost")


class Trace(Records):
    """`fusetrace attach` on a mount, from the moment it is armed until finish()."""

    def __init__(self, mountpoint: Path, log: Path):
        ready, ready_of_child = os.pipe()
        self.log = log
        try:
            with open(log, "wb") as errors:
                self.process = subprocess.Popen(
                    [find_fusetrace(), "attach", "--format", "json", "--ready-fd",
                     str(ready_of_child), str(mountpoint)],
                    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors,
                    pass_fds=(ready_of_child,), start_new_session=True)
        finally:
            os.close(ready_of_child)
        super().__init__(self.process.stdout.fileno())
        try:
            self._wait_until_armed(ready)
        finally:
            os.close(ready)

    def _wait_until_armed(self, ready: int) -> None:
        poll = select.poll()
        poll.register(ready, select.POLLIN)
        if not poll.poll(ARM_SECONDS * 1000) or os.read(ready, 64) != b"ready\n":
            self.close()
            raise AssertionError(f"fusetrace did not arm: {self.log.read_text()}")

    def finish(self) -> list[Operation]:
        """Ends the trace, takes what is left, gives all operations."""
        deadline = Deadline(END_SECONDS)
        self.process.send_signal(signal.SIGINT)
        self.read_to_end(deadline)
        is_ended = wait_for_exit(self.process, deadline.left() + 1)
        self.close()
        assert is_ended, "fusetrace did not end"
        assert self.process.returncode == 0, self.log.read_text()
        assert not self.rest, f"half a line at the end: {self.rest!r}"
        return self.operations

    def close(self) -> None:
        end_process(self.process)
        self.process.stdout.close()
