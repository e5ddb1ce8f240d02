# SPDX-License-Identifier: MIT
"""Daemons of other people, and users without rights: mounted, waited for and taken away.

What needs no other filesystem than branchfs is tested beside the library (lib/mount/mount_live_test.c).
"""

import os
import resource
import shutil
import signal
import subprocess
import sys
import threading

import pytest

from namespaces import WITHOUT_FUSECTL, with_fuse_for_everybody

pytest.importorskip("fusetrace._core", reason="the extension is not built")

from fusetrace import mounts  # noqa: E402
from fusetrace.config import FuseConfig  # noqa: E402
from fusetrace.errors import MountError  # noqa: E402
from fusetrace.manager import FuseManager  # noqa: E402

SECONDS = 60
SFTP_SERVER = "/usr/lib/openssh/sftp-server"
NOBODY = 65534

pytestmark = [
    pytest.mark.skipif(mounts.why_no_fuse() is not None, reason=str(mounts.why_no_fuse())),
    pytest.mark.skipif(os.geteuid() != 0, reason="mounting and tracing need root"),
]


@pytest.fixture
def manager(tmp_path):
    with FuseManager(temp_root=tmp_path / "temporary") as manager:
        yield manager


def daemon_of(manager, config):
    return manager._mounted[mounts.resolve(config.mountpoint)].daemon


def live(manager, config):
    """Mounts it, uses it, and it goes by its unmount alone."""
    for _ in range(3):
        process = manager.mount(config)
        daemon = daemon_of(manager, config)
        (config.mountpoint / "f").write_text("x")
        assert manager.unmount(config.mountpoint) is True
        assert daemon.stopped["step"] == "unmount" and not daemon.stopped["lazy"], daemon.stopped
        assert process.poll() == 0


@pytest.mark.parametrize("traced", [False, True], ids=["alone", "traced"])
@pytest.mark.parametrize("mode", [["-f"], []], ids=["foreground", "background"])
@pytest.mark.skipif(not shutil.which("bindfs"), reason="bindfs is not installed")
def test_bindfs(manager, mode, traced):
    live(manager, FuseConfig(branches=manager.create_temp_dirs(1),
                             mountpoint=manager.create_temp_mountpoint(), enable_trace=traced,
                             command=["bindfs", *mode, "{branch}", "{mountpoint}"]))


@pytest.mark.parametrize("mode", [["-f"], []], ids=["foreground", "background"])
@pytest.mark.skipif(not shutil.which("sshfs") or not os.path.exists(SFTP_SERVER),
                    reason="sshfs or its server is not installed")
def test_sshfs(manager, tmp_path, mode):
    """Whose other side is a process beside it, which ends when its pipe does."""
    ssh = tmp_path / "ssh"
    ssh.write_text(f"#!/bin/sh\nexec {SFTP_SERVER}\n")
    ssh.chmod(0o755)
    live(manager, FuseConfig(branches=manager.create_temp_dirs(1),
                             mountpoint=manager.create_temp_mountpoint(),
                             command=["sshfs", *mode, "-o", f"ssh_command={ssh}", "host:{branch}",
                                      "{mountpoint}"]))


@pytest.mark.skipif(not shutil.which("branchfs"), reason="branchfs is not on PATH")
def test_few_descriptors(manager, monkeypatch):
    """With ulimit -n 64 there is room for a traced mount; without room it fails, and leaves nothing."""
    config = FuseConfig(branches=manager.create_temp_dirs(1), enable_trace=True,
                        mountpoint=manager.create_temp_mountpoint())
    code = ("import resource, sys\n"
            "from fusetrace import FuseConfig, FuseManager\n"
            "resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))\n"
            "with FuseManager() as manager, manager.mounted_fs(FuseConfig(branches=[sys.argv[1]], "
            "mountpoint=sys.argv[2], enable_trace=True)) as mounted:\n"
            "    (mounted.mountpoint / 'f').write_text('x')\n")
    subprocess.run([sys.executable, "-c", code, config.branches[0], config.mountpoint], check=True,
                   timeout=SECONDS)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for limit in range(len(os.listdir("/proc/self/fd")), 40):
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
        try:
            with manager.mounted_fs(config):
                break
        except (OSError, MountError):
            pass
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert mounts.find_mount(mounts.resolve(config.mountpoint)) is None


# It mounts, and reads no request.
SILENT = """
import ctypes, os, sys, time
descriptor = os.open("/dev/fuse", os.O_RDWR)
options = f"fd={descriptor},rootmode=40000,user_id=0,group_id=0"
assert ctypes.CDLL(None).mount(b"silent", os.fsencode(sys.argv[1]), b"fuse.silent", 0,
                               options.encode()) == 0
time.sleep(100)
"""


@pytest.mark.parametrize("source", [None, "kernel", "log"])
def test_rule_26_init_without_an_answer(manager, source):
    """It is in the list of mounts, and that is not enough, wherever operations come from."""
    config = FuseConfig(branches=manager.create_temp_dirs(1), source=source or "auto",
                        enable_trace=source is not None, timeout=0.5,
                        mountpoint=manager.create_temp_mountpoint(),
                        command=[sys.executable, "-c", SILENT, "{mountpoint}"])
    with pytest.raises(MountError, match="it is mounted, but has not answered"):
        manager.mount(config)
    assert mounts.find_mount(mounts.resolve(config.mountpoint)) is None


@pytest.mark.skipif(not shutil.which("branchfs"), reason="branchfs is not on PATH")
def test_rule_36_a_hang_is_shown_and_aborted(manager):
    """The test's thread gets its error when the connection is aborted; before, it is named."""
    config = FuseConfig(branches=manager.create_temp_dirs(1), options=["hang=mkdir"],
                        mountpoint=manager.create_temp_mountpoint())
    manager.mount(config)
    daemon = daemon_of(manager, config)
    errors = []

    def hang():
        try:
            os.mkdir(config.mountpoint / "d")
        except OSError as error:
            errors.append(error.errno)

    thread = threading.Thread(target=hang)
    thread.start()
    while "caller" not in daemon.stacks():
        pass
    assert "fuse_" in daemon.stacks() and "daemon" in daemon.stacks(abort=True)
    thread.join(SECONDS)
    assert len(errors) == 1 and manager.unmount(config.mountpoint) is True


ABORT_FAILS = """
import pathlib, sys, threading
from fusetrace import FuseConfig, FuseManager, FuseTraceError
with FuseManager(temp_root=pathlib.Path(sys.argv[1])) as manager:
    config = FuseConfig(branches=manager.create_temp_dirs(1), options=["hang=mkdir"],
                        mountpoint=manager.create_temp_mountpoint())
    manager.mount(config)
    daemon = next(iter(manager._mounted.values())).daemon
    def hang():
        try:
            (config.mountpoint / "d").mkdir()
        except OSError:
            print("set free", flush=True)
    thread = threading.Thread(target=hang)
    thread.start()
    while "caller" not in daemon.stacks():
        pass
    for abort in (daemon.abort, lambda: daemon.stacks(abort=True)):
        try:
            print(abort())
        except FuseTraceError as error:
            print(error, flush=True)
    manager.unmount(config.mountpoint)
    thread.join()
"""


@pytest.mark.skipif(not shutil.which("branchfs"), reason="branchfs is not on PATH")
def test_rule_36_abort_that_fails(tmp_path):
    """As in most containers: it is said why, and the unmount kills the daemon instead."""
    result = subprocess.run(
        [*WITHOUT_FUSECTL, sys.executable, "-c", ABORT_FAILS, tmp_path], stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=SECONDS, check=False)
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines() == [
        "fusectl is not mounted at /sys/fs/fuse/connections",
        "fusectl is not mounted at /sys/fs/fuse/connections",
        "set free"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not shutil.which("branchfs"), reason="branchfs is not on PATH")
def test_who_holds_a_mount(manager):
    config = FuseConfig(branches=manager.create_temp_dirs(1),
                        mountpoint=manager.create_temp_mountpoint())
    manager.mount(config)
    with open(config.mountpoint / "f", "w"):
        found = daemon_of(manager, config).holders()
    assert len(found) == 1 and found[0].endswith(f"(pid {os.getpid()}): open file "
                                                 f"{config.mountpoint}/f")
    assert manager.unmount(config.mountpoint) is True


def test_how_a_daemon_that_ignores_sigterm_was_ended(manager, tmp_path, monkeypatch):
    from fusetrace import daemon as daemon_module

    if not shutil.which("branchfs"):
        pytest.skip("branchfs is not on PATH")
    monkeypatch.setattr(daemon_module, "TERM_SECONDS", 0.2)
    config = FuseConfig(branches=manager.create_temp_dirs(1),
                        mountpoint=manager.create_temp_mountpoint(), command=[
                            "sh", "-c", 'trap "" TERM; branchfs -f "$@"; exec sleep 60', "sh",
                            "{branch}", "{mountpoint}"])
    manager.mount(config)
    daemon = daemon_of(manager, config)
    assert manager.unmount(config.mountpoint, timeout=0.1) is True
    assert daemon.stopped["step"] == "kill" and daemon.stopped["signal"] == signal.SIGKILL
    assert daemon.stopped["step_ns"]["term"] >= 0.2e9 and "SIGKILL" in daemon.stopped["text"]


# ---- without rights ----

USER = """
import os, sys
from fusetrace import FuseConfig, FuseManager, mounts
base = sys.argv[1]
with FuseManager() as manager:
    config = FuseConfig(branches=[f"{base}/branch"], mountpoint=f"{base}/mnt")
    manager.mount(config)
    (config.mountpoint / "f").write_text("x")
    print("mounted", os.geteuid(), flush=True)
    input()
    print("gone", manager.unmount(config.mountpoint), mounts.find_mount(f"{base}/mnt") is None)
    print("ended", manager._mounted == {} or manager._mounted.popitem()[1].daemon.pids() == [])
"""


def as_nobody(tmp_path, before_the_end=""):
    """Mounts and unmounts as a user without rights; what it printed, and its stderr."""
    for name in ("unshare", "setpriv", "fusermount3", "branchfs"):
        if not shutil.which(name):
            pytest.skip(f"{name} is not installed")
    for name in ("branch", "mnt", "run"):
        (tmp_path / name).mkdir()
        os.chown(tmp_path / name, NOBODY, NOBODY)
    for directory in (tmp_path, *tmp_path.parents[:3]):
        if str(directory) not in ("/", "/tmp"):
            os.chmod(directory, 0o755)
    process = subprocess.Popen(
        [*with_fuse_for_everybody(tmp_path), "setpriv", "--reuid", str(NOBODY), "--regid", str(NOBODY),
         "--clear-groups", "--inh-caps=-all", sys.executable, "-c", USER, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, env={**os.environ, "XDG_RUNTIME_DIR": tmp_path / "run"})
    try:
        first = process.stdout.readline()
        if before_the_end:
            subprocess.run(["nsenter", "--target", str(process.pid), "--mount", "sh", "-ec",
                            before_the_end], check=True, timeout=SECONDS)
        out, err = process.communicate("\n", timeout=SECONDS)
    finally:
        process.kill()
        process.wait(SECONDS)
    return first + out, err


def test_a_user_with_fusermount3(tmp_path):
    out, err = as_nobody(tmp_path)
    assert out.splitlines() == [f"mounted {NOBODY}", "gone True True", "ended True"], err


def test_a_user_whose_fusermount3_has_gone(tmp_path):
    """It is told what is missing; the daemon ends all the same."""
    out, err = as_nobody(tmp_path, "mount --bind /dev/null $(command -v fusermount3)")
    assert out.splitlines() == [f"mounted {NOBODY}", "gone False False", "ended True"], err
    assert "neither CAP_SYS_ADMIN nor fusermount3 is there: install fuse3" in err
