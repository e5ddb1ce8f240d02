# SPDX-License-Identifier: MIT
"""Fixtures of the live tests: mounts that always go away, deadlines that always end a test.

What is mounted is said in filesystems.py, how a trace is taken in tracing.py.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Callable, Iterator

import pytest

from . import filesystems
from .mounting import Mount, kernel_directory, temporary_directory
from .tracing import Trace, find_fusetrace
from .witness import Witness

# What is made longer on purpose has more time.
TEST_SECONDS = int(os.environ.get("FUSETRACE_TEST_SECONDS", "120"))
MOUNTED: list[Mount] = []


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-docs", action="store_true",
                     help="write docs/filesystems.md anew from this run")


def why_not_here() -> str | None:
    if os.geteuid() != 0:
        return "mounting and tracing need root"
    if not os.path.exists("/dev/fuse"):
        return "there is no /dev/fuse here"
    if not find_fusetrace():
        return "fusetrace is neither named by FUSETRACE nor on the PATH"
    return None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    reason = why_not_here()
    here = Path(__file__).parent
    for item in items:
        if reason and here in item.path.parents:
            item.add_marker(pytest.mark.skip(reason=reason))


class OutOfTime(Exception):
    """The test did not end by its deadline."""


def raise_out_of_time(number, frame) -> None:
    raise OutOfTime(f"not done in {TEST_SECONDS} s")


def end_hanging_test() -> None:
    """Cuts the mounts off, which frees whoever hangs in one; then interrupts the test."""
    faulthandler.dump_traceback(file=sys.__stderr__)
    for mount in list(MOUNTED):
        mount.abort()
    signal.pthread_kill(threading.main_thread().ident, signal.SIGALRM)


@pytest.fixture(autouse=True)
def deadline() -> Iterator[None]:
    before = signal.signal(signal.SIGALRM, raise_out_of_time)
    timer = threading.Timer(TEST_SECONDS, end_hanging_test)
    timer.daemon = True
    timer.start()
    yield
    timer.cancel()
    timer.join()
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def directory() -> Iterator[Path]:
    """A directory of the test's own; its path is short, so that long ones fit behind it."""
    with temporary_directory() as path:
        yield path


@pytest.fixture(scope="session")
def tracefs() -> Iterator[Path]:
    with kernel_directory("tracefs", "/sys/kernel/tracing", "tracefs") as path:
        reason = Witness.missing(path)
        if reason:
            pytest.skip(reason)
        yield path


@contextlib.contextmanager
def mounted(recipe: filesystems.Filesystem, base: Path, options: tuple[str, ...] = (),
            content: Path | None = None) -> Iterator[Mount]:
    """Prepares and mounts a filesystem in base; unmounts it in any case."""
    reason = recipe.missing()
    if reason:
        pytest.skip(reason)
    recipe.prepare(base, content)
    mount = Mount(recipe.name, base / "mnt", base / "daemon.log")
    with recipe.service(base):
        MOUNTED.append(mount)
        try:
            mount.start(recipe.command(base, mount.mountpoint, options))
            yield mount
        finally:
            try:
                mount.stop()
            finally:
                MOUNTED.remove(mount)


@pytest.fixture
def mount(directory: Path) -> Iterator[Callable[..., Mount]]:
    """mount("branchfs", "writeback_cache"): a filesystem of this test, by its name."""
    with contextlib.ExitStack() as stack:
        def start(name: str, *options: str) -> Mount:
            return stack.enter_context(mounted(filesystems.by_name(name), directory, options))

        yield start


@pytest.fixture
def trace(directory: Path) -> Iterator[Callable[[Mount], Trace]]:
    """trace(mount): fusetrace, armed on it."""
    with contextlib.ExitStack() as stack:
        def start(mount: Mount) -> Trace:
            started = Trace(mount.mountpoint, directory / "trace.log")
            stack.callback(started.close)
            return started

        yield start


@pytest.fixture
def witness(tracefs: Path) -> Iterator[Callable[[Mount], Witness]]:
    with contextlib.ExitStack() as stack:
        def start(mount: Mount) -> Witness:
            return stack.enter_context(contextlib.closing(Witness(tracefs, mount.device)))

        yield start
