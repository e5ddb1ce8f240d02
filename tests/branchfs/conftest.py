# SPDX-License-Identifier: MIT
"""Fixtures for the tests of branchfs.

The binary is taken from FUSETRACE_BRANCHFS or the PATH. The behaviour tests (those that use
`root`) run in a plain directory first and then on several kinds of mount: a check that fails in the
plain directory is wrong itself. Every test has a deadline, after which all mounts of this process
are aborted, so that nothing can hang for ever.
"""

import contextlib
import os
import shutil
import subprocess
import threading
from pathlib import Path

import pytest

from .support import DEADLINE, Mount, abort_all_mounts


def find_branchfs():
    return os.environ.get("FUSETRACE_BRANCHFS") or shutil.which("branchfs")


def pytest_collection_modifyitems(items):
    reason = why_no_mounts()
    here = Path(__file__).parent
    for item in items:
        if reason and here in item.path.parents:
            item.add_marker(pytest.mark.skip(reason=reason))


def why_no_mounts():
    if not find_branchfs():
        return "no branchfs: set FUSETRACE_BRANCHFS or put it on the PATH"
    if not os.path.exists("/dev/fuse"):
        return "no /dev/fuse here"
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        return "no right to open /dev/fuse"
    if os.geteuid() != 0 and not shutil.which("fusermount3"):
        return "neither root nor fusermount3 here"
    return None


@pytest.fixture(autouse=True)
def deadline(request):
    """Aborts all mounts when a test takes too long, which ends every call that hangs in one."""
    timer = threading.Timer(DEADLINE, abort_all_mounts)
    timer.start()
    yield
    timer.cancel()
    timer.join()


@pytest.fixture(scope="session")
def branchfs():
    """Path of the binary."""
    return find_branchfs()


def finish_all(mounts):
    """Ends every mount, also when ending one of them fails."""
    with contextlib.ExitStack() as stack:
        for mount in mounts:
            stack.callback(mount.finish)


@pytest.fixture
def mount(branchfs, tmp_path):
    """A function that mounts branchfs for this test: mount("policy=mfs", branches=["a", "b=RO"]).

    Branches are created below the test's folder unless they are absolute.
    """
    mounts = []

    def mount(*options, branches=("branch",), name="mnt", **keywords):
        made = Mount(branchfs, tmp_path, branches, name, options, **keywords)
        mounts.append(made)
        return made.start()

    yield mount
    finish_all(mounts)


# What the behaviour tests run on: options and branches, None for a plain directory.
ROOTS = {
    "plain": None,
    "one": ((), ("branch",)),
    "three": (("policy=rand",), ("first", "second", "third")),
    "single-thread": (("-s",), ("branch",)),
    "writeback": (("writeback_cache",), ("branch",)),
    "write-behind": (("write_behind=5ms",), ("branch",)),
    "cached": (("attr_timeout=5", "entry_timeout=5", "kernel_cache"), ("branch",)),
}


@pytest.fixture(scope="session")
def root_mounts(branchfs, tmp_path_factory):
    mounts = {}

    def get(kind):
        if kind not in mounts:
            options, branches = ROOTS[kind]
            mounts[kind] = Mount(
                branchfs, tmp_path_factory.mktemp(kind), branches, "mnt", options
            ).start()
        return mounts[kind]

    yield get
    finish_all(mounts.values())


@pytest.fixture(params=ROOTS)
def root(request, root_mounts, tmp_path):
    """An empty directory, plain or in a mount."""
    if ROOTS[request.param] is None:
        return tmp_path
    base = Path(root_mounts(request.param).path)
    here = base / f"test-{len(os.listdir(base))}"
    here.mkdir()
    return here


@pytest.fixture
def tmpfs(tmp_path):
    """A function that mounts a tmpfs of the given size: tmpfs("name", "4m")."""
    if os.geteuid() != 0:
        pytest.skip("mounting tmpfs needs root")
    mounted = []

    def make(name, size, options=""):
        path = tmp_path / name
        path.mkdir()
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size}{options}", "tmpfs", path], check=True
        )
        mounted.append(path)
        return path

    yield make
    for path in mounted:
        subprocess.run(["umount", "-l", path], check=True)
