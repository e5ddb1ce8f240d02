# SPDX-License-Identifier: MIT
"""Faults on purpose: delay, fail, hang, crash."""

import errno
import os
import signal
import subprocess
import time

import pytest

from .support import errno_of, mountinfo, run_python, wait_until


def elapsed(function, *arguments):
    start = time.monotonic()
    function(*arguments)
    return time.monotonic() - start


# ---- delay --------------------------------------------------------------------------------------


def test_delay_makes_an_operation_slow(mount):
    mnt = mount("delay=mkdir:500ms")
    assert elapsed(os.mkdir, mnt / "slow") >= 0.5
    assert elapsed(os.rmdir, mnt / "slow") < 0.5
    assert os.listdir(mnt.path) == []


def test_delays_add_up(mount):
    mnt = mount("delay=mkdir:100ms", "delay=*:50ms:new", "trace")
    os.mkdir(mnt / "new")
    made = mnt.wait_for_trace("the slow operation", op="mkdir")
    assert 150_000_000 <= made["duration_ns"] < 5_000_000_000


def test_delayed_release_comes_after_close(mount):
    mnt = mount("delay=release:300ms", "trace")
    (mnt / "file").write_bytes(b"x")
    closed_ns = time.monotonic_ns()
    released = mnt.wait_for_trace("the release", op="release", path="/file")
    assert released["duration_ns"] >= 300_000_000
    assert released["start_ns"] + released["duration_ns"] > closed_ns


def test_delay_of_matching_paths_only(mount):
    mnt = mount("delay=mkdir:500ms:/slow/*")
    os.mkdir(mnt / "slow")
    assert elapsed(os.mkdir, mnt / "fast") < 0.5
    assert elapsed(os.mkdir, mnt / "slow" / "er") >= 0.5
    assert elapsed(os.mkdir, mnt / "slow" / "er" / "deep") < 0.5


def test_delay_ends_with_the_session(mount):
    mnt = mount("delay=mkdir:10m", "-d")
    process = run_python("import os, sys; os.mkdir(sys.argv[1])", mnt / "new")
    wait_for_request(mnt, "opcode: MKDIR ")
    mnt.process.send_signal(signal.SIGTERM)
    assert mnt.wait() == 0
    process.communicate(timeout=20)
    # Slow is not broken: it has been made.
    assert os.listdir(mnt.branches[0]) == ["new"]


# ---- fail ---------------------------------------------------------------------------------------


def test_fail_always(mount):
    mnt = mount("fail=mkdir:EDQUOT")
    for _ in range(3):
        assert errno_of(os.mkdir, mnt / "new") == errno.EDQUOT
    assert os.listdir(mnt.path) == []


def test_fail_the_third_time_only(mount):
    mnt = mount("fail=write:ENOSPC:3", "trace")
    fd = os.open(mnt / "file", os.O_CREAT | os.O_WRONLY)
    results = [errno_of(os.write, fd, b"12345") for _ in range(5)]
    os.close(fd)
    assert results == [0, 0, errno.ENOSPC, 0, 0]
    # A write that failed has not moved the position.
    assert (mnt / "file").read_bytes() == b"12345" * 4
    failed = [o["errno"] for o in mnt.trace() if o["op"] == "write"]
    assert failed == [0, 0, errno.ENOSPC, 0, 0]


def test_fail_with_path(mount):
    mnt = mount("fail=unlink:EPERM:*:*.keep", "fail=unlink:EBUSY:2:/d/*")
    os.mkdir(mnt / "d")
    for name in ("a", "b", "c", "x.keep"):
        (mnt.branches[0] / "d" / name).touch()
    assert errno_of(os.unlink, mnt / "d/x.keep") == errno.EPERM  # also the first of /d/*
    assert errno_of(os.unlink, mnt / "d/a") == errno.EBUSY
    assert errno_of(os.unlink, mnt / "d/a") == 0
    assert errno_of(os.unlink, mnt / "d/b") == 0


def test_first_of_several_faults_wins(mount):
    mnt = mount("fail=mkdir:EPERM", "fail=mkdir:EIO", "fail=*:ENOSYS:1:never")
    assert errno_of(os.mkdir, mnt / "new") == errno.EPERM


FAILURES = {
    "getattr": lambda path: os.stat(path),
    "chmod": lambda path: os.chmod(path, 0o600),
    "chown": lambda path: os.chown(path, 0, 0),
    "utimens": lambda path: os.utime(path),
    "truncate": lambda path: os.truncate(path, 1),
    "open": lambda path: os.open(path, os.O_RDONLY),
    "create": lambda path: os.open(f"{path}-new", os.O_CREAT | os.O_WRONLY),
    "mknod": lambda path: os.mkfifo(f"{path}-new"),
    "symlink": lambda path: os.symlink("x", f"{path}-new"),
    "link": lambda path: os.link(path, f"{path}-new"),
    "rename": lambda path: os.rename(path, f"{path}-new"),
    "unlink": os.unlink,
    "rmdir": lambda path: os.rmdir(path.parent),
    "readlink": lambda path: os.readlink(path.parent / "link"),
    "opendir": lambda path: os.listdir(path.parent),
    "statfs": os.statvfs,
    "setxattr": lambda path: os.setxattr(path, "user.x", b"1"),
    "getxattr": lambda path: os.getxattr(path, "user.x"),
    "listxattr": os.listxattr,
    "removexattr": lambda path: os.removexattr(path, "user.x"),
    "access": lambda path: os.chdir(path.parent),
}


@pytest.mark.parametrize("op", FAILURES)
def test_every_operation_can_fail(mount, op):
    mnt = mount(f"fail={op}:EDOM:*:/d/*", f"fail={op}:EDOM:*:/d")
    branch = mnt.branches[0]
    (branch / "d").mkdir()
    (branch / "d" / "file").write_bytes(b"contents")
    (branch / "d" / "link").symlink_to("x")
    before = os.getcwd()
    try:
        assert errno_of(FAILURES[op], mnt / "d" / "file") == errno.EDOM
    finally:
        os.chdir(before)
    assert sorted(os.listdir(branch / "d")) == ["file", "link"]


@pytest.mark.parametrize("op", ["read", "write", "fsync", "fallocate", "flush", "lseek"])
def test_every_operation_on_an_open_file_can_fail(mount, op):
    mnt = mount(f"fail={op}:EDOM", "direct_io")
    fd = os.open(mnt / "file", os.O_CREAT | os.O_RDWR)
    calls = {
        "read": lambda: os.read(fd, 10),
        "write": lambda: os.write(fd, b"x"),
        "fsync": lambda: os.fsync(fd),
        "fallocate": lambda: os.posix_fallocate(fd, 0, 10),
        "flush": lambda: os.close(os.dup(fd)),
        "lseek": lambda: os.lseek(fd, 0, os.SEEK_HOLE),
    }
    assert errno_of(calls[op]) == errno.EDOM
    errno_of(os.close, fd)


def test_failing_release_releases_nevertheless(mount):
    mnt = mount("fail=release:EIO", "fail=releasedir:EIO", "trace")
    for number in range(50):
        (mnt / f"file{number}").write_bytes(b"x")
        os.listdir(mnt.path)
    wait_until(
        lambda: sum(o["op"] == "release" for o in mnt.trace()) == 50
        and sum(o["op"] == "releasedir" for o in mnt.trace()) == 50,
        "all releases",
    )
    assert {o["errno"] for o in mnt.trace() if o["op"] == "release"} == {errno.EIO}
    open_files = os.listdir(f"/proc/{mnt.process.pid}/fd")
    assert len(open_files) < 40


# ---- hang ---------------------------------------------------------------------------------------

READ_FOREVER = """
import os, sys
fd = os.open(sys.argv[1], os.O_RDONLY)
print("ready", flush=True)
try:
    os.read(fd, 10)
    print("read")
except OSError as error:
    print(error.errno)
"""


@pytest.fixture
def hanging(mount):
    """A mount whose reads hang, and a process that is in one."""

    def make(*options):
        mnt = mount("hang=read", "trace", "-d", *options)
        (mnt.branches[0] / "file").write_bytes(b"contents")
        process = run_python(READ_FOREVER, mnt / "file")
        assert process.stdout.readline() == "ready\n"
        wait_for_request(mnt, "opcode: READ ")
        return mnt, process

    return make


def wait_for_request(mnt, text):
    """Waits until the daemon has taken a request that libfuse's debug output shows like that. An
    operation that is not finished is seen nowhere else."""
    wait_until(lambda: text in mnt.stderr(), f"{text} to reach the daemon")


def end_of(process):
    """What the process printed last, and its exit code."""
    return process.communicate(timeout=20)[0].strip(), process.returncode


def test_hanging_operation_is_not_answered_while_others_are(hanging):
    mnt, process = hanging()
    for number in range(20):
        os.mkdir(mnt / f"d{number}")
    assert process.poll() is None
    process.kill()
    assert end_of(process)[1] == -signal.SIGKILL


def test_hanging_operation_ends_with_its_caller(mount):
    """Not so a read into the page cache, which nobody waits for by itself."""
    mnt = mount("hang=mkdir", "trace", "-d")
    code = "import os, sys; os.mkdir(sys.argv[1])"
    process = run_python(code, mnt / "new", stderr=subprocess.DEVNULL)
    wait_for_request(mnt, "opcode: MKDIR ")
    process.send_signal(signal.SIGINT)
    assert end_of(process)[1] != 0
    interrupted = mnt.wait_for_trace("the interrupted operation", op="mkdir")
    assert interrupted["errno"] == errno.EINTR
    assert interrupted["path"] == "/new"
    assert os.listdir(mnt.path) == []


def test_hanging_direct_read_can_be_interrupted(mount):
    mnt = mount("hang=read", "direct_io", "trace", "-d")
    (mnt.branches[0] / "file").write_bytes(b"contents")
    process = run_python(READ_FOREVER, mnt / "file")
    assert process.stdout.readline() == "ready\n"
    wait_for_request(mnt, "opcode: READ ")
    process.send_signal(signal.SIGUSR2)  # fatal by default
    assert end_of(process)[1] == -signal.SIGUSR2
    assert mnt.wait_for_trace("the interrupted read", op="read")["errno"] == errno.EINTR


@pytest.mark.parametrize("options", [(), ("-s",)], ids=["threads", "single-thread"])
def test_hanging_operation_does_not_keep_the_daemon_from_ending(hanging, options):
    mnt, process = hanging(*options)
    mnt.process.send_signal(signal.SIGTERM)
    assert mnt.wait() == 0
    assert end_of(process)[0] != "read"


@pytest.mark.parametrize("options", [(), ("-s",)], ids=["threads", "single-thread"])
def test_hanging_operation_ends_when_the_connection_is_aborted(hanging, options):
    if os.geteuid() != 0:
        pytest.skip("aborting a connection needs root")
    mnt, process = hanging(*options)
    minor, _ = mountinfo(mnt.path)
    with open(f"/sys/fs/fuse/connections/{minor}/abort", "w") as control:
        control.write("1")
    mnt.wait()
    assert end_of(process)[0] not in ("read", "")


def test_hanging_daemon_can_be_killed(hanging):
    mnt, process = hanging()
    mnt.process.kill()
    assert mnt.process.wait(20) == -signal.SIGKILL
    assert end_of(process)[0] in (str(errno.ENOTCONN), str(errno.ECONNABORTED))


def test_hanging_operation_after_lazy_unmount_ends_with_its_caller(hanging):
    mnt, process = hanging()
    mnt.unmount(lazy=True)
    process.kill()
    end_of(process)
    assert mnt.wait() == 0


def test_hang_of_any_operation_on_a_path(mount):
    """In a directory of its own: the kernel looks up one name of a directory at a time."""
    mnt = mount("hang=*:/d/stuck", "trace", "-d")
    (mnt.branches[0] / "d").mkdir()
    (mnt.branches[0] / "free").write_bytes(b"x")
    process = run_python("import os, sys; os.stat(sys.argv[1])", mnt / "d" / "stuck")
    wait_for_request(mnt, "LOOKUP /d/stuck")
    assert (mnt / "free").read_bytes() == b"x"
    process.kill()
    end_of(process)


# ---- crash --------------------------------------------------------------------------------------


def test_crash_at_the_third_operation(mount):
    mnt = mount("crash=mkdir:3")
    os.mkdir(mnt / "one")
    os.mkdir(mnt / "two")
    assert errno_of(os.mkdir, mnt / "three") in (errno.ENOTCONN, errno.ECONNABORTED)
    assert mnt.process.wait(20) == -signal.SIGABRT
    assert sorted(os.listdir(mnt.branches[0])) == ["one", "two"]


def test_crash_with_path(mount):
    mnt = mount("crash=unlink:1:*.bad")
    (mnt.branches[0] / "good").touch()
    (mnt.branches[0] / "x.bad").touch()
    os.unlink(mnt / "good")
    assert errno_of(os.unlink, mnt / "x.bad") in (errno.ENOTCONN, errno.ECONNABORTED)
    assert mnt.process.wait(20) == -signal.SIGABRT
