# SPDX-License-Identifier: MIT
"""What "written" means, as a model: files with their content, names, and who has them open; and
processes that do to a real filesystem what is done to the model.

A writing process reads one call a line (JSON) and answers it when the system call has returned.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field

OPENED, DIRTY, SYNCED = "opened", "dirty", "synced"


@dataclass
class File:
    content: bytearray = field(default_factory=bytearray)
    handles: dict[int, str] = field(default_factory=dict)  # of writers
    is_proved: bool = False
    suspects: set[int] = field(default_factory=set)  # had it open when it was truncated
    shows_writes: bool = False  # a write was seen, so that another one would have been, too
    was_synced_open: bool = False  # the write-back cache may hide what was written after that

    @property
    def is_written(self) -> bool:
        return (self.is_proved and not self.suspects
                and DIRTY not in self.handles.values()
                and (self.shows_writes or OPENED not in self.handles.values()))


class Model:
    """All files by name, and the handles that are open by number."""

    def __init__(self) -> None:
        self.files: dict[str, File] = {}
        self.open: dict[int, File] = {}

    def open_write(self, handle: int, name: str, truncates: bool) -> None:
        file = self.files.setdefault(name, File())
        file.is_proved = False
        file.handles[handle] = DIRTY if truncates else OPENED
        if truncates:
            file.content.clear()
        self.open[handle] = file

    def write(self, handle: int, data: bytes) -> None:
        file = self.open[handle]
        file.content += data
        file.shows_writes = True
        file.handles[handle] = DIRTY
        file.is_proved = False

    def fsync(self, handle: int) -> None:
        file = self.open[handle]
        file.handles = {one: SYNCED for one in file.handles}
        file.suspects.clear()
        file.is_proved = True
        file.was_synced_open = True

    def close(self, handle: int) -> None:
        file = self.open.pop(handle)
        del file.handles[handle]
        file.suspects.discard(handle)
        file.is_proved = True

    def truncate(self, name: str) -> None:
        file = self.files[name]
        file.content.clear()
        file.is_proved = not file.handles
        file.suspects = set(file.handles)

    def rename(self, old: str, new: str) -> None:
        self.files[new] = self.files.pop(old)

    def rename_directory(self, old: str, new: str) -> None:
        self.files = {new + name[len(old):] if name.startswith(old + "/") else name: file
                      for name, file in self.files.items()}

    def unlink(self, name: str) -> None:
        del self.files[name]


class Writer:
    """A process that makes system calls for others; one call at a time."""

    def __init__(self, root: os.PathLike[str]):
        self.process = subprocess.Popen([sys.executable, __file__, root], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)

    def call(self, *words: object) -> None:
        print(json.dumps(words), file=self.process.stdin, flush=True)
        answer = self.process.stdout.readline()
        assert answer == "done\n", f"{words}: {answer}"

    def end(self) -> None:
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(10)


def serve(root: str) -> None:
    os.chdir(root)
    handles: dict[int, int] = {}
    for line in sys.stdin:
        name, *words = json.loads(line)
        if name == "open":
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | (os.O_TRUNC if words[2] else 0)
            handles[words[0]] = os.open(words[1], flags, 0o644)
        elif name == "write":
            os.write(handles[words[0]], words[1].encode())
        elif name == "fsync":
            os.fsync(handles[words[0]])
        elif name == "close":
            os.close(handles.pop(words[0]))
        elif name == "read":
            with open(words[0], "rb") as file:
                file.read()
        else:
            getattr(os, name)(*words)
        print("done", flush=True)


if __name__ == "__main__":
    serve(sys.argv[1])
