# SPDX-License-Identifier: MIT
"""An independent witness of what went over a FUSE connection: the kernel's own trace events.

An instance of tracefs with the events fuse_request_send and fuse_request_end, filtered to one
connection and read as text. It shares nothing with fusetrace but the two places in the kernel.
"""

from __future__ import annotations

import os
import re
import select
from dataclasses import dataclass
from pathlib import Path

from .mounting import Deadline

EVENTS = ("fuse_request_send", "fuse_request_end")
BUFFER_KIB = 16384
IDLE_SECONDS = 20
READ_SIZE = 1 << 16
LINE = re.compile(rb"\s(?P<seconds>\d+)\.(?P<micros>\d{6}): (?P<event>fuse_request_\w+): "
                  rb"connection \d+ req (?P<unique>\d+)(?: opcode \d+ \((?P<opcode>\w+)\))?"
                  rb"(?:.* error (?P<error>-?\d+))?")
# Where fusetrace has another name, or the kernel none: 0x35 is COPY_FILE_RANGE_64.
OP_OF = {"rename2": "rename", "0x35": "copy_file_range"}


@dataclass
class Request:
    """What the kernel said of one request."""

    unique: int
    op: str
    start_us: int
    error: int | None = None  # positive; None: no reply yet


class Witness:
    """Watches a connection from its making until close()."""

    def __init__(self, tracefs: Path, device: int):
        self.instance = tracefs / "instances" / f"fusetrace-live-{os.getpid()}-{device}"
        self.requests: dict[int, Request] = {}
        self.in_flight: dict[int, Request] = {}
        self.rest = b""
        self.pipe = None
        self.instance.mkdir()
        try:
            self._set("buffer_size_kb", str(BUFFER_KIB))
            self._set("trace_clock", "mono")
            for event in EVENTS:
                self._set(f"events/fuse/{event}/filter", f"connection == {device}")
                self._set(f"events/fuse/{event}/enable", "1")
            self.pipe = os.open(self.instance / "trace_pipe", os.O_RDONLY | os.O_NONBLOCK)
        except BaseException:
            self.close()
            raise

    @staticmethod
    def missing(tracefs: Path) -> str | None:
        """Why there is no such witness here, or None."""
        if not (tracefs / "events/fuse" / EVENTS[0]).exists():
            return "the kernel's trace events for FUSE requests are not there (Linux 6.11)"
        return None

    def _set(self, file: str, value: str) -> None:
        (self.instance / file).write_text(value)

    def _take_line(self, line: bytes) -> None:
        match = LINE.search(line)
        if not match:
            assert b"LOST" not in line, "the witness itself lost events"
            return
        unique = int(match["unique"])
        if match["event"] == b"fuse_request_send":
            moment = int(match["seconds"]) * 1_000_000 + int(match["micros"])
            name = match["opcode"].decode().removeprefix("FUSE_").lower()
            request = Request(unique, OP_OF.get(name, name), moment)
            assert unique not in self.requests, f"the kernel sent request {unique} twice"
            self.requests[unique] = self.in_flight[unique] = request
        elif unique in self.in_flight:
            self.in_flight.pop(unique).error = -int(match["error"])

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self.pipe, READ_SIZE)
            except BlockingIOError:
                return
            *lines, self.rest = (self.rest + data).split(b"\n")
            for line in lines:
                self._take_line(line)

    def wait_until_idle(self) -> None:
        """Returns when every request so far has its reply."""
        deadline = Deadline(IDLE_SECONDS)
        poll = select.poll()
        poll.register(self.pipe, select.POLLIN)
        self._read()
        while self.in_flight:
            assert poll.poll(deadline.left_ms()), f"still in flight: {self.in_flight}"
            self._read()

    def close(self) -> None:
        if self.pipe is not None:
            os.close(self.pipe)
            self.pipe = None
        self.instance.rmdir()
