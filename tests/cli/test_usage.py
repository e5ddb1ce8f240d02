# SPDX-License-Identifier: MIT
"""What the command says of itself, and how it refuses what it does not understand."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from .support import SETUP, USAGE, find_fusetrace, run

COMMANDS = ["run", "attach", "read", "summary", "formats", "expect", "forbid", "idle", "doctor",
            "demo", "completion", "help"]
MANUAL = Path(__file__).parents[2] / "man" / "fusetrace.1"


def test_help_of_all(golden):
    result = run("--help")
    assert (result.returncode, result.stderr) == (0, "")
    golden("help.txt", result.stdout)
    assert run("-h").stdout == run("help").stdout == result.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_command(command, golden):
    result = run(command, "--help")
    assert (result.returncode, result.stderr) == (0, "")
    golden(f"help-{command}.txt", result.stdout)
    assert run("help", command).stdout == result.stdout
    assert run(command, "-h").stdout == result.stdout


def test_help_names_every_command():
    listed = re.findall(r"^  ([a-z]+) +[a-z]", run("--help").stdout, re.MULTILINE)
    assert listed == COMMANDS


@pytest.mark.parametrize("command", [None, *COMMANDS])
def test_help_fits_a_terminal(command):
    text = run(*([command] if command else []), "--help").stdout
    assert max(map(len, text.splitlines())) <= 85


def test_version():
    result = run("--version")
    assert result.returncode == 0
    assert re.fullmatch(r"fusetrace \d+\.\d+\.\d+\n", result.stdout)


def test_nothing_at_all():
    result = run()
    assert (result.returncode, result.stdout) == (USAGE, "")
    assert result.stderr == run("--help").stdout


@pytest.mark.parametrize("arguments, text", [
    (["atach"], "there is no command atach: did you mean attach?"),
    (["frobnicate"], "there is no command frobnicate: see 'fusetrace --help'"),
    (["--verbose"], "unknown option --verbose: see 'fusetrace --help'"),
    (["help", "reed"], "there is no command reed: did you mean read?"),
    (["attach", "--fromat", "json", "/mnt"], "unknown option --fromat: did you mean --format?"),
    (["attach", "--xyzzy", "/mnt"], "unknown option --xyzzy: see 'fusetrace attach --help'"),
    (["attach", "-x", "/mnt"], "unknown option -x: see 'fusetrace attach --help'"),
    (["attach", "--quiet=yes", "/mnt"], "--quiet takes no value: leave it out"),
    (["attach", "/mnt", "--op"], "--op: a value is missing: see 'fusetrace attach --help'"),
    (["attach"], "something is missing: usage: fusetrace attach [OPTIONS] MOUNTPOINT"),
    (["attach", "a", "b"], "b: one word too many: usage: fusetrace attach [OPTIONS] MOUNTPOINT"),
    (["attach", "a", "--", "b"],
     "attach runs no program: usage: fusetrace attach [OPTIONS] MOUNTPOINT"),
    (["attach", "--op", "creat", "/mnt"],
     'there is no operation "creat": did you mean "create"?'),
    (["attach", "--op", "close", "/mnt"],
     'there is no operation "close": did you mean "release"?'),
    (["attach", "--op", "read,", "/mnt"], 'there is no operation ""'),
    (["attach", "--slow", "10x", "/mnt"],
     "--slow 10x: not a duration: write 5s, 300ms, 1.5s, 2m or forever"),
    (["attach", "--slow", "-1s", "/mnt"], "--slow -1s: not a duration"),
    (["attach", "--ring", "10KB", "/mnt"], "--ring 10KB: not a size: write 65536, 64K or 16M"),
    (["attach", "--count", "0", "/mnt"], "--count 0: not a number: write 1 or more"),
    (["attach", "--pid", "me", "/mnt"], "--pid me: not a process id: write a number"),
    (["attach", "--format", "jsn", "/mnt"],
     "--format jsn: there is no such value: did you mean json?"),
    (["attach", "--color", "sometimes", "/mnt"],
     "--color sometimes: there is no such value: did you mean"),
    (["attach", "--source", "tap", "/mnt"], "--source tap: there is no such value"),
    (["attach", "--ready-fd", "77", "/mnt"],
     "--ready-fd 77: not an open descriptor: write its number"),
    (["run"], "something is missing: usage: fusetrace run [OPTIONS] [--] DAEMON [ARGS...]"),
    (["run", "--"], "something is missing: usage: fusetrace run"),
    (["expect"], "something is missing: usage: fusetrace expect"),
    (["expect", "creat", "--", "true"], 'there is no operation "creat": did you mean "create"?'),
    (["expect", "create", "/a", "/b", "--", "true"],
     "/b: one word too many: name one more operation by --and, and CMD behind --"),
    (["expect", "create", "--and", "unlnk", "--", "true"],
     'there is no operation "unlnk": did you mean "unlink"?'),
    (["expect", "create", "--errno", "ENOPE", "--", "true"],
     "--errno ENOPE: no such error: write ENOSPC or 28"),
    (["expect", "create", "--status", "good", "--", "true"],
     "--status good: there is no such value: did you mean ok?"),
    (["expect", "create", "--timeout", "soon", "--", "true"], "--timeout soon: not a duration"),
    (["expect", *(["--and", "read"] * 17), "--", "true"], "too many operations: at most 16"),
    (["forbid", "unlink"], "nothing to watch: give CMD behind --, or --within"),
    (["idle", "/mnt"], "/mnt: one word too many: usage: fusetrace idle [OPTIONS] [-- CMD"),
    (["completion", "tcsh"], "there is no completion for tcsh: use bash, fish or zsh"),
    (["demo", "now"], "now: one word too many"),
])
def test_wrong_usage(arguments, text):
    result = run(*arguments)
    assert (result.returncode, result.stdout) == (USAGE, "")
    assert result.stderr.startswith(f"fusetrace: {text}")
    assert result.stderr.count("\n") == 1, "an error is told once, in one line"


def test_errors_are_escaped():
    result = run("attach", "/no\x1b[2J\n/such")
    assert result.stderr.count("\n") == 1
    assert r"/no\x1b[2J\n/such" in result.stderr


def test_options_may_be_cut_and_come_last(folder):
    (folder / "empty").touch()
    assert run("read", folder / "empty", "--summ").returncode == 0


def test_output_that_is_full():
    with open("/dev/full", "w") as full:
        result = run("--help", stdout=full)
    assert result.returncode == SETUP
    assert "cannot write to standard output: No space left on device" in result.stderr


def test_output_that_is_closed():
    result = subprocess.run(["bash", "-c", '"$0" --help >&-', find_fusetrace()],
                            capture_output=True, text=True, check=False)
    assert result.returncode == SETUP
    assert "cannot write to standard output" in result.stderr


def test_output_that_nobody_reads():
    reader, writer = os.pipe()
    os.close(reader)
    result = run("--help", stdout=writer)
    os.close(writer)
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize("command", COMMANDS)
def test_manual_has_every_option(command):
    manual = MANUAL.read_text().replace("\\-", "-")
    assert f"\n.SS {command}" in manual
    for name in re.findall(r"--[a-z-]+", run(command, "--help").stdout):
        assert name in manual, f"{name} of {command} is not in the manual"


@pytest.mark.parametrize("command", [
    ["attach", "/mnt"], ["expect", "write"], ["forbid", "write", "--", "true"], ["idle"]])
def test_log_source_without_a_log(command):
    result = run(command[0], "--source", "log", *command[1:])
    assert result.returncode == USAGE
    assert result.stderr == ("fusetrace: --source log needs --log FILE: "
                             "where the daemon prints its operations\n")
