# SPDX-License-Identifier: MIT
"""doctor: tells the truth, and what to do."""

import os
import re
import shutil
import subprocess

import pytest

from .support import CANNOT_RUN, DEADLINE, SATISFIED, SETUP, find_fusetrace, records, run

CHECKS = ["device", "fusermount3", "fusectl", "kernel", "btf", "tracepoints", "rights", "bpf"]


def test_every_check_has_its_line():
    result = run("doctor")
    lines = [line for line in result.stdout.splitlines() if re.match("(ok|warn|no) ", line)]
    assert [line.split()[1] for line in lines] == CHECKS
    assert result.returncode in (SATISFIED, CANNOT_RUN)
    assert result.stdout.splitlines()[-1] == (
        "Operations can be traced here." if result.returncode == SATISFIED else
        "Operations cannot be traced here.")
    for line in lines:
        assert line.startswith("ok") or ": " in line, "what is wrong comes with what to do"


def test_json():
    result = run("doctor", "--format", "json")
    found = {record["check"]: record for record in records(result.stdout)
             if record["event"] == "check"}
    assert list(found) == CHECKS
    assert all(record["result"] in ("ok", "warn", "no") for record in found.values())
    assert (found["bpf"]["result"] == "ok") == (result.returncode == SATISFIED)
    assert all("advice" in record for record in found.values() if record["result"] != "ok")


@pytest.mark.mounts
def test_mounts_are_listed(mount):
    one, other = mount("one"), mount("a name\nwith a newline")
    result = run("doctor", "--format", "json")
    listed = {record["mount"]: record for record in records(result.stdout)
              if record["event"] == "mount"}
    for made in (one, other):
        record = listed[str(made.mountpoint)]
        assert record["type"].startswith("fuse") and record["pids"] == [made.process.pid]
        assert record.get("waiting", 0) == 0
    text = run("doctor").stdout
    assert re.search(rf"mount        {one.mountpoint} \(fuse.*, daemon {one.process.pid}\)\n", text)
    assert r"a name\nwith a newline (fuse" in text


@pytest.mark.mounts
def test_mount_that_hangs_does_not_hang_it(mount):
    made = mount()
    made.stop()
    hanging = subprocess.Popen(["ls", str(made / "x")], stderr=subprocess.DEVNULL)
    try:
        found = records(run("doctor", "--format", "json", timeout=20).stdout)
        assert [record["pids"] for record in found
                if record.get("mount") == str(made.mountpoint)] == [[made.process.pid]]
    finally:
        made.abort()
        hanging.wait(DEADLINE)


@pytest.mark.mounts
@pytest.mark.skipif(not shutil.which("setpriv"), reason="setpriv is not installed")
def test_without_rights(mount, folder):
    made = mount()
    program = shutil.copy(find_fusetrace(), folder / "fusetrace")
    result = subprocess.run(["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups",
                             "--inh-caps", "-all", program, "doctor"], capture_output=True,
                            text=True, timeout=DEADLINE, check=False)
    assert (result.returncode, result.stderr) == (CANNOT_RUN, "")
    lines = {line.split()[1]: line for line in result.stdout.splitlines() if line}
    assert lines["rights"].startswith("no") and "setcap" in lines["rights"]
    assert lines["bpf"].startswith("no") and "CAP_BPF" in lines["bpf"]
    assert str(made.mountpoint) in result.stdout


def test_colors_only_on_a_terminal():
    variables = {name: value for name, value in os.environ.items()
                 if name not in ("NO_COLOR", "CLICOLOR_FORCE")}
    assert "\x1b" not in run("doctor", env=variables).stdout
    assert "\x1b[32mok" in run("doctor", env={**variables, "CLICOLOR_FORCE": "1"}).stdout


def test_full_output():
    with open("/dev/full", "w") as full:
        assert run("doctor", stdout=full).returncode == SETUP
