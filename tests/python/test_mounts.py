# SPDX-License-Identifier: MIT
"""mounts.py: what stands in mountinfo."""

import errno
import os

import pytest

from fusetrace import mounts
from fusetrace.config import FuseConfig
from fusetrace.manager import FuseManager

WEIRD = ["a b", "new\nline", "back\\slash", "tab\there", "hash#", "x - y",
         os.fsdecode(b"\xff\xfe"), "\\040"]

needs_fuse = pytest.mark.skipif(mounts.why_no_fuse() is not None, reason=str(mounts.why_no_fuse()))


@pytest.fixture
def manager(tmp_path):
    pytest.importorskip("fusetrace._core", reason="the extension is not built")
    with FuseManager(temp_root=tmp_path / "temporary") as manager:
        yield manager


# ---- mountinfo ----


def parse(line):
    return mounts._parse(line)


def test_a_line():
    found = parse(b"45 27 0:41 / /mnt rw,nosuid shared:1 - fuse.branchfs branchfs rw,user_id=0\n")
    assert found == mounts.Mount(45, 41, "/mnt", "fuse.branchfs", "branchfs")
    assert str(found) == "fuse.branchfs of 'branchfs'"


def test_the_connection_is_the_kernels_encoding():
    assert parse(b"1 2 254:3 / /m rw - fuseblk /dev/sda rw").connection == 254 << 20 | 3


def test_escapes():
    found = parse(rb"1 2 0:3 / /a\040b\012c\134040\043\011" + b"\xff rw - fuse x\\040y rw")
    assert found.mountpoint == os.fsdecode(b"/a b\nc\\040#\t\xff") and found.source == "x y"


def test_an_empty_source():
    assert parse(b"1 2 0:3 / /m rw - fuse  rw").source == ""


@pytest.mark.parametrize("kind, is_fuse", [
    ("fuse", True), ("fuse.sshfs", True), ("fuseblk", True), ("fuseblk.ntfs", True),
    ("fusectl", False), ("ext4", False), ("fuser", False), ("tmpfs", False)])
def test_which_are_fuse(kind, is_fuse):
    assert parse(b"1 2 0:3 / /m rw - %s x rw" % kind.encode()).is_fuse is is_fuse


def test_the_root_is_mounted():
    assert mounts.find_mount("/") is not None and mounts.find_mount("/nope") is None


def test_resolve(tmp_path, monkeypatch):
    base = os.path.realpath(tmp_path)
    (tmp_path / "d").mkdir()
    (tmp_path / "link").symlink_to("d")
    monkeypatch.chdir(tmp_path)
    for path in ("d", "./d/", "link", tmp_path / "link", f"{tmp_path}//x/../d"):
        assert mounts.resolve(path) == f"{base}/d"
    assert mounts.resolve("link/x") == f"{base}/d/x"
    assert mounts.resolve("/") == "/"


@needs_fuse
@pytest.mark.parametrize("name", WEIRD)
def test_weird_names(manager, tmp_path, name):
    config = FuseConfig(branches=manager.create_temp_dirs(1), mountpoint=tmp_path / name)
    manager.mount(config)
    key = mounts.resolve(config.mountpoint)
    assert mounts.find_mount(key).is_fuse
    assert manager.unmount(config.mountpoint) and mounts.find_mount(key) is None


# ---- whether there can be mounts ----


def test_no_device(tmp_path, monkeypatch):
    monkeypatch.setattr(mounts, "DEVICE", str(tmp_path / "fuse"))
    assert str(tmp_path / "fuse") in mounts.why_no_fuse()


def test_a_device_without_its_module(monkeypatch):
    def fail(*args):
        raise OSError(errno.ENODEV, "no such device")

    monkeypatch.setattr(os, "open", fail)
    assert "modprobe fuse" in mounts.why_no_fuse()
