# SPDX-License-Identifier: MIT
"""Reports and stacks for a user who may not look into the daemon: it took root's rights, as by sudo,
and /proc may hide it (hidepid). What could not be read is said, and why; nobody is told as dead."""

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from daemons import need_mounts

import fusetrace

pytestmark = [
    pytest.mark.skipif(not shutil.which("setpriv") or not shutil.which("unshare"),
                       reason="setpriv or unshare is not installed"),
    pytest.mark.skipif(not os.access("/usr/bin/python3", os.X_OK), reason="no Python for everybody"),
]

DEADLINE = 60

SCRIPT = """
import json, os, pathlib, subprocess, sys
from fusetrace import FuseConfig, FuseManager, OperationTimeout
folder = pathlib.Path(sys.argv[1])
config = FuseConfig(branches=[folder / "source"], mountpoint=folder / "mnt", source="log",
                    enable_trace=True, command=[*json.loads(sys.argv[2]), "-f", "-d", "-o",
                    "allow_other,hang=mkdir", "{branch}", "{mountpoint}"])
with FuseManager() as manager, manager.mounted_fs(config) as mounted:
    asking = subprocess.Popen(["mkdir", str(folder / "mnt" / "d")], stderr=subprocess.DEVNULL)
    try:
        mounted.trace_monitor.expect("mkdir", "/d", timeout=1.0, include_in_flight=True).wait()
    except OperationTimeout as error:
        print(json.dumps({"text": str(error), "verdict": error.verdict,
                          "stacks": next(iter(manager._mounted.values())).daemon.stacks(),
                          "pid": mounted[0].pid}), flush=True)
    sys.stdin.readline()
    os._exit(0)  # who started it takes the mount away: this user may not
"""


@pytest.fixture
def folder():
    """One that every user may enter, with what a script of his needs."""
    need_mounts()
    path = Path(tempfile.mkdtemp(prefix="fusetrace-not-readable-")).resolve()
    path.chmod(0o755)
    for name in ("source", "mnt", "bin"):
        (path / name).mkdir()
        os.chown(path / name, 65534, 65534)
    shutil.copytree(Path(fusetrace.__file__).parent, path / "package" / "fusetrace")
    program = Path(shutil.copy(shutil.which("setpriv"), path / "bin" / "become"))
    os.chown(program, 0, 0)
    program.chmod(0o4755)
    if os.statvfs(path).f_flag & os.ST_NOSUID:
        pytest.skip("the temporary directory is mounted nosuid")
    yield path
    shutil.rmtree(path, ignore_errors=True)


def abort(pid, mountpoint):
    """Cuts the connection of a mount among those of a process."""
    for mount in Path(f"/proc/{pid}/mountinfo").read_text().splitlines():
        _, _, device, _, point, *_ = mount.split()
        if point == str(mountpoint):
            minor = device.split(":")[1]
            Path(f"/sys/fs/fuse/connections/{minor}/abort").write_text("1")


def report_of_user(folder, hides):
    """What a user is told of a daemon of root's that he started, in a mount namespace of its own."""
    hide = "mount -t proc -o hidepid=2 proc /proc && " if hides else ""
    become = [str(folder / "bin" / "become"), "--reuid", "0", "--regid", "0", "--clear-groups",
              "env", f"LD_LIBRARY_PATH={os.environ.get('LD_LIBRARY_PATH', '')}",
              shutil.which("branchfs")]
    process = subprocess.Popen(
        ["unshare", "--mount", "sh", "-c", hide + 'exec "$@"', "sh", "setpriv", "--reuid", "65534",
         "--regid", "65534", "--clear-groups", os.path.realpath("/usr/bin/python3"), "-c", SCRIPT,
         str(folder), json.dumps(become)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "PYTHONPATH": str(folder / "package"),
             "LD_LIBRARY_PATH": os.environ.get("LD_LIBRARY_PATH", ""), "HOME": str(folder)})
    try:
        line = process.stdout.readline()
        abort(process.pid, folder / "mnt")  # then all of them end
        _, err = process.communicate("\n", timeout=DEADLINE)
    finally:
        process.kill()
        process.wait(DEADLINE)
    assert line, err
    return json.loads(line)


def test_threads_of_another_user(folder):
    told = report_of_user(folder, hides=False)
    assert told["verdict"] == "in flight"
    assert f"daemon pid {told['pid']} thread" in told["text"]
    assert ", where it sleeps is not readable: it has another user, or more rights" in told["text"]
    assert "state ?" not in told["text"] + told["stacks"]
    assert f"daemon {told['pid']}, thread" in told["stacks"]
    assert "  its stack is for root to read\n" in told["stacks"]


def test_hidden_daemon(folder):
    told = report_of_user(folder, hides=True)
    assert told["verdict"] == "in flight"
    assert (f"daemon pid {told['pid']}: /proc hides it from us (hidepid): what it does is not "
            "readable") in told["text"]
    assert f"daemon {told['pid']}: /proc hides it from us (hidepid)\n" in told["stacks"]
    for wrong in ("ended", "died", "state ?", "state X"):
        assert wrong not in told["text"] + told["stacks"]
