# SPDX-License-Identifier: MIT
"""What expect, forbid and idle say of each way to fail, from a real filesystem that is in that state.

The texts are golden files; docs/reports.md shows them. `pytest --update-golden` writes both anew.
"""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from .support import (DEADLINE, GOLDEN, STOP_PARENT, Mount, find_branchfs, stop_process,
                      wait_until)

pytestmark = pytest.mark.branchfs

PAGE = Path(__file__).parents[2] / "docs" / "reports.md"
VERDICTS = {  # of the command: a check function and a mark of before the trace are for libraries
    "never-started", "in-flight", "in-flight-backing", "late", "stopped", "failed", "other-path", "order",
    "daemon-killed", "daemon-crashed", "lost", "no-events", "forbidden", "not-idle",
    "unmounted",
}
# What differs from run to run. Names of kernel functions differ between kernels.
PATTERNS = [
    (r"after \d+\.\d+ s", "after 0.000 s"),
    (r"answered for \d+\.\d+ s", "answered for 0.30 s"),
    (r"[+-]\d+\.\d{3}s", "+0.001s"),
    (r"(?<![\d.+-])\d+(\.\d+)?(ns|us|ms)\b", "1ms"),
    (r"(began|arrived) 1ms (after|before)", r"\1 1ms after"),
    (r"pid \d+", "pid 4121"),
    (r"thread \d+ ", "thread 4123 "),
    (r"unique=\d+", "unique=318"),
    (r"mark #\d+", "mark #0"),
    (r"sleeps in [\w.]+( < [\w.]+)*", "sleeps in do_wait"),
    # What hangs in branchfs looks up now and then whether it was taken back.
    (r"state R, runs(, in ppoll)?", "state S, sleeps in do_wait, in ppoll"),
    (r"\d+ of its \d+ threads", "1 of its 3 threads"),
    (r"all \d+ threads", "all 2 threads"),
    (r"lost - \d+", "lost - 100"),
    (r"lost \d{2,}", "lost 100"),
    (r"printed : [^ ]*branchfs", "printed : branchfs"),
]


def normalised(text, folder):
    text = text.replace(str(folder), "/tmp/test")
    for pattern, replacement in PATTERNS:
        text = re.sub(pattern, replacement, text)
    return text


class Verdict:
    """One wait that fails, in a filesystem of its own, and what is said of it."""

    def __init__(self, folder, belongings, start):
        self.folder = folder
        self._belongings = belongings
        self._start = start

    def mount(self, *options, command=None):
        if command is None:
            command = [find_branchfs(), "-f"]
            for option in options:
                command += ["-o", option]
        self.fs = Mount(self.folder, command=command)
        self._belongings.mounts.append(self.fs)
        return self.fs

    def arm(self, *arguments):
        """The wait, armed."""
        words = [*arguments]
        at = words.index("--") if "--" in words else len(words)
        words[at:at] = ["--mount", str(self.fs.mountpoint), "--format", "json"]
        self.wait = self._start(*words)
        self.wait.wait_ready()
        return self.wait

    def act(self, code):
        """Something is done in the mount by a process that may hang there."""
        process = subprocess.Popen(
            [sys.executable, "-c", f"import os; os.chdir('/'); m = {str(self.fs.mountpoint)!r}\n"
             f"try:\n    {code}\nexcept OSError: pass"], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._belongings.mounts.append(Acting(process))  # it ends when the mounts have
        return process

    def result(self, code):
        """The report of the wait, which ends with that exit code: text and object."""
        assert self.wait.finish() == code, self.wait.err
        text = re.sub(r"^fusetrace: tracing .*\n", "", self.wait.err, flags=re.MULTILINE)
        return text, json.loads(self.wait.out.splitlines()[-1])


class Acting:
    """A process that a test has started; see Belongings."""

    def __init__(self, process):
        self.process = process

    def abort(self):
        self.process.kill()

    def finish(self):
        self.process.kill()
        self.process.wait(DEADLINE)


@pytest.fixture
def verdict(folder, belongings, start):
    return Verdict(folder, belongings, start)


@pytest.fixture
def check(verdict, golden):
    """check(name, verdict's name, exit code): what is said is the golden text, in both forms."""
    def compare(name, word, code):
        text, report = verdict.result(code)
        assert name in VERDICTS
        assert f"  verdict : {word}" in text
        assert report["event"] == "report" and report["verdict"] == word
        assert len(text.splitlines()) <= 40
        golden(f"verdict-{name}.txt", normalised(text, verdict.folder))
        return report

    return compare


def test_never_started(verdict, check):
    fs = verdict.mount()
    verdict.arm("expect", "unlink", "/a", "--timeout", "200ms", "--", "mkdir", str(fs / "d"))
    report = check("never-started", "never started", 1)
    assert report["counts"]["mkdir"] == 1 and report["timeout_ns"] == 200_000_000


def test_in_flight(verdict, check):
    verdict.mount("hang=mkdir")
    verdict.arm("expect", "mkdir", "/d", "--timeout", "300ms", "--label", "folder made")
    verdict.act("os.mkdir(m + '/d')")
    report = check("in-flight", "in flight", 1)
    assert report["label"] == "folder made"
    assert report["subject"]["op"] == "mkdir" and report["subject"]["status"] == "started"
    daemon = report["daemon"]
    assert daemon["threads"] >= 2 and daemon["stopped"] == 0
    # the one that hangs is told, not one that waits for requests
    assert daemon["at_work"][0]["thread"] != verdict.fs.process.pid
    assert "fuse_dev" not in daemon["at_work"][0]["wchan"]


def test_in_flight_in_the_backing(verdict, check, mount):
    """A daemon whose own system call does not come back, as on a slow disk."""
    inner = mount("inner", command=[find_branchfs(), "-f", "-o", "hang=fsync"])
    verdict.mount(command=["sh", "-c", f'exec bindfs -f {inner.mountpoint} "$2"', "sh"])
    verdict.arm("expect", "fsync", "/f", "--timeout", "300ms")
    verdict.act("os.fsync(os.open(m + '/f', os.O_CREAT | os.O_WRONLY))")
    report = check("in-flight-backing", "in flight", 1)
    at_work = report["daemon"]["at_work"][0]
    assert (at_work["call"], at_work["target"]) == ("fsync", str(inner / "f"))
    assert at_work["wchan"] == "request_wait_answer"


def test_stopped(verdict, check):
    fs = verdict.mount()
    os.statvfs(fs.mountpoint)  # it is past INIT
    verdict.arm("expect", "mkdir", "/d", "--timeout", "300ms")
    stop_process(fs.process.pid)
    verdict.act("os.mkdir(m + '/d')")
    report = check("stopped", "never started", 1)  # a lookup comes before it
    assert report["daemon"]["stopped"] == report["daemon"]["threads"]


def test_rule_38_what_came_too_late(verdict, check):
    verdict.mount("delay=mkdir:1050ms")
    verdict.arm("expect", "mkdir", "/d", "--timeout", "1s")
    verdict.act("os.mkdir(m + '/d')")
    text, report = verdict.result(1)
    if "late" not in report:
        pytest.skip("this machine was too slow to be late by little")
    assert report["verdict"] in ("in flight", "never started")
    assert 0 < report["late_ns"] <= 100_000_000
    assert "after the deadline" in text and "FUSETRACE_TIMEOUT_SCALE" in text


def test_rule_38_in_flight_and_answered_too_late(verdict, check):
    """The verdict is of the deadline, the answer of a moment later: both are true of their time."""
    verdict.mount("delay=mkdir:1050ms")
    verdict.arm("expect", "mkdir", "/d", "--timeout", "1s")
    verdict.act("os.mkdir(m + '/d')")
    if '"late"' not in verdict_out(verdict):
        pytest.skip("this machine was too slow to be late by little")
    report = check("late", "in flight", 1)
    assert report["subject"]["status"] == "started" and report["late"]["status"] == "completed"
    assert report["in_flight_count"] == 1 and report["in_flight"][0]["op"] == "mkdir"
    assert report["subject"]["unique"] == report["late"]["unique"]
    assert report["answers"] == [] and report["counts"] == {"lookup": 1}


def verdict_out(verdict):
    verdict.wait.finish()
    return verdict.wait.out


def test_failed(verdict, check):
    fs = verdict.mount("fail=mkdir:ENOSPC")
    verdict.arm("expect", "mkdir", "/d", "--timeout", "5s")
    verdict.act("os.mkdir(m + '/d')")
    report = check("failed", "failed", 1)
    assert report["subject"]["errno"] == 28
    assert fs.is_mounted


def test_other_path(verdict, check):
    fs = verdict.mount()
    verdict.arm("expect", "mkdir", "/db/index", "--timeout", "200ms", "--",
                "mkdir", str(fs / "db"), str(fs / "db/index.new"))
    report = check("other-path", "on another path", 1)
    assert report["subject"]["path"] == "/db/index.new"
    assert len(report["near"]) >= 1


def test_order(verdict, check):
    fs = verdict.mount()
    verdict.arm("expect", "mkdir", "/a", "--and", "mkdir", "/b", "--and", "mkdir", "/c", "--order",
                "strict", "--timeout", "5s", "--", "mkdir", str(fs / "a"), str(fs / "c"))
    report = check("order", "order violated", 1)
    assert report["item"] == 2 and report["items"] == 3 and len(report["answers"]) == 1


def test_daemon_killed(verdict, check):
    fs = verdict.mount("hang=mkdir")
    verdict.arm("expect", "mkdir", "/d", "--timeout", "60s")
    acting = verdict.act("os.mkdir(m + '/d')").pid
    stack = Path(f"/proc/{acting}/stack")  # first it looks the name up
    wait_until(lambda: "fuse_mkdir" in stack.read_text(), "a hanging mkdir")
    fs.kill()
    report = check("daemon-killed", "daemon died", 3)
    assert report["signal"] == 9 and report["daemon_pid"] == fs.process.pid
    assert [op["op"] for op in report["at_end"]] == ["mkdir"]


def test_daemon_crashed(verdict, check):
    fs = verdict.mount("crash=mkdir:1")
    verdict.arm("expect", "mkdir", "/d", "--timeout", "60s")
    verdict.act("os.mkdir(m + '/d')")
    fs.process.wait(DEADLINE)  # reaped by us: it is the command's child not
    report = check("daemon-crashed", "daemon died", 3)
    assert report["signal"] == signal.SIGABRT


def test_events_lost(verdict, check):
    """A ring of the smallest size, and a command that makes more events than it holds while nobody
    reads it."""
    fs = verdict.mount()
    for number in range(20):
        (fs.source / str(number)).touch()
    code = (f"{STOP_PARENT}"
            f"for i in range(2000): os.path.exists({str(fs / 'no')!r} + str(i))\n"
            "os.kill(os.getppid(), signal.SIGCONT)")
    verdict.arm("expect", "unlink", "/a", "--ring", "4K", "--timeout", "200ms", "--",
                sys.executable, "-c", code)
    report = check("lost", "events lost", 4)
    assert report["lost"] > 0


def test_no_events(verdict, check):
    verdict.mount()
    verdict.arm("expect", "write", "--timeout", "100ms")
    report = check("no-events", "no events", 1)
    assert report["operations"] == 0 and report["last"] == []


def test_forbidden(verdict, check):
    fs = verdict.mount()
    verdict.arm("forbid", "rmdir", "/d", "--", "sh", "-c", f"mkdir {fs / 'd'}; rmdir {fs / 'd'}")
    report = check("forbidden", "forbidden operation seen", 1)
    assert report["subject"]["op"] == "rmdir"


def test_not_idle(verdict, check):
    verdict.mount("hang=mkdir")
    verdict.arm("idle", "--quiet-for", "10s", "--timeout", "500ms")
    verdict.act("os.mkdir(m + '/d')")
    report = check("not-idle", "not idle", 1)
    assert report["subject"]["op"] == "mkdir"


def test_unmounted(verdict, check):
    fs = verdict.mount()
    verdict.arm("expect", "mkdir", "/d", "--timeout", "60s")
    fs.unmount()
    check("unmounted", "unmounted", 3)


def test_hostile_names(verdict):
    fs = verdict.mount()
    name = "\n  verdict : ok\x1b[2J"
    verdict.arm("expect", "unlink", "/a", "--label", name, "--timeout", "100ms", "--", "mkdir",
                str(fs / "d" ) + name)
    text, report = verdict.result(1)
    assert text.count("  verdict : never started") == 1 and "\n  verdict : ok" not in text
    assert "\x1b" not in text and report["verdict"] == "never started"


def test_page_shows_the_reports(request):
    """docs/reports.md holds each golden text under its name."""
    page = PAGE.read_text(encoding="utf-8")

    def block(found):
        text = (GOLDEN / f"verdict-{found[1]}.txt").read_text()
        return f"<!-- report: {found[1]} -->\n```text\n{text}```\n"

    made = re.sub(r"<!-- report: ([\w-]+) -->\n```text\n.*?```\n", block, page, flags=re.DOTALL)
    if request.config.getoption("--update-golden", False):
        PAGE.write_text(made, encoding="utf-8")
    else:
        assert page == made, "run pytest --update-golden tests/cli/test_verdicts.py"
    goldens = {path.stem.removeprefix("verdict-") for path in GOLDEN.glob("verdict-*.txt")}
    assert set(re.findall(r"<!-- report: ([\w-]+) -->", page)) == goldens
