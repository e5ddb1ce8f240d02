# SPDX-License-Identifier: MIT
"""Random sequences of what several processes do to files, against a model of what "written" means.

FUSETRACE_TEST_CASES says how many sequences (1,000 in all by default), FUSETRACE_TEST_SEED which.
"""

from __future__ import annotations

import contextlib
import os
import random

import pytest

from fusetrace import FuseTraceMonitor, SmartWaitHelper

from .writing import Model, Writer

CASES = int(os.environ.get("FUSETRACE_TEST_CASES", "1000"))
SEED = int(os.environ.get("FUSETRACE_TEST_SEED", random.randrange(1 << 32)))
WRITERS = 3
STEPS = 14
DEADLINE = 30.0
SHORT = 0.02  # for waits that are in vain
OPTIONS = {"cached": (), "direct": ("direct_io",), "write-back": ("writeback_cache",),
           "slow": ("delay=release:3ms", "delay=write:1ms")}


class Sequence:
    """One sequence: does the same to the model and to the filesystem."""

    def __init__(self, chance: random.Random, writers: list[Writer], number: int):
        self.chance = chance
        self.writers = writers
        self.model = Model()
        self.owners: dict[int, Writer] = {}
        self.directory = f"s{number}"
        self.names = [f"{self.directory}/{name}" for name in "abc"]
        self.steps: list[str] = []
        self.call("mkdir", self.directory)

    def call(self, name: str, *words: object, writer: Writer | None = None) -> None:
        self.steps.append(" ".join(map(str, (name, *words))))
        (writer or self.chance.choice(self.writers)).call(name, *words)

    def step(self) -> None:
        model, chance = self.model, self.chance
        there = [name for name in self.names if name in model.files]
        action = chance.choice(["open", "open", "write", "write", "write", "fsync", "close", "close",
                                "truncate", "rename", "unlink", "read", "directory"])
        if action == "open":
            handle = len(self.owners)
            self.owners[handle] = chance.choice(self.writers)
            name, truncates = chance.choice(self.names), chance.random() < 0.3
            self.call("open", handle, name, truncates, writer=self.owners[handle])
            model.open_write(handle, name, truncates)
        elif action in ("write", "fsync", "close") and model.open:
            handle = chance.choice(list(model.open))
            words = ["x" * chance.randrange(1, 9000)] if action == "write" else []
            self.steps.append(f"{action} {handle}")
            self.owners[handle].call(action, handle, *words)
            getattr(model, action)(handle, *(word.encode() for word in words))
        elif action == "truncate" and there:
            name = chance.choice(there)
            self.call("truncate", name, 0)
            model.truncate(name)
        elif action == "rename" and there:
            old, new = chance.choice(there), chance.choice(self.names)
            if old != new:
                self.call("rename", old, new)
                model.rename(old, new)
        elif action == "unlink" and there:
            name = chance.choice(there)
            self.call("unlink", name)
            model.unlink(name)
        elif action == "read" and there:
            self.call("read", chance.choice(there))
        elif action == "directory" and chance.random() < 0.3:
            new = self.directory + "n"
            self.call("rename", self.directory, new)
            model.rename_directory(self.directory, new)
            self.names = [new + name[len(self.directory):] for name in self.names]
            self.directory = new

    def end(self) -> None:
        for handle in list(self.model.open):
            self.owners[handle].call("close", handle)


def check(sequence: Sequence, name: str, waits: SmartWaitHelper, store, gathers: bool) -> bool:
    """Whether the file was to be written, and was. Where the kernel gathers writes, what was written
    after an fsync is not known: then nothing is asked."""
    file = sequence.model.files.get(name)
    told = f"seed {SEED}: {name} after {'; '.join(sequence.steps)}"
    if file is None:
        assert not waits.wait_for_write_complete("/" + name, timeout=0), told
        return False
    if gathers and file.was_synced_open:
        return False
    file.shows_writes &= not gathers
    if file.is_written:
        assert waits.wait_for_write_complete("/" + name, timeout=DEADLINE), told
        found = (store / name).read_bytes()
        assert found == bytes(file.content), told
        return True
    assert not waits.wait_for_write_complete("/" + name, timeout=SHORT), told
    return False


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS.keys())
def test_random_sequences(mount, directory, options):
    print(f"FUSETRACE_TEST_SEED={SEED}")
    chance = random.Random(f"{SEED} {options}")
    mounted = mount("branchfs", *options)
    gathers = "writeback_cache" in options
    count = {True: 0, False: 0}
    with contextlib.ExitStack() as stack:
        monitor = stack.enter_context(FuseTraceMonitor(mounted.mountpoint, source="kernel"))
        waits = SmartWaitHelper(monitor)
        writers = [Writer(mounted.mountpoint) for _ in range(WRITERS)]
        for writer in writers:
            stack.callback(writer.end)
        for number in range(max(1, CASES // len(OPTIONS))):
            monitor.clear_completed()
            sequence = Sequence(chance, writers, number)
            for _ in range(STEPS):
                sequence.step()
            for name in sequence.names:
                count[check(sequence, name, waits, directory / "one", gathers)] += 1
            sequence.end()
    print(f"written: {count[True]}, not written: {count[False]}")
    assert CASES < 100 or min(count.values()) > CASES // 20
