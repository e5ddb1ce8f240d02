# SPDX-License-Identifier: MIT
"""The fixed workload: what is done on a mount, and which requests each step must bring about.

    python3 -m live.workload MOUNTPOINT writable|read-only

does it and prints one JSON line for each step.

A step is one system call, or few of one kind, by a single thread; so every request of a step begins
between its two times. Its expectation stands beside it: the requests on a filesystem that supports
everything, answers each request, and lets the kernel keep nothing. Where a filesystem differs is
said in differences.py; how a trace is held against all that, in judge.py.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import fcntl
import json
import mmap
import os
import sys
import threading
import time
from dataclasses import dataclass
from typing import Callable

from . import syscalls

KIB = 1024
NEW = os.O_CREAT | os.O_EXCL
# Sixteen directories: with the slashes the path of the last one has 4,000 bytes.
DEEP = tuple(bytes([0x61 + level]) * 249 for level in range(16))
NAMES = {
    "spaces": b" two words ",
    "quotes": b"'single' \"double\" `back` \\ $HOME",
    "newline": b"line\n{\"v\":1,\"op\":\"unlink\",\"path\":\"forged\"}\nline",
    "utf8": "\u00fc\u4e2d\U0001f40d".encode(),
    "invalid-utf8": b"caf\xe9 \xff\xfe \xc3",
    "controls": b"\x01\x1b[31m\t\r\x7f",
    "longest": b"n" * 255,
    "dots": b"...",
}


# ---- what a step may expect ---------------------------------------------------------------------


@dataclass(frozen=True)
class Expected:
    """One request that must be there. A field that is None is not looked at."""

    op: str
    path: bytes | None = None
    path2: bytes | None = None
    errno: int = 0
    offset: int | None = None
    size: int | None = None
    reply_size: int | None = None
    mode: int | None = None
    xattr: bytes | None = None
    target: bytes | None = None
    valid: int | None = None  # setattr: the bits that must be among those
    flags: int | None = None  # likewise
    entry: int | None = None
    handle: str | None = None  # requests with the same label carry the same fh
    unlinked: bool = False

    def __str__(self) -> str:
        shown = {each.name: getattr(self, each.name) for each in dataclasses.fields(self)}
        return " ".join(f"{key}={value}" for key, value in shown.items()
                        if value is not None and value is not False)


def op(name: str, path: bytes | None = None, path2: bytes | None = None, **fields) -> Expected:
    return Expected(name, path, path2, **fields)


FATTR_MODE, FATTR_UID, FATTR_GID, FATTR_SIZE, FATTR_ATIME, FATTR_MTIME = 1, 2, 4, 8, 16, 32


class Work:
    """Where the steps happen: the root of the mount and the files that are open between steps."""

    def __init__(self, root: bytes):
        self.root = root
        self.files: dict[str, int] = {}

    def __call__(self, path: bytes) -> bytes:
        return self.root + path

    def open(self, label: str, path: bytes, flags: int, mode: int = 0o644) -> None:
        self.files[label] = os.open(self(path), flags, mode)

    def close(self, label: str) -> None:
        os.close(self.files.pop(label, -1))

    def __getitem__(self, label: str) -> int:
        """What could not be opened is a descriptor that gives EBADF."""
        return self.files.get(label, -1)


@dataclass(frozen=True)
class Step:
    name: str
    run: Callable[[Work], object]
    expected: tuple[Expected, ...] = ()
    errno: int = 0  # that the system call gives
    paths: tuple[bytes, ...] = ()  # further ones that its requests may be about
    incidental: tuple[str, ...] = ()  # further requests that may come at any place
    absent: frozenset[str] = frozenset()  # requests that must not come, not even incidentally
    write_max: int | None = None  # bytes in one WRITE


# ---- building blocks ----------------------------------------------------------------------------


def step(name: str, run: Callable[[Work], object], *expected: Expected, **more) -> Step:
    return Step(name, run, expected, **more)


def closed(path: bytes, handle: str, **fields) -> tuple[Expected, Expected]:
    return (op("flush", path, handle=handle, **fields),
            op("release", path, handle=handle, **fields))


def create_new(work: Work, path: bytes) -> None:
    """Creates an empty file: three calls that are always the same three requests."""
    os.close(os.open(work(path), NEW | os.O_WRONLY, 0o644))


def created(path: bytes, handle: str = "new") -> tuple[Expected, ...]:
    return op("create", path, handle=handle), *closed(path, handle)


def list_directory(work: Work, path: bytes) -> None:
    os.listdir(work(path))


def listed(path: bytes) -> tuple[Expected, ...]:
    """READDIR until it gives nothing more; the judge takes any number of them from one on."""
    return (op("opendir", path, handle="list"), op("readdir", path, handle="list"),
            op("releasedir", path, handle="list"))


def write_through_map(work: Work, label: str) -> None:
    """Changes the first bytes by memory alone, and has them written. The map has its own fd."""
    with mmap.mmap(work[label], 4096) as memory:
        memory[0:4] = b"MMAP"
        memory.flush()


def make_deeper(work: Work, name: bytes) -> None:
    """A directory in the one that is open as "deep", whose place it then takes."""
    above = work.files.pop("deep", -1)
    try:
        os.mkdir(name, dir_fd=above)
        work.files["deep"] = os.open(name, os.O_PATH | os.O_DIRECTORY, dir_fd=above)
    finally:
        if above >= 0:
            os.close(above)


def deep_path(levels: int) -> bytes:
    return b"".join(b"/" + name for name in DEEP[:levels])


DEEPEST = deep_path(len(DEEP))


def name_steps() -> list[Step]:
    """Each odd name as a file, a directory, the new name of a file, and a link's target."""
    steps = []
    for label, name in NAMES.items():
        path, other = b"/names/" + name, b"/names/plain"
        steps += [
            step(f"name-{label}-create", lambda w, p=path: create_new(w, p), *created(path)),
            step(f"name-{label}-stat", lambda w, p=path: syscalls.stat_fresh(w(p)),
                 op("getattr", path)),
            step(f"name-{label}-rename", lambda w, p=path, o=other: os.rename(w(p), w(o)),
                 op("rename", path, other)),
            step(f"name-{label}-mkdir", lambda w, p=path: os.mkdir(w(p)), op("mkdir", path)),
            step(f"name-{label}-rmdir", lambda w, p=path: os.rmdir(w(p)), op("rmdir", path)),
            step(f"name-{label}-unlink", lambda w, o=other: os.unlink(w(o)), op("unlink", other)),
        ]
    return steps


A, B, D = b"/dir/a.txt", b"/dir/b.txt", b"/dir"
TEXT = b"hello"
LARGE = b"x" * (100 * KIB)
LARGE_AT_END = len(TEXT)

FILE_STEPS = [
    step("mkdir", lambda w: os.mkdir(w(D), 0o755), op("mkdir", D, mode=0o755)),
    step("mkdir-exists", lambda w: os.mkdir(w(D)), op("lookup", D), errno=errno.EEXIST),
    step("create", lambda w: w.open("a", A, NEW | os.O_WRONLY), op("create", A, handle="a")),
    step("write", lambda w: os.write(w["a"], TEXT), op("write", A, offset=0, size=5, handle="a")),
    step("close", lambda w: w.close("a"), *closed(A, "a")),
    step("open-append", lambda w: w.open("a", A, os.O_WRONLY | os.O_APPEND),
         op("open", A, handle="a")),
    step("append-large", lambda w: os.write(w["a"], LARGE),
         op("write", A, offset=LARGE_AT_END, size=len(LARGE), handle="a")),
    step("fsync", lambda w: os.fsync(w["a"]), op("fsync", A, handle="a")),
    step("close-appended", lambda w: w.close("a"), *closed(A, "a")),
    step("open-read", lambda w: w.open("a", A, os.O_RDONLY), op("open", A, handle="a")),
    step("read-large", lambda w: os.read(w["a"], 200 * KIB),
         op("read", A, offset=0, reply_size=len(LARGE) + LARGE_AT_END, handle="a")),
    step("close-read", lambda w: w.close("a"), *closed(A, "a")),
    step("stat", lambda w: syscalls.stat_fresh(w(A)), op("getattr", A)),
    step("stat-root", lambda w: syscalls.stat_fresh(w(b"/")), op("getattr", b"/")),
    step("stat-missing", lambda w: os.stat(w(b"/dir/missing")),
         op("lookup", b"/dir/missing", errno=errno.ENOENT), errno=errno.ENOENT),
    step("open-missing", lambda w: os.open(w(b"/dir/missing2"), os.O_RDONLY),
         op("lookup", b"/dir/missing2", errno=errno.ENOENT), errno=errno.ENOENT),
    step("create-exists", lambda w: os.open(w(A), NEW | os.O_WRONLY), errno=errno.EEXIST,
         paths=(A,)),
    step("through-a-file", lambda w: os.stat(w(A + b"/below")), errno=errno.ENOTDIR, paths=(A,)),
    step("access", lambda w: os.access(w(A), os.W_OK), op("access", A)),
]

XATTR = b"user.fusetrace"
XATTR_STEPS = [
    step("setxattr", lambda w: os.setxattr(w(A), XATTR, b"value"), op("setxattr", A, xattr=XATTR)),
    step("getxattr", lambda w: os.getxattr(w(A), XATTR),
         op("getxattr", A, xattr=XATTR)),
    step("listxattr", lambda w: os.listxattr(w(A)), op("listxattr", A)),
    step("removexattr", lambda w: os.removexattr(w(A), XATTR), op("removexattr", A, xattr=XATTR)),
    step("getxattr-missing", lambda w: os.getxattr(w(A), XATTR),
         op("getxattr", A, xattr=XATTR, errno=errno.ENODATA), errno=errno.ENODATA),
]

ATTRIBUTE_STEPS = [
    step("chmod", lambda w: os.chmod(w(A), 0o640), op("setattr", A, valid=FATTR_MODE)),
    step("chown", lambda w: os.chown(w(A), 1, 2), op("setattr", A, valid=FATTR_UID | FATTR_GID)),
    step("chown-back", lambda w: os.chown(w(A), 0, 0),
         op("setattr", A, valid=FATTR_UID | FATTR_GID)),
    step("utimens", lambda w: os.utime(w(A), ns=(10**18, 10**18)),
         op("setattr", A, valid=FATTR_ATIME | FATTR_MTIME)),
    step("truncate", lambda w: os.truncate(w(A), 10),
         op("setattr", A, valid=FATTR_SIZE, size=10)),
    step("open-ftruncate", lambda w: w.open("a", A, os.O_RDWR), op("open", A, handle="a")),
    step("ftruncate", lambda w: os.ftruncate(w["a"], 7),
         op("setattr", A, valid=FATTR_SIZE, size=7, handle="a")),
    step("fchmod", lambda w: os.fchmod(w["a"], 0o600), op("setattr", A, valid=FATTR_MODE)),
    step("fallocate", lambda w: syscalls.fallocate(w["a"], 0, 0, 64 * KIB),
         op("fallocate", A, offset=0, size=64 * KIB, handle="a")),
    # No request: the kernel keeps locks by itself unless the daemon asked for them.
    step("lock", lambda w: fcntl.lockf(w["a"], fcntl.LOCK_EX | fcntl.LOCK_NB)),
    step("unlock", lambda w: fcntl.lockf(w["a"], fcntl.LOCK_UN)),
    step("close-ftruncated", lambda w: w.close("a"), *closed(A, "a")),
    step("open-truncate", lambda w: w.open("a", A, os.O_WRONLY | os.O_TRUNC),
         op("open", A, handle="a", flags=os.O_TRUNC)),
    step("dup-and-close", lambda w: os.close(os.dup(w["a"])), op("flush", A, handle="a")),
    step("close-truncated", lambda w: w.close("a"), *closed(A, "a")),
    step("statfs", lambda w: os.statvfs(w(A)), op("statfs", A)),
]

NAME_SPACE_STEPS = [
    step("rename", lambda w: os.rename(w(A), w(B)), op("rename", A, B)),
    step("stat-renamed", lambda w: syscalls.stat_fresh(w(B)), op("getattr", B)),
    step("mkdir-sub", lambda w: os.mkdir(w(b"/dir/sub")), op("mkdir", b"/dir/sub")),
    step("create-sub", lambda w: w.open("sub", b"/dir/sub/file", NEW | os.O_RDWR),
         op("create", b"/dir/sub/file", handle="sub")),
    step("rename-directory", lambda w: os.rename(w(D), w(b"/moved")), op("rename", D, b"/moved")),
    step("write-below-renamed", lambda w: os.write(w["sub"], TEXT),
         op("write", b"/moved/sub/file", offset=0, size=5, handle="sub")),
    step("close-below-renamed", lambda w: w.close("sub"), *closed(b"/moved/sub/file", "sub")),
    step("stat-below-renamed", lambda w: syscalls.stat_fresh(w(b"/moved/sub/file")),
         op("getattr", b"/moved/sub/file")),
    step("create-over", lambda w: create_new(w, b"/moved/over"), *created(b"/moved/over")),
    step("rename-over", lambda w: os.rename(w(b"/moved/b.txt"), w(b"/moved/over")),
         op("rename", b"/moved/b.txt", b"/moved/over")),
    step("stat-over", lambda w: syscalls.stat_fresh(w(b"/moved/over")),
         op("getattr", b"/moved/over")),
    step("create-other", lambda w: create_new(w, b"/moved/other"), *created(b"/moved/other")),
    step("rename-noreplace",
         lambda w: syscalls.renameat2(w(b"/moved/over"), w(b"/moved/other"),
                                      syscalls.RENAME_NOREPLACE),
         errno=errno.EEXIST, paths=(b"/moved/over", b"/moved/other")),
    step("rename-exchange",
         lambda w: syscalls.renameat2(w(b"/moved/over"), w(b"/moved/other"),
                                      syscalls.RENAME_EXCHANGE),
         op("rename", b"/moved/over", b"/moved/other")),
    step("stat-exchanged", lambda w: syscalls.stat_fresh(w(b"/moved/other")),
         op("getattr", b"/moved/other")),
    step("symlink", lambda w: os.symlink(b"over", w(b"/moved/symlink")),
         op("symlink", b"/moved/symlink", target=b"over")),
    step("readlink", lambda w: os.readlink(w(b"/moved/symlink")),
         op("readlink", b"/moved/symlink")),
    step("link", lambda w: os.link(w(b"/moved/over"), w(b"/moved/link")),
         op("link", b"/moved/over", b"/moved/link")),
    step("open-link", lambda w: w.open("link", b"/moved/link", os.O_WRONLY),
         op("open", b"/moved/link", handle="link")),
    step("write-link", lambda w: os.write(w["link"], TEXT),
         op("write", b"/moved/link", offset=0, size=5, handle="link")),
    step("close-link", lambda w: w.close("link"), *closed(b"/moved/link", "link")),
    step("unlink-link", lambda w: os.unlink(w(b"/moved/link")), op("unlink", b"/moved/link"),
         paths=(b"/moved/over",)),
    step("stat-after-unlink", lambda w: syscalls.stat_fresh(w(b"/moved/over")),
         op("getattr", b"/moved/over")),
    step("mkfifo", lambda w: os.mkfifo(w(b"/moved/fifo")), op("mknod", b"/moved/fifo")),
    step("unlink-fifo", lambda w: os.unlink(w(b"/moved/fifo")), op("unlink", b"/moved/fifo")),
    step("rmdir-not-empty", lambda w: os.rmdir(w(b"/moved")),
         op("rmdir", b"/moved", errno=errno.ENOTEMPTY), errno=errno.ENOTEMPTY),
    step("readdir", lambda w: list_directory(w, b"/moved"), *listed(b"/moved"),
         paths=(b"/moved/over", b"/moved/other", b"/moved/sub", b"/moved/symlink")),
    step("readdir-root", lambda w: list_directory(w, b"/"), *listed(b"/")),
]

OPEN_FILE_STEPS = [
    step("create-gone", lambda w: w.open("gone", b"/gone", NEW | os.O_RDWR),
         op("create", b"/gone", handle="gone")),
    step("unlink-gone", lambda w: os.unlink(w(b"/gone")), op("unlink", b"/gone")),
    step("write-gone", lambda w: os.write(w["gone"], TEXT),
         op("write", b"/gone", offset=0, size=5, handle="gone", unlinked=True)),
    step("read-gone", lambda w: os.pread(w["gone"], 5, 0),
         op("read", b"/gone", offset=0, handle="gone", unlinked=True)),
    step("close-gone", lambda w: w.close("gone"), *closed(b"/gone", "gone", unlinked=True)),
    step("create-source", lambda w: w.open("source", b"/source", NEW | os.O_RDWR),
         op("create", b"/source", handle="source")),
    step("write-source", lambda w: os.write(w["source"], b"s" * 8 * KIB),
         op("write", b"/source", offset=0, size=8 * KIB, handle="source")),
    step("create-target", lambda w: w.open("target", b"/target", NEW | os.O_RDWR),
         op("create", b"/target", handle="target")),
    step("copy-file-range", lambda w: os.copy_file_range(w["source"], w["target"], 8 * KIB, 0, 0),
         op("copy_file_range", b"/source", b"/target", offset=0, size=8 * KIB)),
    step("close-target", lambda w: w.close("target"), *closed(b"/target", "target")),
    step("seek-data", lambda w: os.lseek(w["source"], 0, os.SEEK_DATA),
         op("lseek", b"/source", offset=0, handle="source")),
    step("mmap-write", lambda w: write_through_map(w, "source"),
         op("write", b"/source", offset=0, size=4 * KIB), op("fsync", b"/source"),
         op("flush", b"/source", handle="source"), incidental=("read",)),
    step("close-source", lambda w: w.close("source"), *closed(b"/source", "source")),
    step("tmpfile", lambda w: os.close(os.open(w(b"/"), os.O_TMPFILE | os.O_RDWR)),
         op("tmpfile", b"/", errno=errno.ENOSYS), errno=errno.EOPNOTSUPP),
    step("open-directory", lambda w: w.open("moved", b"/moved", os.O_RDONLY | os.O_DIRECTORY),
         op("opendir", b"/moved", handle="moved")),
    step("fsync-directory", lambda w: os.fsync(w["moved"]),
         op("fsyncdir", b"/moved", handle="moved")),
    step("close-directory", lambda w: w.close("moved"),
         op("releasedir", b"/moved", handle="moved")),
]

DEEP_STEPS = [
    step("open-root", lambda w: w.open("deep", b"/", os.O_PATH | os.O_DIRECTORY)),
    *(step(f"mkdir-deep-{level}", lambda w, n=name: make_deeper(w, n),
           op("mkdir", deep_path(level)))
      for level, name in enumerate(DEEP, 1)),
    step("create-deep", lambda w: os.close(os.open(b"f", NEW | os.O_RDWR, dir_fd=w["deep"])),
         *created(DEEPEST + b"/f")),
    step("unlink-deep", lambda w: os.unlink(b"f", dir_fd=w["deep"]),
         op("unlink", DEEPEST + b"/f")),
    step("rename-deep", lambda w: os.rename(w(b"/" + DEEP[0]), w(b"/deep")),
         op("rename", b"/" + DEEP[0], b"/deep")),
    step("create-below-deep", lambda w: os.close(os.open(b"g", NEW | os.O_RDWR, dir_fd=w["deep"])),
         *created(b"/deep" + DEEPEST[len(deep_path(1)):] + b"/g")),
    step("close-deep", lambda w: w.close("deep")),
]

WRITABLE = (FILE_STEPS + XATTR_STEPS + ATTRIBUTE_STEPS + NAME_SPACE_STEPS + OPEN_FILE_STEPS +
            [step("mkdir-names", lambda w: os.mkdir(w(b"/names")), op("mkdir", b"/names"))] +
            name_steps() + DEEP_STEPS)


# ---- the read-only workload ---------------------------------------------------------------------


def make_content(root: bytes) -> None:
    """The tree that a read-only filesystem shows."""
    os.mkdir(root + b"/dir")
    os.mkdir(root + b"/names")
    for path, data in ((b"/dir/small", TEXT), (b"/dir/large", LARGE)):
        with open(root + path, "wb") as file:
            file.write(data)
    os.symlink(b"small", root + b"/dir/symlink")
    os.link(root + b"/dir/small", root + b"/dir/link")
    with contextlib.suppress(OSError):
        os.setxattr(root + b"/dir/small", XATTR, b"value")
    for name in NAMES.values():
        os.close(os.open(root + b"/names/" + name, NEW | os.O_WRONLY, 0o644))


S, L = b"/dir/small", b"/dir/large"
READ_ONLY = [
    step("stat-root", lambda w: syscalls.stat_fresh(w(b"/")), op("getattr", b"/")),
    step("stat-first", lambda w: os.stat(w(S)), op("lookup", D), op("lookup", S)),
    step("stat-missing", lambda w: os.stat(w(b"/dir/missing")),
         op("lookup", b"/dir/missing", errno=errno.ENOENT), errno=errno.ENOENT),
    step("open-read", lambda w: w.open("s", S, os.O_RDONLY), op("open", S, handle="s")),
    step("read", lambda w: os.read(w["s"], 4 * KIB),
         op("read", S, offset=0, reply_size=5, handle="s")),
    step("close", lambda w: w.close("s"), *closed(S, "s")),
    step("open-large", lambda w: w.open("l", L, os.O_RDONLY), op("open", L, handle="l")),
    step("read-large", lambda w: os.read(w["l"], 200 * KIB),
         op("read", L, offset=0, reply_size=len(LARGE), handle="l")),
    step("close-large", lambda w: w.close("l"), *closed(L, "l")),
    step("readlink", lambda w: os.readlink(w(b"/dir/symlink")), op("readlink", b"/dir/symlink")),
    step("open-link", lambda w: w.open("s", b"/dir/link", os.O_RDONLY),
         op("open", b"/dir/link", handle="s")),
    step("close-link", lambda w: w.close("s"), *closed(b"/dir/link", "s")),
    step("getxattr", lambda w: os.getxattr(w(S), XATTR), op("getxattr", S, xattr=XATTR)),
    step("listxattr", lambda w: os.listxattr(w(S)), op("listxattr", S)),
    step("access", lambda w: os.access(w(S), os.R_OK), op("access", S)),
    step("statfs", lambda w: os.statvfs(w(S)), op("statfs", S)),
    step("readdir", lambda w: list_directory(w, D), *listed(D),
         paths=(S, L, b"/dir/symlink", b"/dir/link")),
    step("create-refused", lambda w: os.open(w(b"/new"), NEW | os.O_WRONLY),
         op("create", b"/new", errno=errno.EROFS), errno=errno.EROFS),
    step("mkdir-refused", lambda w: os.mkdir(w(b"/new")),
         op("mkdir", b"/new", errno=errno.EROFS), errno=errno.EROFS),
    step("unlink-refused", lambda w: os.unlink(w(S)),
         op("unlink", S, errno=errno.EROFS), errno=errno.EROFS),
    *(step(f"name-{label}-stat", lambda w, n=name: os.stat(w(b"/names/" + n)),
           op("lookup", b"/names/" + name)) for label, name in NAMES.items()),
]


# ---- doing it -----------------------------------------------------------------------------------


def do(work: Work, step_: Step) -> dict:
    begin = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
    number = 0
    try:
        step_.run(work)
    except OSError as error:
        number = error.errno
    end = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
    return {"step": step_.name, "begin_ns": begin, "end_ns": end, "errno": number}


WORKLOADS = {"writable": WRITABLE, "read-only": READ_ONLY}


def main(mountpoint: str, kind: str) -> None:
    """Every line is printed between two steps; printing does not touch the mount."""
    os.umask(0o022)
    work = Work(os.fsencode(mountpoint))
    print(json.dumps({"tid": threading.get_native_id()}), flush=True)
    for step_ in WORKLOADS[kind]:
        print(json.dumps(do(work, step_)), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
