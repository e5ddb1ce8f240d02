# SPDX-License-Identifier: MIT
"""mounts.py: mountinfo, waiting for its changes, unmounting, and who uses a mount."""

import errno
import os
import subprocess
import sys
import threading
import time

import pytest

import fusetrace
from fusetrace import mounts
from fusetrace.config import FuseConfig
from fusetrace.manager import FuseManager

SECONDS = 30
WEIRD = ["a b", "new\nline", "back\\slash", "tab\there", "hash#", "x - y",
         os.fsdecode(b"\xff\xfe"), "\\040"]

needs_fuse = pytest.mark.skipif(mounts.why_no_fuse() is not None, reason=str(mounts.why_no_fuse()))


def soon():
    return time.monotonic() + SECONDS


@pytest.fixture
def manager(tmp_path):
    pytest.importorskip("fusetrace._core", reason="the extension is not built")
    with FuseManager(temp_root=tmp_path / "temporary") as manager:
        yield manager


@pytest.fixture
def mounted(manager):
    config = FuseConfig(branches=manager.create_temp_dirs(1))
    manager.mount(config)
    return config.mountpoint


def hide_extension(monkeypatch):
    monkeypatch.delattr(fusetrace, "_core", raising=False)
    monkeypatch.setitem(sys.modules, "fusetrace._core", None)


@pytest.fixture(params=["with the extension", "with commands"])
def unmounting(request, monkeypatch):
    """Both ways to unmount; called when what is needed for it is mounted, by the extension."""
    pytest.importorskip("fusetrace._core")
    return lambda: request.param == "with commands" and hide_extension(monkeypatch)


def fails_with(number, function, *args, **options):
    with pytest.raises(OSError) as caught:
        function(*args, **options)
    assert caught.value.errno == number


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


# ---- waiting ----


def test_watch_ends_at_its_deadline():
    begin = time.monotonic()
    with mounts.Watch() as watch:
        while watch.wait(begin + 0.02):  # others may mount meanwhile
            pass
    assert 0.02 <= time.monotonic() - begin < SECONDS


def test_watch_of_a_deadline_that_has_passed():
    with mounts.Watch() as watch:
        while watch.wait(time.monotonic() - 1):
            pass
        assert watch.wait_for_ends(time.monotonic() - 1) is True


def test_watch_sees_the_end_of_a_process():
    process = subprocess.Popen(["cat"], stdin=subprocess.PIPE)
    with mounts.Watch([process.pid]) as watch:
        assert watch.wait_for_ends(time.monotonic() + 0.01) is False
        process.stdin.close()
        assert watch.wait_for_ends(soon()) is True
    process.wait()


def test_watch_of_a_process_that_is_gone():
    process = subprocess.Popen(["true"])
    process.wait()
    with mounts.Watch([process.pid]) as watch:
        assert watch.wait_for_ends(soon()) is True


def test_watch_closes_what_it_opened():
    before = len(os.listdir("/proc/self/fd"))
    process = subprocess.Popen(["cat"], stdin=subprocess.PIPE)
    with mounts.Watch([process.pid, process.pid]):
        assert len(os.listdir("/proc/self/fd")) == before + 3  # mountinfo, one pidfd, stdin
    process.communicate()
    assert len(os.listdir("/proc/self/fd")) == before


@needs_fuse
def test_watch_sees_a_mount_and_an_unmount(manager):
    config = FuseConfig(branches=manager.create_temp_dirs(1))
    with mounts.Watch() as watch:
        manager.mount(config)
        assert watch.wait(soon()) is True
    with mounts.Watch() as watch:
        manager.unmount(config.mountpoint)
        assert watch.wait(soon()) is True


@needs_fuse
def test_watch_wakes_a_thread_that_waits(manager):
    config = FuseConfig(branches=manager.create_temp_dirs(1),
                        mountpoint=manager.create_temp_mountpoint())
    key = str(config.mountpoint.resolve())
    seen = []

    def wait():
        with mounts.Watch() as watch:
            while mounts.find_mount(key) is None and watch.wait(soon()):
                pass
        seen.append(mounts.find_mount(key))

    thread = threading.Thread(target=wait)
    thread.start()
    manager.mount(config)
    thread.join(SECONDS)
    assert seen[0].kind == "fuse.branchfs"


# ---- unmounting ----


@needs_fuse
def test_unmount(mounted, unmounting):
    unmounting()
    mounts.unmount(str(mounted))
    assert mounts.find_mount(str(mounted)) is None


@needs_fuse
def test_unmount_when_it_is_busy_and_lazily(mounted, unmounting):
    unmounting()
    with open(mounted / "f", "w"):
        fails_with(errno.EBUSY, mounts.unmount, str(mounted))
        assert mounts.find_mount(str(mounted)) is not None
        mounts.unmount(str(mounted), lazy=True)
    assert mounts.find_mount(str(mounted)) is None


def test_unmount_of_what_is_no_mount(tmp_path, unmounting):
    unmounting()
    fails_with(errno.EINVAL, mounts.unmount, str(tmp_path))


@needs_fuse
@pytest.mark.parametrize("name", WEIRD)
def test_unmount_of_weird_names(manager, tmp_path, name, unmounting):
    config = FuseConfig(branches=manager.create_temp_dirs(1), mountpoint=tmp_path / name)
    manager.mount(config)
    (config.mountpoint / name).write_text("x")
    key = mounts.resolve(config.mountpoint)
    assert mounts.find_mount(key).is_fuse
    unmounting()
    mounts.unmount(key)
    assert mounts.find_mount(key) is None


@needs_fuse
def test_unmount_of_a_name_that_looks_like_an_option(manager, tmp_path, monkeypatch, unmounting):
    monkeypatch.chdir(tmp_path)
    config = FuseConfig(branches=manager.create_temp_dirs(1), mountpoint="-l")
    manager.mount(config)
    unmounting()
    assert manager.unmount("-l")


def test_without_any_helper(tmp_path, monkeypatch):
    hide_extension(monkeypatch)
    monkeypatch.setattr("shutil.which", lambda *args, **options: None)
    fails_with(errno.EPERM, mounts.unmount, str(tmp_path))


# ---- who uses it ----


@needs_fuse
def test_users(mounted):
    assert mounts.users_of(str(mounted)) == []
    with open(mounted / "f", "w"):
        assert mounts.users_of(str(mounted)) == [os.getpid()]
    process = subprocess.Popen(["cat"], stdin=subprocess.PIPE, cwd=mounted)
    assert mounts.users_of(str(mounted)) == [process.pid]
    assert mounts.users_of(str(mounted)[:-1]) == []
    process.communicate()
    assert mounts.users_of(str(mounted)) == []


@needs_fuse
def test_abort(manager, mounted):
    connection = mounts.find_mount(str(mounted)).connection
    if not os.path.exists(f"{mounts.CONNECTIONS}/{connection}"):
        pytest.skip("fusectl is not mounted")
    assert mounts.abort(connection) is True
    fails_with(errno.ENOTCONN, os.listdir, mounted)
    assert manager.unmount(mounted) is True


def test_marked_processes():
    mark = f"FUSETRACE_TEST={os.urandom(8).hex()}"
    name, _, value = mark.partition("=")
    process = subprocess.Popen(["cat"], stdin=subprocess.PIPE, env={**os.environ, name: value})
    assert mounts.marked_processes(mark) == [process.pid]
    assert mounts.marked_processes(mark[:-1]) == []
    process.communicate()
    assert mounts.marked_processes(mark) == []


# ---- whether there can be mounts ----


def test_no_device(tmp_path, monkeypatch):
    monkeypatch.setattr(mounts, "DEVICE", str(tmp_path / "fuse"))
    assert str(tmp_path / "fuse") in mounts.why_no_fuse()


def test_a_device_without_its_module(monkeypatch):
    def fail(*args):
        raise OSError(errno.ENODEV, "no such device")

    monkeypatch.setattr(os, "open", fail)
    assert "modprobe fuse" in mounts.why_no_fuse()
