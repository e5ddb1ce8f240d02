# SPDX-License-Identifier: MIT
"""Behaviour of renaming: over what is there, with flags, between directories, and what stays open."""

import errno
import os
import stat

import pytest

from .support import RENAME_EXCHANGE, RENAME_NOREPLACE, errno_of, make, renameat2


def look(path):
    """What tells an object from others; None when there is none."""
    if not os.path.lexists(path):
        return None
    st = os.lstat(path)
    if stat.S_ISLNK(st.st_mode):
        return os.readlink(path)
    if stat.S_ISREG(st.st_mode):
        with open(path, "rb") as file:
            return file.read()
    if stat.S_ISDIR(st.st_mode):
        return stat.S_IMODE(st.st_mode), sorted(os.listdir(path))
    return stat.S_IFMT(st.st_mode)


RENAMES = {
    ("file", "none"): 0,
    ("empty", "none"): 0,
    ("full", "none"): 0,
    ("link", "none"): 0,
    ("fifo", "none"): 0,
    ("none", "file"): errno.ENOENT,
    ("none", "none2"): errno.ENOENT,
    ("file", "file2"): 0,
    ("file", "link2"): 0,
    ("file", "fifo2"): 0,
    ("link", "file2"): 0,
    ("fifo", "link2"): 0,
    ("file", "empty2"): errno.EISDIR,
    ("file", "full2"): errno.EISDIR,
    ("link", "empty2"): errno.EISDIR,
    ("empty", "file2"): errno.ENOTDIR,
    ("full", "link2"): errno.ENOTDIR,
    ("empty", "empty2"): 0,
    ("full", "empty2"): 0,
    ("empty", "full2"): errno.ENOTEMPTY,
    ("full", "full2"): errno.ENOTEMPTY,
}


@pytest.mark.parametrize("old, new", RENAMES, ids="-to-".join)
def test_rename(root, old, new):
    make(root, old)
    make(root, new)
    before_old, before_new = look(root / old), look(root / new)
    expected = RENAMES[old, new]
    assert errno_of(os.rename, root / old, root / new) == expected
    if expected:
        assert (look(root / old), look(root / new)) == (before_old, before_new)
    else:
        assert (look(root / old), look(root / new)) == (None, before_old)


@pytest.mark.parametrize("old, new", RENAMES, ids="-to-".join)
def test_rename_noreplace(root, old, new):
    make(root, old)
    make(root, new)
    before_old, before_new = look(root / old), look(root / new)
    # The kernel looks at the new name last, so a missing old one is reported first.
    expected = errno.ENOENT if before_old is None else errno.EEXIST if before_new else 0
    assert errno_of(renameat2, root / old, root / new, RENAME_NOREPLACE) == expected
    if expected:
        assert (look(root / old), look(root / new)) == (before_old, before_new)
    else:
        assert (look(root / old), look(root / new)) == (None, before_old)


@pytest.mark.parametrize("old, new", RENAMES, ids="-to-".join)
def test_rename_exchange(root, old, new, request):
    make(root, old)
    make(root, new)
    before_old, before_new = look(root / old), look(root / new)
    expected = 0 if before_old and before_new else errno.ENOENT
    result = errno_of(renameat2, root / old, root / new, RENAME_EXCHANGE)
    if "[three-" in request.node.name and not expected:
        # Two branches cannot be changed at one moment.
        assert result in (0, errno.EXDEV)
        expected = result
    assert result == expected
    if expected:
        assert (look(root / old), look(root / new)) == (before_old, before_new)
    else:
        assert (look(root / old), look(root / new)) == (before_new, before_old)


def test_rename_with_unknown_flags_is_refused(root):
    (root / "file").touch()
    both = RENAME_NOREPLACE | RENAME_EXCHANGE
    assert errno_of(renameat2, root / "file", root / "new", both) == errno.EINVAL


def test_rename_into_itself_is_refused(root):
    (root / "a" / "b").mkdir(parents=True)
    assert errno_of(os.rename, root / "a", root / "a" / "b" / "c") == errno.EINVAL


def test_rename_to_itself_does_nothing(root):
    (root / "file").write_bytes(b"x")
    os.rename(root / "file", root / "file")
    assert (root / "file").read_bytes() == b"x"


def test_rename_over_a_hard_link_of_itself_does_nothing(root):
    (root / "file").write_bytes(b"x")
    os.link(root / "file", root / "link")
    os.rename(root / "file", root / "link")
    assert (root / "link").read_bytes() == b"x"
    assert sorted(os.listdir(root)) == ["file", "link"]


def test_rename_between_directories(root):
    (root / "a" / "deep").mkdir(parents=True)
    (root / "b").mkdir()
    (root / "a" / "deep" / "file").write_bytes(b"x")
    os.rename(root / "a" / "deep", root / "b" / "moved")
    assert (root / "b" / "moved" / "file").read_bytes() == b"x"
    assert os.listdir(root / "a") == []


def test_rename_of_a_directory_moves_paths_in_use(root):
    (root / "old").mkdir()
    fd = os.open(root / "old" / "file", os.O_CREAT | os.O_RDWR, 0o644)
    os.rename(root / "old", root / "new")
    os.write(fd, b"x")
    os.close(fd)
    assert (root / "new" / "file").read_bytes() == b"x"
    (root / "new" / "another").write_bytes(b"y")
    assert sorted(os.listdir(root / "new")) == ["another", "file"]
