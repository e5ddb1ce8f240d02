# SPDX-License-Identifier: MIT
"""The command line: what is understood, what is refused and how, how it ends."""

import errno
import os
import re
import signal
import subprocess

import pytest

from .support import errno_of, mountinfo, run_python, wait_for_mountinfo, wait_until

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


@pytest.fixture
def run(branchfs, tmp_path, monkeypatch):
    """A function that runs branchfs to its end in a folder with directories a, b and mnt."""
    for name in ("a", "b", "mnt"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path)

    def run(*arguments, **environment):
        clean = {k: v for k, v in os.environ.items() if k != "FUSE_TRACE"}
        return subprocess.run(
            [branchfs, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=20,
            env=clean | environment,
        )

    return run


@pytest.fixture
def libfuse_version(run):
    found = re.search(r"FUSE library version (\d+)\.(\d+)", run("--version").stdout)
    return int(found[1]), int(found[2])


def assert_refused(result, code, text):
    """One line of the usual form, and nothing was mounted."""
    assert result.stdout == ""
    assert re.fullmatch(r"branchfs: [^\n]+: [^\n]+\n", result.stderr), result.stderr
    assert text in result.stderr
    assert result.returncode == code
    assert mountinfo(os.path.abspath("mnt")) is None


@pytest.mark.parametrize(
    "arguments, text",
    [
        ((), "no branches given"),
        (("a",), "no mountpoint given"),
        (("a", "mnt", "b"), "one argument too many, 'b'"),
        (("a::b", "mnt"), "empty branch name"),
        (("", "mnt"), "empty branch name"),
        ((":".join(["a"] * 65), "mnt"), "too many branches"),
        (("a", "mnt", "-o", "nonsense"), "unknown option(s): `-o nonsense'"),
        (("a", "mnt", "--nonsense"), "unknown option(s): `--nonsense'"),
        (("a", "mnt", "-o", "max_threads=many"), "max_threads=many"),
        (("a", "mnt", "-o", "policy=best"), "unknown policy 'best': use one of ff mfs lfs rand"),
        (("a", "mnt", "-o", "policy="), "unknown policy ''"),
        (("a", "mnt", "-o", "delay=write"), "malformed duration ''"),
        (("a", "mnt", "-o", "delay=write:300"), "malformed duration '300'"),
        (("a", "mnt", "-o", "delay=write:-1s"), "malformed duration '-1s'"),
        (("a", "mnt", "-o", "delay=write:1h"), "malformed duration '1h'"),
        (("a", "mnt", "-o", "delay=write:999999999999m"), "malformed duration '999999999999m'"),
        (("a", "mnt", "-o", "delay=scribble:1s"), "unknown operation 'scribble': use one of *"),
        (("a", "mnt", "-o", "delay="), "fault without an operation"),
        (("a", "mnt", "-o", "fail=write"), "unknown errno ''"),
        (("a", "mnt", "-o", "fail=write:EWHAT"), "unknown errno 'EWHAT'"),
        (("a", "mnt", "-o", "fail=write:EIO:zero"), "malformed count 'zero'"),
        (("a", "mnt", "-o", "fail=write:EIO:0"), "malformed count '0'"),
        (("a", "mnt", "-o", "hang="), "fault without an operation"),
        (("a", "mnt", "-o", "hang=lookup"), "unknown operation 'lookup'"),
        (("a", "mnt", "-o", "crash=write"), "malformed count ''"),
        (("a", "mnt", "-o", "crash=write:1x"), "malformed count '1x'"),
        (("a", "mnt", "-o", "write_behind=soon"), "malformed duration 'soon'"),
        (("a", "mnt", "-o", "trace_file="), "trace_file without a path"),
        (("a", "mnt", *["-ohang=read"] * 65), "too many faults"),
    ],
    ids=lambda value: "" if isinstance(value, str) else " ".join(value)[-40:],
)
def test_wrong_usage(run, arguments, text):
    assert_refused(run(*arguments), 2, text)


def test_wrong_environment(run):
    assert_refused(run("a", "mnt", FUSE_TRACE="maybe"), 2, "FUSE_TRACE is 'maybe'")


@pytest.mark.parametrize(
    "arguments, text",
    [
        (("missing", "mnt"), "branch 'missing': No such file or directory"),
        (("a:missing", "mnt"), "branch 'missing': No such file or directory"),
        (("file", "mnt"), "branch 'file': Not a directory"),
        (("a", "missing"), "mountpoint 'missing': No such file or directory"),
        (("a", "file"), "is not a directory"),
        (("a", "a"), "is in branch"),
        (("a", "a/inside"), "is in branch"),
        (("b:a", "a/inside"), "is in branch"),
        (("a/inside", "a"), "is in mountpoint"),
        (("/", "mnt"), "is in branch"),
        (("link", "a/inside"), "is in branch"),
        (("a", "mnt", "-o", "trace_file=missing/trace"), "trace file 'missing/trace'"),
    ],
    ids=lambda value: "" if isinstance(value, str) else " ".join(value)[-40:],
)
def test_what_cannot_be_done(run, tmp_path, arguments, text):
    (tmp_path / "a" / "inside").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("a")
    assert_refused(run(*arguments), 1, text)


def test_similar_names_are_no_overlap(mount):
    mnt = mount(branches=("mnt-branch",))
    assert os.listdir(mnt.path) == []


@needs_root
def test_machine_without_fuse_device(branchfs, run):
    script = 'mount -t tmpfs none /dev && exec "$@"'
    result = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script, "sh", branchfs, "a", "mnt"],
        capture_output=True,
        text=True,
        timeout=20,
    )
    if "unshare failed" in result.stderr:
        pytest.skip("no mount namespaces here")
    assert_refused(result, 1, "no /dev/fuse")


def test_mountpoint_that_a_dead_daemon_left(run, mount, tmp_path):
    mnt = mount(name="mnt2")
    mnt.process.kill()
    mnt.process.wait(20)
    assert_refused(run("a", "mnt2"), 1, "Transport endpoint is not connected: unmount")


def test_help(run):
    result = run("--help")
    assert (result.returncode, result.stderr) == (0, "")
    for word in ("usage: branchfs", "policy=", "mfs", "delay=OP:TIME", "write_behind=", "-f"):
        assert word in result.stdout
    assert run("-h").stdout == result.stdout


def test_version(run):
    result = run("--version")
    assert (result.returncode, result.stderr) == (0, "")
    assert re.match(r"branchfs \d+\.\d+\.\d+\nFUSE library version 3\.", result.stdout)


# ---- mounting and ending ------------------------------------------------------------------------


def test_background_mount_is_ready_when_the_command_returns(mount):
    mnt = mount(foreground=False)
    (mnt / "file").write_bytes(b"x")
    assert (mnt.branches[0] / "file").read_bytes() == b"x"
    mnt.unmount()
    wait_for_mountinfo(lambda: mountinfo(mnt.path) is None, "the mount to go")


def test_unmounting_ends_with_success(mount):
    assert mount().end() == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_end_with_success_and_unmount(mount, number):
    mnt = mount()
    os.mkdir(mnt / "used")
    mnt.process.send_signal(number)
    assert mnt.wait() == 0
    assert mountinfo(mnt.path) is None


def test_files_never_become_standard_descriptors(branchfs, mount):
    """With descriptors 0 to 2 closed at the start, the first opened file must not become 2."""
    mnt = mount("-s", "trace")
    mnt.end()
    command = ["sh", "-c", 'exec "$@" 0<&- 1>&- 2>&-', "sh", *mnt.command]
    process = subprocess.Popen(command)
    try:
        wait_for_mountinfo(lambda: mountinfo(mnt.path), "the mount")
        fd = os.open(mnt / "file", os.O_CREAT | os.O_RDWR)
        for number in (0, 1, 2):
            assert os.readlink(f"/proc/{process.pid}/fd/{number}") == "/dev/null"
        os.close(fd)
        assert (mnt / "file").read_bytes() == b""
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def test_mount_is_known_as_branchfs(mount):
    mnt = mount()
    assert mountinfo(mnt.path)[1] == "fuse.branchfs"


def test_read_only_mount(mount):
    mnt = mount("ro")
    (mnt.branches[0] / "file").write_bytes(b"x")
    assert (mnt / "file").read_bytes() == b"x"
    assert errno_of(os.mkdir, mnt / "new") == errno.EROFS


@pytest.mark.parametrize(
    "option",
    [
        "allow_other",
        "default_permissions",
        "attr_timeout=5",
        "entry_timeout=5",
        "kernel_cache",
        "auto_cache",
        "max_threads=3",
        "max_idle_threads=2",
        "clone_fd",
        "writeback_cache",
        "direct_io",
        "fsname=other",
        "umask=022",
        "noatime",
        "hard_remove",
    ],
)
def test_other_options_pass_through(mount, option, libfuse_version):
    if option.startswith("max_threads") and libfuse_version < (3, 12):
        pytest.skip("libfuse knows max_threads since 3.12")
    if option == "allow_other" and os.geteuid() != 0:
        pytest.skip("only root may always allow others")
    mnt = mount(option)
    (mnt / "file").write_bytes(b"contents")
    assert (mnt / "file").read_bytes() == b"contents"
    assert mnt.end() == 0
    assert mnt.stderr() == ""


def test_several_options_in_one(mount):
    mnt = mount("policy=mfs,delay=mkdir:1ms,trace,writeback_cache,attr_timeout=5")
    os.mkdir(mnt / "new")
    mnt.wait_for_trace("mkdir", op="mkdir")


def test_threads_are_limited(mount, libfuse_version):
    """More operations hang than there may be threads."""
    if libfuse_version < (3, 12):
        pytest.skip("libfuse knows max_threads since 3.12")
    threads = {}
    for limit in (2, 6):
        name = f"mnt{limit}"
        mnt = mount(f"max_threads={limit}", "hang=mkdir", "-d", branches=(f"b{limit}",), name=name)
        processes = []
        for number in range(8):
            (mnt.branches[0] / f"{number}").mkdir()  # the kernel changes one at a time in each
            code = "import os, sys; os.mkdir(sys.argv[1])"
            path = mnt / f"{number}/new"
            processes.append(run_python(code, path, stderr=subprocess.DEVNULL))
        wait_until(lambda: mnt.stderr().count("opcode: MKDIR ") == limit, "all threads to hang")
        threads[limit] = len(os.listdir(f"/proc/{mnt.process.pid}/task"))
        mnt.process.send_signal(signal.SIGTERM)
        for process in processes:
            process.communicate(timeout=20)
        mnt.wait()
    assert threads[6] - threads[2] == 4


def test_caching_options_reach_the_kernel(mount):
    mnt = mount("trace", "attr_timeout=60", "entry_timeout=60")
    (mnt / "file").touch()
    os.stat(mnt / "file")
    mnt.wait_for_trace("the release", op="release")
    before = len(mnt.trace())
    for _ in range(10):
        os.stat(mnt / "file")
    assert len(mnt.trace()) == before


def test_writeback_cache_reaches_the_kernel(mount):
    """Small writes are gathered; the WRITE comes from the kernel itself."""
    mnt = mount("writeback_cache", "trace")
    fd = os.open(mnt / "file", os.O_CREAT | os.O_WRONLY)
    for _ in range(100):
        os.write(fd, b"word ")
    os.close(fd)
    writes = [o for o in mnt.trace() if o["op"] == "write"]
    assert [(o["offset"], o["size"]) for o in writes] == [(0, 500)]
    assert (mnt / "file").read_bytes() == b"word " * 100


def test_debug_output_of_libfuse(mount):
    mnt = mount("-d")
    os.mkdir(mnt / "new")
    assert "opcode: MKDIR" in mnt.stderr()
