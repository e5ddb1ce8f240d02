# SPDX-License-Identifier: MIT
"""Behaviour of names: making, removing and linking, listing, and odd names."""

import ctypes
import errno
import os
import socket
import stat
import threading

import pytest

from .support import errno_of, libc, make, wait_until, wait_until_empty

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


# ---- directories --------------------------------------------------------------------------------


def test_mkdir_makes_an_empty_directory(root):
    os.mkdir(root / "directory", 0o750)
    st = os.lstat(root / "directory")
    assert stat.S_ISDIR(st.st_mode)
    assert stat.S_IMODE(st.st_mode) == 0o750
    assert os.listdir(root / "directory") == []


def test_mkdir_obeys_umask(root):
    before = os.umask(0o077)
    try:
        os.mkdir(root / "directory", 0o777)
    finally:
        os.umask(before)
    assert stat.S_IMODE(os.lstat(root / "directory").st_mode) == 0o700


def test_subdirectories_are_counted_as_links(root):
    before = os.stat(root).st_nlink
    for name in "abc":
        os.mkdir(root / name)
    assert os.stat(root).st_nlink == before + 3
    os.rmdir(root / "a")
    assert os.stat(root).st_nlink == before + 2


@pytest.mark.parametrize(
    "name, expected",
    [
        ("file", errno.EEXIST),
        ("directory", errno.EEXIST),
        ("link", errno.EEXIST),
        ("missing/new", errno.ENOENT),
        ("file/new", errno.ENOTDIR),
        ("n" * 256, errno.ENAMETOOLONG),
    ],
)
def test_mkdir_errors(root, name, expected):
    (root / "file").touch()
    (root / "directory").mkdir()
    (root / "link").symlink_to("nowhere")
    assert errno_of(os.mkdir, root / name) == expected


@pytest.mark.parametrize(
    "name, expected",
    [
        ("full", errno.ENOTEMPTY),
        ("file", errno.ENOTDIR),
        ("link", errno.ENOTDIR),
        ("missing", errno.ENOENT),
        ("file/below", errno.ENOTDIR),
        ("empty/.", errno.EINVAL),
        ("full/..", errno.ENOTEMPTY),
        ("empty", 0),
    ],
)
def test_rmdir_errors(root, name, expected):
    (root / "full" / "below").mkdir(parents=True)
    (root / "empty").mkdir()
    (root / "file").touch()
    (root / "link").symlink_to("empty")
    assert errno_of(os.rmdir, f"{root}/{name}") == expected


def test_rmdir_removes(root):
    os.mkdir(root / "directory")
    os.rmdir(root / "directory")
    assert os.listdir(root) == []
    assert errno_of(os.stat, root / "directory") == errno.ENOENT


def test_removed_directory_that_is_open_has_no_entries(root):
    """The high-level API of libfuse has no path for it any more, so a mount may say so."""
    os.mkdir(root / "directory")
    fd = os.open(root / "directory", os.O_RDONLY | os.O_DIRECTORY)
    os.rmdir(root / "directory")
    try:
        assert os.listdir(fd) == []
    except OSError as error:
        assert error.errno in (errno.ESTALE, errno.ENOENT)
    finally:
        os.close(fd)


@pytest.mark.parametrize(
    "name, expected",
    [
        ("directory", errno.EISDIR),
        ("missing", errno.ENOENT),
        ("file/below", errno.ENOTDIR),
        ("file", 0),
        ("link", 0),
        ("fifo", 0),
    ],
)
def test_unlink_errors(root, name, expected):
    (root / "directory").mkdir()
    (root / "file").touch()
    (root / "link").symlink_to("directory")
    os.mkfifo(root / "fifo")
    assert errno_of(os.unlink, root / name) == expected
    assert os.path.lexists(root / name) == (name == "directory")


# ---- links --------------------------------------------------------------------------------------


def skip_with_caches(request):
    """The kernel knows a file with two names twice; with caches each has contents of its own."""
    if any(f"[{kind}" in request.node.name for kind in ("cached", "writeback")):
        pytest.skip("caches were asked for, which hard links do not go with")


def test_link_shares_inode_and_contents(root, request):
    skip_with_caches(request)
    (root / "file").write_bytes(b"one")
    os.link(root / "file", root / "link")
    first, second = os.stat(root / "file"), os.stat(root / "link")
    assert first.st_ino == second.st_ino
    assert first.st_nlink == second.st_nlink == 2
    (root / "link").write_bytes(b"second")
    assert (root / "file").read_bytes() == b"second"
    os.unlink(root / "file")
    assert (root / "link").read_bytes() == b"second"


def test_link_count_falls_when_a_name_goes(root, request):
    skip_with_caches(request)
    (root / "file").touch()
    os.link(root / "file", root / "link")
    os.stat(root / "file")
    os.unlink(root / "link")
    assert os.stat(root / "file").st_nlink == 1


def test_link_to_a_symbolic_link(root):
    (root / "symbolic").symlink_to("nowhere")
    os.link(root / "symbolic", root / "link", follow_symlinks=False)
    assert os.readlink(root / "link") == "nowhere"
    assert os.lstat(root / "link").st_nlink == 2


@pytest.mark.parametrize(
    "old, new, expected",
    [
        ("file", "other", errno.EEXIST),
        ("file", "directory", errno.EEXIST),
        ("missing", "new", errno.ENOENT),
        ("file", "missing/new", errno.ENOENT),
        ("directory", "new", errno.EPERM),
        ("file", "n" * 256, errno.ENAMETOOLONG),
    ],
)
def test_link_errors(root, old, new, expected):
    (root / "file").touch()
    (root / "other").touch()
    (root / "directory").mkdir()
    assert errno_of(os.link, root / old, root / new) == expected


@pytest.mark.parametrize("target", ["file", "../x", "/absolute", "dangling", "t" * 4095])
def test_symbolic_link_keeps_its_target(root, target):
    os.symlink(target, root / "link")
    assert os.readlink(root / "link") == target
    st = os.lstat(root / "link")
    assert stat.S_ISLNK(st.st_mode)
    assert st.st_size == len(target)


def test_symbolic_link_is_followed(root):
    (root / "directory").mkdir()
    (root / "link").symlink_to("directory")
    (root / "link" / "file").write_bytes(b"x")
    assert (root / "directory" / "file").read_bytes() == b"x"


def test_symbolic_link_over_an_existing_name_is_refused(root):
    (root / "file").touch()
    assert errno_of(os.symlink, "target", root / "file") == errno.EEXIST


def test_readlink_of_a_file_is_refused(root):
    (root / "file").touch()
    assert errno_of(os.readlink, root / "file") == errno.EINVAL


# ---- special files ------------------------------------------------------------------------------


def test_fifo_carries_data(root):
    os.mkfifo(root / "fifo", 0o640)
    assert stat.S_ISFIFO(os.lstat(root / "fifo").st_mode)
    assert stat.S_IMODE(os.lstat(root / "fifo").st_mode) == 0o640
    writer = threading.Thread(target=(root / "fifo").write_bytes, args=(b"through",))
    writer.start()
    assert (root / "fifo").read_bytes() == b"through"
    writer.join()


def test_socket_can_be_bound_and_reached(root, monkeypatch):
    monkeypatch.chdir(root)  # names of sockets are short
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind("socket")
        server.listen()
        assert stat.S_ISSOCK(os.lstat("socket").st_mode)
        client.connect("socket")


def test_mknod_makes_a_regular_file(root):
    os.mknod(root / "file", stat.S_IFREG | 0o600)
    assert stat.S_IMODE(os.stat(root / "file").st_mode) == 0o600
    (root / "file").write_bytes(b"x")
    assert errno_of(os.mknod, root / "file", stat.S_IFREG | 0o600) == errno.EEXIST


@needs_root
@pytest.mark.parametrize("kind", [stat.S_IFCHR, stat.S_IFBLK])
def test_mknod_makes_devices(root, kind):
    os.mknod(root / "device", kind | 0o600, os.makedev(1, 3))
    st = os.lstat(root / "device")
    assert stat.S_IFMT(st.st_mode) == kind
    assert st.st_rdev == os.makedev(1, 3)


# ---- listing ------------------------------------------------------------------------------------


def test_listing_has_types_and_inodes(root):
    for kind in ("file", "empty", "link", "fifo"):
        make(root, kind)
    with os.scandir(root) as entries:
        for entry in entries:
            st = os.lstat(entry.path)
            assert entry.inode() == st.st_ino
            assert entry.is_dir(follow_symlinks=False) == stat.S_ISDIR(st.st_mode)
            assert entry.is_symlink() == stat.S_ISLNK(st.st_mode)
            assert entry.is_file(follow_symlinks=False) == stat.S_ISREG(st.st_mode)


def test_listing_of_5000_entries_is_complete(root):
    names = {f"entry-{number:04}" for number in range(5000)}
    for name in names:
        os.close(os.open(root / name, os.O_CREAT | os.O_WRONLY, 0o644))
    listed = os.listdir(root)
    assert len(listed) == 5000
    assert set(listed) == names


def test_listing_while_removing_loses_nothing(root):
    names = [f"entry-{number}" for number in range(500)]
    for name in names:
        (root / name).touch()
    with os.scandir(root) as entries:
        removed = []
        for entry in entries:
            os.unlink(entry.path)
            removed.append(entry.name)
    assert sorted(removed) == sorted(names)
    wait_until_empty(root)


def test_listing_again_sees_what_is_new(root):
    fd = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    assert os.listdir(fd) == []
    (root / "new").touch()
    os.lseek(fd, 0, os.SEEK_SET)
    assert os.listdir(fd) == ["new"]
    os.close(fd)


def test_listing_has_dots(root):
    """os.listdir() hides them, readdir(3) does not."""

    class Dirent(ctypes.Structure):
        _fields_ = [
            ("inode", ctypes.c_ulong),
            ("offset", ctypes.c_long),
            ("length", ctypes.c_ushort),
            ("type", ctypes.c_ubyte),
            ("name", ctypes.c_char * 256),
        ]

    libc.opendir.restype = ctypes.c_void_p
    libc.readdir.restype = ctypes.POINTER(Dirent)
    libc.readdir.argtypes = libc.closedir.argtypes = [ctypes.c_void_p]
    stream = libc.opendir(os.fsencode(root))
    names = []
    while entry := libc.readdir(stream):
        names.append(entry.contents.name)
    libc.closedir(stream)
    assert sorted(names) == [b".", b".."]


# ---- odd names ----------------------------------------------------------------------------------

ODD_NAMES = [
    b"with space",
    b"new\nline",
    b"tab\tand\rreturn",
    b"quote\"and'quote",
    b"back\\slash",
    b"colon:and,comma=",
    b"-leading-dash",
    b"*?[glob]",
    b"\x01\x02\x1b[31m\x7f",
    "größe-日本-🎉".encode(),
    b"invalid\xff\xfe\x80utf8",
    b"n" * 255,
    b"...",
    b".hidden",
    b"trailing.",
    b" ",
    b"%s%n%d",
]


@pytest.mark.parametrize("name", ODD_NAMES, ids=lambda name: ascii(name[:20]))
def test_odd_names(root, name):
    path = os.path.join(os.fsencode(root), name)
    other = os.path.join(os.fsencode(root), b"other")
    os.mkdir(path)
    os.rmdir(path)
    with open(path, "wb") as file:
        file.write(name)
    assert os.listdir(os.fsencode(root)) == [name]
    os.rename(path, other)
    os.rename(other, path)
    with open(path, "rb") as file:
        assert file.read() == name
    os.unlink(path)
    wait_until_empty(root)


def test_path_of_4000_bytes(root):
    path = os.fsencode(root)
    while len(path) + 1 + 200 <= 3790:
        path += b"/" + b"d" * 200
    path += b"/" + b"e" * (3798 - len(path))
    os.makedirs(path)
    file = path + b"/" + b"f" * 200
    assert len(file) == 4000
    with open(file, "wb") as opened:
        opened.write(b"deep")
    with open(file, "rb") as opened:
        assert opened.read() == b"deep"
    os.chmod(file, 0o600)
    os.setxattr(file, b"user.deep", b"1")
    assert os.getxattr(file, b"user.deep") == b"1"
    os.utime(file, ns=(1, 2))
    os.rename(file, file + b"2")
    os.truncate(file + b"2", 1)
    os.link(file + b"2", file)
    assert sorted(os.listdir(path)) == [b"f" * 200, b"f" * 200 + b"2"]


def test_path_beyond_path_max_is_reached_step_by_step(root, monkeypatch):
    """Only the plain directory can promise this; a mount may answer ENAMETOOLONG, no more."""
    monkeypatch.chdir(root)
    results = set()
    for _ in range(25):
        result = errno_of(os.mkdir, "d" * 200)
        results.add(result)
        if result:
            break
        os.chdir("d" * 200)
    assert results <= {0, errno.ENAMETOOLONG}


# ---- many at once -------------------------------------------------------------------------------


def run_threads(count, function):
    """Runs function(number) in threads and raises the first exception of any."""
    failures = []

    def run(number):
        try:
            function(number)
        except BaseException as failure:  # pylint: disable=broad-except
            failures.append(failure)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def test_threads_create_and_unlink_in_one_directory(root):
    def work(number):
        for turn in range(50):
            path = root / f"{number}-{turn}"
            path.write_bytes(b"%d" % turn)
            assert path.read_bytes() == b"%d" % turn
            if turn % 2:
                path.unlink()

    run_threads(8, work)
    expected = sorted(f"{n}-{t}" for n in range(8) for t in range(0, 50, 2))
    wait_until(lambda: sorted(os.listdir(root)) == expected, "every second file and no other")


def test_threads_fight_for_one_name(root):
    def work(number):
        for _ in range(100):
            try:
                (root / "shared").write_bytes(b"x")
                (root / "shared").unlink()
            except OSError as error:
                # libfuse says ESTALE when the name went between LOOKUP and OPEN, and the kernel asks
                # once more only.
                if error.errno not in (errno.ENOENT, errno.ESTALE):
                    raise

    run_threads(6, work)
    errno_of(os.unlink, root / "shared")
    wait_until_empty(root)


def test_threads_make_and_remove_trees(root):
    def work(number):
        for turn in range(20):
            base = root / "shared" / f"{number}"
            os.makedirs(base / "a" / "b", exist_ok=True)
            (base / "a" / "b" / "file").write_bytes(b"x")
            os.rename(base / "a", base / f"c{turn}")
            os.unlink(base / f"c{turn}" / "b" / "file")
            wait_until_empty(base / f"c{turn}" / "b")
            os.removedirs(base / f"c{turn}" / "b")

    (root / "shared").mkdir()
    (root / "shared" / "keeper").touch()  # or removedirs() would take it away as well
    run_threads(6, work)
    assert os.listdir(root / "shared") == ["keeper"]


def test_threads_write_to_one_file(root):
    fd = os.open(root / "file", os.O_CREAT | os.O_RDWR, 0o644)

    def work(number):
        for turn in range(100):
            os.pwrite(fd, b"%04d" % number, (turn * 8 + number) * 4)

    run_threads(8, work)
    contents = os.pread(fd, 3200, 0)
    os.close(fd)
    assert contents == b"".join(b"%04d" % n for n in range(8)) * 100
