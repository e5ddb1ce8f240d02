# SPDX-License-Identifier: MIT
"""What stays when guardian and owner are killed at once: `fusetrace doctor` finds it, and --clean
takes it away, and nothing else."""

import json
import os
import select
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import fusetrace
from live import syscalls
from namespaces import with_fuse_for_everybody

from .owners import (BEGIN, DEADLINE, GUARDIAN, Watched, assert_nothing_left, marked, mounted_in,
                     records, until)
from .test_guardian import start_other


def doctor(folder, *arguments):
    result = subprocess.run(["fusetrace", "doctor", "--format", "json", *arguments],
                            capture_output=True, timeout=60, check=False,
                            env={**os.environ, "XDG_RUNTIME_DIR": str(folder)})
    assert result.stderr == b""
    return result.returncode, [json.loads(line) for line in result.stdout.splitlines()]


def left(found, owner):
    return [record for record in found
            if record["event"] == "left" and record["owner"] == owner.pid]


def deeds_in(found, folder):
    return {(record["what"], record.get("path")) for record in found
            if record["event"] == "cleaned" and record.get("path", "").startswith(str(folder))}


def is_recorded(folder, pid):
    """Whether its guardian has written all down: the mounts as well, which it hears of last."""
    entries = [entry for path in records(folder, pid)
               for entry in json.loads(path.read_text())["entries"]]
    return entries and all(entry.get("connection", 1) for entry in entries)


def kill_both(folder, owner):
    watched = Watched(owner)
    until(lambda: is_recorded(folder, owner.pid), "there is no record")
    watched.kill()
    owner.kill()


@pytest.mark.parametrize("options", [(), ("-f",)], ids=["background", "foreground"])
def test_guardian_and_owner_killed_at_once(own, folder, options):
    owner = own(f"(folder / 'tree' / 'x').mkdir(parents=True)\n"
                f"guardian.guard_directory(folder / 'tree')\n"
                f"mount('mnt', *{options!r}); ready()")
    kill_both(folder, owner)
    _, found = doctor(folder)
    assert {record["kind"]: record["path"] for record in left(found, owner)} == {
        "mount": str(folder / "mnt"), "directory": str(folder / "tree")}
    assert mounted_in(folder) and (folder / "tree" / "x").exists(), "listing touches nothing"
    code, found = doctor(folder, "--clean")
    assert {("unmounted", str(folder / "mnt")), ("removed", str(folder / "tree"))} <= \
        deeds_in(found, folder)
    assert left(found, owner) == []
    assert_nothing_left(folder, owner.pid)
    assert left(doctor(folder)[1], owner) == []


def test_daemon_killed_too(own, folder):
    """What is mounted is dead, and its number is all that the record tells of it."""
    owner = own("daemon, *_ = mount('mnt', '-f'); ready(daemon=daemon.pid)")
    os.kill(owner.made["daemon"], signal.SIGKILL)
    kill_both(folder, owner)
    _, found = doctor(folder, "--clean")
    assert ("unmounted", str(folder / "mnt")) in deeds_in(found, folder)
    assert_nothing_left(folder, owner.pid)


def test_daemon_without_a_record(own, folder):
    """It has the mark of a process that has ended."""
    owner = own("mount('mnt'); ready()")
    kill_both(folder, owner)
    for record in records(folder, owner.pid):
        record.unlink()
    _, found = doctor(folder)
    assert [record["path"] for record in left(found, owner)] == [str(folder / "mnt")]
    doctor(folder, "--clean")
    assert_nothing_left(folder, owner.pid)


def test_what_lives_is_no_leftover(own, folder):
    owner = own("mount('mnt'); ready()")
    start_other(folder, folder / "theirs")
    until(lambda: records(folder, owner.pid), "there is no record")
    _, found = doctor(folder, "--clean")
    assert left(found, owner) == [] and deeds_in(found, folder) == set()
    assert len(mounted_in(folder)) == 2
    Watched(owner).kill()
    _, found = doctor(folder, "--clean")  # its guardian has ended, but it has not
    assert deeds_in(found, folder) == set() and len(mounted_in(folder)) == 2
    owner.kill()
    doctor(folder, "--clean")
    assert mounted_in(folder) == [str(folder / "theirs")]
    assert (folder / "theirs" / "theirs").read_text() == "theirs"


def test_something_stays(own, folder):
    """Told with the reason, by the exit code too; and gone when the reason is."""
    owner = own("mount('mnt', '-f'); ready()")
    kill_both(folder, owner)
    start_other(folder, folder / "mnt")
    code, found = doctor(folder, "--clean")
    assert code == 1
    assert [record["problem"] for record in left(found, owner)] == ["another mount covers it"]
    assert (folder / "mnt" / "theirs").read_text() == "theirs"
    syscalls.umount(str(folder / "mnt"))
    _, found = doctor(folder, "--clean")
    assert left(found, owner) == []
    assert_nothing_left(folder, owner.pid)


# ---- only expected: both died before the mount was confirmed ----


def cover(folder):
    subprocess.run(["mount", "-t", "tmpfs", "none", str(folder / "mnt")], check=True)
    (folder / "mnt" / "theirs").write_text("theirs")


def is_expected(folder, pid):
    return any(not entry["connection"] for path in records(folder, pid)
               for entry in json.loads(path.read_text())["entries"])


def kill_both_early(folder, owner):
    watched = Watched(owner)
    until(lambda: is_expected(folder, owner.pid), "there is no record")
    watched.kill()
    owner.kill()


EXPECTED = "daemon, *_ = mount('mnt', '-f', tell=False); ready(daemon=daemon.pid)"


def test_expected(own, folder):
    owner = own(EXPECTED)
    kill_both_early(folder, owner)
    _, found = doctor(folder, "--clean")
    assert ("unmounted", str(folder / "mnt")) in deeds_in(found, folder)
    assert_nothing_left(folder, owner.pid)


def test_expected_and_covered(own, folder):
    """Its daemon has the mark, so it is surely ours; libfuse, told to end, would unmount the other."""
    owner = own(EXPECTED)
    kill_both_early(folder, owner)
    cover(folder)
    code, found = doctor(folder, "--clean")
    assert code == 1
    assert [record["problem"] for record in left(found, owner)] == ["another mount covers it"]
    assert (folder / "mnt" / "theirs").read_text() == "theirs"
    assert len(mounted_in(folder)) == 2 and marked(owner.pid) == []
    _, found = doctor(folder)  # and it is not forgotten
    assert [record["path"] for record in left(found, owner)] == [str(folder / "mnt")]
    syscalls.umount(str(folder / "mnt"))
    _, found = doctor(folder, "--clean")
    assert left(found, owner) == []
    assert_nothing_left(folder, owner.pid)


def test_expected_and_covered_and_dead(own, folder):
    """Nobody can tell whose it is, which is what is told; until it can be seen."""
    owner = own(EXPECTED)
    os.kill(owner.made["daemon"], signal.SIGKILL)
    kill_both_early(folder, owner)
    cover(folder)
    code, found = doctor(folder, "--clean")
    assert code == 1
    assert [record["problem"] for record in left(found, owner)] == [
        "another mount covers one that has no daemon and may be it"]
    assert (folder / "mnt" / "theirs").read_text() == "theirs"
    assert len(mounted_in(folder)) == 2
    syscalls.umount(str(folder / "mnt"))
    _, found = doctor(folder, "--clean")
    assert left(found, owner) == []
    assert_nothing_left(folder, owner.pid)


def test_expected_and_never_mounted(own, folder):
    """What lies there is somebody else's, and no leftover."""
    owner = own("(folder / 'mnt').mkdir()\n"
                "guardian.guard_mount(str(folder / 'mnt'), 'FUSETRACE_DAEMON=' + new_mark())\n"
                "ready()")
    kill_both_early(folder, owner)
    start_other(folder, folder / "mnt")
    cover(folder)
    code, found = doctor(folder, "--clean")
    assert left(found, owner) == []
    assert len(mounted_in(folder)) == 2 and (folder / "mnt" / "theirs").exists()
    syscalls.umount(str(folder / "mnt"))
    assert (folder / "mnt" / "theirs").read_text() == "theirs"


# ---- living owners that look as if they had ended ----


DISGUISES = {
    "newline": "ctypes.CDLL(None).prctl(15, b'a\\nb', 0, 0, 0)\nready()",
    "main-thread": "threading.Thread(target=time.sleep, args=(60,)).start()\n"
                   "print('{}', flush=True)\nctypes.CDLL(None).pthread_exit(None)",
}


@pytest.mark.parametrize("disguise", DISGUISES)
def test_owner_that_seems_to_have_ended(own, folder, disguise):
    """Its guardian was killed; it goes on, with a newline in its name or without its first thread."""
    owner = own(f"import ctypes, threading\nmount('mnt')\n{DISGUISES[disguise]}")
    watched = Watched(owner)
    until(lambda: is_recorded(folder, owner.pid), "there is no record")
    if disguise == "main-thread":
        until(lambda: ") Z " in Path(f"/proc/{owner.pid}/stat").read_text(), "it has its thread")
    watched.kill()
    assert owner.process.poll() is None
    _, found = doctor(folder, "--clean")
    assert deeds_in(found, folder) == set() and len(mounted_in(folder)) == 1


def test_text(own, folder):
    owner = own("name = 'a\\nb'; (folder / name).mkdir()\n"
                "guardian.guard_directory(folder / name); ready()")
    kill_both(folder, owner)

    def text(*arguments):
        return subprocess.run(["fusetrace", "doctor", *arguments], capture_output=True, text=True,
                              timeout=60, env={**os.environ, "XDG_RUNTIME_DIR": str(folder)}).stdout

    assert (f"left  directory    {folder}/a\\nb (of process {owner.pid}, which has ended)\n"
            in text())
    assert f"removed    {folder}/a\\nb\n" in text("--clean")


def test_record_of_another_boot(own, folder):
    """Numbers of mounts and processes mean nothing then; directories are known by themselves."""
    owner = own("(folder / 'tree').mkdir(); guardian.guard_directory(folder / 'tree')\n"
                "guardian.guard_directory(folder / 'later')\n"
                "mount('mnt'); ready()")
    kill_both(folder, owner)
    (folder / "later").mkdir()  # by whom nobody can tell
    (path,) = records(folder, owner.pid)
    record = json.loads(path.read_text())
    record["boot"] = "00000000-0000-0000-0000-000000000000"
    for entry in record["entries"]:
        entry.pop("mark", None)
    record["owner"]["pid"] = os.getpid()
    path.rename(path.with_name(f"{os.getpid()}-{record['owner']['start_ticks']}.json"))
    path = path.with_name(f"{os.getpid()}-{record['owner']['start_ticks']}.json")
    path.write_text(json.dumps(record))
    try:
        _, found = doctor(folder, "--clean")
        assert ("removed", str(folder / "tree")) in deeds_in(found, folder)
        assert (folder / "later").is_dir()
        assert not path.exists()
    finally:
        path.unlink(missing_ok=True)


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"{\"v\":2}", b"\xff" * 100, b"null",
                                  b'{"v":1,"entries":[{"kind":"mount"},7,{"path":"relative"}]}'])
def test_record_that_is_none(folder, text):
    place = folder / "fusetrace"
    place.mkdir(mode=0o700)
    (place / "1-1.json").write_bytes(text)
    code, found = doctor(folder)
    assert [record for record in found if record["event"] == "left"
            and str(folder) in record.get("path", "")] == []
    assert (place / "1-1.json").exists()


def test_directory_of_records_that_others_may_write(own, folder):
    """What somebody else may have put there is not believed."""
    place = folder / "fusetrace"
    place.mkdir()
    place.chmod(0o777)
    (folder / "precious").mkdir()
    owner = own("guardian.guard_directory(folder / 'precious'); ready()")
    kill_both(folder, owner)
    (path,) = records(folder, owner.pid)
    assert path.parent != place
    path.rename(place / path.name)
    doctor(folder, "--clean")
    assert (folder / "precious").exists()


@pytest.mark.parametrize("kind", ["full", "read-only"])
def test_no_room_for_the_record(folder, kind):
    """The guardian knows all the same; another place is tried. In a mount namespace of its own."""
    script = ("mount -t tmpfs -o size=4k,nr_inodes=2 none /run && "
              "dd if=/dev/zero of=/run/x bs=4k count=1 2>/dev/null; " if kind == "full" else
              "mount -t tmpfs -o ro none /run && ")
    process = subprocess.Popen(
        ["unshare", "-m", "sh", "-c", script + 'exec "$@"', "sh", sys.executable, "-c",
         BEGIN + "(folder / 'tree').mkdir(); assert guardian.guard_directory(folder / 'tree')\n"
                 "ready()", os.fsencode(folder).hex()],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        env={**os.environ, "XDG_RUNTIME_DIR": str(folder)})
    try:
        assert process.stdout.readline().startswith(b"{")
        watched = Watched(process)
        until(lambda: records(folder, process.pid), "there is no record elsewhere")
        process.kill()
        process.wait(DEADLINE)
        watched.wait()
        assert not (folder / "tree").exists() and records(folder, process.pid) == []
    finally:
        process.kill()
        process.stdin.close()
        process.stdout.close()


# ---- without rights ----


@pytest.fixture
def namespace(folder):
    """A process whose mounts are its own: with a /dev/fuse for everybody."""
    process = subprocess.Popen([*with_fuse_for_everybody(folder), "sh", "-c", "echo; exec sleep 1000"],
                               stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"\n"
    yield process.pid
    process.kill()
    process.wait(DEADLINE)
    process.stdout.close()


@pytest.mark.skipif(not all(map(shutil.which, ["setpriv", "fusermount3", "nsenter"])),
                    reason="setpriv, fusermount3 or nsenter is not installed")
@pytest.mark.skipif(not os.access("/usr/bin/python3", os.X_OK), reason="needs a Python for everybody")
@pytest.mark.parametrize("end", ["guardian", "doctor"])
def test_unprivileged_user(folder, namespace, end):
    """fusermount3 mounts and unmounts; the records are the user's own."""
    home = folder / "home"
    home.mkdir()
    for name in ("branchfs", "fusetrace"):
        shutil.copy(shutil.which(name), folder / name)
    program = shutil.copy(GUARDIAN, folder / "fusetrace-guardian")
    for library in (Path(GUARDIAN).parent.parent / "lib").glob("libfusetrace.so.0"):
        shutil.copy(library, folder)
    package = folder / "package"
    shutil.copytree(Path(fusetrace.__file__).parent, package / "fusetrace")
    os.chown(home, 65534, 65534)
    as_user = ["nsenter", f"--mount=/proc/{namespace}/ns/mnt", "setpriv", "--reuid", "65534",
               "--regid", "65534", "--clear-groups", "--inh-caps=-all"]
    variables = {"LD_LIBRARY_PATH": str(folder), "PATH": f"{folder}:/usr/local/bin:/usr/bin:/bin",
                 "XDG_RUNTIME_DIR": str(home), "PYTHONPATH": str(package)}
    script = BEGIN + (f"_core.set_guardian({os.fsencode(program)!r})\n"
                      "(folder / 'tree').mkdir(); guardian.guard_directory(folder / 'tree')\n"
                      "mount('mnt'); ready()")
    process = subprocess.Popen([*as_user, os.path.realpath("/usr/bin/python3"), "-c", script,
                                os.fsencode(home).hex()], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, env=variables)

    def is_mounted():
        return f" {home}/mnt " in Path(f"/proc/{namespace}/mountinfo").read_text()

    try:
        is_readable, _, _ = select.select([process.stdout], [], [], DEADLINE)
        assert is_readable and process.stdout.readline().startswith(b"{")
        watched = Watched(process)
        until(lambda: list((home / "fusetrace").glob("*.json")), "there is no record")
        assert is_mounted()
        if end == "doctor":
            watched.kill()
        process.kill()
        process.wait(DEADLINE)
        if end == "doctor":
            subprocess.run([*as_user, str(folder / "fusetrace"), "doctor", "--clean"],
                           env=variables, timeout=60, check=True, stdout=subprocess.DEVNULL)
        else:
            watched.wait()
        assert not is_mounted() and marked(process.pid) == []
        assert not (home / "tree").exists()
        assert list((home / "fusetrace").glob("*.json")) == []
    finally:
        process.kill()
        for stream in (process.stdin, process.stdout):
            stream.close()
