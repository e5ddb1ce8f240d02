# SPDX-License-Identifier: MIT
"""Where a filesystem differs from what workload.py expects, and why.

Each difference is data with its reason; the reasons are what docs/filesystems.md shows. They are
those of the versions named there: another version may do more, or less.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from errno import (EBADF, EILSEQ, EINVAL, ENAMETOOLONG, ENOENT, ENOSYS, EOPNOTSUPP, EPERM,
                   ERANGE)
from typing import Sequence

from . import workload
from .workload import Expected, Step, op


@dataclass(frozen=True)
class Difference:
    """What is expected otherwise, and the reason as a reader of the table sees it."""

    reason: str
    # Requests that are never sent.
    never: tuple[str, ...] = ()
    # Requests that are answered with this errno the first time and not sent any more.
    once: dict[str, int] = field(default_factory=dict)
    # Requests in whose place others are sent for the same path, the last with the same handle.
    instead: dict[str, tuple[str, ...]] = field(default_factory=dict)
    # Steps whose requests are these.
    steps: dict[str, tuple[Expected, ...]] = field(default_factory=dict)
    # Steps whose system call gives this errno.
    errnos: dict[str, int] = field(default_factory=dict)
    # Requests that may come at any place, besides those that always may.
    incidental: tuple[str, ...] = ()
    # Bytes in one WRITE.
    write_max: int | None = None


# ---- differences that several share -------------------------------------------------------------

KIB = workload.KIB
A, OVER, OTHER = workload.A, b"/moved/over", b"/moved/other"
SUB, LINK = b"/moved/sub/file", b"/moved/link"

NO_XATTR = Difference(
    "no extended attributes: the first request of each kind is answered with ENOSYS, after which "
    "the kernel refuses them itself",
    # The kernel asks for a capability of the first file that is written.
    steps={"write": (op("getxattr", workload.A, xattr=b"security.capability", errno=ENOSYS),
                     op("write", workload.A, offset=0, size=5, handle="a"))},
    once={"getxattr": ENOSYS, "setxattr": ENOSYS, "listxattr": ENOSYS, "removexattr": ENOSYS},
    errnos={step.name: EOPNOTSUPP for step in workload.XATTR_STEPS})
NO_ACCESS = Difference("mounted with default_permissions: no ACCESS, the kernel decides",
                       never=("access",))
ACCESS_UNKNOWN = Difference("ACCESS is answered with ENOSYS: not sent any more",
                            once={"access": ENOSYS})
NO_FLUSH = Difference("FLUSH is answered with ENOSYS: not sent any more", once={"flush": ENOSYS})
NO_FALLOCATE = Difference("no FALLOCATE", once={"fallocate": ENOSYS},
                          errnos={"fallocate": EOPNOTSUPP})
NO_LSEEK = Difference("no LSEEK: the kernel takes the whole file for data", once={"lseek": ENOSYS})
NO_FSYNCDIR = Difference("no FSYNCDIR", once={"fsyncdir": ENOSYS})
NO_LOOK_AT_FLAGS = Difference(
    "speaks protocol 7.19 (libfuse 2): the kernel refuses flags of RENAME itself",
    steps={"rename-exchange": ()}, errnos={"rename-exchange": EINVAL})
NO_COPY = Difference(
    "no COPY_FILE_RANGE: the kernel copies by page cache and WRITE",
    steps={"copy-file-range": (op("copy_file_range", b"/source", b"/target", errno=ENOSYS),
                               op("write", b"/target", offset=0, size=8192))})
NO_RENAME_FLAGS = Difference(
    "RENAME without flags only",
    steps={"rename-exchange": (op("rename", OVER, OTHER, errno=ENOSYS),)},
    errnos={"rename-exchange": EINVAL})
REFUSES_RENAME_FLAGS = Difference(
    "refuses flags of RENAME",
    steps={"rename-exchange": (op("rename", OVER, OTHER, errno=EINVAL),)},
    errnos={"rename-exchange": EINVAL})
TRUNCATE_BY_SETATTR = Difference(
    "O_TRUNC comes as a SETATTR behind the OPEN",
    steps={"open-truncate": (op("open", A, handle="a"),
                             op("setattr", A, valid=workload.FATTR_SIZE, size=0))})
NEGATIVE_ENTRIES = Difference(
    "a missing name is answered with an entry without a node, not with ENOENT",
    steps={"stat-missing": (op("lookup", b"/dir/missing", entry=0),),
           "open-missing": (op("lookup", b"/dir/missing2", entry=0),)})
LIBFUSE2 = (NO_LOOK_AT_FLAGS, NO_LSEEK, NO_COPY, TRUNCATE_BY_SETATTR)
SMALL_WRITES = Difference("did not ask for large writes: WRITE comes in pieces of at most 4 KiB",
                          write_max=4 * KIB)
KEPT_PAGES = Difference(
    "what was written stays in the kernel's cache: only the two pages that were written in part "
    "are read",
    steps={"read-large": (op("read", A, offset=0, reply_size=4 * KIB, handle="a"),
                          op("read", A, offset=100 * KIB, reply_size=5, handle="a"))})
TIMES = "utimens"  # SETATTR of nothing but times
WRITE_BACK = Difference(
    "write-back cache: WRITE comes from the kernel at fsync, close or copy, and SETATTR for times "
    "that it keeps; READ is answered by the cache",
    steps={"write": (), "append-large": (), "read-large": (), "write-below-renamed": (),
           "write-link": (), "write-gone": (), "read-gone": (), "write-source": (),
           "close": (op("write", A, offset=0, size=5), *workload.closed(A, "a")),
           "fsync": (op("write", A, offset=0, size=100 * KIB + 5), op("fsync", A, handle="a")),
           "close-below-renamed": (op("write", SUB, offset=0, size=5),
                                   *workload.closed(SUB, "sub")),
           "close-link": (op("write", LINK, offset=0, size=5), *workload.closed(LINK, "link")),
           "close-gone": (op("write", b"/gone", offset=0, size=5, unlinked=True),
                          *workload.closed(b"/gone", "gone", unlinked=True)),
           "copy-file-range": (op("write", b"/source", offset=0, size=8 * KIB),
                               op("copy_file_range", b"/source", b"/target", size=8 * KIB))},
    incidental=(TIMES,))


NO_MKFIFO = Difference(
    "no special files", steps={"mkfifo": (op("mknod", b"/moved/fifo", errno=EPERM),),
                               "unlink-fifo": ()},
    errnos={"mkfifo": EPERM, "unlink-fifo": ENOENT})
COPY_REFUSED = Difference(
    "refuses COPY_FILE_RANGE: the kernel copies by page cache and WRITE",
    steps={"copy-file-range": (op("copy_file_range", b"/source", b"/target", errno=EOPNOTSUPP),
                               op("write", b"/target", offset=0, size=8 * KIB))})


def refused_name(label: str, reason: str, number: int, create: tuple = (), mkdir: tuple = (),
                 others: int = ENOENT) -> Difference:
    """A name of workload.NAMES that cannot be made: nor is it there, for the steps that follow."""
    kinds = ("create", "stat", "rename", "mkdir", "rmdir", "unlink")
    numbers = {kind: others for kind in kinds} | {"create": number, "mkdir": number,
                                                  "unlink": ENOENT}
    requests = {"create": create, "mkdir": mkdir}
    return Difference(
        reason,
        steps={f"name-{label}-{kind}": requests.get(kind, ()) for kind in kinds},
        errnos={f"name-{label}-{kind}": numbers[kind] for kind in kinds})


def refused_request(kind: str, label: str, number: int) -> tuple[Expected, ...]:
    return (op(kind, b"/names/" + workload.NAMES[label], errno=number),)


def refused_depth(level: int, reason: str, number: int,
                  request: tuple[Expected, ...] = ()) -> Difference:
    """Directories from this level on cannot be made; what would be in them is not there."""
    names = [f"mkdir-deep-{deeper}" for deeper in range(level, len(workload.DEEP) + 1)]
    names += ["create-deep", "unlink-deep", "create-below-deep", "close-deep"]
    return Difference(reason, steps=dict.fromkeys(names, ()) | {names[0]: request},
                      errnos=dict.fromkeys(names, EBADF) | {names[0]: number})


NO_CREATE = Difference(
    "CREATE is answered with ENOSYS: from then on MKNOD and OPEN come in its place",
    steps={"create": (op("create", A, errno=ENOSYS), op("mknod", A), op("open", A, handle="a"))},
    instead={"create": ("mknod", "open")})
NO_FSYNC = Difference("FSYNC is answered with ENOSYS: not sent any more", once={"fsync": ENOSYS})

# ---- each filesystem ----------------------------------------------------------------------------

NONE: tuple[Difference, ...] = ()
LONG_IN_TAR = "names of 249 bytes and more are refused: the archive's format has no room for them"
NTFS = (
    NO_FLUSH, KEPT_PAGES, NO_FALLOCATE, SMALL_WRITES, *LIBFUSE2,
    refused_name("invalid-utf8", "names that are not UTF-8 are refused", EILSEQ, others=EILSEQ),
)
OF: dict[str, tuple[Difference, ...]] = {
    "mergerfs": (NEGATIVE_ENTRIES, NO_ACCESS, NO_RENAME_FLAGS, NO_LSEEK, NO_FSYNCDIR),
    "bindfs": (NO_ACCESS, NO_FLUSH, NO_FALLOCATE, NO_FSYNCDIR, SMALL_WRITES, *LIBFUSE2),
    "unionfs-fuse": (
        NO_ACCESS, NO_XATTR, NO_FALLOCATE, NO_FSYNCDIR, *LIBFUSE2,
        refused_depth(4, "paths of 1,000 bytes and more are refused", ENAMETOOLONG),
    ),
    "gocryptfs": (TRUNCATE_BY_SETATTR, COPY_REFUSED),
    "fuse-overlayfs": (
        NEGATIVE_ENTRIES, NO_ACCESS, WRITE_BACK, NO_FLUSH, NO_LSEEK,
        refused_name("longest", "names of 255 bytes are refused: it needs room for a prefix",
                     ENAMETOOLONG, refused_request("create", "longest", ENAMETOOLONG),
                     refused_request("mkdir", "longest", ENAMETOOLONG)),
    ),
    "squashfuse": (
        NO_FLUSH, ACCESS_UNKNOWN,
        Difference("read-only: what would change it is answered with ENOSYS, but for CREATE",
                   steps={"mkdir-refused": (op("mkdir", b"/new", errno=ENOSYS),),
                          "unlink-refused": (op("unlink", workload.S, errno=ENOSYS),)},
                   errnos={"mkdir-refused": ENOSYS, "unlink-refused": ENOSYS}),
    ),
    "fuse2fs": (NO_FLUSH, KEPT_PAGES, *LIBFUSE2),
    "ntfs-3g": NTFS,
    "ntfs-3g (fuseblk)": NTFS,
    "archivemount": (
        ACCESS_UNKNOWN, NO_FLUSH, NO_XATTR, NO_FALLOCATE, NO_FSYNCDIR, SMALL_WRITES, *LIBFUSE2,
        Difference("forgets what is in a directory when that is renamed, open files too",
                   steps={"write-below-renamed": (op("write", SUB, offset=0, errno=ENOENT),),
                          "stat-below-renamed": (),
                          "rename-over": (op("rename", b"/moved/b.txt", OVER, errno=ENOENT),)},
                   errnos={"write-below-renamed": ENOENT, "stat-below-renamed": ENOENT,
                           "rename-over": ENOENT}),
        Difference("no SYMLINK", once={"symlink": ENOSYS}, steps={"readlink": ()},
                   errnos={"symlink": ENOSYS, "readlink": ENOENT}),
        Difference("says that files have no name (st_nlink is 0): the kernel refuses LINK itself",
                   steps={"link": (), "open-link": (), "write-link": (), "close-link": (),
                          "unlink-link": ()},
                   errnos={"link": ENOENT, "open-link": ENOENT, "write-link": EBADF,
                           "close-link": EBADF, "unlink-link": ENOENT}),
        Difference("refuses to remove a directory whose name ends with a dot",
                   steps={"name-dots-rmdir": refused_request("rmdir", "dots", EINVAL)},
                   errnos={"name-dots-rmdir": EINVAL}),
        refused_name("longest", LONG_IN_TAR, ERANGE, refused_request("create", "longest", ERANGE),
                     refused_request("mkdir", "longest", ERANGE)),
        refused_depth(1, LONG_IN_TAR, ERANGE, (op("mkdir", workload.deep_path(1), errno=ERANGE),)),
        Difference(LONG_IN_TAR, steps={"rename-deep": ()}, errnos={"rename-deep": ENOENT}),
    ),
    "fusepy": (NO_FALLOCATE, SMALL_WRITES, *LIBFUSE2),
    "fusepy (bare)": (NO_CREATE, NO_FLUSH, NO_FSYNC, NO_XATTR, ACCESS_UNKNOWN, NO_FALLOCATE,
                      SMALL_WRITES, *LIBFUSE2),
    "sshfs": (NO_XATTR, NO_FALLOCATE, NO_FSYNCDIR, NO_COPY, NO_LSEEK, REFUSES_RENAME_FLAGS,
              NO_MKFIFO),
}


class Adapter:
    """Applies differences to steps, in the order of the workload."""

    def __init__(self, differences: Sequence[Difference]):
        self.differences = differences
        self.refused: set[str] = set()

    def _requests(self, expected: Expected, difference: Difference) -> list[Expected]:
        if expected.op in difference.never or expected.op in self.refused:
            return []
        if expected.op in difference.once:
            return [dataclasses.replace(expected, errno=difference.once[expected.op])]
        if expected.op in difference.instead:
            *before, last = difference.instead[expected.op]
            return [*(op(name, expected.path) for name in before),
                    op(last, expected.path, handle=expected.handle)]
        return [expected]

    def _apply(self, difference: Difference, step: Step) -> Step:
        expected = difference.steps.get(step.name)
        if expected is None:
            expected = tuple(each for before in step.expected
                             for each in self._requests(before, difference))
        return dataclasses.replace(
            step, expected=expected, errno=difference.errnos.get(step.name, step.errno),
            incidental=step.incidental + difference.incidental,
            write_max=difference.write_max or step.write_max)

    def adapt(self, step: Step) -> Step:
        paths = step.paths + tuple(path for each in step.expected
                                   for path in (each.path, each.path2) if path)
        absent = self.refused.union(*(difference.never for difference in self.differences))
        for difference in self.differences:
            step = self._apply(difference, step)
        sent = {each.op for each in step.expected}
        for difference in self.differences:
            self.refused |= sent & difference.once.keys()
        return dataclasses.replace(step, paths=paths, absent=frozenset(absent))


def adapted(filesystem: str, steps: Sequence[Step]) -> list[Step]:
    """The steps as they are expected on this filesystem."""
    adapter = Adapter(OF.get(filesystem, NONE))
    return [adapter.adapt(step) for step in steps]
