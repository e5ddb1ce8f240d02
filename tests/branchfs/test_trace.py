# SPDX-License-Identifier: MIT
"""The trace: one JSON line an operation, true and complete, wherever it is sent."""

import base64
import errno
import json
import os
import stat
import threading

import pytest

from .support import RENAME_NOREPLACE, errno_of, fallocate, renameat2


def operations(mnt, name=None):
    return [o for o in mnt.trace() if name in (None, o["op"])]


def last(mnt, name):
    return operations(mnt, name)[-1]


def test_every_line_is_an_operation(mount):
    mnt = mount("trace")
    (mnt / "file").write_bytes(b"x")
    os.listdir(mnt.path)
    lines = mnt.stderr_path.read_bytes().splitlines()
    assert len(lines) >= 5
    for line in lines:
        operation = json.loads(line)
        assert operation["v"] == 1
        assert operation["status"] == ("failed" if operation["errno"] else "completed")
        assert operation["path"].startswith("/")
        assert operation["start_ns"] > 0 and operation["duration_ns"] >= 0


def test_without_trace_nothing_is_printed(mount):
    mnt = mount()
    (mnt / "file").write_bytes(b"x")
    assert mnt.end() == 0
    assert mnt.stderr() == ""


def test_file_operations_have_their_values(mount):
    mnt = mount("trace", "direct_io")
    fd = os.open(mnt / "file", os.O_CREAT | os.O_RDWR | os.O_EXCL, 0o640)
    created = last(mnt, "create")
    assert created["path"] == "/file"
    assert stat.S_IMODE(created["mode"]) == 0o640
    assert created["flags"] & (os.O_EXCL | os.O_RDWR) == os.O_EXCL | os.O_RDWR
    assert created["pid"] == threading.get_native_id()
    assert (created["uid"], created["gid"]) == (os.getuid(), os.getgid())
    handle = created["fh"]

    os.pwrite(fd, b"hello", 7)
    written = last(mnt, "write")
    assert (written["offset"], written["size"], written["reply_size"]) == (7, 5, 5)
    os.pread(fd, 100, 5)
    read = last(mnt, "read")
    assert (read["offset"], read["size"], read["reply_size"]) == (5, 100, 7)
    os.ftruncate(fd, 3)
    assert last(mnt, "truncate")["size"] == 3
    fallocate(fd, 0, 10, 20)
    allocated = last(mnt, "fallocate")
    assert (allocated["offset"], allocated["size"], allocated["mode"]) == (10, 20, 0)
    os.lseek(fd, 2, os.SEEK_DATA)
    assert (last(mnt, "lseek")["offset"], last(mnt, "lseek")["flags"]) == (2, os.SEEK_DATA)
    os.fdatasync(fd)
    assert last(mnt, "fsync")["flags"] == 1
    os.close(fd)
    mnt.wait_for_trace("the release", op="release")
    for name in ("write", "read", "truncate", "fallocate", "lseek", "fsync", "flush", "release"):
        assert last(mnt, name)["fh"] == handle, name
        assert last(mnt, name)["path"] == "/file", name


def test_name_operations_have_their_values(mount):
    mnt = mount("trace")
    os.mkdir(mnt / "d", 0o711)
    assert (last(mnt, "mkdir")["path"], last(mnt, "mkdir")["mode"] & 0o777) == ("/d", 0o711)
    os.mkfifo(mnt / "d/fifo", 0o600)
    assert stat.S_ISFIFO(last(mnt, "mknod")["mode"])
    os.symlink("target", mnt / "d/link")
    assert last(mnt, "symlink")["path"] == "/d/link"
    os.readlink(mnt / "d/link")
    assert last(mnt, "readlink")["path"] == "/d/link"
    os.link(mnt / "d/fifo", mnt / "hard")
    assert (last(mnt, "link")["path"], last(mnt, "link")["path2"]) == ("/d/fifo", "/hard")
    renameat2(mnt / "hard", mnt / "d/new", RENAME_NOREPLACE)
    renamed = last(mnt, "rename")
    assert (renamed["path"], renamed["path2"]) == ("/hard", "/d/new")
    assert renamed["flags"] == RENAME_NOREPLACE
    for name in ("new", "fifo", "link"):
        os.unlink(mnt / "d" / name)
        assert last(mnt, "unlink")["path"] == f"/d/{name}"
    os.rmdir(mnt / "d")
    assert last(mnt, "rmdir")["path"] == "/d"


def test_metadata_operations_have_their_values(mount):
    mnt = mount("trace")
    (mnt / "file").touch()
    os.chmod(mnt / "file", 0o604)
    assert stat.S_IMODE(last(mnt, "chmod")["mode"]) == 0o604
    os.chown(mnt / "file", os.getuid(), os.getgid())
    assert last(mnt, "chown")["path"] == "/file"
    os.utime(mnt / "file")
    assert last(mnt, "utimens")["path"] == "/file"
    os.truncate(mnt / "file", 9)
    assert last(mnt, "truncate")["size"] == 9
    os.statvfs(mnt.path)
    assert last(mnt, "statfs")["path"] == "/"
    os.chdir(mnt.path)
    os.chdir("/")
    assert last(mnt, "access")["mode"] == os.X_OK
    os.setxattr(mnt / "file", "user.name", b"value", os.XATTR_CREATE)
    made = last(mnt, "setxattr")
    assert (made["xattr"], made["size"], made["flags"]) == ("user.name", 5, os.XATTR_CREATE)
    os.getxattr(mnt / "file", "user.name")
    assert (last(mnt, "getxattr")["xattr"], last(mnt, "getxattr")["reply_size"]) == ("user.name", 5)
    os.listxattr(mnt / "file")
    assert last(mnt, "listxattr")["reply_size"] >= len("user.name") + 1
    os.removexattr(mnt / "file", "user.name")
    assert last(mnt, "removexattr")["xattr"] == "user.name"


def test_directory_operations(mount):
    mnt = mount("trace")
    (mnt / "file").touch()
    fd = os.open(mnt.path, os.O_RDONLY | os.O_DIRECTORY)
    os.listdir(fd)
    os.fsync(fd)
    os.close(fd)
    mnt.wait_for_trace("the release", op="releasedir")
    assert operations(mnt, "opendir")[0]["path"] == "/"
    assert operations(mnt, "readdirplus") + operations(mnt, "readdir")
    assert last(mnt, "fsyncdir")["path"] == "/"


def test_failures_have_their_errno(mount):
    mnt = mount("trace")
    assert errno_of(os.stat, mnt / "missing") == errno.ENOENT
    missing = last(mnt, "getattr")
    assert (missing["path"], missing["errno"]) == ("/missing", errno.ENOENT)
    os.makedirs(mnt / "d/below")
    assert errno_of(os.rmdir, mnt / "d") == errno.ENOTEMPTY
    failed = last(mnt, "rmdir")
    assert (failed["status"], failed["errno"]) == ("failed", errno.ENOTEMPTY)
    (mnt / "file").touch()
    assert errno_of(os.getxattr, mnt / "file", "user.none") == errno.ENODATA
    failed = last(mnt, "getxattr")
    assert failed["errno"] == errno.ENODATA and "reply_size" not in failed


def test_path_is_that_of_the_time_of_the_operation(mount):
    mnt = mount("trace")
    fd = os.open(mnt / "old", os.O_CREAT | os.O_WRONLY)
    os.write(fd, b"x")
    os.rename(mnt / "old", mnt / "new")
    os.write(fd, b"y")
    os.close(fd)
    assert [o["path"] for o in operations(mnt, "write")] == ["/old", "/new"]


def test_unlink_of_an_open_file_with_hard_remove(mount):
    mnt = mount("trace", "hard_remove")
    fd = os.open(mnt / "file", os.O_CREAT | os.O_WRONLY)
    os.unlink(mnt / "file")
    assert last(mnt, "unlink")["path"] == "/file"
    assert not operations(mnt, "rename")
    os.write(fd, b"x")
    assert "path" not in last(mnt, "write")
    os.close(fd)
    mnt.wait_for_trace("the release", op="release")
    assert os.listdir(mnt.branches[0]) == []


def test_unlink_of_an_open_file_is_a_rename_otherwise(mount):
    mnt = mount("trace")
    fd = os.open(mnt / "file", os.O_CREAT | os.O_WRONLY)
    os.unlink(mnt / "file")
    hidden = last(mnt, "rename")["path2"]
    assert hidden.startswith("/.fuse_hidden")
    os.close(fd)
    mnt.wait_for_trace("its removal", op="unlink", path=hidden)


@pytest.mark.parametrize("name", [b"new\nline", b'quote"and\\', b"\x1b[2J", "ünï".encode()])
def test_odd_names_are_escaped(mount, name):
    mnt = mount("trace")
    os.mkdir(os.path.join(os.fsencode(mnt.path), name))
    assert last(mnt, "mkdir")["path"] == "/" + name.decode()


def test_invalid_utf8_is_kept_in_base64(mount):
    mnt = mount("trace")
    os.mkdir(os.path.join(os.fsencode(mnt.path), b"bad\xff\xfename"))
    made = last(mnt, "mkdir")
    assert base64.b64decode(made["path_bytes"]) == b"/bad\xff\xfename"
    assert made["path"].startswith("/bad")


def test_path_of_4000_bytes_is_complete(mount):
    mnt = mount("trace")
    path = "/".join(["d" * 200] * 18)
    os.makedirs(mnt / path)
    assert last(mnt, "mkdir")["path"] == f"/{path}"


def test_lines_of_threads_do_not_mix(mount):
    mnt = mount("trace")

    def work(number):
        for turn in range(100):
            os.mkdir(mnt / f"{number}-{turn}")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    made = {o["path"] for o in operations(mnt, "mkdir")}
    assert made == {f"/{number}-{turn}" for number in range(8) for turn in range(100)}


def test_injected_failure_is_traced_as_what_the_caller_saw(mount):
    mnt = mount("trace", "fail=mkdir:EDQUOT")
    assert errno_of(os.mkdir, mnt / "new") == errno.EDQUOT
    assert last(mnt, "mkdir")["errno"] == errno.EDQUOT


# ---- where it goes ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value, is_on",
    [
        *[(value, True) for value in ("1", "true", "yes", "on", "TRUE", "Yes")],
        *[(value, False) for value in ("0", "false", "no", "off", "", "OFF")],
    ],
)
def test_environment_variable(mount, value, is_on):
    mnt = mount(env={"FUSE_TRACE": value})
    os.mkdir(mnt / "new")
    assert bool(operations(mnt, "mkdir")) == is_on


def test_option_wins_over_environment(mount):
    mnt = mount("trace", env={"FUSE_TRACE": "0"})
    os.mkdir(mnt / "new")
    assert operations(mnt, "mkdir")


def test_trace_file(mount, tmp_path):
    path = tmp_path / "trace.json"
    path.write_text("what was there stays\n")
    mnt = mount(f"trace_file={path}")
    os.mkdir(mnt / "new")
    lines = path.read_text().splitlines()
    assert lines[0] == "what was there stays"
    assert any(json.loads(line)["op"] == "mkdir" for line in lines[1:])
    assert mnt.stderr() == ""


def test_relative_trace_file_in_the_background(mount, tmp_path, monkeypatch):
    """It is opened before the daemon leaves its directory."""
    monkeypatch.chdir(tmp_path)
    mnt = mount("trace_file=trace.json", foreground=False)
    os.mkdir(mnt / "new")
    assert '"op":"mkdir"' in (tmp_path / "trace.json").read_text()


def test_trace_in_the_background_still_reaches_standard_error(mount):
    mnt = mount("trace", foreground=False)
    os.mkdir(mnt / "new")
    mnt.wait_for_trace("mkdir", op="mkdir", path="/new")


def test_trace_that_cannot_be_written_does_not_matter(mount):
    mnt = mount("trace_file=/dev/full")
    os.mkdir(mnt / "new")
    assert os.listdir(mnt.path) == ["new"]
    assert mnt.end() == 0
