# SPDX-License-Identifier: MIT
"""demo: shows what it promises, in time, and leaves nothing behind."""

import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

from .support import CANNOT_RUN, DEADLINE, SETUP, find_fusetrace, run

pytestmark = pytest.mark.branchfs


def left_behind(folder):
    mounts = [line for line in Path("/proc/self/mountinfo").read_text().splitlines()
              if str(folder) in line]
    processes = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            text = path.read_bytes()
        except OSError:
            continue
        if str(folder).encode() in text:
            processes.append(text)
    return [*folder.iterdir(), *mounts, *processes]


def without_chance(line):
    """Numbers, and what a thread does while it sleeps, are others each time."""
    return re.sub(r"[\d.]+(us|ms)?", "N", re.sub(r"state \w.*", "state", line)).strip()


def report_of_readme():
    """The lines that README.md shows of it."""
    text = (Path(__file__).parents[2] / "README.md").read_text()
    lines = text.split("at the end of `script/demo`:\n\n```\n")[1].split("\n```")[0].splitlines()
    assert lines.pop().strip() == "..."
    return lines


def test_tour(folder):
    begun = time.monotonic()
    result = run("demo", env={**os.environ, "TMPDIR": str(folder)})
    assert (result.returncode, result.stderr) == (0, "")
    assert time.monotonic() - begun < 30
    assert not left_behind(folder)

    release, = (line for line in result.stdout.splitlines()
                if re.search(r" release +ok .* /notes.txt", line))
    assert re.search(r" 3\d\d\.\dms ", release), "300 ms late, and told so"
    assert r"/a name with\na newline" in result.stdout
    rounds = dict(re.findall(r"^   (sleep \d+ ms|fusetrace_wait) +(\d+) of \d+ too early",
                             result.stdout, re.MULTILINE))
    assert int(rounds["sleep 10 ms"]) > 20, "a sleep that is too short is too early"
    assert rounds["fusetrace_wait"] == "0", "a wait never is"
    shown = {without_chance(line) for line in result.stdout.splitlines()}
    assert [line for line in report_of_readme() if without_chance(line) not in shown] == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_interrupted_tour_cleans_up(folder, number):
    process = subprocess.Popen([find_fusetrace(), "demo"], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, env={**os.environ, "TMPDIR": str(folder)})
    for line in process.stdout:
        if b"rounds with each way to wait" in line:
            break
    process.send_signal(number)
    _, errors = process.communicate(timeout=DEADLINE)
    assert process.returncode == SETUP
    assert errors == b"fusetrace: interrupted: all is cleaned up\n"
    assert not left_behind(folder)


def test_without_branchfs(folder):
    (folder / "bin").mkdir()
    (folder / "tmp").mkdir()
    os.link(find_fusetrace(), folder / "bin" / "fusetrace") if \
        os.stat(find_fusetrace()).st_dev == os.stat(folder).st_dev else \
        subprocess.run(["cp", find_fusetrace(), folder / "bin" / "fusetrace"], check=True)
    result = subprocess.run([folder / "bin" / "fusetrace", "demo"], capture_output=True, text=True,
                            timeout=DEADLINE, check=False,
                            env={"PATH": str(folder / "bin"), "TMPDIR": str(folder / "tmp")})
    assert result.returncode == CANNOT_RUN
    assert result.stderr == ("fusetrace: branchfs is not there: install it beside fusetrace or "
                             "along PATH\n")
    assert not left_behind(folder / "tmp")


def test_killed_tour_is_cleaned_up(folder):
    """By the guardian: what was mounted and made goes all the same."""
    process = subprocess.Popen([find_fusetrace(), "demo"], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, env={**os.environ, "TMPDIR": str(folder)})
    for line in process.stdout:
        if b"rounds with each way to wait" in line:
            break
    assert left_behind(folder)
    process.kill()
    # the guardian holds no end of the pipes, so this is not the end of the cleaning
    process.communicate(timeout=DEADLINE)
    end = time.monotonic() + DEADLINE
    while left_behind(folder) and time.monotonic() < end:
        time.sleep(0.01)
    assert not left_behind(folder)
