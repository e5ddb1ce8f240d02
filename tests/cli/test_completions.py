# SPDX-License-Identifier: MIT
"""The completion scripts: each shell takes its own, and it knows every option."""

import re
import shlex
import shutil
import subprocess

import pytest

from .support import DEADLINE, run

COMMANDS = ["run", "attach", "read", "summary", "formats", "expect", "forbid", "idle", "wait-written",
            "wait-visible", "wait-gone", "doctor", "demo",
            "completion", "help"]


def needs(shell):
    return pytest.mark.skipif(not shutil.which(shell), reason=f"{shell} is not installed")


def script(shell):
    result = run("completion", shell)
    assert (result.returncode, result.stderr) == (0, "")
    return result.stdout


def options_of(command):
    return set(re.findall(r"^ .{5}(--[a-z-]+)", run(command, "--help").stdout, re.MULTILINE))


def run_shell(shell, text, *options):
    result = subprocess.run([shell, *options], input=text, capture_output=True, text=True,
                            timeout=DEADLINE, check=False)
    assert (result.returncode, result.stderr) == (0, ""), result.stderr
    return result.stdout


def complete_in_bash(*words):
    """What bash offers for the last word."""
    return run_shell("bash", script("bash") + f"""
        COMP_WORDS=({shlex.join(words)})
        COMP_CWORD={len(words) - 1}
        _fusetrace
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """, "--norc").split()


@needs("bash")
def test_bash_registers():
    text = run_shell("bash", script("bash") + "\ncomplete -p fusetrace\n", "--norc")
    assert text == "complete -F _fusetrace fusetrace\n"


@needs("bash")
def test_bash_offers_commands():
    assert set(complete_in_bash("fusetrace", "")) == {*COMMANDS, "--help", "--version"}
    assert complete_in_bash("fusetrace", "att") == ["attach"]


@needs("bash")
@pytest.mark.parametrize("command", COMMANDS)
def test_bash_offers_every_option(command):
    assert options_of(command)
    assert set(complete_in_bash("fusetrace", command, "--")) == options_of(command)


@needs("bash")
@pytest.mark.parametrize("words, expected", [
    (["attach", "--format", ""], ["text", "json"]),
    (["attach", "--format", "=", "j"], ["json"]),
    (["attach", "-f", "t"], ["text"]),
    (["attach", "--op", "cre"], ["create"]),
    (["attach", "--op", "read,wri"], ["read,write"]),
    (["expect", "unl"], ["unlink"]),
    (["expect", "create", "--and", "rel"], ["release", "releasedir"]),
    (["expect", "create", "--errno", "ENOSP"], ["ENOSPC"]),
    (["help", "do"], ["doctor"]),
    (["completion", "z"], ["zsh"]),
    (["expect", "create", "--", "bash"], None),
])
def test_bash_offers_values(words, expected):
    offered = complete_in_bash("fusetrace", *words)
    if expected is None:
        assert "bash" in offered
    else:
        assert offered == expected


@needs("zsh")
def test_zsh_takes_it(folder):
    path = folder / "_fusetrace"
    path.write_text(script("zsh"))
    assert path.read_text().startswith("#compdef fusetrace\n")
    run_shell("zsh", f"zsh -n {path}", "-f")


@needs("zsh")
@pytest.mark.parametrize("command", COMMANDS)
def test_zsh_offers_every_option(command):
    part = script("zsh").split(f"\n\t{command})\n")[1].split(";;")[0]
    assert {f"--{name}" for name in re.findall(r"--([a-z-]+)", part)} == options_of(command)


@needs("fish")
def test_fish_takes_it(folder):
    path = folder / "fusetrace.fish"
    path.write_text(script("fish"))
    run_shell("fish", f"fish -n {path}", "-N")


@needs("fish")
@pytest.mark.parametrize("command", COMMANDS)
def test_fish_offers_every_option(command):
    text = run_shell("fish", script("fish") + f"\ncomplete -C 'fusetrace {command} --'\n", "-N")
    offered = {line.split("\t")[0] for line in text.splitlines()}
    assert options_of(command) <= offered


@needs("fish")
def test_fish_offers_values():
    text = script("fish") + "\ncomplete -C 'fusetrace attach --op unl'\n"
    offered = run_shell("fish", text, "-N").splitlines()
    assert [line.split("\t")[0] for line in offered] == ["unlink"]
