# SPDX-License-Identifier: MIT
"""attach on real mounts: what is shown, how it begins, every way in which it ends."""

import json
import os
import shutil
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest

from .support import (CANNOT_RUN, DEADLINE, GONE, SATISFIED, SETUP, USAGE, events, find_fusetrace,
                      is_armed_line, operations, records, run, stop_process, wait_until)

pytestmark = pytest.mark.mounts

KEYS = {"v": int, "seq": int, "op": str, "opcode": int, "path": str, "path_bytes": str,
        "path2": str, "path2_bytes": str, "name": str, "name_bytes": str, "name2": str,
        "name2_bytes": str, "xattr": str, "xattr_bytes": str, "target": str, "target_bytes": str,
        "status": str, "errno": int, "start_ns": int, "duration_ns": int, "pid": int, "uid": int,
        "gid": int, "unique": int, "nodeid": (int, str), "entry": (int, str),
        "nodeid2": (int, str), "fh": (int, str), "offset": (int, str), "size": int,
        "reply_size": int, "mode": int, "flags": int, "valid": int, "probe": bool,
        "unlinked": bool, "suspect": bool, "truncated": bool, "source": str}


def touch(mount, *names):
    for name in names:
        (mount / name).touch()


def names_of(text, op="create"):
    return [record["path"] for record in operations(text, op=op)]


# ---- what is shown ----------------------------------------------------------------------------


def test_text(mount, start):
    made = mount()
    trace = start("attach", made.mountpoint).wait_ready()
    touch(made, "new\nname")
    assert trace.finish(signal.SIGINT) == SATISFIED
    assert is_armed_line(trace.err, made.mountpoint)
    head, *lines = trace.out.splitlines()
    assert head.split() == ["TIME", "OP", "RESULT", "DURATION", "PID", "PATH"]
    create, = (text for text in lines if text.split()[1] == "create")
    assert create.split()[2] == "ok"
    assert int(create.split()[4]) == threading.get_native_id()
    assert create[53:].startswith(r"/new\nname O_WRONLY|O_CREAT")


def test_every_json_line_is_of_the_schema(mount, start):
    made = mount()
    trace = start("attach", "-f", "json", made.mountpoint).wait_ready()
    touch(made, "a", "b\udce9")
    (made / "a").write_bytes(b"x" * 10_000)
    (made / "a").read_bytes()
    os.mkdir(made / "dir")
    os.rename(made / "a", made / "dir" / "c")
    os.symlink("nowhere", made / "link")
    os.listdir(made.mountpoint)
    os.chmod(made / "dir", 0o700)
    trace.finish(signal.SIGINT)
    head, *lines = records(trace.out)
    assert head.keys() == {"v", "event", "mount", "source", "fusetrace", "mono_ns", "realtime_ns"}
    assert head["mount"] == str(made.mountpoint)
    assert abs(head["realtime_ns"] / 1e9 - time.time()) < DEADLINE
    assert len(lines) > 20
    for record in lines:
        assert record.keys() <= KEYS.keys()
        assert {"v", "seq", "op", "status", "source"} <= record.keys()
        assert all(isinstance(value, KEYS[key]) for key, value in record.items())
        assert record["source"] == "kernel"
    assert [record["seq"] for record in lines] == list(range(1, len(lines) + 1))


def test_selection(mount, start):
    made = mount()
    trace = start("attach", "-f", "json", "--op", "create,unlink", "--path",
                  made / "*.tmp", made.mountpoint).wait_ready()
    touch(made, "a.tmp", "b.txt", "c.tmp")
    (made / "b.txt").unlink()
    (made / "c.tmp").unlink()
    trace.finish(signal.SIGINT)
    assert [(record["op"], record["path"]) for record in operations(trace.out)] == \
        [("create", "/a.tmp"), ("create", "/c.tmp"), ("unlink", "/c.tmp")]


@pytest.mark.parametrize("pattern", ["mnt/sub/*", "./mnt//sub/*", "link/sub/*", "/sub/*",
                                     "link/../mnt/sub/*"])
def test_path_of_the_selection(mount, start, folder, pattern):
    """However the place is written: relative, through a link, or as the path in the mount."""
    made = mount()
    (folder / "link").symlink_to("mnt")
    (made / "sub").mkdir()
    trace = start("attach", "-f", "json", "--op", "create", "--path", pattern, made.mountpoint,
                  cwd=folder).wait_ready()
    touch(made, "a", "sub/b")
    trace.finish(signal.SIGINT)
    assert names_of(trace.out) == ["/sub/b"]


def test_quiet_and_summary(mount, start):
    made = mount()
    trace = start("attach", "-q", "-s", made.mountpoint).wait_ready()
    touch(made, *map(str, range(7)))
    trace.finish(signal.SIGINT)
    head, *rows, totals = trace.out.splitlines()
    assert head.split()[:3] == ["OP", "COUNT", "FAILED"]
    assert {row.split()[0]: int(row.split()[1]) for row in rows}["create"] == 7
    assert totals.endswith("s") and ", 0 events lost, " in totals


def test_any_path_under_the_mountpoint(mount, start, folder):
    made = mount()
    (made / "dir").mkdir()
    (folder / "link").symlink_to(made / "dir")
    for place in (made / "dir", made / "dir" / "not" / "there", folder / "link",
                  f"{made.mountpoint}/dir/../dir/."):
        trace = start("attach", "-f", "json", place).wait_ready()
        touch(made, "dir/file")
        (made / "dir" / "file").unlink()
        trace.finish(signal.SIGINT)
        assert names_of(trace.out) == ["/dir/file"]


def test_file_that_was_open_before_has_its_path(mount, start):
    made = mount()
    (made / "dir").mkdir()
    with open(made / "dir" / "open", "wb", buffering=0) as file:
        file.write(b"before")
        trace = start("attach", "-f", "json", made.mountpoint).wait_ready()
        file.write(b"after")
    trace.finish(signal.SIGINT)
    assert [record["path"] for record in operations(trace.out, op="write")] == ["/dir/open"]


def test_two_at_once_see_the_same(mount, start):
    made = mount()
    traces = [start("attach", "-f", "json", made.mountpoint).wait_ready() for _ in range(2)]
    touch(made, *map(str, range(100)))
    for trace in traces:
        assert trace.finish(signal.SIGINT) == SATISFIED

    def facts(trace):
        return [(record["op"], record["unique"], record.get("path"), record["pid"])
                for record in operations(trace.out)]

    assert facts(traces[0]) == facts(traces[1])
    assert len(names_of(traces[0].out)) == 100


def test_only_its_own_mount(mount, start):
    one, other = mount("one"), mount("other")
    trace = start("attach", "-f", "json", one.mountpoint).wait_ready()
    touch(other, "b")
    touch(one, "a")
    trace.finish(signal.SIGINT)
    assert names_of(trace.out) == ["/a"]


def test_fifty_mounts_at_once(mount, start):
    """Fifty mounts are there, eight of them traced; each trace has its own operations only."""
    mounts = [mount(f"mnt{number}") for number in range(50)]
    traces = [start("attach", "-f", "json", "--ring", "256K", made.mountpoint)
              for made in mounts[::7]]
    for trace in traces:
        trace.wait_ready()
    for number, made in enumerate(mounts):
        touch(made, f"file{number}")
    for trace in traces:
        assert trace.finish(signal.SIGINT) == SATISFIED
    assert [names_of(trace.out) for trace in traces] == \
        [[f"/file{number}"] for number in range(0, 50, 7)]


# ---- how it begins ----------------------------------------------------------------------------


@pytest.mark.parametrize("place, text", [
    ("", "is not on a FUSE mount"), ("missing", "No such file or directory"),
    ("file", "is not on a FUSE mount"), ("file/below", "Not a directory"),
])
def test_no_mount(folder, place, text):
    (folder / "file").touch()
    result = run("attach", folder / place)
    assert (result.returncode, result.stdout) == (SETUP, "")
    assert text in result.stderr and str(folder / place) in result.stderr
    assert result.stderr.count("\n") == 1


def as_nobody(*arguments, capabilities="-all"):
    return ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--inh-caps",
            capabilities, "--ambient-caps", capabilities, *map(str, arguments)]


@pytest.mark.skipif(not shutil.which("setpriv"), reason="setpriv is not installed")
def test_without_rights(mount, folder):
    made = mount()
    program = shutil.copy(find_fusetrace(), folder / "fusetrace")
    result = subprocess.run(as_nobody(program, "attach", made.mountpoint), capture_output=True,
                            text=True, timeout=DEADLINE, check=False)
    assert (result.returncode, result.stdout) == (CANNOT_RUN, "")
    assert result.stderr == (
        "fusetrace: the kernel source needs CAP_BPF and CAP_PERFMON: run as root, or setcap "
        "cap_bpf,cap_perfmon+ep on the program\n")


@pytest.mark.skipif(not shutil.which("setpriv"), reason="setpriv is not installed")
def test_who_may_trace_is_told_of_a_strangers_death(mount, folder):
    """/proc does not tell whose descriptors are whose there, but the kernel does."""
    made = mount()
    folder.chmod(0o777)
    program = shutil.copy(find_fusetrace(), folder / "fusetrace")
    command = as_nobody(program, "expect", "unlink", "--mount", made.mountpoint, "--timeout",
                        f"{DEADLINE}s", "--", "touch", folder / "armed",
                        capabilities="-all,+bpf,+perfmon")
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        wait_until((folder / "armed").exists, "the command behind --")
        made.process.kill()
        _, errors = process.communicate(timeout=DEADLINE)
    assert process.returncode == GONE
    assert f"daemon died - pid {made.process.pid} " in errors


def test_output_on_the_traced_mount(mount, folder):
    made = mount()
    (folder / "link").symlink_to(made.mountpoint)
    for place in (made / "trace", folder / "link" / "trace", made.mountpoint):
        result = run("attach", "-o", place, made.mountpoint)
        assert result.returncode == USAGE
        assert result.stderr == (f"fusetrace: {place} lies on the traced mount: "
                                 "write the trace elsewhere\n")
    assert not list(made.source.iterdir())


def test_standard_output_on_the_traced_mount(mount):
    made = mount()
    with open(made / "trace", "w") as file:
        result = run("attach", made.mountpoint, stdout=file)
    assert result.returncode == USAGE
    assert "standard output lies on the traced mount" in result.stderr


def test_bad_ring(mount):
    result = run("attach", "--ring", "10000", mount().mountpoint)
    assert result.returncode == USAGE
    assert "ring size 10000: a power of two" in result.stderr


# ---- how it ends ------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signal_ends_it_with_everything_drained(mount, start, number):
    """What was done before the signal is in the trace, however fast it comes."""
    made = mount()
    for turn in range(5):
        names = [f"{turn}.{number}" for number in range(200)]
        trace = start("attach", "-f", "json", made.mountpoint).wait_ready()
        touch(made, *names)
        assert trace.finish(number) == SATISFIED
        assert names_of(trace.out) == [f"/{name}" for name in names]


def test_signals_while_it_ends_change_nothing(mount, start):
    made = mount()
    for _ in range(10):
        trace = start("attach", "-f", "json", made.mountpoint).wait_ready()
        while trace.process.poll() is None:
            trace.signal(signal.SIGINT)
        assert trace.finish() == SATISFIED, trace.err


def test_nohup_keeps_it(mount, start):
    made = mount()
    trace = start("attach", "-f", "json", made.mountpoint,
                  preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)).wait_ready()
    trace.signal(signal.SIGHUP)
    touch(made, "after")
    assert trace.finish(signal.SIGINT) == SATISFIED
    assert names_of(trace.out) == ["/after"]


def test_count(mount, start):
    made = mount()
    trace = start("attach", "-f", "json", "--op", "create", "--count", "3",
                  made.mountpoint).wait_ready()
    touch(made, *"abcde")
    assert trace.finish() == SATISFIED
    assert names_of(trace.out) == ["/a", "/b", "/c"]


def test_duration(mount):
    begun = time.monotonic()
    result = run("attach", "--duration", "200ms", mount().mountpoint)
    assert result.returncode == SATISFIED
    assert time.monotonic() - begun >= 0.2


def test_unmount(mount, start):
    made = mount()
    trace = start("attach", "-f", "json", made.mountpoint).wait_ready()
    touch(made, "last")
    made.unmount()
    assert trace.finish() == SATISFIED
    assert f"fusetrace: {made.mountpoint} was unmounted\n" in trace.err
    assert names_of(trace.out) == ["/last"]
    assert events(trace.out) == ["trace", "unmounted"]


def test_daemon_that_is_killed(mount, start):
    made = mount()
    trace = start("attach", "-f", "json", made.mountpoint).wait_ready()
    touch(made, "last")
    made.kill()
    assert trace.finish() == GONE
    assert f"the daemon of {made.mountpoint} ended: " in trace.err
    assert names_of(trace.out) == ["/last"]
    assert events(trace.out) == ["trace", "daemon_gone"]


@pytest.mark.branchfs
def test_what_is_in_flight_when_the_daemon_dies(mount, start):
    made = mount(command=["branchfs", "-f", "-o", "crash=unlink:1"])
    touch(made, "victim")
    trace = start("attach", "-f", "json", made.mountpoint).wait_ready()
    with pytest.raises(OSError):
        (made / "victim").unlink()
    assert trace.finish() == GONE
    assert [record["status"] for record in operations(trace.out, op="unlink")] == ["unknown"]


def test_mount_that_hangs(mount, start, belongings):
    """It is traced all the same, stops in time, and shows what hangs."""
    made = mount()
    made.stop()
    before = made.ask(belongings)
    begun = time.monotonic()
    trace = start("attach", "-f", "json", made.mountpoint).wait_ready()
    stuck = made.ask(belongings)
    assert trace.finish(signal.SIGINT, timeout=10) == SATISFIED
    assert time.monotonic() - begun < 20
    assert [(record["op"], record["status"], record["pid"]) for record in
            operations(trace.out)] == [("statfs", "started", stuck.pid)]
    assert before.poll() is None and stuck.poll() is None, "the mount still hangs"


def test_ready_fd_is_closed(mount, start):
    trace = start("attach", mount().mountpoint).wait_ready()
    assert os.read(trace.ready_fd, 100) == b"", "the other end is closed"
    trace.finish(signal.SIGINT)


# ---- where it goes ----------------------------------------------------------------------------


def test_output_file_is_written_as_it_comes(mount, start, folder):
    made = mount()
    start("attach", "-f", "json", "-o", folder / "out", made.mountpoint).wait_ready()
    touch(made, "a")
    wait_until(lambda: "/a" in (folder / "out").read_text(), "the operation in the file")


def test_reader_that_goes_away_ends_it(mount, start):
    """Even when there is nothing to write."""
    made = mount()
    trace = start("attach", made.mountpoint, is_read=False).wait_ready()
    trace.process.stdout.close()
    assert trace.finish() == SATISFIED
    assert trace.err.count("\n") == 1


def test_full_output(mount, start):
    made = mount()
    with open("/dev/full", "w") as full:
        trace = start("attach", made.mountpoint, stdout=full)
        assert trace.finish() == SETUP
    assert "cannot write to standard output: No space left on device" in trace.err


def test_reader_that_sleeps_stops_nothing(mount, start):
    """The daemon goes on, nothing is lost, and in the end it is all there."""
    made = mount()
    trace = start("attach", "-f", "json", made.mountpoint, is_read=False).wait_ready()
    touch(made, *map(str, range(2000)))
    trace.signal(signal.SIGINT)
    out = trace.process.stdout.read().decode()
    assert trace.finish() == SATISFIED
    assert len(names_of(out)) == 2000
    assert "lost" not in events(out)


def test_reader_that_never_reads(mount, start):
    """An interrupted trace ends even then, and says what is missing."""
    made = mount()
    trace = start("attach", "-f", "json", made.mountpoint, is_read=False).wait_ready()
    touch(made, *map(str, range(2000)))
    assert trace.finish(signal.SIGINT, timeout=20) == SETUP
    assert "the end of the trace is not written, as standard output is not read" in trace.err


def test_history_that_is_overtaken(mount, start):
    """A sleeping reader and a short memory: what could not be kept is told."""
    made = mount()
    trace = start("attach", "-f", "json", "--max-ops", "1024", made.mountpoint,
                  is_read=False).wait_ready()
    touch(made, *map(str, range(8000)))
    trace.signal(signal.SIGINT)
    out = trace.process.stdout.read().decode()
    assert trace.finish() == SATISFIED
    shown = operations(out)
    lost = sum(record["count"] for record in records(out) if record.get("event") == "lost")
    assert lost > 0
    assert len(shown) + lost == shown[-1]["seq"]
    assert f"{lost} operations were not shown, as the output was not read in time" in trace.err


def lose_events(made, trace):
    """Stops the tracer while more comes than its ring can hold."""
    stop_process(trace.process.pid)
    touch(made, *map(str, range(200)))
    trace.signal(signal.SIGCONT)


def test_lost_events_are_told(mount, start):
    made = mount()
    trace = start("attach", "-f", "json", "--ring", "4096", made.mountpoint).wait_ready()
    lose_events(made, trace)
    assert trace.finish(signal.SIGINT) == SATISFIED
    lost = sum(record["count"] for record in records(trace.out) if record.get("event") == "lost")
    assert lost > 0
    assert f"fusetrace: {lost} events were lost: the trace has gaps: give it a larger --ring\n" \
        in trace.err
    assert len(names_of(trace.out)) < 200


def test_lost_events_are_told_as_text(mount, start):
    made = mount()
    trace = start("attach", "--ring", "4096", "-s", made.mountpoint).wait_ready()
    lose_events(made, trace)
    trace.finish(signal.SIGINT)
    assert " events were lost\n" in trace.out
    totals = trace.out.splitlines()[-1]
    assert int(totals.split(" events lost")[0].split()[-1]) > 0


# ---- memory -----------------------------------------------------------------------------------


@pytest.mark.skipif(not shutil.which("valgrind"), reason="valgrind is not installed")
def test_valgrind(mount, start, folder):
    made = mount()
    log = folder / "valgrind.log"
    trace = start("attach", "-f", "json", made.mountpoint, program=[
        "valgrind", "-q", "--error-exitcode=9", "--leak-check=full", f"--log-file={log}",
        f"--suppressions={Path(__file__).parent / 'valgrind.supp'}",
        find_fusetrace()])
    try:
        trace.wait_ready()
    except AssertionError:
        if "unhandled syscall" in log.read_text() or trace.finish() == CANNOT_RUN:
            pytest.skip("this valgrind does not know the system call bpf(2) well enough: "
                        + trace.err.strip())
        raise
    touch(made, *map(str, range(50)))
    code = trace.finish(signal.SIGINT)
    assert (code, len(names_of(trace.out))) == (SATISFIED, 50), log.read_text()
