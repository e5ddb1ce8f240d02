# SPDX-License-Identifier: MIT
"""FuseManager without a trace: mounts that really are there, and how it says that one is not."""

import os
import shutil
import signal
import subprocess
import threading
from pathlib import Path

import pytest

pytest.importorskip("fusetrace._core", reason="the extension is not built")

from conftest_manager import (  # noqa: E402, F401
    config, fails, is_mounted, manager, no_trace, nothing_left, our_processes, script,
)

from fusetrace import mounts  # noqa: E402
from fusetrace.config import FuseConfig  # noqa: E402
from fusetrace.manager import FuseManager  # noqa: E402
from fusetrace.polling import wait_for_operation  # noqa: E402

SECONDS = 30

pytestmark = [
    pytest.mark.skipif(mounts.why_no_fuse() is not None, reason=str(mounts.why_no_fuse())),
    pytest.mark.skipif(shutil.which("branchfs") is None, reason="branchfs is not on PATH"),
]


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
