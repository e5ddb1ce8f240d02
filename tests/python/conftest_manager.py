# SPDX-License-Identifier: MIT
"""What the tests of FuseManager share: a manager, a configuration, scripts as daemons."""

import contextlib
import os

import pytest

pytest.importorskip("fusetrace._core", reason="the extension is not built")

from fusetrace import mounts  # noqa: E402
from fusetrace.config import FuseConfig  # noqa: E402
from fusetrace.errors import MountError  # noqa: E402
from fusetrace.manager import FuseManager  # noqa: E402


@pytest.fixture(autouse=True)
def no_trace(monkeypatch):
    for name in ("FUSE_TRACE", "FUSE_TRACE_SUMMARY", "FUSE_BINARY", "RUST_LOG"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def manager(tmp_path):
    with FuseManager(temp_root=tmp_path / "temporary") as manager:
        yield manager


@pytest.fixture
def config(manager):
    return FuseConfig(branches=manager.create_temp_dirs(3),
                      mountpoint=manager.create_temp_mountpoint())


@pytest.fixture
def script(tmp_path):
    """Makes programs: script(text) -> path of a shell script that gets BRANCHES MOUNTPOINT."""

    def make(text, name="daemon"):
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
        return path

    return make


@pytest.fixture
def nothing_left(tmp_path):
    """After the test there are no mounts below tmp_path, and no processes of ours."""
    yield
    left = [mount for mount in mounts.read_mounts() if mount.mountpoint.startswith(str(tmp_path))]
    assert left == []
    assert our_processes() == []


def our_processes():
    """Those of daemons that this process has started."""
    found = []
    for name in os.listdir("/proc"):
        with contextlib.suppress(OSError):
            with open(f"/proc/{int(name) if name.isdigit() else 0}/environ", "rb") as file:
                if f"\0FUSETRACE_DAEMON={os.getpid()}-".encode() in b"\0" + file.read():
                    found.append(int(name))
    return found


def is_mounted(path):
    return mounts.find_mount(mounts.resolve(path)) is not None


def fails(manager, config, match, *args):
    with pytest.raises(MountError) as caught:
        with manager.mounted_fs_with_args(config, *args):
            pytest.fail("it is mounted")
    assert match in str(caught.value)
    assert not is_mounted(config.mountpoint) and our_processes() == []
    return str(caught.value)
