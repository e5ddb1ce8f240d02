# SPDX-License-Identifier: MIT
"""What only a union does: copies in several branches, branch modes, cloned directories."""

import errno
import os
import stat
import subprocess

import pytest

from .support import RENAME_EXCHANGE, RENAME_NOREPLACE, errno_of, renameat2, wait_until_empty

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


@pytest.fixture
def union(mount):
    """A function that mounts branches "a", "b", ... and gives (mount, a, b, ...)."""

    def make(*branches, options=()):
        made = mount(*options, branches=branches)
        return made, *made.branches

    return make


def tree(path):
    """Everything below path: files with contents, directories as None."""
    found = {}
    for folder, directories, files in os.walk(path):
        for name in directories:
            found[os.path.relpath(os.path.join(folder, name), path)] = None
        for name in files:
            with open(os.path.join(folder, name), "rb") as file:
                found[os.path.relpath(file.name, path)] = file.read()
    return found


def put(branch, name, contents=None):
    path = branch / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if contents is None:
        path.mkdir(exist_ok=True)
    else:
        path.write_bytes(contents)


# ---- looking ------------------------------------------------------------------------------------


def test_first_branch_is_visible(union):
    mnt, a, b = union("a", "b")
    put(a, "both", b"from a")
    put(b, "both", b"from b")
    put(b, "only", b"only b")
    assert tree(mnt.path) == {"both": b"from a", "only": b"only b"}
    os.unlink(a / "both")
    assert (mnt / "both").read_bytes() == b"from b"


def test_directories_are_merged_without_duplicates(union):
    mnt, a, b, c = union("a", "b", "c")
    for number, branch in enumerate((a, b, c)):
        put(branch, "d/common", b"%d" % number)
        put(branch, f"d/own{number}", b"%d" % number)
    assert sorted(os.listdir(mnt / "d")) == ["common", "own0", "own1", "own2"]
    assert (mnt / "d/common").read_bytes() == b"0"


def test_file_hides_directories_of_later_branches(union):
    mnt, a, b = union("a", "b")
    put(a, "name", b"a file")
    put(b, "name/inside", b"hidden")
    assert tree(mnt.path) == {"name": b"a file"}
    assert errno_of(os.stat, mnt / "name/inside") == errno.ENOTDIR


def test_directory_hides_files_of_later_branches(union):
    mnt, a, b = union("a", "b")
    put(a, "name/inside", b"seen")
    put(b, "name", b"a file")
    assert tree(mnt.path) == {"name": None, "name/inside": b"seen"}


def test_symbolic_link_of_a_later_branch_leads_nowhere(union, tmp_path):
    """b/name must not be followed where a/name is the directory that is seen."""
    mnt, a, b = union("a", "b")
    put(tmp_path / "outside", "secret", b"secret")
    put(a, "name/inside", b"seen")
    (b / "name").symlink_to(tmp_path / "outside")
    assert sorted(os.listdir(mnt / "name")) == ["inside"]
    assert errno_of(os.stat, mnt / "name/secret") == errno.ENOENT


def test_inodes_differ_between_devices(union, tmpfs):
    first, second = tmpfs("first", "1m"), tmpfs("second", "1m")
    (first / "one").touch()
    (second / "two").touch()
    assert (first / "one").stat().st_ino == (second / "two").stat().st_ino
    mnt, *_ = union(first, second)
    assert (mnt / "one").stat().st_ino != (mnt / "two").stat().st_ino


def test_directory_times_are_the_latest_of_all_copies(union):
    mnt, a, b = union("a", "b")
    put(a, "d")
    put(b, "d")
    os.utime(a / "d", ns=(1, 1_000))
    os.utime(b / "d", ns=(1, 5_000))
    assert os.stat(mnt / "d").st_mtime_ns == 5_000


# ---- branch modes -------------------------------------------------------------------------------


def test_new_files_avoid_read_only_and_no_create_branches(union):
    mnt, a, b, c = union("a=RO", "b=NC", "c=RW")
    (mnt / "new").write_bytes(b"x")
    assert (tree(a), tree(b), tree(c)) == ({}, {}, {"new": b"x"})


def test_without_a_writable_branch_nothing_can_be_made(union):
    mnt, *_ = union("a=RO", "b=NC")
    assert errno_of((mnt / "new").write_bytes, b"x") == errno.EROFS
    assert errno_of(os.mkdir, mnt / "new") == errno.EROFS
    assert errno_of(os.symlink, "x", mnt / "new") == errno.EROFS
    assert errno_of(os.mkfifo, mnt / "new") == errno.EROFS


def test_no_create_branch_can_be_changed(union):
    mnt, a, b = union("a=NC", "b")
    put(a, "file", b"old")
    (mnt / "file").write_bytes(b"new")
    os.rename(mnt / "file", mnt / "renamed")
    os.chmod(mnt / "renamed", 0o600)
    assert tree(a) == {"renamed": b"new"}
    os.unlink(mnt / "renamed")
    wait_until_empty(a)
    assert tree(b) == {}


READ_ONLY_CHANGES = {
    "write": lambda path: path.write_bytes(b"x"),
    "append": lambda path: open(path, "ab").close(),
    "truncate": lambda path: os.truncate(path, 0),
    "chmod": lambda path: os.chmod(path, 0o600),
    "chown": lambda path: os.chown(path, 0, 0),
    "utime": lambda path: os.utime(path, ns=(1, 1)),
    "setxattr": lambda path: os.setxattr(path, "user.x", b"1"),
    "removexattr": lambda path: os.removexattr(path, "user.x"),
    "unlink": os.unlink,
    "rename": lambda path: os.rename(path, path.with_name("new")),
    "rename over": lambda path: os.rename(path.with_name("other"), path),
    "link": lambda path: os.link(path, path.with_name("new")),
}


@pytest.mark.parametrize("change", READ_ONLY_CHANGES)
def test_read_only_branch_is_not_changed(union, change):
    mnt, a, b = union("a=RO", "b")
    put(a, "file", b"contents")
    put(b, "other", b"other")
    before = os.stat(a / "file")
    assert errno_of(READ_ONLY_CHANGES[change], mnt / "file") == errno.EROFS
    after = os.stat(a / "file")
    assert (after.st_mode, after.st_mtime_ns, after.st_ctime_ns) == (
        before.st_mode,
        before.st_mtime_ns,
        before.st_ctime_ns,
    )
    assert (tree(a), tree(b)) == ({"file": b"contents"}, {"other": b"other"})


def test_nothing_is_removed_while_a_read_only_copy_would_remain(union):
    mnt, a, b = union("a", "b=RO")
    put(a, "file", b"a")
    put(b, "file", b"b")
    put(a, "d")
    put(b, "d")
    assert errno_of(os.unlink, mnt / "file") == errno.EROFS
    assert errno_of(os.rmdir, mnt / "d") == errno.EROFS
    assert (tree(a), tree(b)) == ({"file": b"a", "d": None}, {"file": b"b", "d": None})


def test_access_tells_that_a_branch_is_read_only(union):
    mnt, a, _ = union("a=RO", "b")
    put(a, "file", b"x")
    os.chmod(a / "file", 0o666)
    assert os.access(mnt / "file", os.R_OK)
    assert not os.access(mnt / "file", os.W_OK)


# ---- changing copies ----------------------------------------------------------------------------


def test_metadata_of_all_copies_is_changed(union):
    mnt, a, b, c = union("a", "b", "c=RO")
    for branch in (a, b, c):
        put(branch, "file", b"x")
        os.chmod(branch / "file", 0o644)
    os.chmod(mnt / "file", 0o600)
    os.utime(mnt / "file", ns=(1_000, 2_000))
    os.setxattr(mnt / "file", "user.x", b"1")
    for branch in (a, b):
        st = os.stat(branch / "file")
        assert (stat.S_IMODE(st.st_mode), st.st_mtime_ns) == (0o600, 2_000)
        assert os.getxattr(branch / "file", "user.x") == b"1"
    assert stat.S_IMODE(os.stat(c / "file").st_mode) == 0o644


def test_contents_of_the_visible_copy_alone_are_changed(union):
    mnt, a, b = union("a", "b")
    put(a, "file", b"a")
    put(b, "file", b"b")
    (mnt / "file").write_bytes(b"new")
    assert (tree(a), tree(b)) == ({"file": b"new"}, {"file": b"b"})


def test_unlink_removes_all_copies(union):
    mnt, a, b, c = union("a", "b", "c")
    put(a, "file", b"a")
    put(c, "file", b"c")
    os.unlink(mnt / "file")
    assert (tree(a), tree(b), tree(c)) == ({}, {}, {})


def test_rmdir_removes_all_copies(union):
    mnt, a, b = union("a", "b")
    put(a, "d")
    put(b, "d")
    os.rmdir(mnt / "d")
    assert (tree(a), tree(b)) == ({}, {})


def test_rmdir_is_refused_when_any_copy_has_entries(union):
    mnt, a, b = union("a", "b")
    put(a, "d")
    put(b, "d/file", b"x")
    assert errno_of(os.rmdir, mnt / "d") == errno.ENOTEMPTY
    assert (tree(a), tree(b)) == ({"d": None}, {"d": None, "d/file": b"x"})


def test_removing_a_name_leaves_hidden_directories_alone(union):
    mnt, a, b = union("a", "b")
    put(a, "name", b"a file")
    put(b, "name/inside", b"never seen")
    os.unlink(mnt / "name")
    assert tree(mnt.path) == {"name": None, "name/inside": b"never seen"}


# ---- renaming -----------------------------------------------------------------------------------


def test_rename_moves_every_copy_within_its_branch(union):
    mnt, a, b, c = union("a", "b", "c")
    put(a, "old", b"a")
    put(c, "old", b"c")
    os.rename(mnt / "old", mnt / "new")
    assert (tree(a), tree(b), tree(c)) == ({"new": b"a"}, {}, {"new": b"c"})


@pytest.mark.parametrize("branch_of_new", [0, 1, 2])
@pytest.mark.parametrize("branch_of_old", [0, 1, 2])
def test_rename_replaces_a_file_of_any_branch(union, branch_of_old, branch_of_new):
    mnt, *branches = union("a", "b", "c")
    put(branches[branch_of_old], "old", b"old")
    put(branches[branch_of_new], "new", b"new")
    os.rename(mnt / "old", mnt / "new")
    assert tree(mnt.path) == {"new": b"old"}
    assert [tree(branch) for branch in branches].count({"new": b"old"}) == 1
    assert [tree(branch) for branch in branches].count({}) == 2


def test_rename_into_a_directory_of_another_branch_clones_it(union):
    mnt, a, b = union("a", "b")
    put(a, "d")
    os.chmod(a / "d", 0o711)
    put(b, "file", b"x")
    os.rename(mnt / "file", mnt / "d/file")
    assert (tree(a), tree(b)) == ({"d": None}, {"d": None, "d/file": b"x"})
    assert stat.S_IMODE(os.stat(b / "d").st_mode) == 0o711


def test_rename_of_a_merged_directory_moves_all_of_it(union):
    mnt, a, b = union("a", "b")
    put(a, "old/one", b"1")
    put(b, "old/two", b"2")
    os.rename(mnt / "old", mnt / "new")
    assert (tree(a), tree(b)) == ({"new": None, "new/one": b"1"}, {"new": None, "new/two": b"2"})


def test_rename_over_a_directory_that_is_full_elsewhere_is_refused(union):
    mnt, a, b = union("a", "b")
    put(a, "old")
    put(a, "new")
    put(b, "new/file", b"x")
    assert errno_of(os.rename, mnt / "old", mnt / "new") == errno.ENOTEMPTY
    assert (tree(a), tree(b)) == ({"old": None, "new": None}, {"new": None, "new/file": b"x"})


def test_rename_over_an_empty_directory_of_another_branch(union):
    mnt, a, b = union("a", "b")
    put(a, "old/file", b"x")
    put(b, "new")
    os.rename(mnt / "old", mnt / "new")
    assert (tree(a), tree(b)) == ({"new": None, "new/file": b"x"}, {})


def test_noreplace_looks_at_all_branches(union):
    mnt, a, b = union("a", "b")
    put(a, "old", b"old")
    put(b, "new", b"new")
    assert errno_of(renameat2, mnt / "old", mnt / "new", RENAME_NOREPLACE) == errno.EEXIST
    assert (tree(a), tree(b)) == ({"old": b"old"}, {"new": b"new"})


def test_exchange_takes_all_copies_along(union):
    mnt, a, b, c = union("a", "b", "c")
    for branch, names in ((a, ("one", "two")), (b, ("one",)), (c, ("two",))):
        for name in names:
            put(branch, name, name.encode())
    renameat2(mnt / "one", mnt / "two", RENAME_EXCHANGE)
    assert tree(a) == {"one": b"two", "two": b"one"}
    assert tree(b) == {"two": b"one"}
    assert tree(c) == {"one": b"two"}


def test_exchange_between_branches_is_refused(union):
    mnt, a, b = union("a", "b")
    put(a, "one", b"1")
    put(b, "two", b"2")
    assert errno_of(renameat2, mnt / "one", mnt / "two", RENAME_EXCHANGE) == errno.EXDEV
    assert (tree(a), tree(b)) == ({"one": b"1"}, {"two": b"2"})


def test_link_stays_in_the_branch_of_its_file(union):
    mnt, a, b = union("a", "b")
    put(a, "d")
    put(b, "file", b"x")
    os.link(mnt / "file", mnt / "d/link")
    assert (tree(a), tree(b)) == (
        {"d": None},
        {"file": b"x", "d": None, "d/link": b"x"},
    )
    assert os.stat(b / "file").st_nlink == 2


# ---- cloned directories -------------------------------------------------------------------------


@needs_root
def test_missing_directories_are_cloned_with_mode_owner_and_times(union):
    mnt, a, b = union("a", "b=RO")
    models = {"one": (0o750, 11), "one/two": (0o2711, 22), "one/two/three": (0o1777, 33)}
    for name, (mode, owner) in models.items():
        put(b, name)
        os.chown(b / name, owner, owner + 1)
        os.chmod(b / name, mode)
    for name, (_, owner) in models.items():
        os.utime(b / name, ns=(owner * 1_000_000_007, owner * 2_000_000_011))
    (mnt / "one/two/three/file").write_bytes(b"x")
    for name in models:
        model, clone = os.stat(b / name), os.stat(a / name)
        assert (clone.st_mode, clone.st_uid, clone.st_gid) == (
            model.st_mode,
            model.st_uid,
            model.st_gid,
        )
        if name != "one/two/three":  # the new file has moved that one's
            assert clone.st_mtime_ns == model.st_mtime_ns
            assert clone.st_atime_ns == model.st_atime_ns
    assert tree(a)["one/two/three/file"] == b"x"


def test_failed_creation_in_a_missing_directory(union):
    mnt, a, _ = union("a", "b")
    assert errno_of((mnt / "missing/file").write_bytes, b"x") == errno.ENOENT
    assert tree(a) == {}


def test_obstructed_branch_is_passed_over(union):
    """b has a file where the directory would have to be cloned."""
    mnt, a, b, c = union("a=RO", "b", "c")
    put(a, "d")
    put(b, "d", b"in the way")
    (mnt / "d/file").write_bytes(b"x")
    assert (tree(b), tree(c)) == ({"d": b"in the way"}, {"d": None, "d/file": b"x"})


# ---- callers ------------------------------------------------------------------------------------


def run_as_nobody(mnt, commands):
    """Runs a shell in the mount as somebody without rights."""
    return subprocess.run(
        ["sh", "-c", commands],
        cwd=mnt.path,  # entered before the rights are given up
        user=1234,
        group=2345,
        extra_groups=[],
        capture_output=True,
        text=True,
        timeout=20,
    )


@needs_root
def test_new_objects_belong_to_their_caller(union):
    mnt, a, *_ = union("a", "b", options=("allow_other",))
    os.chmod(a, 0o777)
    result = run_as_nobody(
        mnt, "echo x > file && mkdir d && ln -s x link && mkfifo fifo && chmod 4755 file"
    )
    assert result.returncode == 0, result.stderr
    for name in ("file", "d", "link", "fifo"):
        st = os.lstat(a / name)
        assert (st.st_uid, st.st_gid) == (1234, 2345), name
    assert stat.S_IMODE(os.lstat(a / "file").st_mode) == 0o4755


@needs_root
def test_permissions_are_checked_with_allow_other(union):
    mnt, a, *_ = union("a", options=("allow_other",))
    put(a, "secret", b"x")
    os.chmod(a / "secret", 0o600)
    result = run_as_nobody(mnt, "cat secret")
    assert result.returncode != 0 and "Permission denied" in result.stderr


@needs_root
def test_writing_takes_set_user_id_away(union):
    mnt, a, *_ = union("a", options=("allow_other",))
    put(a, "file", b"x")
    os.chmod(a / "file", 0o4777)
    assert run_as_nobody(mnt, "echo y >> file").returncode == 0
    assert stat.S_IMODE(os.stat(a / "file").st_mode) == 0o777


# ---- space --------------------------------------------------------------------------------------


def test_space_is_summed_over_devices(union, tmpfs):
    first, second, third = tmpfs("first", "4m"), tmpfs("second", "8m"), tmpfs("third", "16m")
    mnt, *_ = union(first, second, f"{third}=RO")
    space = os.statvfs(mnt.path)
    assert space.f_blocks * space.f_frsize == 28 << 20
    assert space.f_bavail * space.f_frsize == 12 << 20


def test_device_of_two_branches_counts_once(union, tmpfs):
    device = tmpfs("device", "4m")
    for name in ("one", "two"):
        (device / name).mkdir()
    mnt, *_ = union(device / "one", device / "two")
    space = os.statvfs(mnt.path)
    assert space.f_blocks * space.f_frsize == 4 << 20


# ---- limits and odd branches --------------------------------------------------------------------


def test_64_branches(union):
    mnt, *branches = union(*(f"branch-{number}" for number in range(64)))
    for number, branch in enumerate(branches):
        put(branch, f"file-{number}", b"x")
    assert len(os.listdir(mnt.path)) == 64
    os.rename(mnt / "file-63", mnt / "renamed")
    os.unlink(mnt / "renamed")
    assert tree(branches[63]) == {}


def test_branch_with_a_colon_in_its_name(mount, tmp_path):
    put(tmp_path / "a:b", "file", b"x")
    mnt = mount(branches=(), words=f"{tmp_path}/a\\:b=RO")
    assert tree(mnt.path) == {"file": b"x"}
    assert errno_of(os.unlink, mnt / "file") == errno.EROFS
