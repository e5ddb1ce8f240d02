# SPDX-License-Identifier: MIT
"""FuseManager without a trace: wrong input, which program it starts, and in which environment."""

import os
import shutil
from pathlib import Path

import pytest

pytest.importorskip("fusetrace._core", reason="the extension is not built")

from conftest_manager import config, is_mounted, manager, no_trace, script  # noqa: E402, F401

from fusetrace import mounts  # noqa: E402
from fusetrace.config import FuseConfig  # noqa: E402
from fusetrace.errors import MountError  # noqa: E402
from fusetrace.manager import FuseManager  # noqa: E402

pytestmark = [
    pytest.mark.skipif(mounts.why_no_fuse() is not None, reason=str(mounts.why_no_fuse())),
    pytest.mark.skipif(shutil.which("branchfs") is None, reason="branchfs is not on PATH"),
]


# ---- wrong input ----


def test_no_branches(manager, tmp_path):
    with pytest.raises(ValueError, match="no branches are given"):
        manager.mount(FuseConfig(mountpoint=tmp_path / "m"))


def test_a_mountpoint_that_is_not_empty(manager, config):
    (config.mountpoint / "precious").touch()
    with pytest.raises(ValueError, match="not empty, it has 'precious'"):
        manager.mount(config)
    assert os.listdir(config.mountpoint) == ["precious"]


def test_a_branch_in_the_mountpoint(manager, config):
    config.branches.append(config.mountpoint / "b")
    with pytest.raises(ValueError, match="lies in the mountpoint"):
        manager.mount(config)


def test_a_branch_that_is_a_file(manager, config, tmp_path):
    (tmp_path / "file").touch()
    config.branches = [tmp_path / "file"]
    with pytest.raises(ValueError, match="not a directory"):
        manager.mount(config)


def test_a_mountpoint_that_is_mounted_already(manager, config):
    with manager.mounted_fs(config):
        with pytest.raises(MountError, match="something is mounted already: fuse.branchfs"):
            manager.mount(config)
        assert is_mounted(config.mountpoint)


def test_no_device(manager, config, monkeypatch, tmp_path):
    monkeypatch.setattr(mounts, "DEVICE", str(tmp_path / "no-fuse"))
    with pytest.raises(MountError, match="can be mounted here: there is no .*no-fuse"):
        manager.mount(config)


def test_arguments_that_are_a_string(manager, config):
    with pytest.raises(TypeError, match="args"):
        with manager.mounted_fs_with_args(config, "-s"):
            pass


def test_a_binary_that_is_missing():
    with pytest.raises(FileNotFoundError, match="binary_path: '/nope/fs' does not exist"):
        FuseManager("/nope/fs")


@pytest.mark.parametrize("name", ["FUSE_TRACE", "FUSE_TRACE_SUMMARY"])
def test_a_variable_that_says_neither_yes_nor_no(monkeypatch, name):
    monkeypatch.setenv(name, "maybe")
    with pytest.raises(ValueError, match=f"{name}='maybe'"):
        FuseManager()


def test_a_wrong_source():
    with pytest.raises(ValueError, match="source"):
        FuseManager(source="magic")


@pytest.mark.parametrize("timeout, kind", [(-1, ValueError), (float("nan"), ValueError),
                                           ("1", TypeError)])
def test_timeouts_of_unmount(manager, config, timeout, kind):
    with manager.mounted_fs(config):
        with pytest.raises(kind):
            manager.unmount(config.mountpoint, timeout)
        assert is_mounted(config.mountpoint)


# ---- which program ----


def test_the_binary_of_the_environment(monkeypatch, config, script):
    monkeypatch.setenv("FUSE_BINARY", str(script('exec branchfs -f "$@"', "of-environment")))
    with FuseManager() as manager, manager.mounted_fs(config) as (process, *_):
        assert process.args[0].endswith("/of-environment")
        assert manager.binary_path.name == "of-environment"


def test_the_default_command(config):
    with FuseManager(default_command="branchfs -f -s {options} {branches} {mountpoint}") as manager:
        with manager.mounted_fs(config) as (process, *_):
            assert process.args[1:3] == ["-f", "-s"]


def test_branchfs_by_default(manager):
    assert manager.binary_path == Path(shutil.which("branchfs"))


def test_arguments_and_fields(manager, config):
    with manager.mounted_fs_with_args(config, ["-s"]) as (process, *_):
        assert "-s" in process.args
    with manager.mounted_fs_with_args(mountpoint=config.mountpoint, branches=config.branches,
                                      policy="mfs") as (process, mountpoint, branches):
        assert "policy=mfs" in process.args and branches == config.branches
    with manager.mounted_fs_with_args(config, policy="lfs") as (process, *_):
        assert "policy=lfs" in process.args


# ---- its environment ----


def environment_of(process):
    data = Path(f"/proc/{process.pid}/environ").read_bytes()
    return dict(os.fsdecode(one).split("=", 1) for one in data.split(b"\0") if one)


def test_environment_without_a_trace(manager, config, monkeypatch):
    monkeypatch.setenv("KEPT", "1")
    monkeypatch.setenv("FUSE_TRACE", "0")
    config.environment = {"MINE": "x y"}
    with manager.mounted_fs(config) as (process, *_):
        found = environment_of(process)
    assert found["KEPT"] == "1" and found["MINE"] == "x y"
    assert "FUSE_TRACE" not in found and "RUST_LOG" not in found


def test_the_environment_of_the_configuration_wins(manager, config, monkeypatch):
    monkeypatch.setenv("RUST_LOG", "info")
    config.environment = {"RUST_LOG": "warn", "FUSE_TRACE": "0"}
    with manager.mounted_fs(config) as (process, *_):
        found = environment_of(process)
    assert found["RUST_LOG"] == "warn" and found["FUSE_TRACE"] == "0"
