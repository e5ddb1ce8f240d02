# SPDX-License-Identifier: MIT
"""Write-behind: data reach the branch late, but nobody who looks through the mount can tell."""

import errno
import os
import signal

import pytest

from .support import errno_of, wait_until


@pytest.fixture
def late(mount):
    """A mount whose data reach the branch only when something forces them."""
    return mount("write_behind=60m", "trace")


def released(mnt, count=1):
    wait_until(lambda: sum(o["op"] == "release" for o in mnt.trace()) >= count, "the release")


def test_data_are_absent_after_release_and_present_at_the_end(late):
    in_branch = late.branches[0] / "file"
    (late / "file").write_bytes(b"contents")
    released(late)
    assert in_branch.read_bytes() == b""
    assert (late / "file").read_bytes() == b"contents"
    assert late.end() == 0
    assert in_branch.read_bytes() == b"contents"


def test_data_come_by_themselves_and_not_earlier(mount):
    """The file's change in the branch is dated."""
    mnt = mount("write_behind=300ms")
    (mnt / "file").write_bytes(b"contents")
    written_ns = os.stat(mnt / "file").st_mtime_ns
    in_branch = mnt.branches[0] / "file"
    wait_until(lambda: in_branch.read_bytes() == b"contents", "data in the branch")
    # File systems date by the tick of the kernel's clock, which may be 10 ms long.
    assert in_branch.stat().st_ctime_ns - written_ns >= 280_000_000
    wait_until(lambda: in_branch.stat().st_mtime_ns == written_ns, "the time of writing as well")


def test_old_data_stay_until_the_new_ones_come(late):
    in_branch = late.branches[0] / "file"
    in_branch.write_bytes(b"old")
    (late / "file").write_bytes(b"new contents")
    released(late)
    assert in_branch.read_bytes() == b"old"
    assert (late / "file").read_bytes() == b"new contents"
    assert late.end() == 0
    assert in_branch.read_bytes() == b"new contents"


def test_fsync_forces(late):
    fd = os.open(late / "file", os.O_CREAT | os.O_WRONLY)
    os.write(fd, b"contents")
    assert (late.branches[0] / "file").read_bytes() == b""
    os.fsync(fd)
    assert (late.branches[0] / "file").read_bytes() == b"contents"
    os.write(fd, b" and more")
    assert (late.branches[0] / "file").read_bytes() == b"contents"
    os.close(fd)
    assert (late / "file").read_bytes() == b"contents and more"


def test_fsync_by_a_reader_forces_as_well(late):
    (late / "file").write_bytes(b"contents")
    released(late)
    fd = os.open(late / "file", os.O_RDONLY)
    os.fsync(fd)
    os.close(fd)
    assert (late.branches[0] / "file").read_bytes() == b"contents"


def test_unmount_writes_everything_back(late):
    for number in range(100):
        (late / f"file{number}").write_bytes(b"%d" % number * 1000)
    released(late, 100)
    assert all((late.branches[0] / f"file{n}").stat().st_size == 0 for n in range(100))
    assert late.end() == 0
    for number in range(100):
        assert (late.branches[0] / f"file{number}").read_bytes() == b"%d" % number * 1000


def test_termination_writes_everything_back(late):
    (late / "file").write_bytes(b"contents")
    late.process.send_signal(signal.SIGTERM)
    assert late.wait() == 0
    assert (late.branches[0] / "file").read_bytes() == b"contents"


def test_termination_with_an_open_file_writes_it_back(late):
    fd = os.open(late / "file", os.O_CREAT | os.O_WRONLY)
    os.write(fd, b"contents")
    late.process.send_signal(signal.SIGTERM)
    assert late.wait() == 0
    errno_of(os.close, fd)
    assert (late.branches[0] / "file").read_bytes() == b"contents"


def test_killed_daemon_has_not_written_back(late):
    (late / "file").write_bytes(b"contents")
    released(late)
    late.process.kill()
    late.process.wait(20)
    assert (late.branches[0] / "file").read_bytes() == b""


def test_size_and_times_are_seen_at_once(late):
    (late / "file").write_bytes(b"x" * 5000)
    assert os.stat(late / "file").st_size == 5000
    assert os.stat(late / "file").st_mtime >= os.stat(late.branches[0] / "file").st_mtime
    with os.scandir(late.path) as entries:
        assert [entry.stat().st_size for entry in entries] == [5000]


def test_times_that_were_set_survive(late):
    (late / "file").write_bytes(b"contents")
    os.utime(late / "file", ns=(1_000, 2_000))
    assert os.stat(late / "file").st_mtime_ns == 2_000
    assert late.end() == 0
    assert (late.branches[0] / "file").stat().st_mtime_ns == 2_000


def test_changes_of_part_of_a_file(late):
    in_branch = late.branches[0] / "file"
    in_branch.write_bytes(b"0123456789")
    with open(late / "file", "r+b") as file:
        file.seek(3)
        file.write(b"xyz")
    assert (late / "file").read_bytes() == b"012xyz6789"
    os.truncate(late / "file", 5)
    assert in_branch.read_bytes() == b"0123456789"
    assert late.end() == 0
    assert in_branch.read_bytes() == b"012xy"


def test_appending(late):
    (late.branches[0] / "file").write_bytes(b"one,")
    for word in (b"two,", b"three"):
        with open(late / "file", "ab") as file:
            file.write(word)
    assert (late / "file").read_bytes() == b"one,two,three"
    assert late.end() == 0
    assert (late.branches[0] / "file").read_bytes() == b"one,two,three"


def test_renamed_and_linked_files_are_written_back(late):
    (late / "one").write_bytes(b"first")
    (late / "two").write_bytes(b"second")
    os.rename(late / "one", late / "renamed")
    os.link(late / "two", late / "link")
    assert (late / "renamed").read_bytes() == b"first"
    assert (late / "link").read_bytes() == b"second"
    assert late.end() == 0
    assert (late.branches[0] / "renamed").read_bytes() == b"first"
    assert (late.branches[0] / "link").read_bytes() == b"second"


def test_removed_file_is_forgotten(late):
    (late / "file").write_bytes(b"contents")
    released(late)
    os.unlink(late / "file")
    assert late.end() == 0
    assert os.listdir(late.branches[0]) == []


def test_holes_stay_holes(late):
    fd = os.open(late / "file", os.O_CREAT | os.O_WRONLY)
    os.pwrite(fd, b"x", 50 << 20)
    os.close(fd)
    assert late.end() == 0
    st = (late.branches[0] / "file").stat()
    assert st.st_size == (50 << 20) + 1
    assert st.st_blocks * 512 < 1 << 20


def test_writing_again_starts_the_delay_anew(mount):
    """While somebody has the file open for writing, nothing is written back."""
    mnt = mount("write_behind=50ms", "trace")
    in_branch = mnt.branches[0] / "file"
    fd = os.open(mnt / "file", os.O_CREAT | os.O_WRONLY)
    os.write(fd, b"contents")
    (mnt / "other").write_bytes(b"x")
    wait_until(lambda: (mnt.branches[0] / "other").read_bytes() == b"x", "the other file's data")
    assert in_branch.read_bytes() == b""
    os.close(fd)
    wait_until(lambda: in_branch.read_bytes() == b"contents", "data in the branch")


def test_failed_writing_back_is_tried_again(mount, tmpfs):
    branch = tmpfs("small", "1m")
    mnt = mount("write_behind=20ms", branches=[branch])
    (branch / "filler").write_bytes(bytes(900 << 10))
    (mnt / "file").write_bytes(b"y" * (500 << 10))
    wait_until(lambda: "No space left" in mnt.stderr(), "the complaint")
    assert (mnt / "file").read_bytes() == b"y" * (500 << 10)
    os.unlink(branch / "filler")
    wait_until(lambda: (branch / "file").stat().st_size == 500 << 10, "data in the branch")
    wait_until(lambda: (branch / "file").read_bytes() == b"y" * (500 << 10), "all data")
    assert mnt.end() == 0


def test_data_lost_at_the_end_are_reported(mount, tmpfs):
    branch = tmpfs("small", "1m")
    mnt = mount("write_behind=60m", branches=[branch])
    (branch / "filler").write_bytes(bytes(900 << 10))
    (mnt / "file").write_bytes(b"y" * (500 << 10))
    assert mnt.end() == 1
    assert "branchfs: writing back at the end: No space left on device" in mnt.stderr()


def test_fsync_reports_a_full_branch(mount, tmpfs):
    branch = tmpfs("small", "1m")
    mnt = mount("write_behind=60m", branches=[branch])
    (branch / "filler").write_bytes(bytes(900 << 10))
    fd = os.open(mnt / "file", os.O_CREAT | os.O_WRONLY)
    os.write(fd, b"y" * (500 << 10))
    assert errno_of(os.fsync, fd) == errno.ENOSPC
    os.unlink(branch / "filler")
    os.fsync(fd)
    os.close(fd)
    assert (branch / "file").stat().st_size == 500 << 10
