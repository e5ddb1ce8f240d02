# SPDX-License-Identifier: MIT
"""Create policies, proven with branches of different size."""

import errno
import os
from collections import Counter

import pytest

from .support import errno_of


@pytest.fixture
def sized(mount, tmpfs):
    """A function that mounts branches of the given sizes and tells which one has a name."""

    def make(policy, *sizes, options=""):
        branches = [
            tmpfs(f"branch{number}", size, options if number == 0 else "")
            for number, size in enumerate(sizes)
        ]
        mnt = mount(*([f"policy={policy}"] if policy else []), branches=branches)

        def holders(name):
            return [number for number, b in enumerate(branches) if os.path.lexists(b / name)]

        return mnt, branches, holders

    return make


@pytest.mark.parametrize(
    "policy, sizes, expected",
    [
        (None, ("1m", "4m", "2m"), [0]),
        ("ff", ("1m", "4m", "2m"), [0]),
        ("ff", ("4m", "1m", "2m"), [0]),
        ("mfs", ("1m", "4m", "2m"), [1]),
        ("mfs", ("1m", "2m", "4m"), [2]),
        ("mfs", ("2m", "2m", "2m"), [0]),
        ("lfs", ("2m", "4m", "1m"), [2]),
        ("lfs", ("2m", "1m", "4m"), [1]),
        ("lfs", ("2m", "2m", "2m"), [0]),
    ],
)
@pytest.mark.parametrize("kind", ["file", "directory", "symlink", "fifo"])
def test_branch_of_a_new_object(sized, policy, sizes, expected, kind):
    mnt, _, holders = sized(policy, *sizes)
    path = mnt / "new"
    {
        "file": path.touch,
        "directory": path.mkdir,
        "symlink": lambda: path.symlink_to("x"),
        "fifo": lambda: os.mkfifo(path),
    }[kind]()
    assert holders("new") == expected


def test_most_free_space_follows_what_is_written(sized):
    mnt, _, holders = sized("mfs", "4m", "3m")
    (mnt / "one").write_bytes(bytes(2 << 20))
    (mnt / "two").write_bytes(bytes(2 << 20))
    (mnt / "three").write_bytes(b"x")
    assert (holders("one"), holders("two"), holders("three")) == ([0], [1], [0])


def test_rand_uses_all_branches_about_equally(sized):
    mnt, branches, holders = sized("rand", "4m", "4m", "4m")
    for number in range(300):
        (mnt / f"file{number}").touch()
    counts = Counter(holders(f"file{number}")[0] for number in range(300))
    assert sum(counts.values()) == 300
    # Less than 60 of 300 where 100 are expected happens once in ten million runs.
    assert min(counts[number] for number in range(3)) >= 60


def test_existing_file_stays_in_its_branch(sized):
    mnt, branches, holders = sized("mfs", "1m", "4m")
    (branches[0] / "file").write_bytes(b"old")
    (mnt / "file").write_bytes(b"new")
    assert holders("file") == [0]


@pytest.mark.parametrize("policy", ["ff", "lfs"])
def test_full_branch_comes_last(sized, policy):
    mnt, branches, holders = sized(policy, "1m", "4m")
    with open(branches[0] / "filler", "wb") as file:
        assert errno_of(lambda: [file.write(bytes(65536)) for _ in range(32)]) == errno.ENOSPC
    assert os.statvfs(branches[0]).f_bavail == 0
    (mnt / "new").write_bytes(b"x")
    assert holders("new") == [1]


def test_next_branch_is_taken_when_creating_fails(sized):
    """The first branch has free blocks, but no inode for the file."""
    mnt, branches, holders = sized("ff", "1m", "1m", options=",nr_inodes=3")
    (branches[0] / "one").touch()
    (branches[0] / "two").touch()
    assert errno_of((branches[0] / "three").touch) == errno.ENOSPC
    (mnt / "three").write_bytes(b"x")
    assert holders("three") == [1]


def test_directory_is_cloned_where_the_file_goes(sized):
    mnt, branches, holders = sized("mfs", "1m", "4m")
    (branches[0] / "d").mkdir(mode=0o700)
    (mnt / "d" / "file").write_bytes(b"x")
    assert holders("d") == [0, 1]
    assert holders("d/file") == [1]
    assert os.stat(branches[1] / "d").st_mode == os.stat(branches[0] / "d").st_mode


def test_creating_fails_when_every_branch_is_full(sized):
    mnt, branches, _ = sized("ff", "1m", options=",nr_inodes=2")
    (branches[0] / "one").touch()
    assert errno_of((mnt / "two").touch) == errno.ENOSPC
