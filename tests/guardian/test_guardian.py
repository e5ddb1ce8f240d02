# SPDX-License-Identifier: MIT
"""The guardian: whatever way an owner ends, nothing of it is left, and nothing else is touched."""

import contextlib
import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from fusetrace import mounts

from .owners import (DEADLINE, Watched, assert_nothing_left, guardians_of, marked,
                     mounted_in, records, until)

# ---- ways to end ----

ENDS = {
    "sigkill": "ready(); time.sleep(60)",
    "exit": "ready(); os._exit(3)",
    "abort": "ready(); os.abort()",
    "sigterm": "ready(); os.kill(os.getpid(), signal.SIGTERM); time.sleep(60)",
    "exec": "ready(); os.execv('/bin/sleep', ['sleep', '60'])",
    "group": "ready(); os.killpg(0, signal.SIGKILL)",
    "interrupt": "ready(); os.killpg(0, signal.SIGINT); time.sleep(60)",
}


@pytest.mark.parametrize("options", [(), ("-f",)], ids=["background", "foreground"])
@pytest.mark.parametrize("end", ENDS)
def test_owner_ends(own, folder, end, options):
    owner = own(f"mount('mnt', *{options!r})\n" + ENDS[end], start_new_session=True)
    watched = Watched(owner)
    assert mounted_in(folder) == [str(folder / "mnt")]
    until(lambda: marked(owner.pid), "no daemon is seen")  # it forks while /proc is being read
    if end == "sigkill":
        owner.kill()
    else:
        owner.go_on()
    watched.wait()
    assert_nothing_left(folder, owner.pid)
    if end == "exec":
        assert owner.process.poll() is None


def test_normal_end_of_a_script_without_cleanup(own, folder):
    owner = own("manager = FuseManager()\n"
                "config = FuseConfig(branches=manager.create_temp_dirs(1))\n"
                "manager.mount(config)\n"
                "ready(directories=[str(path) for path in manager.temp_dirs],"
                " mountpoint=str(config.mountpoint))")
    watched = Watched(owner)
    directories = owner.made["directories"]
    assert len(directories) == 2 and all(map(os.path.isdir, directories))
    owner.go_on().wait()
    watched.wait()
    assert_nothing_left(folder, owner.pid)
    assert not any(map(os.path.lexists, directories))
    assert mounts.find_mount(owner.made["mountpoint"]) is None


@pytest.mark.skipif(not shutil.which("fuse-overlayfs"), reason="fuse-overlayfs is not installed")
def test_a_directory_that_the_filesystem_works_in(own, folder):
    """It goes; what the user has named stays."""
    owner = own("upper, lower = folder / 'upper', folder / 'lower'\n"
                "FuseManager().mount(FuseConfig(command='fuse-overlayfs', branches=[upper, lower],"
                " mountpoint=folder / 'mnt'))\n"
                "(folder / 'mnt' / 'file').write_text('x')\n"
                "ready()")
    watched = Watched(owner)
    assert (folder / "upper.work").is_dir()
    owner.kill()
    watched.wait()
    assert_nothing_left(folder, owner.pid)
    assert sorted(os.listdir(folder)) == ["lower", "mnt", "upper"]
    assert (folder / "upper" / "file").read_text() == "x"


def test_nothing_to_do(own, folder):
    """What the owner has taken away itself is not looked for; the guardian ends with it."""
    owner = own("daemon, entry, found = mount('mnt', '-f')\n"
                "syscalls.umount(found.mountpoint); daemon.wait(20); guardian.forget(entry)\n"
                "ready()")
    watched = Watched(owner)
    until(lambda: not records(folder, owner.pid), "the record of nothing is still there")
    owner.go_on().wait()
    watched.wait()
    assert_nothing_left(folder, owner.pid)


def may_lower_oom_score():
    """Root without CAP_SYS_RESOURCE may not, as in many a container."""
    return subprocess.run(["sh", "-c", "echo -900 >/proc/self/oom_score_adj"],
                          stderr=subprocess.DEVNULL).returncode == 0


def test_guardian_is_nobodys_child_and_quiet(own, folder):
    owner = own("guardian.guard_directory(folder)\n"
                "try: os.waitpid(-1, 0); has_child = True\n"
                "except ChildProcessError: has_child = False\n"
                "ready(has_child=has_child)")
    assert not owner.made["has_child"]
    guardian = Watched(owner).pid
    until(lambda: os.readlink(f"/proc/{guardian}/cwd") == "/", "it is on its way")
    status = Path(f"/proc/{guardian}/status").read_text()
    assert f"PPid:\t{owner.pid}\n" not in status
    assert os.getsid(guardian) != os.getsid(owner.pid)
    descriptors = {int(name): os.readlink(f"/proc/{guardian}/fd/{name}")
                   for name in os.listdir(f"/proc/{guardian}/fd")}
    assert set(descriptors) == {0, 1, 2, 3, 4}
    assert {descriptors[number] for number in (0, 1, 2)} == {"/dev/null"}
    assert b"FUSETRACE" not in Path(f"/proc/{guardian}/environ").read_bytes()
    if may_lower_oom_score():
        until(lambda: int(Path(f"/proc/{guardian}/oom_score_adj").read_text()) < 0, "its score")
    owner.kill()


# ---- moments ----


def test_before_the_daemon_mounts(own, folder):
    """A daemon that is about to mount when its owner dies: neither it nor its mount stays."""
    owner = own("(folder / 'mnt').mkdir(); mark = new_mark()\n"
                f"guardian.guard_mount(str(folder / 'mnt'), f'FUSETRACE_DAEMON={{mark}}')\n"
                "slow = ['sh', '-c', 'sleep 0.5; exec branchfs -f \"$@\"', 'sh']\n"
                "(folder / 'branch').mkdir()\n"
                "subprocess.Popen([*slow, str(folder / 'branch'), str(folder / 'mnt')],"
                " env={**os.environ, 'FUSETRACE_DAEMON': mark}, start_new_session=True)\n"
                "ready()")
    watched = Watched(owner)
    owner.kill()
    watched.wait()
    assert_nothing_left(folder, owner.pid)


@pytest.mark.parametrize("options", [(), ("-f",)], ids=["background", "foreground"])
def test_between_mount_and_its_message(own, folder, options):
    owner = own(f"mount('mnt', *{options!r}, tell=False)\nready()")
    watched = Watched(owner)
    owner.kill()
    watched.wait()
    assert_nothing_left(folder, owner.pid)


def test_owner_and_daemon_killed_at_once_before_the_message(own, folder):
    """Then nobody serves the mount: it came after the expectation, and it is dead."""
    owner = own("daemon, *_ = mount('mnt', '-f', tell=False)\nready(daemon=daemon.pid)")
    watched = Watched(owner)
    os.kill(owner.made["daemon"], signal.SIGKILL)
    owner.kill()
    watched.wait()
    assert_nothing_left(folder, owner.pid)


def test_during_the_stop(own, folder):
    owner = own("daemon, entry, found = mount('mnt', '-f')\n"
                "syscalls.umount(found.mountpoint)\nready()")
    watched = Watched(owner)
    owner.kill()
    watched.wait()
    assert_nothing_left(folder, owner.pid)


def test_right_after_the_first_entry(own, folder):
    """No time between the start of the guardian and the end."""
    owner = own("(folder / 'kept').mkdir()\n"
                "guardian.guard_directory(folder / 'kept')\n"
                "os._exit(0)", wait=False)
    owner.wait()
    until(lambda: not (folder / "kept").exists(), "the directory is still there")
    until(lambda: not records(folder, owner.pid), "the record is still there")


# ---- daemons that do not end ----


def test_daemon_that_hangs(own, folder):
    """Somebody waits for an answer that never comes; the connection is cut."""
    owner = own("mount('mnt', '-f', '-o', 'hang=getattr:/x*')\nready()")
    watched = Watched(owner)
    hanging = subprocess.Popen(["ls", str(folder / "mnt" / "x")], stderr=subprocess.DEVNULL)
    try:
        owner.kill()
        watched.wait()
        hanging.wait(DEADLINE)
    finally:
        hanging.kill()
        hanging.wait()
    assert_nothing_left(folder, owner.pid)


def test_daemon_that_is_stopped(own, folder):
    owner = own("daemon, *_ = mount('mnt', '-f')\n"
                "daemon.send_signal(signal.SIGSTOP)\nready()")
    watched = Watched(owner)
    owner.kill()
    watched.wait()
    assert_nothing_left(folder, owner.pid)


def test_mount_in_use(own, folder):
    """By a process that is not ours and goes on."""
    owner = own("mount('mnt', '-f')\nready()")
    watched = Watched(owner)
    user = subprocess.Popen(["sleep", "60"], cwd=folder / "mnt")
    try:
        owner.kill()
        watched.wait()
        assert user.poll() is None
        assert_nothing_left(folder, owner.pid)
    finally:
        user.kill()
        user.wait()


@pytest.mark.skipif(not shutil.which("bindfs"), reason="bindfs is not installed")
def test_bindfs(own, folder):
    owner = own("(folder / 'mnt').mkdir(); (folder / 'branch').mkdir(); mark = new_mark()\n"
                "guardian.guard_mount(str(folder / 'mnt'), f'FUSETRACE_DAEMON={mark}')\n"
                "subprocess.run(['bindfs', str(folder / 'branch'), str(folder / 'mnt')],"
                " env={**os.environ, 'FUSETRACE_DAEMON': mark}, check=True)\n"
                "ready()")
    watched = Watched(owner)
    assert mounted_in(folder)
    owner.kill()
    watched.wait()
    assert_nothing_left(folder, owner.pid)


# ---- names ----


@pytest.mark.parametrize("name", [
    b"new\nline", b"\"quotes' \\ and $(sh)", b"spaces  and\ttabs", b"\xff\xfe no UTF-8", b"-u",
    "ünï © 文".encode(), b"x" * 255], ids=range(7))
def test_hostile_names(own, folder, name):
    owner = own(f"name = os.fsdecode({name!r})\n"
                f"mount(name, '-f')\n"
                f"tree = folder / ('tree-' + name[:200]); tree.mkdir(); (tree / name).mkdir()\n"
                f"guardian.guard_directory(tree)\n"
                f"ready(tree=os.fsencode(tree).hex())")
    watched = Watched(owner)
    assert os.path.isdir(bytes.fromhex(owner.made["tree"]))
    until(lambda: records(folder, owner.pid), "there is no record")
    owner.kill()
    watched.wait()
    assert_nothing_left(folder, owner.pid)
    assert not os.path.lexists(bytes.fromhex(owner.made["tree"]))


# ---- what is not ours ----


def start_other(folder, mountpoint, branch="other"):
    (folder / branch).mkdir(exist_ok=True)
    (folder / branch / "theirs").write_text("theirs")
    mountpoint.mkdir(exist_ok=True)
    subprocess.run(["branchfs", str(folder / branch), str(mountpoint)], check=True,
                   timeout=DEADLINE)


def test_other_mounts_stay(own, folder):
    start_other(folder, folder / "before")
    owner = own("mount('mnt')\nready()")
    start_other(folder, folder / "after")
    watched = Watched(owner)
    owner.kill()
    watched.wait()
    assert sorted(mounted_in(folder)) == [str(folder / "after"), str(folder / "before")]
    assert (folder / "after" / "theirs").read_text() == "theirs"
    assert marked(owner.pid) == []


def test_covered_by_another_mount(own, folder):
    """The other one stays and works; ours beneath it loses its daemon, and stays in the record."""
    owner = own("mount('mnt', '-f')\nready()")
    watched = Watched(owner)
    start_other(folder, folder / "mnt")
    assert len(mounted_in(folder)) == 2
    owner.kill()
    watched.wait()
    assert (folder / "mnt" / "theirs").read_text() == "theirs"
    assert len(mounted_in(folder)) == 2 and marked(owner.pid) == []
    assert "another mount covers it" in records(folder, owner.pid)[0].read_text()
    for record in records(folder, owner.pid):
        record.unlink()


def test_ours_over_another_mount(own, folder):
    """libfuse unmounts what is on its mountpoint when it is told to end: not the one below."""
    start_other(folder, folder / "mnt")
    owner = own(
        "mountpoint, mark = folder / 'mnt', new_mark()\n"
        "before = mounts.find_mount(str(mountpoint))\n"
        "guardian.guard_mount(str(mountpoint), f'FUSETRACE_DAEMON={mark}')\n"
        "start(mountpoint, mark, '-f')\n"
        "assert wait_for_mounts(lambda: mounts.find_mount(str(mountpoint)) != before, Deadline(20))\n"
        "ready()")
    watched = Watched(owner)
    assert len(mounted_in(folder)) == 2
    owner.kill()
    watched.wait()
    assert mounted_in(folder) == [str(folder / "mnt")]
    assert (folder / "mnt" / "theirs").read_text() == "theirs"


def test_expected_but_somebody_else_mounts(own, folder):
    owner = own("(folder / 'mnt').mkdir()\n"
                "guardian.guard_mount(str(folder / 'mnt'), 'FUSETRACE_DAEMON=' + new_mark())\n"
                "ready()")
    watched = Watched(owner)
    start_other(folder, folder / "mnt")
    owner.kill()
    watched.wait()
    assert (folder / "mnt" / "theirs").read_text() == "theirs"
    assert mounted_in(folder) == [str(folder / "mnt")]


def test_number_given_out_again(own, folder):
    """The owner's mount is gone; the next one, of somebody else, gets its number and its place."""
    owner = own("daemon, entry, found = mount('mnt', '-f')\n"
                "syscalls.umount(found.mountpoint); daemon.wait(20)\n"
                "ready(connection=found.connection)")
    watched = Watched(owner)
    start_other(folder, folder / "mnt")
    found = mounts.find_mount(str(folder / "mnt"))
    if found.connection != owner.made["connection"]:
        pytest.skip("the kernel gave another number")
    owner.kill()
    watched.wait()
    assert mounts.find_mount(str(folder / "mnt")) == found
    assert (folder / "mnt" / "theirs").read_text() == "theirs"


# ---- directories ----


def test_tree_is_removed_but_not_through_a_mount(own, folder):
    owner = own("tree = folder / 'tree'; (tree / 'a' / 'b').mkdir(parents=True)\n"
                "(tree / 'a' / 'file').write_text('x'); (tree / 'inside').mkdir()\n"
                "(tree / 'link').symlink_to('/etc')\n"
                "guardian.guard_directory(tree); ready()")
    watched = Watched(owner)
    start_other(folder, folder / "tree" / "inside")
    owner.kill()
    watched.wait()
    assert os.listdir(folder / "tree") == ["inside"]
    assert (folder / "tree" / "inside" / "theirs").read_text() == "theirs"
    assert os.path.exists("/etc/passwd")
    assert "something is mounted in it" in records(folder, owner.pid)[0].read_text()
    for record in records(folder, owner.pid):
        record.unlink()


def test_bind_mount_in_a_tree(own, folder):
    """Of the same filesystem, so that its device number tells nothing."""
    owner = own("tree = folder / 'tree'; (tree / 'bound').mkdir(parents=True)\n"
                "guardian.guard_directory(tree); ready()")
    (folder / "precious").mkdir()
    (folder / "precious" / "file").write_text("x")
    subprocess.run(["mount", "--bind", folder / "precious", folder / "tree" / "bound"], check=True)
    watched = Watched(owner)
    owner.kill()
    watched.wait()
    assert (folder / "precious" / "file").read_text() == "x"
    for record in records(folder, owner.pid):
        record.unlink()


def test_tree_that_was_exchanged(own, folder):
    """A directory of the same name, or a link in its place, is not the one."""
    owner = own("for name in ('one', 'two'):\n"
                "    (folder / name).mkdir(); guardian.guard_directory(folder / name)\n"
                "ready()")
    watched = Watched(owner)
    (folder / "one").rename(folder / "moved")
    (folder / "one").mkdir()
    (folder / "one" / "file").write_text("x")
    (folder / "two").rmdir()
    (folder / "precious").mkdir()
    (folder / "precious" / "file").write_text("x")
    (folder / "two").symlink_to(folder / "precious")
    owner.kill()
    watched.wait()
    assert (folder / "one" / "file").exists() and (folder / "precious" / "file").exists()
    assert (folder / "moved").exists() and records(folder, owner.pid) == []


def test_deep_tree_without_rights(own, folder):
    owner = own("os.chdir(folder); os.mkdir('tree'); guardian.guard_directory('tree')\n"
                "os.chdir('tree')\n"
                "for _ in range(3000):\n"
                "    os.mkdir('d'); os.chdir('d'); open('f', 'w').close()\n"
                "os.chdir(folder); (folder / 'tree' / 'd').chmod(0)\n"
                "ready()")
    watched = Watched(owner)
    owner.kill()
    watched.wait()
    assert not (folder / "tree").exists()
    assert_nothing_left(folder, owner.pid)


def test_mountpoint_in_a_tree(own, folder):
    """First the mounts go, then the directories."""
    owner = own("tree = folder / 'tree'; tree.mkdir(); guardian.guard_directory(tree)\n"
                "mount('tree/mnt', '-f'); (tree / 'mnt' / 'file').write_text('kept'); ready()")
    watched = Watched(owner)
    owner.kill()
    watched.wait()
    assert not (folder / "tree").exists()
    assert (folder / "branch" / "file").read_text() == "kept"
    assert_nothing_left(folder, owner.pid)


# ---- the guardian itself ----


def test_guardian_that_was_killed_is_replaced(own, folder):
    owner = own("mount('one'); ready()\n"
                "mount('two'); ready(); ready()")
    first = Watched(owner)
    first.kill()
    owner.go_on().read()
    second = Watched(owner)
    assert second.pid != first.pid
    owner.kill()
    second.wait()
    assert_nothing_left(folder, owner.pid)


def test_guardian_that_was_stopped_is_replaced(own, folder):
    """It does not read, so the library fills the socket, and waits a second once."""
    owner = own("mount('one'); ready()\n"
                "for _ in range(2000): guardian.forget(guardian.guard_directory(folder))\n"
                "ready(); ready()")
    first = Watched(owner)
    os.kill(first.pid, signal.SIGSTOP)
    try:
        owner.go_on().read()
        second = Watched(owner, besides=first)
    finally:
        os.kill(first.pid, signal.SIGCONT)
    owner.kill()
    first.wait()
    second.wait()
    assert_nothing_left(folder, owner.pid)


def test_signals_do_not_end_it(own, folder):
    owner = own("mount(); ready()")
    watched = Watched(owner)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGPIPE, signal.SIGQUIT):
        os.kill(watched.pid, number)
    owner.kill()
    watched.wait()
    assert_nothing_left(folder, owner.pid)


def test_owner_that_closes_all_descriptors(own, folder):
    """It goes on and its mounts stay; the next entry starts another guardian."""
    owner = own("mount('one'); os.closerange(3, 1000); held = [os.open('/', 0) for _ in range(20)]\n"
                "ready(); mount('two'); ready()\n")
    first = Watched(owner)
    assert mounted_in(folder) == [str(folder / "one")]
    owner.go_on().read()
    assert len(mounted_in(folder)) == 2
    second = Watched(owner, besides=first)
    owner.kill()
    first.wait()
    second.wait()
    assert_nothing_left(folder, owner.pid)


def has_socket(pid):
    for name in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(FileNotFoundError):  # it is closed at this moment
            if "socket" in os.readlink(f"/proc/{pid}/fd/{name}"):
                return True
    return False


def test_forked_child_goes_on(own, folder):
    owner = own("mount('one')\n"
                "child = os.fork()\n"
                "if child == 0:\n"
                "    os.close(0); os.close(1); time.sleep(60); os._exit(0)\n"
                "ready(child=child)")
    watched = Watched(owner)
    child = owner.made["child"]
    try:
        until(lambda: not has_socket(child), "it keeps the socket")
        owner.kill()
        watched.wait()
        assert Path(f"/proc/{child}").exists()
        assert_nothing_left(folder, owner.pid)
    finally:
        os.kill(child, signal.SIGKILL)


def test_forked_child_has_its_own(own, folder):
    """Its end takes its mount, not its parent's."""
    owner = own("mount('one')\n"
                "child = os.fork()\n"
                "if child == 0:\n"
                "    mount('two'); os._exit(0)\n"
                "os.waitpid(child, 0); ready(child=child)")
    child = owner.made["child"]
    until(lambda: mounted_in(folder) == [str(folder / "one")], "the child's mount stays")
    until(lambda: not marked(child), "the child's daemon stays")
    watched = Watched(owner)
    owner.kill()
    watched.wait()
    assert_nothing_left(folder, owner.pid)


def test_two_owners(own, folder):
    one, two = own("mount('one'); ready()"), own("mount('two'); ready()")
    watched, other = Watched(one), Watched(two)
    one.kill()
    watched.wait()
    assert mounted_in(folder) == [str(folder / "two")]
    two.kill()
    other.wait()
    assert_nothing_left(folder, one.pid)
    assert_nothing_left(folder, two.pid)


def test_program_that_is_missing(own, folder):
    """Mounting goes on, with one warning."""
    owner = own("_core.set_guardian(b'/nonexistent/guardian')\n"
                "import logging\n"
                "seen = []\n"
                "guardian.logger.warning = lambda *text: seen.append(text)\n"
                "entries = [guardian.guard_directory(folder) for _ in range(3)]\n"
                "ready(entries=entries, warnings=len(seen))")
    assert owner.made == {"entries": [0, 0, 0], "warnings": 1}
    assert guardians_of(owner.pid) == []


def test_threads(own, folder):
    owner = own("import threading\n"
                "def work(number):\n"
                "    for index in range(50):\n"
                "        path = folder / f'd{number}-{index}'; path.mkdir()\n"
                "        entry = guardian.guard_directory(path)\n"
                "        assert entry\n"
                "        if index % 2: path.rmdir(); guardian.forget(entry)\n"
                "threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]\n"
                "for thread in threads: thread.start()\n"
                "for thread in threads: thread.join()\n"
                "ready()")
    watched = Watched(owner)
    assert len(list(folder.glob("d*"))) == 100
    owner.kill()
    watched.wait()
    assert list(folder.glob("d*")) == []
    assert_nothing_left(folder, owner.pid)


# ---- out of memory ----


@pytest.fixture
def small_cgroup():
    """A memory cgroup of 200 MB without swap; the kernel kills in it whoever takes most."""
    root = Path("/sys/fs/cgroup")
    is_v2 = (root / "cgroup.controllers").exists()
    path = (root if is_v2 else root / "memory") / f"fusetrace-test-{os.getpid()}"
    if not path.parent.exists():
        pytest.skip("there are no memory cgroups here")
    try:
        path.mkdir()
        (path / ("memory.max" if is_v2 else "memory.limit_in_bytes")).write_text(f"{200 << 20}")
    except OSError as error:
        if path.exists():
            path.rmdir()
        pytest.skip(f"no memory cgroup can be made here: {error}")
    yield path
    until(lambda: not (path / "cgroup.procs").read_text(), "a process stays in the cgroup")
    path.rmdir()


def test_out_of_memory(own, folder, small_cgroup):
    owner = own(f"Path({str(small_cgroup / 'cgroup.procs')!r}).write_text(str(os.getpid()))\n"
                "mount('mnt', '-f'); ready()\n"
                "held = [bytes(b'x' * (1 << 20)) for _ in range(400)]; os._exit(0)")
    watched = Watched(owner)
    assert str(watched.pid) in (small_cgroup / "cgroup.procs").read_text().split()
    assert owner.go_on().wait() == -signal.SIGKILL
    watched.wait()
    assert_nothing_left(folder, owner.pid)
