# SPDX-License-Identifier: MIT
"""Fixtures for the tests of the command: folders, mounts and processes that always go away.

pytest --update-golden writes the expected outputs in golden/ anew; look at the difference then.
"""

import contextlib
import os
import shutil
import tempfile
import threading
from pathlib import Path

import pytest

from .support import (GOLDEN, TEST_DEADLINE, Background, Mount, find_branchfs, find_fusetrace,
                      mounted_connection, unmount)


def pytest_addoption(parser):
    parser.addoption("--update-golden", action="store_true",
                     help="write the expected outputs of tests/cli anew")


def why_no_trace():
    if os.geteuid() != 0:
        return "tracing and mounting need root"
    if not os.path.exists("/dev/fuse"):
        return "there is no /dev/fuse here"
    if not shutil.which("bindfs"):
        return "bindfs is not installed"
    return None


def pytest_configure(config):
    config.addinivalue_line("markers", "mounts: needs root, /dev/fuse and bindfs")
    config.addinivalue_line("markers", "branchfs: needs branchfs on the PATH")


def pytest_collection_modifyitems(items):
    here = Path(__file__).parent
    reason = why_no_trace()
    for item in items:
        if here not in item.path.parents:
            continue
        if not find_fusetrace():
            item.add_marker(pytest.mark.skip(
                reason="fusetrace is neither named by FUSETRACE nor on the PATH"))
        if reason and (item.get_closest_marker("mounts") or item.get_closest_marker("branchfs")):
            item.add_marker(pytest.mark.skip(reason=reason))
        if item.get_closest_marker("branchfs") and not find_branchfs():
            item.add_marker(pytest.mark.skip(reason="branchfs is not on the PATH"))


class Belongings:
    """What a test has started; all of it ends with the test, or when its time is over."""

    def __init__(self):
        self.mounts = []
        self.processes = []
        self.was_killed = False  # something did not end by itself

    def abort(self):
        """Frees whoever hangs in a mount, and ends what may be waited for."""
        for mount in self.mounts:
            mount.abort()
        for process in self.processes:
            process.kill()

    def _stop(self, process):
        if not process.stop():
            self.was_killed = True

    def end(self):
        with contextlib.ExitStack() as stack:
            while self.mounts:
                stack.callback(self.mounts.pop().finish)
            while self.processes:
                stack.callback(self._stop, self.processes.pop())


@pytest.fixture
def belongings():
    belongings = Belongings()
    timer = threading.Timer(TEST_DEADLINE, belongings.abort)
    timer.daemon = True
    timer.start()
    yield belongings
    timer.cancel()
    belongings.end()


@pytest.fixture
def folder(belongings):
    """A folder of the test's own that every user may enter; nothing may be left mounted in it."""
    path = Path(tempfile.mkdtemp(prefix="fusetrace-cli-")).resolve()
    path.chmod(0o755)
    yield path
    belongings.end()
    left = [entry for entry in path.iterdir() if mounted_connection(entry)]
    for mountpoint in left:
        unmount(mountpoint)
    shutil.rmtree(path, ignore_errors=True)
    assert belongings.was_killed or not left, f"left mounted: {left}"


@pytest.fixture
def mount(folder, belongings):
    """mount(): a bindfs; mount("b"): one more; mount(command=[...]): another daemon."""
    def make(name="mnt", **keywords):
        made = Mount(folder, name, **keywords)
        belongings.mounts.append(made)
        return made

    return make


@pytest.fixture
def start(belongings):
    """start("attach", ...): the command in the background, with --ready-fd."""
    def make(*arguments, **keywords):
        made = Background(*arguments, **keywords)
        belongings.processes.append(made)
        return made

    return make


@pytest.fixture
def golden(request):
    """golden("name", text): text must be what golden/name holds."""
    def check(name, text):
        path = GOLDEN / name
        if request.config.getoption("--update-golden", False):
            path.write_text(text)
        assert path.exists(), f"{path} is missing: run pytest with --update-golden"
        assert text == path.read_text()

    return check
