# SPDX-License-Identifier: MIT
"""A filesystem in Python on fusepy: a directory, shown once more.

    loopback.py [--bare | --log] STORE MOUNTPOINT

One of the filesystems of the live tests (filesystems.py). It keeps files open by handle, so that
one that was deleted can still be used. The bare form lacks calls that many filesystems lack; the
other one logs each call, to standard error.
"""

import errno
import logging
import os
import sys

from fusepy import FUSE, FuseOSError, LoggingMixIn, Operations

ENCODING = "latin-1"
STAT_KEYS = ("st_atime", "st_ctime", "st_gid", "st_mode", "st_mtime", "st_nlink", "st_size",
             "st_uid")
STATVFS_KEYS = ("f_bavail", "f_bfree", "f_blocks", "f_bsize", "f_favail", "f_ffree", "f_files",
                "f_flag", "f_frsize", "f_namemax")


class Loopback(Operations):
    """Paths come from the root of the mount; self.real() gives them in the store.

    File names are bytes, fusepy has strings only: in ENCODING each character is one byte.
    """

    def __init__(self, store):
        self.store = os.fsencode(store)

    def real(self, path):
        return self.store + path.encode(ENCODING)

    # -- what there is

    def getattr(self, path, fh=None):
        status = os.lstat(self.real(path)) if fh is None else os.fstat(fh)
        return {key: getattr(status, key) for key in STAT_KEYS}

    def access(self, path, mode):
        if not os.access(self.real(path), mode):
            raise FuseOSError(errno.EACCES)

    def readdir(self, path, fh):
        return [".", "..", *(name.decode(ENCODING) for name in os.listdir(self.real(path)))]

    def readlink(self, path):
        return os.readlink(self.real(path)).decode(ENCODING)

    def statfs(self, path):
        status = os.statvfs(self.real(path))
        return {key: getattr(status, key) for key in STATVFS_KEYS}

    # -- names

    def mkdir(self, path, mode):
        os.mkdir(self.real(path), mode)

    def mknod(self, path, mode, dev):
        os.mknod(self.real(path), mode, dev)

    def symlink(self, path, target):
        os.symlink(target.encode(ENCODING), self.real(path))

    def link(self, path, existing):
        os.link(self.real(existing), self.real(path))

    def rename(self, old, new):
        os.rename(self.real(old), self.real(new))

    def unlink(self, path):
        os.unlink(self.real(path))

    def rmdir(self, path):
        os.rmdir(self.real(path))

    # -- attributes

    def chmod(self, path, mode):
        os.chmod(self.real(path), mode)

    def chown(self, path, uid, gid):
        os.chown(self.real(path), uid, gid, follow_symlinks=False)

    def utimens(self, path, times=None):
        os.utime(self.real(path), times, follow_symlinks=False)

    def getxattr(self, path, name, position=0):
        return os.getxattr(self.real(path), name, follow_symlinks=False)

    def listxattr(self, path):
        return os.listxattr(self.real(path), follow_symlinks=False)

    def setxattr(self, path, name, value, options, position=0):
        os.setxattr(self.real(path), name, value, options, follow_symlinks=False)

    def removexattr(self, path, name):
        os.removexattr(self.real(path), name, follow_symlinks=False)

    # -- content

    def create(self, path, mode, fi=None):
        return os.open(self.real(path), os.O_RDWR | os.O_CREAT | os.O_TRUNC, mode)

    def open(self, path, flags):
        return os.open(self.real(path), flags & ~os.O_APPEND)

    def read(self, path, size, offset, fh):
        return os.pread(fh, size, offset)

    def write(self, path, data, offset, fh):
        return os.pwrite(fh, data, offset)

    def truncate(self, path, length, fh=None):
        os.truncate(self.real(path) if fh is None else fh, length)

    def flush(self, path, fh):
        os.close(os.dup(fh))

    def fsync(self, path, datasync, fh):
        os.fsync(fh)

    def release(self, path, fh):
        os.close(fh)


class Bare(Loopback):
    """fusepy takes None for: there is no such call, answer ENOSYS."""

    access = create = flush = fsync = getxattr = listxattr = removexattr = setxattr = statfs = None


class Logged(LoggingMixIn, Loopback):
    """Says what is called and what comes of it."""


KINDS = {"--bare": Bare, "--log": Logged}


def main(arguments):
    kind = KINDS.get(arguments[0], Loopback) if arguments else Loopback
    if len(arguments) != 2 + (kind is not Loopback):
        sys.exit("usage: loopback.py [--bare | --log] STORE MOUNTPOINT")
    if kind is Logged:
        sys.stderr.reconfigure(encoding=ENCODING)  # the bytes of names
        logging.basicConfig(level=logging.DEBUG)
    store, mountpoint = arguments[-2:]
    FUSE(kind(os.path.realpath(store)), mountpoint, foreground=True, encoding=ENCODING)


if __name__ == "__main__":
    main(sys.argv[1:])
