# SPDX-License-Identifier: MIT
"""Behaviour of open files: flags, contents, sizes, holes, mappings."""

import errno
import fcntl
import mmap
import os
import random
import stat
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from .support import (
    FALLOC_FL_KEEP_SIZE,
    FALLOC_FL_PUNCH_HOLE,
    errno_of,
    fallocate,
    wait_until,
    wait_until_empty,
)


def open_errno(path, flags, mode=0o644):
    def attempt():
        os.close(os.open(path, flags, mode))

    return errno_of(attempt)


def test_what_is_written_is_read(root):
    path = root / "file"
    path.write_bytes(b"some words")
    assert path.read_bytes() == b"some words"
    assert path.stat().st_size == 10


def test_large_contents_survive(root):
    contents = random.Random(1).randbytes(3 * 1024 * 1024 + 17)
    path = root / "file"
    path.write_bytes(contents)
    assert path.read_bytes() == contents


def test_creat_makes_an_empty_regular_file(root):
    os.close(os.open(root / "file", os.O_CREAT | os.O_WRONLY, 0o640))
    st = os.lstat(root / "file")
    assert stat.S_ISREG(st.st_mode)
    assert stat.S_IMODE(st.st_mode) == 0o640
    assert st.st_size == 0
    assert st.st_nlink == 1


def test_creat_obeys_umask(root):
    before = os.umask(0o027)
    try:
        os.close(os.open(root / "file", os.O_CREAT | os.O_WRONLY, 0o666))
    finally:
        os.umask(before)
    assert stat.S_IMODE(os.stat(root / "file").st_mode) == 0o640


def test_creat_read_only_mode_can_still_be_written(root):
    fd = os.open(root / "file", os.O_CREAT | os.O_WRONLY, 0o444)
    os.write(fd, b"data")
    os.close(fd)
    assert (root / "file").read_bytes() == b"data"


@pytest.mark.parametrize(
    "name, flags, expected",
    [
        ("missing", os.O_RDONLY, errno.ENOENT),
        ("missing/below", os.O_CREAT | os.O_WRONLY, errno.ENOENT),
        ("file/below", os.O_RDONLY, errno.ENOTDIR),
        ("file/below", os.O_CREAT | os.O_WRONLY, errno.ENOTDIR),
        ("file", os.O_CREAT | os.O_EXCL | os.O_WRONLY, errno.EEXIST),
        ("dangling", os.O_CREAT | os.O_EXCL | os.O_WRONLY, errno.EEXIST),
        ("directory", os.O_CREAT | os.O_EXCL | os.O_WRONLY, errno.EEXIST),
        ("directory", os.O_WRONLY, errno.EISDIR),
        ("directory", os.O_RDWR, errno.EISDIR),
        ("file", os.O_RDONLY | os.O_DIRECTORY, errno.ENOTDIR),
        ("link", os.O_RDONLY | os.O_NOFOLLOW, errno.ELOOP),
        ("loop", os.O_RDONLY, errno.ELOOP),
        ("n" * 256, os.O_CREAT | os.O_WRONLY, errno.ENAMETOOLONG),
        ("file", os.O_RDONLY, 0),
        ("link", os.O_RDONLY, 0),
        ("directory", os.O_RDONLY | os.O_DIRECTORY, 0),
    ],
)
def test_open_errors(root, name, flags, expected):
    (root / "file").write_bytes(b"x")
    (root / "directory").mkdir()
    (root / "link").symlink_to("file")
    (root / "dangling").symlink_to("nowhere")
    (root / "loop").symlink_to("loop")
    assert open_errno(root / name, flags) == expected


def test_excl_wins_once_among_threads(root):
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: open_errno(root / "file", flags), range(32)))
    assert results.count(0) == 1
    assert results.count(errno.EEXIST) == 31


def test_open_through_symbolic_link_creates_its_target(root):
    (root / "link").symlink_to("target")
    (root / "link").write_bytes(b"x")
    assert (root / "target").read_bytes() == b"x"


def test_o_trunc_empties(root):
    path = root / "file"
    path.write_bytes(b"long contents")
    fd = os.open(path, os.O_WRONLY | os.O_TRUNC)
    assert os.fstat(fd).st_size == 0
    os.write(fd, b"new")
    os.close(fd)
    assert path.read_bytes() == b"new"


def test_o_trunc_read_only_empties(root):
    path = root / "file"
    path.write_bytes(b"contents")
    os.close(os.open(path, os.O_RDONLY | os.O_TRUNC))
    assert path.read_bytes() == b""


def test_o_append_writes_at_the_end(root):
    path = root / "file"
    path.write_bytes(b"12345")
    fd = os.open(path, os.O_WRONLY | os.O_APPEND)
    os.lseek(fd, 0, os.SEEK_SET)
    os.write(fd, b"67")
    os.write(fd, b"89")
    os.close(fd)
    assert path.read_bytes() == b"123456789"


def test_o_append_by_two_descriptors_interleaves(root):
    path = root / "file"
    flags = os.O_CREAT | os.O_WRONLY | os.O_APPEND
    first = os.open(path, flags, 0o644)
    second = os.open(path, flags, 0o644)
    for number in range(10):
        os.write(first, b"a%d," % number)
        os.write(second, b"b%d," % number)
    os.close(first)
    os.close(second)
    assert path.read_bytes() == b"".join(b"a%d,b%d," % (n, n) for n in range(10))


def test_write_on_read_only_descriptor_fails(root):
    (root / "file").write_bytes(b"x")
    fd = os.open(root / "file", os.O_RDONLY)
    assert errno_of(os.write, fd, b"y") == errno.EBADF
    os.close(fd)


def test_read_on_write_only_descriptor_fails(root):
    fd = os.open(root / "file", os.O_CREAT | os.O_WRONLY, 0o644)
    assert errno_of(os.read, fd, 1) == errno.EBADF
    os.close(fd)


def test_positioned_reads_and_writes(root):
    fd = os.open(root / "file", os.O_CREAT | os.O_RDWR, 0o644)
    os.pwrite(fd, b"world", 6)
    os.pwrite(fd, b"hello ", 0)
    assert os.pread(fd, 100, 0) == b"hello world"
    assert os.pread(fd, 3, 4) == b"o w"
    assert os.pread(fd, 3, 11) == b""
    assert os.pread(fd, 3, 1000) == b""
    os.close(fd)


def test_gap_reads_as_zeros(root):
    fd = os.open(root / "file", os.O_CREAT | os.O_RDWR, 0o644)
    os.pwrite(fd, b"end", 100_000)
    assert os.fstat(fd).st_size == 100_003
    assert os.pread(fd, 100_003, 0) == bytes(100_000) + b"end"
    os.close(fd)


def test_two_descriptors_see_each_others_writes(root):
    path = root / "file"
    path.write_bytes(b"old")
    writer = os.open(path, os.O_WRONLY)
    reader = os.open(path, os.O_RDONLY)
    os.pwrite(writer, b"new", 0)
    assert os.pread(reader, 3, 0) == b"new"
    os.close(writer)
    os.close(reader)


def test_contents_survive_closing_a_duplicate(root):
    fd = os.open(root / "file", os.O_CREAT | os.O_RDWR, 0o644)
    os.close(os.dup(fd))
    os.write(fd, b"still open")
    assert os.pread(fd, 20, 0) == b"still open"
    os.close(fd)


def test_truncate_by_path(root):
    path = root / "file"
    path.write_bytes(b"0123456789")
    os.truncate(path, 4)
    assert path.read_bytes() == b"0123"
    os.truncate(path, 6)
    assert path.read_bytes() == b"0123\0\0"


def test_truncate_by_descriptor(root):
    fd = os.open(root / "file", os.O_CREAT | os.O_RDWR, 0o644)
    os.write(fd, b"0123456789")
    os.ftruncate(fd, 3)
    assert os.fstat(fd).st_size == 3
    os.ftruncate(fd, 1 << 33)
    assert os.fstat(fd).st_size == 1 << 33
    assert os.pread(fd, 5, 0) == b"012\0\0"
    os.close(fd)


@pytest.mark.parametrize(
    "name, expected",
    [
        ("directory", errno.EISDIR),
        ("missing", errno.ENOENT),
        ("file/below", errno.ENOTDIR),
    ],
)
def test_truncate_errors(root, name, expected):
    (root / "directory").mkdir()
    (root / "file").touch()
    assert errno_of(os.truncate, root / name, 0) == expected


def test_truncate_negative_size_is_refused(root):
    (root / "file").touch()
    assert errno_of(os.truncate, root / "file", -1) == errno.EINVAL


def test_unlinked_open_file_keeps_working(root, request):
    path = root / "file"
    fd = os.open(path, os.O_CREAT | os.O_RDWR, 0o644)
    os.write(fd, b"before")
    os.unlink(path)
    assert not path.exists()
    os.write(fd, b" and after")
    assert os.pread(fd, 100, 0) == b"before and after"
    os.ftruncate(fd, 6)
    assert os.fstat(fd).st_size == 6
    os.fchmod(fd, 0o600)
    assert stat.S_IMODE(os.fstat(fd).st_mode) == 0o600
    if "[cached]" not in request.node.name:
        assert os.fstat(fd).st_nlink == 0
    os.close(fd)


def test_unlinked_open_file_is_gone_after_close(root):
    fd = os.open(root / "file", os.O_CREAT | os.O_RDWR, 0o644)
    os.unlink(root / "file")
    os.close(fd)
    wait_until_empty(root)


def test_file_replaced_by_rename_keeps_working(root):
    (root / "old").write_bytes(b"old contents")
    (root / "new").write_bytes(b"new contents")
    fd = os.open(root / "old", os.O_RDONLY)
    os.rename(root / "new", root / "old")
    assert os.read(fd, 100) == b"old contents"
    assert (root / "old").read_bytes() == b"new contents"
    os.close(fd)


def test_renamed_open_file_keeps_working(root):
    fd = os.open(root / "old", os.O_CREAT | os.O_RDWR, 0o644)
    os.rename(root / "old", root / "new")
    os.write(fd, b"contents")
    os.close(fd)
    assert (root / "new").read_bytes() == b"contents"
    assert not (root / "old").exists()


def test_fallocate_extends(root):
    fd = os.open(root / "file", os.O_CREAT | os.O_RDWR, 0o644)
    os.posix_fallocate(fd, 0, 50_000)
    assert os.fstat(fd).st_size == 50_000
    assert os.pread(fd, 10, 49_995) == bytes(5)
    os.close(fd)


def test_fallocate_keep_size(root):
    fd = os.open(root / "file", os.O_CREAT | os.O_RDWR, 0o644)
    os.write(fd, b"abc")
    fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 100_000)
    assert os.fstat(fd).st_size == 3
    os.close(fd)


def test_fallocate_punches_a_hole(root):
    fd = os.open(root / "file", os.O_CREAT | os.O_RDWR, 0o644)
    os.write(fd, b"x" * 16384)
    fallocate(fd, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, 4096, 4096)
    assert os.fstat(fd).st_size == 16384
    assert os.pread(fd, 16384, 0) == b"x" * 4096 + bytes(4096) + b"x" * 8192
    os.close(fd)


def test_seek_finds_data_and_holes(root):
    fd = os.open(root / "file", os.O_CREAT | os.O_RDWR, 0o644)
    os.ftruncate(fd, 3 << 20)
    os.pwrite(fd, b"x" * 4096, 1 << 20)
    os.fsync(fd)
    assert os.lseek(fd, 0, os.SEEK_DATA) == 1 << 20
    assert os.lseek(fd, 1 << 20, os.SEEK_HOLE) == (1 << 20) + 4096
    assert os.lseek(fd, 0, os.SEEK_HOLE) == 0
    assert errno_of(os.lseek, fd, 2 << 20, os.SEEK_DATA) == errno.ENXIO
    os.close(fd)


def test_sparse_file_uses_few_blocks(root):
    fd = os.open(root / "file", os.O_CREAT | os.O_RDWR, 0o644)
    os.pwrite(fd, b"x", 100 << 20)
    os.fsync(fd)
    assert os.fstat(fd).st_blocks * 512 < 1 << 20
    os.close(fd)


def test_copy_file_range(root):
    contents = random.Random(2).randbytes(300_000)
    (root / "from").write_bytes(contents)
    source = os.open(root / "from", os.O_RDONLY)
    target = os.open(root / "to", os.O_CREAT | os.O_WRONLY, 0o644)
    copied = 0
    while copied < 200_000:
        copied += os.copy_file_range(source, target, 200_000 - copied, 50_000 + copied, 10 + copied)
    os.close(source)
    os.close(target)
    assert (root / "to").read_bytes() == bytes(10) + contents[50_000:250_000]


def test_sendfile(root):
    contents = random.Random(3).randbytes(100_000)
    (root / "from").write_bytes(contents)
    source = os.open(root / "from", os.O_RDONLY)
    target = os.open(root / "to", os.O_CREAT | os.O_WRONLY, 0o644)
    sent = 0
    while sent < len(contents):
        sent += os.sendfile(target, source, sent, len(contents) - sent)
    os.close(source)
    os.close(target)
    assert (root / "to").read_bytes() == contents


@pytest.mark.parametrize("flag", [os.O_SYNC, os.O_DSYNC])
def test_synchronous_writes(root, flag):
    fd = os.open(root / "file", os.O_CREAT | os.O_WRONLY | flag, 0o644)
    os.write(fd, b"safe")
    os.close(fd)
    assert (root / "file").read_bytes() == b"safe"


@pytest.mark.parametrize("sync", [os.fsync, os.fdatasync])
def test_sync_of_files_and_directories(root, sync):
    fd = os.open(root / "file", os.O_CREAT | os.O_WRONLY, 0o644)
    os.write(fd, b"safe")
    sync(fd)
    os.close(fd)
    fd = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    sync(fd)
    os.close(fd)
    assert (root / "file").read_bytes() == b"safe"


def test_direct_io_descriptor(root):
    fd = os.open(root / "file", os.O_CREAT | os.O_RDWR | os.O_DIRECT, 0o644)
    with mmap.mmap(-1, 8192) as aligned:
        aligned[:] = b"d" * 8192
        assert os.write(fd, aligned) == 8192
        assert os.preadv(fd, [aligned], 0) == 8192
        assert aligned[:] == b"d" * 8192
    os.close(fd)


def test_shared_mapping_writes_to_the_file(root):
    path = root / "file"
    path.write_bytes(bytes(10_000))
    fd = os.open(path, os.O_RDWR)
    with mmap.mmap(fd, 10_000) as mapping:
        mapping[5_000:5_005] = b"hello"
        mapping.flush()
    os.close(fd)
    assert path.read_bytes() == bytes(5_000) + b"hello" + bytes(4_995)


def test_shared_mapping_outlives_its_descriptor(root):
    path = root / "file"
    path.write_bytes(bytes(4096))
    fd = os.open(path, os.O_RDWR)
    mapping = mmap.mmap(fd, 4096)
    os.close(fd)
    mapping[0:4] = b"late"
    mapping.close()
    wait_until(lambda: path.read_bytes()[:4] == b"late", "the mapped data in the file")


def test_mapping_sees_writes(root):
    path = root / "file"
    path.write_bytes(bytes(4096))
    fd = os.open(path, os.O_RDWR)
    with mmap.mmap(fd, 4096) as mapping:
        assert mapping[0:3] == bytes(3)
        os.pwrite(fd, b"new", 0)
        assert mapping[0:3] == b"new"
    os.close(fd)


def test_private_mapping_does_not_write(root):
    path = root / "file"
    path.write_bytes(b"x" * 4096)
    fd = os.open(path, os.O_RDONLY)
    with mmap.mmap(fd, 4096, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ | mmap.PROT_WRITE) as m:
        m[0:1] = b"y"
    os.close(fd)
    assert path.read_bytes() == b"x" * 4096


def test_random_writes_match_a_model(root):
    """A few hundred random changes, compared with the same changes of a byte string."""
    random_source = random.Random(4)
    model = bytearray()
    fd = os.open(root / "file", os.O_CREAT | os.O_RDWR, 0o644)
    for _ in range(300):
        offset = random_source.randrange(200_000)
        if random_source.random() < 0.1:
            os.ftruncate(fd, offset)
            model = model[:offset] + bytes(max(0, offset - len(model)))
            continue
        data = random_source.randbytes(random_source.randrange(1, 9_000))
        os.pwrite(fd, data, offset)
        model += bytes(max(0, offset + len(data) - len(model)))
        model[offset : offset + len(data)] = data
        if random_source.random() < 0.1:
            os.close(fd)
            fd = os.open(root / "file", os.O_RDWR)
    os.close(fd)
    assert (root / "file").read_bytes() == model


def test_file_can_be_executed(root):
    path = root / "script"
    path.write_text("#!/bin/sh\nexit 7\n")
    path.chmod(0o755)
    assert subprocess.run([path]).returncode == 7


def test_ioctl_is_refused_as_unknown(root):
    fd = os.open(root / "file", os.O_CREAT | os.O_RDWR, 0o644)
    assert errno_of(fcntl.ioctl, fd, 0x12345678) == errno.ENOTTY
    os.close(fd)


def test_tmpfile_works_or_is_refused_cleanly(root):
    """High-level libfuse has no O_TMPFILE; programs expect EOPNOTSUPP then."""
    assert open_errno(root, os.O_TMPFILE | os.O_RDWR) in (0, errno.EOPNOTSUPP)
