# SPDX-License-Identifier: MIT
"""Behaviour of metadata: modes, owners, times, extended attributes, locks, space."""

import errno
import fcntl
import os
import stat
import time

import pytest

from .support import UTIME_NOW, UTIME_OMIT, errno_of, run_python, utimensat

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


# ---- modes and owners ---------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [0o000, 0o600, 0o755, 0o1777, 0o2755, 0o4755, 0o7777])
def test_chmod(root, mode):
    (root / "file").touch()
    (root / "directory").mkdir()
    for name in ("file", "directory"):
        os.chmod(root / name, mode)
        assert stat.S_IMODE(os.stat(root / name).st_mode) == mode
    os.chmod(root / "directory", 0o755)


def test_fchmod(root):
    fd = os.open(root / "file", os.O_CREAT | os.O_RDWR, 0o644)
    os.fchmod(fd, 0o640)
    assert stat.S_IMODE(os.fstat(fd).st_mode) == 0o640
    os.close(fd)


def test_chmod_of_a_missing_file_is_refused(root):
    assert errno_of(os.chmod, root / "missing", 0o644) == errno.ENOENT


def test_chmod_moves_ctime_only(root):
    (root / "file").touch()
    os.utime(root / "file", ns=(1_000, 2_000))
    before = os.stat(root / "file")
    os.chmod(root / "file", 0o600)
    after = os.stat(root / "file")
    assert (after.st_atime_ns, after.st_mtime_ns) == (1_000, 2_000)
    assert after.st_ctime_ns >= before.st_ctime_ns


@needs_root
def test_chown(root):
    (root / "file").touch()
    os.chown(root / "file", 1234, 2345)
    st = os.stat(root / "file")
    assert (st.st_uid, st.st_gid) == (1234, 2345)
    os.chown(root / "file", -1, 99)
    st = os.stat(root / "file")
    assert (st.st_uid, st.st_gid) == (1234, 99)


@needs_root
def test_chown_of_a_symbolic_link_leaves_its_target(root):
    (root / "file").touch()
    (root / "link").symlink_to("file")
    os.chown(root / "link", 1234, 2345, follow_symlinks=False)
    assert os.lstat(root / "link").st_uid == 1234
    assert os.stat(root / "file").st_uid == 0


@needs_root
def test_chown_takes_set_user_id_away(root):
    (root / "file").touch()
    os.chmod(root / "file", 0o6755)
    os.chown(root / "file", 1234, 2345)
    assert stat.S_IMODE(os.stat(root / "file").st_mode) == 0o755


@needs_root
def test_group_comes_from_a_set_group_id_directory(root):
    (root / "directory").mkdir()
    os.chown(root / "directory", 0, 777)
    os.chmod(root / "directory", 0o2775)
    (root / "directory" / "file").touch()
    (root / "directory" / "below").mkdir()
    assert os.stat(root / "directory" / "file").st_gid == 777
    assert os.stat(root / "directory" / "below").st_gid == 777
    assert os.stat(root / "directory" / "below").st_mode & stat.S_ISGID


def test_access(root):
    (root / "file").touch()
    os.chmod(root / "file", 0o644)
    assert os.access(root / "file", os.F_OK | os.R_OK | os.W_OK)
    assert not os.access(root / "file", os.X_OK)
    assert not os.access(root / "missing", os.F_OK)


# ---- times --------------------------------------------------------------------------------------


def test_utimens_is_exact(root):
    (root / "file").touch()
    (root / "directory").mkdir()
    for name in ("file", "directory"):
        os.utime(root / name, ns=(1_111_111_111_123_456_789, 2_222_222_222_987_654_321))
        st = os.stat(root / name)
        assert st.st_atime_ns == 1_111_111_111_123_456_789
        assert st.st_mtime_ns == 2_222_222_222_987_654_321


def test_utimens_of_a_symbolic_link(root):
    (root / "link").symlink_to("nowhere")
    os.utime(root / "link", ns=(1_000, 2_000), follow_symlinks=False)
    assert os.lstat(root / "link").st_mtime_ns == 2_000


def test_utimens_now(root):
    (root / "file").touch()
    utimensat(root / "file", (1, 0), (1, 0))
    before = time.time()
    utimensat(root / "file", (0, UTIME_NOW), (0, UTIME_NOW))
    st = os.stat(root / "file")
    assert before - 1 <= st.st_atime <= time.time() + 1
    assert before - 1 <= st.st_mtime <= time.time() + 1


def test_utimens_omit(root):
    (root / "file").touch()
    utimensat(root / "file", (10, 5), (20, 6))
    utimensat(root / "file", (0, UTIME_OMIT), (30, 7))
    st = os.stat(root / "file")
    assert (st.st_atime_ns, st.st_mtime_ns) == (10_000_000_005, 30_000_000_007)
    utimensat(root / "file", (40, 8), (0, UTIME_OMIT))
    st = os.stat(root / "file")
    assert (st.st_atime_ns, st.st_mtime_ns) == (40_000_000_008, 30_000_000_007)


def test_utimens_after_writing_lasts(root):
    """As cp -p does: contents, times, close."""
    fd = os.open(root / "file", os.O_CREAT | os.O_WRONLY, 0o644)
    os.write(fd, b"contents")
    os.utime(fd, ns=(5_000_000_000, 6_000_000_000))
    os.close(fd)
    fd = os.open(root / "file", os.O_RDONLY)
    os.fsync(fd)
    os.close(fd)
    assert os.stat(root / "file").st_mtime_ns == 6_000_000_000


def test_writing_moves_mtime(root):
    (root / "file").write_bytes(b"x")
    os.utime(root / "file", ns=(1, 1))
    with open(root / "file", "r+b") as file:
        file.write(b"y")
    assert os.stat(root / "file").st_mtime > 1_000_000


def test_truncating_moves_mtime(root):
    (root / "file").write_bytes(b"xyz")
    os.utime(root / "file", ns=(1, 1))
    os.truncate(root / "file", 1)
    assert os.stat(root / "file").st_mtime > 1_000_000


@pytest.mark.parametrize("change", ["create", "mkdir", "unlink", "rename", "symlink", "link"])
def test_changing_a_directory_moves_its_mtime(root, change):
    directory = root / "directory"
    directory.mkdir()
    (directory / "old").touch()
    os.utime(directory, ns=(1, 1))
    if change == "create":
        (directory / "new").touch()
    elif change == "mkdir":
        (directory / "new").mkdir()
    elif change == "unlink":
        (directory / "old").unlink()
    elif change == "rename":
        (directory / "old").rename(directory / "new")
    elif change == "symlink":
        (directory / "new").symlink_to("x")
    else:
        os.link(directory / "old", directory / "new")
    assert os.stat(directory).st_mtime > 1_000_000


# ---- extended attributes ------------------------------------------------------------------------


@pytest.fixture(params=["file", "directory"])
def target(request, root):
    path = root / request.param
    if request.param == "file":
        path.touch()
    else:
        path.mkdir()
    return path


def test_xattr_is_kept(target):
    os.setxattr(target, "user.name", b"value\0with\xffbytes")
    assert os.getxattr(target, "user.name") == b"value\0with\xffbytes"
    os.setxattr(target, "user.name", b"")
    assert os.getxattr(target, "user.name") == b""


def test_xattrs_are_listed_and_removed(target):
    for name in ("user.a", "user.b"):
        os.setxattr(target, name, b"1")
    assert set(os.listxattr(target)) >= {"user.a", "user.b"}
    os.removexattr(target, "user.a")
    assert "user.a" not in os.listxattr(target)
    assert errno_of(os.getxattr, target, "user.a") == errno.ENODATA


def test_xattr_flags(target):
    assert errno_of(os.setxattr, target, "user.x", b"", os.XATTR_REPLACE) == errno.ENODATA
    os.setxattr(target, "user.x", b"1", os.XATTR_CREATE)
    assert errno_of(os.setxattr, target, "user.x", b"", os.XATTR_CREATE) == errno.EEXIST
    os.setxattr(target, "user.x", b"2", os.XATTR_REPLACE)
    assert os.getxattr(target, "user.x") == b"2"


def test_xattr_errors(target):
    assert errno_of(os.removexattr, target, "user.none") == errno.ENODATA
    assert errno_of(os.getxattr, target, "nonsense.name") == errno.EOPNOTSUPP
    assert errno_of(os.getxattr, f"{target}-missing", "user.x") == errno.ENOENT


def test_xattr_of_2000_bytes(target):
    os.setxattr(target, "user.large", b"v" * 2000)
    assert os.getxattr(target, "user.large") == b"v" * 2000


def test_user_xattr_of_a_symbolic_link_is_refused(root):
    (root / "link").symlink_to("nowhere")
    result = errno_of(os.setxattr, root / "link", "user.x", b"1", follow_symlinks=False)
    assert result == errno.EPERM


# ---- locks --------------------------------------------------------------------------------------

TRY_LOCK = """
import fcntl, sys
file = open(sys.argv[1], "r+b")
try:
    if sys.argv[2] == "flock":
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    else:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 10, int(sys.argv[3]))
    print("got it")
except BlockingIOError:
    print("refused")
"""


def try_lock(path, kind, offset=0):
    """What another process is told when it tries."""
    process = run_python(TRY_LOCK, path, kind, offset)
    return process.communicate(timeout=20)[0].strip()


def test_flock_excludes_other_processes(root):
    with open(root / "file", "w+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert try_lock(root / "file", "flock") == "refused"
        fcntl.flock(file, fcntl.LOCK_UN)
        assert try_lock(root / "file", "flock") == "got it"
        fcntl.flock(file, fcntl.LOCK_EX)
    assert try_lock(root / "file", "flock") == "got it"


def test_posix_lock_excludes_other_processes_in_its_range(root):
    with open(root / "file", "w+b") as file:
        fcntl.lockf(file, fcntl.LOCK_EX, 10, 100)
        assert try_lock(root / "file", "fcntl", 100) == "refused"
        assert try_lock(root / "file", "fcntl", 105) == "refused"
        assert try_lock(root / "file", "fcntl", 200) == "got it"
        fcntl.lockf(file, fcntl.LOCK_UN, 10, 100)
        assert try_lock(root / "file", "fcntl", 100) == "got it"


def test_waiting_lock_is_given_when_it_is_free(root):
    with open(root / "file", "w+b") as file:
        fcntl.lockf(file, fcntl.LOCK_EX)
        code = (
            "import fcntl, sys; file = open(sys.argv[1], 'r+b'); print('ready', flush=True);"
            "fcntl.lockf(file, fcntl.LOCK_EX); print('got it')"
        )
        process = run_python(code, root / "file")
        assert process.stdout.readline() == "ready\n"
        fcntl.lockf(file, fcntl.LOCK_UN)
        assert process.communicate(timeout=20)[0] == "got it\n"


# ---- space --------------------------------------------------------------------------------------


def test_statfs_is_plausible(root):
    space = os.statvfs(root)
    assert space.f_namemax == 255
    assert space.f_bsize > 0 and space.f_frsize > 0
    assert 0 <= space.f_bavail <= space.f_bfree <= space.f_blocks
    assert 0 <= space.f_ffree <= space.f_files
