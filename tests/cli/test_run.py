# SPDX-License-Identifier: MIT
"""run: from the first request of a filesystem to its exit code, however it begins and ends."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from namespaces import WITHOUT_FUSECTL, with_fuse_for_everybody

from .support import (CANNOT_RUN, DEADLINE, SETUP, UNSATISFIED, children_of, events,
                      find_branchfs, find_fusetrace, is_armed_line, mounted_connection,
                      operations, records, run, stop_process, wait_until)

pytestmark = pytest.mark.mounts


class Filesystem:
    """Folders for a daemon, and fusetrace run with it."""

    def __init__(self, folder, start):
        self.source, self.mountpoint, self.start = folder / "source", folder / "mnt", start
        self.source.mkdir()
        self.mountpoint.mkdir()

    def bindfs(self, *options):
        return ["bindfs", *options, self.source, self.mountpoint]

    def run(self, *daemon, options=("-f", "json"), **keywords):
        return self.start("run", *options, "--", *daemon, **keywords)

    def serve(self, *daemon, **keywords):
        """Likewise, and waits until the daemon answers: then it knows what to do with signals."""
        trace = self.run(*daemon, **keywords).wait_ready()
        os.stat(self.mountpoint / ".")
        return trace

    @property
    def is_mounted(self):
        return mounted_connection(self.mountpoint) is not None


def events_of(trace):
    """What happened to the mount. Where mounts come and go, the kernel may give the number of one
    that has just gone to ours; what is missing then is told as lost."""
    if "lost" in events(trace.out):
        pytest.skip("the kernel gave our mount a number that was in use a moment ago")
    return events(trace.out)


@pytest.fixture
def filesystem(folder, start):
    return Filesystem(folder, start)


def daemon_of(trace, name=b"bindfs"):
    """The pid of the daemon that trace has started."""
    def look():
        return [pid for pid in children_of(trace.process.pid)
                if name in Path(f"/proc/{pid}/cmdline").read_bytes()]

    return wait_until(look, "the daemon")[-1]


# ---- what is shown ----------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [["-f"], []], ids=["foreground", "background"])
def test_everything_from_the_first_request_on(filesystem, mode):
    trace = filesystem.serve(*filesystem.bindfs(*mode))
    (filesystem.mountpoint / "a").touch()
    subprocess.run(["umount", filesystem.mountpoint], check=True)
    assert trace.finish() == 0
    assert events_of(trace) == ["trace", "mounted", "unmounted"]
    found = operations(trace.out)
    assert found[0]["op"] == "init"
    assert [record["path"] for record in found if record["op"] == "create"] == ["/a"]
    assert [record["seq"] for record in found] == list(range(1, len(found) + 1))
    mounted = records(trace.out)[1]
    assert mounted["mount"] == str(filesystem.mountpoint)
    assert is_armed_line(trace.err, filesystem.mountpoint)


def test_text_with_a_summary(filesystem):
    trace = filesystem.serve(*filesystem.bindfs("-f"), options=[])
    (filesystem.mountpoint / "a").touch()
    assert trace.finish(signal.SIGINT) == 0
    lines, table = trace.out.split("\n\n")
    assert lines.split("\n")[1].endswith(f"-- mounted on {filesystem.mountpoint}")
    assert "/a O_WRONLY|O_CREAT" in lines
    assert table.startswith("OP  ") and "\ncreate " in table


def test_quiet_leaves_the_summary(filesystem):
    trace = filesystem.serve(*filesystem.bindfs("-f"), options=["--quiet"])
    trace.finish(signal.SIGINT)
    assert trace.out.startswith("OP  ") and "\ninit " in trace.out


def test_no_summary(filesystem):
    trace = filesystem.serve(*filesystem.bindfs("-f"), options=["--no-summary"])
    trace.finish(signal.SIGINT)
    assert "OP  " in trace.out.splitlines()[0] and "COUNT" not in trace.out


def test_daemon_keeps_its_outputs(filesystem, folder):
    daemon = filesystem.bindfs("-f")
    trace = filesystem.serve("sh", "-c", 'echo to stdout; echo to stderr >&2; exec "$@"', "sh",
                             *daemon, options=["-o", folder / "trace"])
    trace.finish(signal.SIGTERM)
    assert trace.out == "to stdout\n"
    assert trace.err.startswith("to stderr\nfusetrace: tracing ")
    assert "init" in (folder / "trace").read_text()


def test_relative_selection(filesystem, folder):
    """--path is understood once the mount is known."""
    trace = filesystem.serve(*filesystem.bindfs("-f"), cwd=folder,
                             options=["-f", "json", "--path", "mnt/*.tmp"])
    (filesystem.mountpoint / "a.tmp").touch()
    (filesystem.mountpoint / "b").touch()
    trace.finish(signal.SIGINT)
    assert {record["path"] for record in operations(trace.out)} == {"/a.tmp"}


@pytest.mark.branchfs
@pytest.mark.skipif(not all(map(shutil.which, ["fusermount3", "setpriv", "unshare"])),
                    reason="fusermount3, setpriv and unshare are needed")
def test_mount_through_fusermount(filesystem, folder, start):
    """An ordinary user mounts through the setuid helper."""
    for path in (filesystem.source, filesystem.mountpoint):
        os.chown(path, 65534, 65534)
    trace = start("run", "-f", "json", "--", "setpriv", "--reuid", 65534, "--regid", 65534,
                  "--clear-groups", find_branchfs(), "-f", filesystem.source,
                  filesystem.mountpoint, program=[*with_fuse_for_everybody(folder),
                                                  find_fusetrace()])
    trace.wait_ready().wait_for('"op":"init"')
    assert trace.finish(signal.SIGTERM) == 0
    assert events_of(trace) == ["trace", "mounted", "unmounted"]
    assert operations(trace.out)[0]["op"] == "init"


# ---- signals ----------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [["-f"], []], ids=["foreground", "background"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signal_unmounts(filesystem, mode, number):
    trace = filesystem.serve(*filesystem.bindfs(*mode))
    wait_until(lambda: len(children_of(trace.process.pid)) == 1, "the daemon alone")
    assert trace.finish(number) == 0
    assert not filesystem.is_mounted
    assert events_of(trace) == ["trace", "mounted", "unmounted"]


def test_signals_while_it_ends_change_nothing(filesystem):
    for _ in range(5):
        trace = filesystem.serve("sh", "-c", "trap '' USR1; exec \"$@\"", "sh",
                                 *filesystem.bindfs("-f"))
        subprocess.run(["umount", filesystem.mountpoint], check=True)
        while trace.process.poll() is None:
            trace.signal(signal.SIGUSR1)
        assert trace.finish() == 0, trace.err


def test_nothing_to_abort(filesystem):
    """It has not mounted yet."""
    trace = filesystem.run("sh", "-c", "trap '' TERM INT; echo begun >&2; exec sleep 100",
                           options=["--on-hang", "abort"]).wait_for("begun", "err")
    trace.signal(signal.SIGTERM)
    trace.signal(signal.SIGINT)
    trace.wait_for("one more signal kills it", "err")
    assert trace.finish(signal.SIGTERM, timeout=10) == 128 + signal.SIGKILL
    assert "cannot abort" not in trace.err


def test_other_signals_are_passed_on(filesystem, folder):
    told = folder / "told"
    trace = filesystem.serve(
        "bash", "-c", f'trap "echo usr1 >>{told}" USR1; trap "echo usr2 >>{told}" USR2\n'
        '"$@" & daemon=$!; trap "kill $daemon" TERM\n'
        'while ! wait $daemon && kill -0 $daemon 2>/dev/null; do :; done; wait $daemon', "bash",
        *filesystem.bindfs("-f"))
    trace.signal(signal.SIGUSR1)
    wait_until(lambda: told.exists() and told.read_text() == "usr1\n", "the first signal")
    trace.signal(signal.SIGUSR2)
    wait_until(lambda: told.read_text() == "usr1\nusr2\n", "the second signal")
    trace.finish(signal.SIGTERM)
    assert not filesystem.is_mounted


def test_third_request_kills_a_daemon_that_does_not_end(filesystem):
    trace = filesystem.serve(*filesystem.bindfs("-f"))
    stop_process(daemon_of(trace))
    trace.signal(signal.SIGTERM)
    trace.signal(signal.SIGINT)
    trace.wait_for("the daemon has not ended yet: one more signal kills it", "err")
    assert trace.process.poll() is None
    assert trace.finish(signal.SIGTERM, timeout=10) == 128 + signal.SIGKILL
    assert "fusetrace: the daemon does not end: it is killed now\n" in trace.err
    assert not filesystem.is_mounted


def test_stop_timeout_kills_after_one_request(filesystem):
    trace = filesystem.serve(*filesystem.bindfs("-f"),
                             options=["-f", "json", "--stop-timeout", "200ms"])
    stop_process(daemon_of(trace))
    assert trace.finish(signal.SIGTERM, timeout=10) == 128 + signal.SIGKILL
    assert "fusetrace: the daemon does not end: it is killed now\n" in trace.err
    assert not filesystem.is_mounted


@pytest.mark.parametrize("on_hang", ["report", "abort"])
def test_rule_36_on_the_command_line(filesystem, on_hang):
    """The second request shows where all stand, and sets free who waits only if that was asked for."""
    trace = filesystem.serve(*filesystem.bindfs("-f"),
                             options=["-f", "json", "--on-hang", on_hang])
    stop_process(daemon_of(trace))
    maker = subprocess.Popen(["mkdir", filesystem.mountpoint / "dir"], stderr=subprocess.PIPE)
    wait_until(lambda: b"request_wait_answer" in Path(f"/proc/{maker.pid}/stack").read_bytes(),
               "the request")
    trace.signal(signal.SIGTERM)
    trace.signal(signal.SIGINT)  # another one, as two of a kind may arrive as one
    trace.wait_for("the daemon has not ended yet: one more signal kills it", "err")
    assert trace.err.index("request_wait_answer") < trace.err.index("has not ended yet")
    if on_hang == "abort":
        wait_until(lambda: maker.poll() is not None, f"the end of mkdir after {trace.err}")
        assert b"connection abort" in maker.stderr.read()
    else:
        assert maker.poll() is None
    trace.signal(signal.SIGTERM)
    assert trace.finish() == 128 + signal.SIGKILL
    maker.communicate(timeout=DEADLINE)
    assert not filesystem.is_mounted


def test_rule_36_abort_that_fails_on_the_command_line(filesystem):
    """It is said why, and the daemon is killed all the same."""
    trace = filesystem.run(*filesystem.bindfs("-f"), options=["--on-hang", "abort"],
                           program=[*WITHOUT_FUSECTL, find_fusetrace()]).wait_ready()
    stop_process(daemon_of(trace))
    trace.signal(signal.SIGTERM)
    trace.signal(signal.SIGINT)
    trace.wait_for("one more signal kills it", "err")
    assert ("fusetrace: cannot abort the connection: fusectl is not mounted at "
            "/sys/fs/fuse/connections\n") in trace.err
    assert trace.finish(signal.SIGTERM) == 128 + signal.SIGKILL


# ---- how the daemon ends ----------------------------------------------------------------------


@pytest.mark.parametrize("mode", [["-f"], []], ids=["foreground", "background"])
def test_daemon_that_is_killed(filesystem, mode):
    trace = filesystem.serve(*filesystem.bindfs(*mode))
    (filesystem.mountpoint / "a").touch()
    os.kill(daemon_of(trace), signal.SIGKILL)
    assert trace.finish() == 128 + signal.SIGKILL
    assert events_of(trace) == ["trace", "mounted", "daemon_gone"]
    assert "the daemon was killed by signal 9 (Killed)\n" in trace.err
    assert f"{filesystem.mountpoint} was left without a daemon: it is unmounted now\n" in trace.err
    assert not filesystem.is_mounted


@pytest.mark.branchfs
@pytest.mark.parametrize("mode", [["-f"], []], ids=["foreground", "background"])
def test_daemon_that_crashes(filesystem, mode):
    trace = filesystem.serve("branchfs", *mode, "-o", "crash=mkdir:1", filesystem.source,
                             filesystem.mountpoint)
    with pytest.raises(OSError):
        (filesystem.mountpoint / "dir").mkdir()
    assert trace.finish() == 128 + signal.SIGABRT
    assert [record["status"] for record in operations(trace.out, op="mkdir")] == ["unknown"], trace.out
    assert not filesystem.is_mounted


def test_only_its_own_dead_mount_is_unmounted(filesystem, mount):
    """Another dead mount stays, and so does a mount on top of ours."""
    other = mount("other")
    other.kill()
    trace = filesystem.serve(*filesystem.bindfs("-f"))
    subprocess.run(["mount", "-t", "tmpfs", "none", filesystem.mountpoint], check=True)
    try:
        os.kill(daemon_of(trace), signal.SIGKILL)
        assert trace.finish() == 128 + signal.SIGKILL
        types = [line.split(" - ")[1].split()[0] for line in
                 Path("/proc/self/mountinfo").read_text().splitlines()
                 if line.split()[4] == str(filesystem.mountpoint)]
        assert types == ["fuse", "tmpfs"]
        assert f"{filesystem.mountpoint} is left without a daemon: take it away by" in trace.err
        assert other.is_mounted
    finally:
        for _ in range(2):
            subprocess.run(["umount", "-l", filesystem.mountpoint], check=True)


def test_exit_code_is_that_of_the_daemon(filesystem):
    trace = filesystem.serve("sh", "-c", '"$@"; exit 5', "sh", *filesystem.bindfs("-f"))
    subprocess.run(["umount", filesystem.mountpoint], check=True)
    assert trace.finish() == 5


@pytest.mark.parametrize("daemon, code, text", [
    (["bindfs", "-f", "/no/such/source", "{mnt}"], 1,
     "bindfs ended with exit code 1 before it had mounted anything: look at its messages"),
    (["sh", "-c", "exit 42"], 42, "sh ended with exit code 42 before it had mounted anything"),
    (["sh", "-c", "kill -9 $$"], 137, "sh ended with exit code 137 before it had mounted"),
    (["true"], UNSATISFIED, "true ended without mounting anything: look at its messages"),
    (["/no/such/program"], SETUP,
     "cannot run /no/such/program: No such file or directory: give a program that is there"),
    (["/etc/passwd"], SETUP, "cannot run /etc/passwd: Permission denied"),
])
def test_daemon_that_never_mounts(filesystem, daemon, code, text):
    result = run("run", "--", *(word.format(mnt=filesystem.mountpoint) for word in daemon))
    assert result.returncode == code
    told = [line for line in result.stderr.splitlines() if line.startswith("fusetrace: ")]
    assert len(told) == 1 and told[0].startswith(f"fusetrace: {text}")


def test_background_process_that_never_mounts(folder):
    """It is waited for as long as --timeout says, and left alone."""
    result = run("run", "--timeout", "300ms", "--", "sh", "-c",
                 f"sleep 60 >/dev/null 2>&1 & echo $! >{folder}/pid")
    os.kill(int((folder / "pid").read_text()), signal.SIGTERM)  # fails if it is gone
    assert result.returncode == UNSATISFIED
    assert "sh went into the background and mounted nothing within 0.3 s" in result.stderr


# ---- the rest ---------------------------------------------------------------------------------


def test_words_behind_the_daemon_are_its_own(filesystem):
    """Without -- too: what stands behind the daemon is never taken for an option of ours."""
    result = run("run", "echo", "--format", "-q", "--help")
    assert "--format -q --help\n" in result.stdout


@pytest.mark.skipif(not shutil.which("setpriv"), reason="setpriv is not installed")
def test_without_rights_nothing_is_started(folder):
    program = shutil.copy(find_fusetrace(), folder / "fusetrace")
    folder.chmod(0o777)
    result = subprocess.run(["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups",
                             "--inh-caps", "-all", program, "run", "--source", "kernel", "--",
                             "touch",
                             folder / "started"], capture_output=True, text=True,
                            timeout=DEADLINE, check=False)
    assert (result.returncode, result.stdout) == (CANNOT_RUN, "")
    assert "CAP_BPF and CAP_PERFMON" in result.stderr
    assert not (folder / "started").exists()


# Mounts by fusermount3, as an unprivileged daemon does, takes the descriptor when it is told to,
# and unmounts: it answers nothing, so that nobody else may touch the mount.
SLOW_RECEIVER = """
import ctypes, os, socket, subprocess, sys
go, mountpoint = sys.argv[1:]
ours, theirs = socket.socketpair()
subprocess.run(["fusermount3", "--", mountpoint], pass_fds=[theirs.fileno()], check=True,
               env={**os.environ, "_FUSE_COMMFD": str(theirs.fileno())})
open(go).close()
_, (device,), _, _ = socket.recv_fds(ours, 1, 1)
MNT_DETACH, UMOUNT_NOFOLLOW = 2, 8
sys.exit(ctypes.CDLL(None).umount2(mountpoint.encode(), MNT_DETACH | UMOUNT_NOFOLLOW))
"""


def test_daemon_that_has_not_taken_the_descriptor_yet(filesystem, folder):
    """Between fusermount3's end and that moment no process holds the connection: it lives."""
    os.mkfifo(folder / "go")
    trace = filesystem.run(sys.executable, "-c", SLOW_RECEIVER, folder / "go",
                           filesystem.mountpoint, options=("-f", "json", "--source", "log"))
    trace.wait_ready().wait_for('"mounted"')
    os.close(os.open(folder / "go", os.O_WRONLY))
    assert trace.finish() == 0
    assert events(trace.out) == ["trace", "mounted", "unmounted"]


# ---- the daemon's own trace -------------------------------------------------------------------


@pytest.mark.parametrize("mode", [["-f"], []], ids=["foreground", "its profile"])
def test_operations_that_the_daemon_prints(filesystem, mode):
    """bindfs gets -d by its profile, which keeps it in the foreground, too."""
    trace = filesystem.run(*filesystem.bindfs(*mode), options=("-f", "json", "--source", "log"))
    trace.wait_ready()
    (filesystem.mountpoint / "a b").write_text("hello")
    subprocess.run(["umount", filesystem.mountpoint], check=True)
    assert trace.finish() == 0
    assert events(trace.out) == ["trace", "mounted", "unmounted"]
    assert "log source" in trace.err
    found = operations(trace.out)
    assert found[0]["op"] == "init"
    assert {record["source"] for record in found} == {"log"}
    assert [(record["path"], record["size"]) for record in found if record["op"] == "write"] == [
        ("/a b", 5)]
    assert not [record for record in found if "start_ns" in record or "duration_ns" in record]


def test_what_the_daemon_says_besides(filesystem):
    """Its log is read by fusetrace; what is no operation still reaches whoever started it."""
    script = 'echo "one line" >&2; echo "and \'another\'"; exec "$0" -d "$@"'
    trace = filesystem.run("sh", "-c", script, *filesystem.bindfs(),
                           options=("-f", "json", "--source", "log")).wait_ready()
    (filesystem.mountpoint / "a").touch()
    subprocess.run(["umount", filesystem.mountpoint], check=True)
    assert trace.finish() == 0
    assert "one line\nand 'another'\n" in trace.err
    assert "unique" not in trace.err
    assert operations(trace.out, op="create", path="/a")


def test_why_a_daemon_did_not_start(filesystem):
    missing = filesystem.source / "missing"
    trace = filesystem.run("bindfs", missing, filesystem.mountpoint, options=("--source", "log"))
    assert trace.finish() != 0
    assert str(missing) in trace.err
    assert "ended with exit code" in trace.err


def test_log_that_grows(mount, start, folder):
    """Operations out of a file that is written while somebody waits for them."""
    log = folder / "daemon.log"
    log.write_text("unique: 2, opcode: UNLINK (10), nodeid: 1, insize: 45, pid: 7\n")
    wait = start("expect", "--source", "log", "--log", log, "--mount", mount().mountpoint, "create",
                 "/new").wait_ready()
    with log.open("a") as file:
        file.write("unique: 4, opcode: CREATE (35), nodeid: 1, insize: 60, pid: 7\n"
                   "create flags: 0x8241 /new 0100644 umask=0022\n"
                   "   unique: 4, success, outsize: 160\n")
    assert wait.finish() == 0


def test_output_that_is_closed_leaves_the_daemon(filesystem):
    trace = filesystem.serve(*filesystem.bindfs("-f"), options=[], is_read=False)
    trace.process.stdout.close()
    for number in range(3):
        (filesystem.mountpoint / str(number)).touch()
    assert trace.process.poll() is None and filesystem.is_mounted
    assert trace.finish(signal.SIGTERM) == 0
    assert not filesystem.is_mounted


def test_full_output(filesystem):
    with open("/dev/full", "w") as full:
        trace = filesystem.serve(*filesystem.bindfs("-f"), stdout=full)
        (filesystem.mountpoint / "a").touch()
        assert trace.finish(signal.SIGTERM) == SETUP
    assert "cannot write to standard output: No space left on device" in trace.err


def test_tracing_what_run_traces(filesystem, start):
    """A second trace beside the first one."""
    trace = filesystem.serve(*filesystem.bindfs("-f"))
    other = start("attach", "-f", "json", filesystem.mountpoint).wait_ready()
    (filesystem.mountpoint / "a").touch()
    assert other.finish(signal.SIGINT) == 0
    assert trace.finish(signal.SIGINT) == 0
    for text in (trace.out, other.out):
        assert [record["path"] for record in operations(text, op="create")] == ["/a"]


def test_many_at_once(folder, start):
    """Each trace finds the mount of its own daemon, not that of a neighbour."""
    traces = []
    for number in range(8):
        source, mountpoint = folder / f"source{number}", folder / f"mnt{number}"
        source.mkdir()
        mountpoint.mkdir()
        traces.append(start("run", "-f", "json", "--ring", "1M", "--", "bindfs",
                            *(["-f"] if number % 2 else []), source, mountpoint))
    for number, trace in enumerate(traces):
        trace.wait_ready()
        os.stat(folder / f"mnt{number}" / ".")
    for number, trace in enumerate(traces):
        mounted = [record for record in records(trace.out) if record.get("event") == "mounted"]
        assert [record["mount"] for record in mounted] == [f"{folder}/mnt{number}"]
        assert trace.finish(signal.SIGTERM) == 0
