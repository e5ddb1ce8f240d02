# SPDX-License-Identifier: MIT
"""FuseManager without a trace: mounts that really are there, unmounts that leave nothing."""

import contextlib
import logging
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

pytest.importorskip("fusetrace._core", reason="the extension is not built")

import fusetrace  # noqa: E402
from fusetrace import daemon as daemon_module  # noqa: E402
from fusetrace import mounts  # noqa: E402
from fusetrace.config import FuseConfig  # noqa: E402
from fusetrace.daemon import MARK  # noqa: E402
from fusetrace.errors import MountError  # noqa: E402
from fusetrace.manager import FuseManager, MountedFilesystem  # noqa: E402
from fusetrace.polling import wait_for_operation  # noqa: E402

SECONDS = 30

pytestmark = [
    pytest.mark.skipif(mounts.why_no_fuse() is not None, reason=str(mounts.why_no_fuse())),
    pytest.mark.skipif(shutil.which("branchfs") is None, reason="branchfs is not on PATH"),
]


@pytest.fixture(autouse=True)
def no_trace(monkeypatch):
    for name in ("FUSE_TRACE", "FUSE_TRACE_SUMMARY", "FUSE_BINARY", "RUST_LOG"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def manager(tmp_path):
    with FuseManager(temp_root=tmp_path / "temporary") as manager:
        yield manager


@pytest.fixture
def config(manager):
    return FuseConfig(branches=manager.create_temp_dirs(3),
                      mountpoint=manager.create_temp_mountpoint())


@pytest.fixture
def script(tmp_path):
    """Makes programs: script(text) -> path of a shell script that gets BRANCHES MOUNTPOINT."""

    def make(text, name="daemon"):
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
        return path

    return make


@pytest.fixture
def nothing_left(tmp_path):
    """After the test there are no mounts below tmp_path, and no processes of ours."""
    yield
    left = [mount for mount in mounts.read_mounts() if mount.mountpoint.startswith(str(tmp_path))]
    assert left == []
    assert our_processes() == []


def our_processes():
    """Those of daemons that this process has started."""
    found = []
    for name in os.listdir("/proc"):
        with contextlib.suppress(OSError):
            with open(f"/proc/{int(name) if name.isdigit() else 0}/environ", "rb") as file:
                if f"\0{MARK}={os.getpid()}-".encode() in b"\0" + file.read():
                    found.append(int(name))
    return found


def is_mounted(path):
    return mounts.find_mount(mounts.resolve(path)) is not None


def fails(manager, config, match, *args):
    with pytest.raises(MountError) as caught:
        with manager.mounted_fs_with_args(config, *args):
            pytest.fail("it is mounted")
    assert match in str(caught.value)
    assert not is_mounted(config.mountpoint) and our_processes() == []
    return str(caught.value)


# ---- mounting and unmounting ----


def test_mount_and_unmount(manager, config, nothing_left):
    process = manager.mount(config)
    assert isinstance(process, subprocess.Popen) and process.poll() is None
    assert manager.active_mounts == {config.mountpoint: process}
    assert mounts.find_mount(str(config.mountpoint)).kind == "fuse.branchfs"
    (config.mountpoint / "a.txt").write_text("hello")
    assert (config.branches[0] / "a.txt").read_text() == "hello"
    assert manager.unmount(config.mountpoint) is True
    assert process.poll() == 0
    assert manager.active_mounts == {} and not is_mounted(config.mountpoint)
    assert os.listdir(config.mountpoint) == []


def test_the_policy_and_modes_arrive(manager):
    config = FuseConfig(policy="rand", branches=manager.create_temp_dirs(3),
                        readonly_branches=[0], nocreate_branches=[1])
    with manager.mounted_fs(config) as (process, mountpoint, branches):
        assert "policy=rand" in process.args
        (mountpoint / "new").touch()
        assert os.listdir(branches[2]) == ["new"]


def test_missing_directories_are_made(manager, tmp_path):
    config = FuseConfig(branches=[tmp_path / "x/a", tmp_path / "x/b"], mountpoint=tmp_path / "y/m")
    with manager.mounted_fs(config):
        (tmp_path / "y/m/f").touch()
    assert os.listdir(tmp_path / "x/a") == ["f"]


def test_relative_paths(manager, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = FuseConfig(branches=["a"], mountpoint="m")
    with manager.mounted_fs(config):
        (tmp_path / "m/f").touch()
        assert manager.get_smart_wait_helper is not None and Path("m") in manager.active_mounts
    assert os.listdir(tmp_path / "a") == ["f"] and not manager.active_mounts


def test_a_mountpoint_behind_a_link(manager, config, tmp_path):
    (tmp_path / "link").symlink_to(config.mountpoint.parent)
    given = tmp_path / "link" / config.mountpoint.name
    manager.mount(FuseConfig(branches=config.branches, mountpoint=given))
    assert list(manager.active_mounts) == [given]
    assert manager.unmount(config.mountpoint) is True and not manager.active_mounts


def test_without_a_mountpoint_mount_makes_one(manager):
    config = FuseConfig(branches=manager.create_temp_dirs(1))
    manager.mount(config)
    assert is_mounted(config.mountpoint)
    manager.cleanup()
    assert not config.mountpoint.exists()


def test_without_a_mountpoint_a_configuration_may_be_used_twice_at_once(manager):
    config = FuseConfig(branches=manager.create_temp_dirs(1))
    with manager.mounted_fs(config) as one, manager.mounted_fs(config) as other:
        assert one.mountpoint != other.mountpoint
    assert config.mountpoint is None


def test_the_daemons_directory_session_and_input(manager, config, script, tmp_path):
    binary = script(f'cd / && cd - >/dev/null; pwd > {tmp_path}/pwd; cat > {tmp_path}/input\n'
                    f'ps -o sid= -p $$ > {tmp_path}/sid 2>/dev/null\nexec branchfs -f "$@"')
    with FuseManager(binary) as manager, manager.mounted_fs(config) as mounted:
        assert os.getsid(mounted.process.pid) == mounted.process.pid
    assert (tmp_path / "pwd").read_text().strip() == os.getcwd()
    assert (tmp_path / "input").read_text() == ""


def test_twenty_mounts_leave_nothing(manager, config, nothing_left):
    with manager.mounted_fs(config):
        pass
    descriptors, threads = len(os.listdir("/proc/self/fd")), threading.active_count()
    for _ in range(20):
        with manager.mounted_fs(config):
            pass
    # The thread that drains ends with the daemon, a moment after it.
    assert wait_for_operation(lambda: threading.active_count() <= threads, SECONDS)[0]
    assert wait_for_operation(
        lambda: len(os.listdir("/proc/self/fd")) <= descriptors, SECONDS)[0]


def test_several_at_once(manager, tmp_path, nothing_left):
    def work(index):
        config = FuseConfig(branches=[tmp_path / f"b{index}"], mountpoint=tmp_path / f"m{index}")
        for _ in range(5):
            with manager.mounted_fs(config):
                (config.mountpoint / f"{index}").write_text("x")
        done.append(index)

    done = []
    threads = [threading.Thread(target=work, args=(index,)) for index in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)
    assert sorted(done) == list(range(6))


@pytest.mark.parametrize("name", ["a b", "new\nline", "c:o", os.fsdecode(b"\xff\xfe"), "{branch}"])
def test_weird_names(manager, tmp_path, name):
    config = FuseConfig(branches=[tmp_path / "b" / name], mountpoint=tmp_path / "m" / name)
    with manager.mounted_fs(config):
        (config.mountpoint / name).write_text("x")
    assert (config.branches[0] / name).read_text() == "x"


def test_a_nul_in_a_name(manager, tmp_path):
    with pytest.raises(ValueError):
        manager.mount(FuseConfig(branches=[f"{tmp_path}/a\0b"], mountpoint=tmp_path / "m"))


# ---- is it really mounted? ----


def test_mistake_12_a_bare_directory_is_no_mount(manager, config, script):
    """Mistake 12: readiness was stat and listdir, which a bare directory passes."""
    binary = script("echo nothing is mounted; exec cat /dev/zero > /dev/null")
    config.timeout = 0.1
    with FuseManager(binary) as manager:
        text = fails(manager, config, "nothing was mounted within")
    assert "nothing is mounted" in text and str(binary) in text


def test_a_daemon_that_fails_is_not_waited_for(config, script):
    """Mistake 7: who waits sits out the whole timeout after the daemon's death."""
    binary = script('echo "out: no such disk"; echo "err: giving up" >&2; exit 3')
    config.timeout = 1000
    with FuseManager(binary) as manager:
        text = fails(manager, config, "ended with exit code 3")
        assert "out: no such disk" in text and "err: giving up" in text
        assert f"{binary} " in text and str(config.mountpoint) in text
        with pytest.raises(RuntimeError):  # what earlier suites expect
            manager.mount(config)


def test_a_daemon_that_is_killed(config, script):
    with FuseManager(script("kill -9 $$")) as manager:
        text = fails(manager, config, "killed by signal 9 (SIGKILL)")
        assert "it has printed nothing" in text


def test_a_daemon_that_ends_well_without_a_mount(config, script):
    config.timeout = 1000
    with FuseManager(script("exit 0")) as manager:
        fails(manager, config, "ended with exit code 0 after")


def test_a_daemon_that_dies_after_its_mount(manager, config):
    config.options = ["crash=statfs:1"]
    fails(manager, config, "it was mounted, but was killed by signal 6 (SIGABRT)")


def test_a_mount_that_does_not_answer(manager, config, nothing_left):
    config.options = ["hang=*"]
    config.timeout = 0.3
    fails(manager, config, "it is mounted, but has not answered within")


def test_an_error_is_an_answer(manager, config):
    config.options = ["fail=statfs:EIO"]
    with manager.mounted_fs(config):
        pass


def test_a_program_that_cannot_be_started(config, tmp_path):
    binary = tmp_path / "program"
    binary.write_bytes(b"\x7fELF but not really")
    binary.chmod(0o755)
    with FuseManager(binary) as manager:
        fails(manager, config, "cannot be started")


def test_what_was_made_goes_with_a_mount_that_failed(manager, script, tmp_path):
    config = FuseConfig(branches=[tmp_path / "x/a"], mountpoint=tmp_path / "y/m",
                        command=[str(script("exit 1")), "{branches}", "{mountpoint}"])
    fails(manager, config, "exit code 1")
    assert not (tmp_path / "x").exists() and not (tmp_path / "y").exists()


def test_an_interrupt_leaves_nothing(config, script, tmp_path, nothing_left):
    os.mkfifo(tmp_path / "fifo")
    binary = script(f"echo > {tmp_path}/fifo; exec cat /dev/zero > /dev/null")

    def interrupt():
        with open(tmp_path / "fifo", "rb"):  # the daemon is there
            os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    with FuseManager(binary) as manager:
        thread.start()
        with pytest.raises(KeyboardInterrupt):
            manager.mount(config)
        thread.join(SECONDS)
        assert our_processes() == [] and manager.active_mounts == {}


# ---- daemons in the background ----

BACKGROUND = ["branchfs", "{options}", "{branches}", "{mountpoint}"]


def test_a_daemon_that_goes_into_the_background(manager, config, nothing_left):
    config.command = BACKGROUND
    with manager.mounted_fs(config) as (process, mountpoint, _):
        assert process.wait(SECONDS) == 0
        (mountpoint / "f").write_text("x")
        assert len(our_processes()) == 1
    assert our_processes() == []


def test_what_a_background_daemon_writes_back_is_there_after_the_unmount(manager, config):
    config.command = BACKGROUND
    config.options = ["write_behind=1m"]
    with manager.mounted_fs(config) as (_, mountpoint, branches):
        (mountpoint / "f").write_text("x" * 1000)
    assert (branches[0] / "f").read_text() == "x" * 1000


def test_a_mount_that_comes_after_the_first_process_has_ended(config, script, tmp_path,
                                                              nothing_left):
    os.mkfifo(tmp_path / "fifo")
    binary = script(f'(read go < {tmp_path}/fifo; exec branchfs -f "$@") & exit 0')

    def release():
        with open(tmp_path / "fifo", "w", encoding="ascii") as file:
            file.write("go\n")

    thread = threading.Thread(target=release)
    with FuseManager(binary) as manager:
        thread.start()
        with manager.mounted_fs(config) as (process, mountpoint, _):
            thread.join(SECONDS)
            assert process.poll() == 0
            (mountpoint / "f").touch()
        assert our_processes() == []


def test_a_background_process_that_never_mounts(config, script, nothing_left):
    config.timeout = 0.2
    with FuseManager(script("cat /dev/zero >/dev/null & exit 0")) as manager:
        fails(manager, config, "nothing was mounted within")


def test_a_background_process_that_gives_up(config, script, tmp_path):
    config.timeout = 1000
    with FuseManager(script("(cat /dev/null; echo sorry; exit 1) & exit 0")) as manager:
        text = fails(manager, config, "nothing is mounted")
        assert "sorry" in text


def test_a_wrapper_script_that_stays(config, script, nothing_left):
    with FuseManager(script('branchfs -f "$@"; echo ended with $?')) as manager:
        with manager.mounted_fs(config) as (process, mountpoint, _):
            (mountpoint / "f").touch()
        assert process.poll() == 0
        assert manager.get_output(config.mountpoint) == ["ended with 0"]


# ---- the pipes ----


def test_a_daemon_that_prints_a_lot_does_not_block(config, script):
    """Mistake 6: a pipe that nobody reads."""
    binary = script('seq 200000; seq 200000 >&2; branchfs -f "$@"; seq 100000')
    with FuseManager(binary) as manager:
        with manager.mounted_fs(config):
            pass
        lines = manager.get_output(config.mountpoint)
    assert lines[-1] == "100000" and sum(map(len, lines)) <= 64 * 1024


def test_output_while_it_runs_and_after_its_end(config, script):
    with FuseManager(script('echo "it \xff begins"; branchfs -f "$@"; echo it ends')) as manager:
        assert manager.get_output(config.mountpoint) == []
        manager.mount(config)
        assert manager.get_output(config.mountpoint)[0].startswith("it ")
        manager.unmount(config.mountpoint)
        assert wait_for_operation(
            lambda: manager.get_output(config.mountpoint)[-1] == "it ends", SECONDS)[0]


# ---- wrong input ----


def test_no_branches(manager, tmp_path):
    with pytest.raises(ValueError, match="no branches are given"):
        manager.mount(FuseConfig(mountpoint=tmp_path / "m"))


def test_a_mountpoint_that_is_not_empty(manager, config):
    (config.mountpoint / "precious").touch()
    with pytest.raises(ValueError, match="not empty, it has 'precious'"):
        manager.mount(config)
    assert os.listdir(config.mountpoint) == ["precious"]


def test_a_branch_in_the_mountpoint(manager, config):
    config.branches.append(config.mountpoint / "b")
    with pytest.raises(ValueError, match="lies in the mountpoint"):
        manager.mount(config)


def test_a_branch_that_is_a_file(manager, config, tmp_path):
    (tmp_path / "file").touch()
    config.branches = [tmp_path / "file"]
    with pytest.raises(ValueError, match="not a directory"):
        manager.mount(config)


def test_a_mountpoint_that_is_mounted_already(manager, config):
    with manager.mounted_fs(config):
        with pytest.raises(MountError, match="something is mounted already: fuse.branchfs"):
            manager.mount(config)
        assert is_mounted(config.mountpoint)


def test_no_device(manager, config, monkeypatch, tmp_path):
    monkeypatch.setattr(mounts, "DEVICE", str(tmp_path / "no-fuse"))
    with pytest.raises(MountError, match="can be mounted here: there is no .*no-fuse"):
        manager.mount(config)


def test_arguments_that_are_a_string(manager, config):
    with pytest.raises(TypeError, match="args"):
        with manager.mounted_fs_with_args(config, "-s"):
            pass


def test_a_binary_that_is_missing():
    with pytest.raises(FileNotFoundError, match="binary_path: '/nope/fs' does not exist"):
        FuseManager("/nope/fs")


@pytest.mark.parametrize("name", ["FUSE_TRACE", "FUSE_TRACE_SUMMARY"])
def test_a_variable_that_says_neither_yes_nor_no(monkeypatch, name):
    monkeypatch.setenv(name, "maybe")
    with pytest.raises(ValueError, match=f"{name}='maybe'"):
        FuseManager()


def test_a_wrong_source():
    with pytest.raises(ValueError, match="source"):
        FuseManager(source="magic")


@pytest.mark.parametrize("timeout, kind", [(-1, ValueError), (float("nan"), ValueError),
                                           ("1", TypeError)])
def test_timeouts_of_unmount(manager, config, timeout, kind):
    with manager.mounted_fs(config):
        with pytest.raises(kind):
            manager.unmount(config.mountpoint, timeout)
        assert is_mounted(config.mountpoint)


# ---- which program ----


def test_the_binary_of_the_environment(monkeypatch, config, script):
    monkeypatch.setenv("FUSE_BINARY", str(script('exec branchfs -f "$@"', "of-environment")))
    with FuseManager() as manager, manager.mounted_fs(config) as (process, *_):
        assert process.args[0].endswith("/of-environment")
        assert manager.binary_path.name == "of-environment"


def test_the_default_command(config):
    with FuseManager(default_command="branchfs -f -s {options} {branches} {mountpoint}") as manager:
        with manager.mounted_fs(config) as (process, *_):
            assert process.args[1:3] == ["-f", "-s"]


def test_branchfs_by_default(manager):
    assert manager.binary_path == Path(shutil.which("branchfs"))


def test_arguments_and_fields(manager, config):
    with manager.mounted_fs_with_args(config, ["-s"]) as (process, *_):
        assert "-s" in process.args
    with manager.mounted_fs_with_args(mountpoint=config.mountpoint, branches=config.branches,
                                      policy="mfs") as (process, mountpoint, branches):
        assert "policy=mfs" in process.args and branches == config.branches
    with manager.mounted_fs_with_args(config, policy="lfs") as (process, *_):
        assert "policy=lfs" in process.args


# ---- its environment ----


def environment_of(process):
    data = Path(f"/proc/{process.pid}/environ").read_bytes()
    return dict(os.fsdecode(one).split("=", 1) for one in data.split(b"\0") if one)


def test_environment_without_a_trace(manager, config, monkeypatch):
    monkeypatch.setenv("KEPT", "1")
    monkeypatch.setenv("FUSE_TRACE", "0")
    config.environment = {"MINE": "x y"}
    with manager.mounted_fs(config) as (process, *_):
        found = environment_of(process)
    assert found["KEPT"] == "1" and found["MINE"] == "x y"
    assert "FUSE_TRACE" not in found and "RUST_LOG" not in found


def test_the_environment_of_the_configuration_wins(manager, config, monkeypatch):
    monkeypatch.setenv("RUST_LOG", "info")
    config.environment = {"RUST_LOG": "warn", "FUSE_TRACE": "0"}
    with manager.mounted_fs(config) as (process, *_):
        found = environment_of(process)
    assert found["RUST_LOG"] == "warn" and found["FUSE_TRACE"] == "0"


# ---- unmounting, in steps ----


def test_what_was_written_behind_is_there(manager, config):
    config.options = ["write_behind=1m"]
    with manager.mounted_fs(config) as (_, mountpoint, branches):
        (mountpoint / "f").write_text("x" * 100_000)
    assert (branches[0] / "f").stat().st_size == 100_000


def test_a_daemon_that_was_killed_leaves_a_mount_that_is_taken_away(manager, config, nothing_left):
    process = manager.mount(config)
    process.kill()
    process.wait(SECONDS)
    assert is_mounted(config.mountpoint)
    assert manager.unmount(config.mountpoint) is True
    assert not is_mounted(config.mountpoint)


def test_a_daemon_that_was_ended_by_the_test(manager, config):
    process = manager.mount(config)
    process.terminate()
    assert process.wait(SECONDS) == 0
    assert manager.unmount(config.mountpoint) is True


def test_a_mount_that_somebody_else_took_away(manager, config):
    process = manager.mount(config)
    mounts.unmount(str(config.mountpoint))
    assert process.wait(SECONDS) == 0
    assert manager.unmount(config.mountpoint) is True


def test_again(manager, config):
    manager.mount(config)
    assert manager.unmount(config.mountpoint) is True
    assert manager.unmount(config.mountpoint) is True


def test_what_is_not_ours_is_not_touched(manager, config, tmp_path):
    assert manager.unmount(tmp_path) is False
    assert manager.unmount("/proc") is False
    with FuseManager() as other, other.mounted_fs(config):
        assert manager.unmount(config.mountpoint) is False
        assert is_mounted(config.mountpoint)


def test_another_mount_in_its_place_is_not_touched(manager, config):
    process = manager.mount(config)
    mounts.unmount(str(config.mountpoint))
    process.wait(SECONDS)
    with FuseManager() as other, other.mounted_fs(config) as (others, *_):
        assert manager.unmount(config.mountpoint) is True
        assert is_mounted(config.mountpoint) and others.poll() is None


WITHOUT_FUSECTL = """
import os, subprocess, sys
import pytest
subprocess.run(["umount", "/sys/fs/fuse/connections"], check=True)
sys.exit(pytest.main(["-q", "-p", "no:cacheprovider", "-k",
                      "not_touched and not fusectl or that_was_killed", sys.argv[1]]))
"""


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("unshare") or
                    not os.path.exists(f"{mounts.CONNECTIONS}"),
                    reason="needs root, unshare and fusectl to be without it")
def test_mounts_in_its_place_are_not_touched_without_fusectl():
    """In a mount namespace that lacks it, connections have no identity but who holds them."""
    subprocess.run(["unshare", "--mount", "--propagation", "private", sys.executable, "-c",
                    WITHOUT_FUSECTL, __file__], check=True, timeout=2 * SECONDS)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to mount a tmpfs")
def test_a_mount_on_top_of_it_is_not_touched(manager, config, monkeypatch):
    process = manager.mount(config)
    subprocess.run(["mount", "-t", "tmpfs", "none", config.mountpoint], check=True, timeout=SECONDS)
    try:
        assert manager.unmount(config.mountpoint) is False
        assert mounts.find_mount(str(config.mountpoint)).kind == "tmpfs"
        assert process.poll() is None and list(manager.active_mounts) == [config.mountpoint]
    finally:
        subprocess.run(["umount", config.mountpoint], check=True, timeout=SECONDS)
    assert is_mounted(config.mountpoint)
    assert manager.unmount(config.mountpoint) is True
    assert not is_mounted(config.mountpoint)


def test_a_mount_in_use_is_waited_for(manager, config, nothing_left):
    process = manager.mount(config)
    user = subprocess.Popen(["cat"], stdin=subprocess.PIPE, cwd=config.mountpoint)
    results = []
    thread = threading.Thread(target=lambda: results.append(manager.unmount(config.mountpoint)))
    thread.start()
    user.communicate()  # ends it
    thread.join(SECONDS)
    assert results == [True] and process.poll() == 0


def test_a_mount_that_stays_in_use_goes_lazily(manager, config, monkeypatch, nothing_left):
    monkeypatch.setattr(daemon_module, "BUSY_SECONDS", 0.1)
    monkeypatch.setattr(daemon_module, "TERM_SECONDS", 0.5)
    manager.mount(config)
    file = os.open(config.mountpoint / "f", os.O_WRONLY | os.O_CREAT)
    try:
        assert manager.unmount(config.mountpoint) is True
        assert not is_mounted(config.mountpoint)
    finally:
        with contextlib.suppress(OSError):  # nobody is there to be told of it
            os.close(file)


def test_a_daemon_that_does_not_end_is_killed(config, script, monkeypatch, nothing_left):
    monkeypatch.setattr(daemon_module, "TERM_SECONDS", 0.1)
    binary = script('trap "" TERM; branchfs -f "$@"; exec cat /dev/zero > /dev/null')
    with FuseManager(binary) as manager:
        process = manager.mount(config)
        assert manager.unmount(config.mountpoint, timeout=0.1) is True
    assert process.poll() == -signal.SIGKILL


def test_a_daemon_that_was_stopped_is_killed(manager, config, monkeypatch, nothing_left):
    monkeypatch.setattr(daemon_module, "TERM_SECONDS", 0.1)
    process = manager.mount(config)
    process.send_signal(signal.SIGSTOP)
    assert manager.unmount(config.mountpoint, timeout=0.1) is True
    assert process.poll() is not None


def test_an_unmount_that_hangs_is_cut_off(manager, config, monkeypatch, nothing_left):
    """What the kernel has gathered cannot be written back to a daemon that is stopped."""
    monkeypatch.setattr(daemon_module, "TERM_SECONDS", 0.1)
    config.options = ["writeback_cache"]
    process = manager.mount(config)
    (config.mountpoint / "f").write_text("x")
    process.send_signal(signal.SIGSTOP)
    begin = time.monotonic()
    assert manager.unmount(config.mountpoint, timeout=0.2) is True
    assert time.monotonic() - begin < SECONDS


def test_a_busy_mount_of_a_process_that_hangs_in_it(manager, config, monkeypatch, nothing_left):
    monkeypatch.setattr(daemon_module, "BUSY_SECONDS", 0.1)
    monkeypatch.setattr(daemon_module, "TERM_SECONDS", 0.3)
    config.options = ["hang=mkdir"]
    manager.mount(config)
    with subprocess.Popen(["mkdir", config.mountpoint / "d"], stderr=subprocess.DEVNULL) as user:
        assert wait_for_operation(lambda: "request_wait" in wchan(user.pid), SECONDS)[0]
        assert manager.unmount(config.mountpoint, timeout=0.3) is True


def wchan(pid):
    return Path(f"/proc/{pid}/wchan").read_text(encoding="ascii")


# ---- the context managers ----


def test_mounted_fs(manager, config):
    with manager.mounted_fs(config) as mounted:
        process, mountpoint, branches = mounted
        assert (mounted.process, mounted.mountpoint, mounted.branches) == tuple(mounted)
        assert mounted.trace_monitor is None and len(mounted) == 3
        assert mounted[1] == mountpoint == config.mountpoint and branches == config.branches
        assert process.poll() is None and str(mountpoint) in repr(mounted)
    assert not is_mounted(config.mountpoint)


def test_the_shape_is_that_of_the_request():
    """Mistake 13: a tuple of 3 or 4 by the environment."""
    monitor = object()
    traced = MountedFilesystem(None, Path("/m"), [], monitor)
    assert list(traced) == [None, Path("/m"), []] and traced.trace_monitor is monitor
    asked = MountedFilesystem(None, Path("/m"), [], monitor, with_trace=True)
    assert len(asked) == 4 and asked[3] is asked[-1] is monitor and asked[1:3] == (Path("/m"), [])


def test_the_bodys_exception_comes_out(manager, config, nothing_left):
    with pytest.raises(ZeroDivisionError):
        with manager.mounted_fs(config):
            raise ZeroDivisionError
    assert not is_mounted(config.mountpoint)


def test_the_bodys_exception_is_not_hidden_by_the_unmount(manager, config, monkeypatch, caplog):
    def fail(mountpoint, timeout=0.0):
        unmount(mountpoint)
        raise OSError("no")

    unmount = manager.unmount
    monkeypatch.setattr(manager, "unmount", fail)
    with caplog.at_level(logging.WARNING, logger="fusetrace"):
        with pytest.raises(ZeroDivisionError) as caught:
            with manager.mounted_fs(config):
                raise ZeroDivisionError
    assert caught.value.__context__ is None
    assert "unmounting failed: no" in caplog.text


def test_a_body_that_unmounts_itself(manager, config):
    with manager.mounted_fs(config):
        assert manager.unmount(config.mountpoint)


def test_an_unmount_that_fails_is_told(manager, config, monkeypatch):
    unmount = manager.unmount
    with pytest.raises(MountError, match="could not be unmounted"):
        with manager.mounted_fs(config):
            monkeypatch.setattr(manager, "unmount", lambda mountpoint: False)
    assert unmount(config.mountpoint)


def test_the_manager_as_a_context_manager(tmp_path):
    with FuseManager(temp_root=tmp_path / "temporary") as manager:
        manager.mount(FuseConfig(branches=manager.create_temp_dirs(2)))
        manager.mount(FuseConfig(branches=manager.create_temp_dirs(2)))
        assert len(manager.active_mounts) == 2
    assert manager.active_mounts == {} and os.listdir(tmp_path / "temporary") == []


# ---- cleanup ----


def test_temporary_directories(manager, tmp_path):
    directories = manager.create_temp_dirs(3)
    mountpoint = manager.create_temp_mountpoint()
    assert len(set([*directories, mountpoint])) == 4
    assert all(one.parent == tmp_path / "temporary" and os.listdir(one) == []
               for one in [*directories, mountpoint])
    manager.cleanup()
    assert os.listdir(tmp_path / "temporary") == []
    assert manager.create_temp_dirs(1)[0].is_dir()


def test_the_default_place(monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with FuseManager() as manager:
        assert manager.create_temp_mountpoint().parent == tmp_path


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to mount a tmpfs")
def test_cleanup_never_removes_through_a_mount(manager, caplog):
    directory, = manager.create_temp_dirs(1)
    inner = directory / "inner"
    inner.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "none", inner], check=True, timeout=SECONDS)
    try:
        (inner / "precious").touch()
        manager.cleanup()
        assert (inner / "precious").exists() and "something is mounted" in caplog.text
    finally:
        subprocess.run(["umount", inner], check=True, timeout=SECONDS)
    shutil.rmtree(directory)


def test_cleanup_goes_on_after_an_exception(manager, config, monkeypatch):
    manager.mount(config)
    second = FuseConfig(branches=manager.create_temp_dirs(1))
    manager.mount(second)
    stop = daemon_module.Daemon.stop

    def fail(self, timeout):
        if self.mountpoint == str(second.mountpoint):
            monkeypatch.undo()
            raise RuntimeError("cannot")
        return stop(self, timeout)

    monkeypatch.setattr(daemon_module.Daemon, "stop", fail)
    with pytest.raises(RuntimeError, match="cannot"):
        manager.cleanup()
    assert list(manager.active_mounts) == [second.mountpoint]
    assert not config.mountpoint.exists() and second.mountpoint.exists()
    manager.unmount(second.mountpoint)
    second.mountpoint.rmdir()


def test_a_forked_child_unmounts_nothing(manager, config):
    manager.mount(config)
    child = os.fork()
    if child == 0:
        code = 1
        with contextlib.suppress(BaseException):
            manager.cleanup()
            assert manager.unmount(config.mountpoint) is False
            try:
                manager.mount(config)
            except MountError as error:
                code = 0 if "after fork()" in str(error) else 2
        os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert is_mounted(config.mountpoint) and config.mountpoint.exists()


# ---- what it gives for a mount ----


def test_what_is_asked_for_a_mount_that_is_not_there(manager, tmp_path):
    assert manager.get_trace_monitor(tmp_path) is None
    assert manager.get_output(tmp_path) == []


def test_importing_costs_little_and_nothing_of_the_extension():
    code = ("import sys; import fusetrace.manager; "
            "heavy = {'asyncio', 'ctypes', 'tempfile', 'json', 'statistics', 'shlex', 'shutil', "
            "'fusetrace._core', 'fusetrace.monitor'} & set(sys.modules); sys.exit(str(heavy)) "
            "if heavy else None")
    subprocess.run([sys.executable, "-S", "-c", code], check=True, timeout=SECONDS,
                   env={**os.environ, "PYTHONPATH": str(Path(fusetrace.__file__).parents[1])})
