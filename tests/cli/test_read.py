# SPDX-License-Identifier: MIT
"""read and summary: recordings, also hostile ones, as text and as JSON."""

import base64
import fcntl
import json
import os
import pty
import random
import re
import shutil
import struct
import subprocess
import termios
import unicodedata

import pytest

from .support import (DATA, DEADLINE, SETUP, USAGE, events, find_fusetrace, operations,
                      records, run)

SAMPLES = ["hostile-names", "daemon-crash", "lost-events"]
HEAD = '{"v":1,"event":"trace","mount":"/mnt","mono_ns":1000000000}'


def sample(name):
    return DATA / f"{name}.jsonl"


def line(op="create", path="/a", status="completed", error=0, **keys):
    record = {"v": 1, "op": op, "path": path, "status": status, "errno": error, **keys}
    return json.dumps(record)


def read(*lines, options=()):
    return run("read", *options, "-", stdin="".join(f"{line}\n" for line in lines))


# ---- what is shown ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", SAMPLES)
def test_text(name, golden):
    result = run("read", sample(name))
    assert result.returncode == 0
    golden(f"read-{name}.txt", result.stdout + result.stderr)


@pytest.mark.parametrize("name", SAMPLES)
def test_summary(name, golden):
    result = run("summary", sample(name))
    assert result.returncode == 0
    golden(f"summary-{name}.txt", result.stdout)
    assert run("read", "--quiet", "--summary", sample(name)).stdout == result.stdout


@pytest.mark.parametrize("name", SAMPLES)
def test_summary_as_json(name, golden):
    golden(f"summary-{name}.json", run("summary", "--format", "json", sample(name)).stdout)


@pytest.mark.parametrize("name", ["hostile-names", "daemon-crash"])
def test_json_gives_back_what_was_read(name):
    result = run("read", "--format", "json", sample(name), text=False)
    assert result.stdout == sample(name).read_bytes()


def test_what_is_in_flight_at_the_end_is_unknown():
    """The recording says "started"; a replay knows that no answer came."""
    before = records(sample("lost-events").read_text())
    after = records(run("read", "--format", "json", sample("lost-events")).stdout)
    assert [record["path"] for record in before if record.get("status") == "started"] == ["/x5"]
    assert [record["path"] for record in after if record.get("status") == "unknown"] == ["/x5"]


def test_read_from_standard_input():
    text = sample("daemon-crash").read_text()
    assert run("read", "-", stdin=text).stdout == run("read", sample("daemon-crash")).stdout


def test_lines_are_shown_as_they_come(belongings):
    """A pipe that stays open: what was written is shown at once."""
    reader, writer = os.pipe()
    process = subprocess.Popen([find_fusetrace(), "read", "-"], stdin=reader,
                               stdout=subprocess.PIPE)
    os.close(reader)
    try:
        os.write(writer, f"{HEAD}\n{line(path='/first')}\n".encode())
        assert b"PATH" in process.stdout.readline()
        assert b"/first" in process.stdout.readline()
        os.write(writer, line(path="/second").encode())
        os.close(writer)
        assert b"/second" in process.stdout.readline()
        assert process.wait(DEADLINE) == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_several_files():
    result = run("read", "--format", "json", sample("daemon-crash"), sample("daemon-crash"))
    assert events(result.stdout) == ["trace", "mounted", "daemon_gone"] * 2
    single = run("summary", sample("daemon-crash")).stdout.splitlines()[-1]
    double = run("summary", sample("daemon-crash"), sample("daemon-crash")).stdout.splitlines()[-1]
    assert int(double.split()[0]) == 2 * int(single.split()[0])


def test_times_count_from_the_head():
    result = read(HEAD, line(start_ns=1_500_000_000), line(start_ns=999_999_000))
    assert [text.split()[0] for text in result.stdout.splitlines()[1:]] == ["0.500000", "-0.000001"]


def test_times_without_a_head_count_from_the_first_operation():
    result = read(line(), line(start_ns=7_000_000_000), line(start_ns=7_000_123_456))
    assert [text.split()[0] for text in result.stdout.splitlines()[1:]] == \
        ["-", "0.000000", "0.000123"]


def test_second_head_begins_anew():
    result = read(HEAD, line(start_ns=2_000_000_000), HEAD.replace("1000000000", "5000000000"),
                  line(start_ns=5_000_001_000))
    assert [text.split()[0] for text in result.stdout.splitlines()] == \
        ["TIME", "1.000000", "TIME", "0.000001"]


def test_empty_file(folder):
    (folder / "empty").touch()
    result = run("read", folder / "empty")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_losses_are_told():
    result = run("read", sample("lost-events"))
    assert result.returncode == 0
    assert "69 events were lost" in result.stdout
    assert result.stderr == "fusetrace: 69 events were lost: the trace has gaps\n"


@pytest.mark.parametrize("keys, text", [
    ({"op": "write", "size": 5, "reply_size": 3, "offset": 7}, "/a 3/5 @7"),
    ({"op": "read", "size": 5, "reply_size": 5, "offset": 0}, "/a 5 @0"),
    ({"op": "open", "flags": os.O_RDWR | os.O_TRUNC}, "/a O_RDWR|O_TRUNC"),
    ({"op": "open", "flags": os.O_SYNC | 0o100000 | 1 << 29}, "/a O_RDONLY|O_SYNC|0x20000000"),
    ({"op": "create", "flags": 0o101, "mode": 0o100640}, "/a O_WRONLY|O_CREAT 0640"),
    ({"op": "mknod", "mode": 0o010600}, "/a fifo 0600"),
    ({"op": "rename", "path2": "/b"}, "/a -> /b"),
    ({"op": "rename", "opcode": 45, "path2": "/b", "flags": 3},
     "/a -> /b RENAME_NOREPLACE|RENAME_EXCHANGE"),
    ({"op": "link", "name2": "b"}, "/a -> ?/b"),
    ({"op": "symlink", "target": "x y"}, "/a -> x y"),
    ({"op": "setxattr", "xattr": "user.a", "size": 3, "flags": 1}, "/a user.a 3 XATTR_CREATE"),
    ({"op": "setattr", "valid": 9, "mode": 0o600, "size": 0}, "/a chmod 0600 truncate 0"),
    ({"op": "chown"}, "/a chown"),
    ({"op": "utimens"}, "/a utimens"),
    ({"op": "access", "mode": 5}, "/a r-x"),
    ({"op": "access", "mode": 0}, "/a exists"),
    ({"op": "fallocate", "offset": 1, "size": 2, "mode": 3}, "/a 2 @1 KEEP_SIZE|PUNCH_HOLE"),
    ({"op": "lseek", "offset": 9, "flags": 4}, "/a SEEK_HOLE @9"),
    ({"op": "setlk", "offset": 0, "size": 10, "flags": 1}, "/a F_WRLCK 10 @0"),
    ({"op": "fsync", "flags": 1}, "/a data only"),
    ({"op": "ioctl", "flags": 0x5401}, "/a 0x5401"),
    ({"op": "getattr", "unlinked": True, "suspect": True}, "/a (unlinked) (suspect)"),
    ({"op": "opcode_77", "opcode": 77}, "/a"),
])
def test_details(keys, text):
    shown = read(line(**keys)).stdout.splitlines()[1]
    assert shown[53:] == text


@pytest.mark.parametrize("keys, text", [
    ({"name": "n"}, "?/n"), ({"nodeid": 12}, "(node 12)"), ({}, "-"),
])
def test_path_that_is_not_known(keys, text):
    record = json.dumps({"v": 1, "op": "getattr", "status": "completed", "errno": 0, **keys})
    assert read(record).stdout.splitlines()[1][53:] == text


@pytest.mark.parametrize("status, error, text", [
    ("completed", 0, "ok"), ("failed", 28, "ENOSPC"), ("failed", 3999, "errno 3999"),
    ("unknown", None, "unknown"),
])
def test_results(status, error, text):
    record = {"v": 1, "op": "write", "path": "/a", "status": status}
    if error is not None:
        record["errno"] = error
    assert read(json.dumps(record)).stdout.splitlines()[1][25:35].strip() == text


# ---- what is selected -------------------------------------------------------------------------


RECORDING = [
    HEAD,
    line("create", "/dir/a.tmp", pid=10, start_ns=1_000_000_000, duration_ns=50_000_000),
    line("write", "/dir/a.tmp", pid=10, start_ns=2_000_000_000, duration_ns=1000),
    line("setattr", "/dir/b", pid=11, start_ns=3_000_000_000, duration_ns=1000, valid=1, mode=0),
    line("lookup", "/c", "failed", 2, pid=11, start_ns=4_000_000_000, duration_ns=1, probe=True),
    line("unlink", "/c", "failed", 13, pid=11, start_ns=5_000_000_000, duration_ns=1),
    line("release", "/dir/a.tmp", pid=0, start_ns=6_000_000_000, duration_ns=20_000_000),
]


@pytest.mark.parametrize("options, expected", [
    ([], ["create", "write", "setattr", "lookup", "unlink", "release"]),
    (["--op", "create, unlink"], ["create", "unlink"]),
    (["--op", "chmod"], ["setattr"]),
    (["--op", "truncate"], []),
    (["--path", "*.tmp"], ["create", "write", "release"]),
    (["--path", "/dir/**"], ["create", "write", "setattr", "release"]),
    (["--path", "/c"], ["lookup", "unlink"]),
    (["--pid", "11"], ["setattr", "lookup", "unlink"]),
    (["--pid", "0"], ["release"]),
    (["--failed"], ["lookup", "unlink"]),
    (["--failed", "--no-probes"], ["unlink"]),
    (["--no-probes"], ["create", "write", "setattr", "unlink", "release"]),
    (["--slow", "20ms"], ["create", "release"]),
    (["--since", "4s"], ["unlink", "release"]),
    (["--since", "1", "--path", "/dir/*"], ["write", "setattr", "release"]),
])
def test_selection(options, expected):
    result = read(*RECORDING, options=["--format", "json", *options])
    assert [record["op"] for record in operations(result.stdout)] == expected
    shown = read(*RECORDING, options=options).stdout.splitlines()[1:]
    assert [text.split()[1] for text in shown] == expected


def test_summary_counts_what_is_selected():
    result = run("summary", "--failed", "-", stdin="\n".join(RECORDING))
    assert result.stdout.splitlines()[-1] == "2 operations, 1 failed, 1 probe, 0 events lost"


# ---- what is refused --------------------------------------------------------------------------


@pytest.mark.parametrize("text, place, reason", [
    ('{"v":1,"op":"create"', "line 3, column 20", ""),
    ("create /a ok", "line 3, column 6", ""),
    ('{"v":2,"op":"create"}', "line 3, column 2", "version"),
    ('{"v":1,"op":"creat","errno":0}', "line 3, column 8", ""),
    ('{"v":1,"op":"create","errno":-1}', "line 3, column 22", ""),
    ('{"v":1,"op":"create","errno":0,"size":null}', "line 3, column 32", ""),
    ("\0\1\2", "line 3, column 1", ""),
])
def test_malformed_line(text, place, reason):
    result = read(HEAD, line(path="/before"), text, line(path="/behind"))
    assert result.returncode == USAGE
    assert result.stderr.startswith(f"fusetrace: standard input: {place}: ")
    assert reason in result.stderr
    assert result.stderr.count("\n") == 1
    assert "/before" in result.stdout and "/behind" not in result.stdout


def test_malformed_line_of_a_file(folder):
    path = folder / "trace\n.jsonl"
    path.write_text(f"{line()}\n{{\n")
    result = run("summary", path)
    assert result.returncode == USAGE
    assert rf"trace\n.jsonl: line 2, column " in result.stderr


def test_line_without_an_end():
    """More than a line may have; the rest is not even looked at."""
    result = run("read", "-", stdin=line() + "\n" + "x" * (3 << 20))
    assert result.returncode == USAGE
    assert "line 2, column 1: longer than 1048576 bytes" in result.stderr


def test_longest_line():
    """A name of 900,000 bytes is shown whole when it does not go to a terminal."""
    result = read(line(path="/" + "x" * 900_000))
    assert result.returncode == 0
    assert "x" * 900_000 in result.stdout


@pytest.mark.parametrize("name, reason", [
    ("missing", "No such file or directory"), (".", "Is a directory"),
])
def test_file_that_cannot_be_read(folder, name, reason):
    result = run("read", folder / name)
    assert result.returncode == SETUP
    assert result.stderr == (f"fusetrace: cannot read {folder / name}: {reason}: "
                             "give a recording or a log\n")


# ---- hostile names ----------------------------------------------------------------------------


def hostile_names():
    chance = random.Random(1)
    names = [bytes([byte]) for byte in range(1, 256)]
    names += [chr(code).encode() for code in range(0x80, 0x3000, 7)]
    names += [b"\x1b]0;title\x07", b"\x1b[2J", b"\r\nfusetrace: forged", b"\xe2\x80\xae", b"\x9b1m"]
    names += [bytes(chance.choices(range(1, 256), k=chance.randrange(1, 250)))
              for _ in range(300)]
    return [name.replace(b"/", b"_") for name in names]


def record_of(name):
    exact = base64.b64encode(b"/" + name).decode()
    return line("rename", "/" + name.decode(errors="replace"), path_bytes=exact,
                path2="/" + name.decode(errors="replace"), path2_bytes=exact)


# Of category Cf, but letters that one sees: they neither hide nor reorder anything.
VISIBLE_FORMAT = "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2"


def is_harmless(character):
    return character in VISIBLE_FORMAT or \
        unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Zl", "Zp")


@pytest.mark.parametrize("options", [[], ["--color", "always"], ["--summary"], ["--quiet", "-s"]])
def test_names_cannot_control_a_terminal(options):
    names = hostile_names()
    result = read(*map(record_of, names), options=options)
    assert result.returncode == 0
    text = re.sub("\x1b\\[(2|31|0)m", "", result.stdout)
    harmful = {character for character in text if character != "\n" and not is_harmless(character)}
    assert not harmful
    if "--quiet" not in options and "--summary" not in options:
        assert len(text.splitlines()) == text.count("\n") == len(names) + 1


def test_names_come_back_exactly():
    names = hostile_names()
    result = read(*map(record_of, names), options=["--format", "json"])
    found = [base64.b64decode(record["path_bytes"]) if "path_bytes" in record
             else record["path"].encode() for record in operations(result.stdout)]
    assert found == [b"/" + name for name in names]
    assert all(0x20 <= byte < 0x7f or byte >= 0x80 or byte == 0x0a
               for byte in result.stdout.encode())


def test_different_names_look_different():
    names = list(dict.fromkeys(hostile_names()))
    shown = {text[53:] for text in read(*map(record_of, names)).stdout.splitlines()[1:]}
    assert len(shown) == len(names)


# ---- terminals and colours --------------------------------------------------------------------


def read_on_terminal(path, columns, options=(), **environment):
    """What read prints on a terminal of that width."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    variables = {**os.environ, "TERM": "xterm", **environment}
    for name in ("NO_COLOR", "CLICOLOR_FORCE"):
        if name not in environment:
            variables.pop(name, None)
    process = subprocess.Popen([find_fusetrace(), "read", *options, str(path)],
                               stdin=subprocess.DEVNULL, stdout=theirs, env=variables)
    os.close(theirs)
    output = b""
    while True:
        try:
            data = os.read(ours, 65536)
        except OSError:  # the last one has closed its end
            break
        output += data
    os.close(ours)
    assert process.wait(DEADLINE) == 0
    return output.decode().replace("\r\n", "\n")


def width(text):
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else
               0 if unicodedata.combining(character) else 1 for character in text)


@pytest.mark.parametrize("columns", [80, 100, 133])
def test_lines_fit_the_terminal(columns):
    text = read_on_terminal(sample("hostile-names"), columns, ["--color", "never"])
    lines = text.splitlines()
    assert len(lines) == len(run("read", sample("hostile-names")).stdout.splitlines())
    assert max(map(width, lines)) <= columns
    assert any("nnn...nnn" in text for text in lines)


def test_summary_fits_the_terminal():
    text = read_on_terminal(sample("hostile-names"), 120, ["-q", "-s"])
    assert max(map(width, text.splitlines())) <= 120


def test_narrow_terminal_still_shows_a_path():
    text = read_on_terminal(sample("daemon-crash"), 20, ["--color", "never"])
    assert "/big" in text


@pytest.mark.parametrize("options, environment, is_colored", [
    ([], {}, True),
    ([], {"NO_COLOR": "1"}, False),
    ([], {"NO_COLOR": ""}, True),
    ([], {"TERM": "dumb"}, False),
    (["--color", "never"], {}, False),
    (["--color", "always"], {"NO_COLOR": "1"}, True),
    ([], {"CLICOLOR_FORCE": "1", "TERM": "dumb"}, True),
    ([], {"CLICOLOR_FORCE": "1", "NO_COLOR": "1"}, False),
])
def test_color_on_a_terminal(options, environment, is_colored):
    text = read_on_terminal(sample("daemon-crash"), 100, options, **environment)
    assert ("\x1b[" in text) == is_colored


@pytest.mark.parametrize("options, environment, is_colored", [
    ([], {}, False), ([], {"CLICOLOR_FORCE": "1"}, True), ([], {"CLICOLOR_FORCE": "0"}, False),
    (["--color", "always"], {}, True),
])
def test_color_elsewhere(options, environment, is_colored):
    variables = {name: value for name, value in os.environ.items()
                 if name not in ("NO_COLOR", "CLICOLOR_FORCE")}
    result = run("read", *options, sample("daemon-crash"), env={**variables, **environment})
    assert ("\x1b[" in result.stdout) == is_colored


def test_colors_mean_something():
    result = run("read", "--color", "always", sample("daemon-crash"))
    for text in result.stdout.splitlines():
        if "(probe)" in text:
            assert text.startswith("\x1b[2m") and text.endswith("\x1b[0m")
        elif "ENOSPC" in text:
            assert text.startswith("\x1b[31m") and text.endswith("\x1b[0m")
        else:
            assert "\x1b" not in text


# ---- where it goes ----------------------------------------------------------------------------


def test_output_file(folder):
    result = run("read", "-o", folder / "out", sample("daemon-crash"))
    assert (result.returncode, result.stdout) == (0, "")
    assert (folder / "out").read_text() == run("read", sample("daemon-crash")).stdout


def test_output_file_that_cannot_be_made(folder):
    result = run("read", "-o", folder / "no" / "out", sample("daemon-crash"))
    assert result.returncode == SETUP
    assert f"cannot write to {folder}/no/out: No such file or directory" in result.stderr


@pytest.mark.parametrize("command", [["read"], ["read", "--format", "json"], ["summary"]])
def test_full_output(command):
    with open("/dev/full", "w") as full:
        result = run(*command, sample("hostile-names"), stdout=full)
    assert result.returncode == SETUP
    assert result.stderr == ("fusetrace: cannot write to standard output: No space left on device: "
                             "make room or give another -o\n")


def test_full_output_file():
    result = run("read", "-o", "/dev/full", sample("hostile-names"))
    assert result.returncode == SETUP
    assert "cannot write to /dev/full" in result.stderr


def test_reader_that_goes_away(folder):
    big = folder / "big"
    big.write_text((line(path="/" + "x" * 200) + "\n") * 50_000)
    process = subprocess.Popen([find_fusetrace(), "read", str(big)], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(DEADLINE) == 0
    assert process.stderr.read() == b""
    process.stderr.close()


def test_memory_does_not_grow(folder):
    """Ten times as much to read needs hardly more memory."""
    def peak(count):
        path = folder / f"{count}"
        with open(path, "w") as file:
            for number in range(count):
                file.write(line(path=f"/file{number % 1000}", start_ns=number) + "\n")
        process = subprocess.Popen([find_fusetrace(), "summary", str(path)],
                                   stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = status
        assert status == 0
        return usage.ru_maxrss

    assert peak(1_000_000) < peak(400_000) * 1.5


@pytest.mark.skipif(not shutil.which("valgrind"), reason="valgrind is not installed")
@pytest.mark.parametrize("command", [["read"], ["read", "-f", "json"], ["summary"],
                                     ["read", "--path", "/dir/**", "-q", "-s"]])
def test_valgrind(command):
    result = subprocess.run(["valgrind", "-q", "--error-exitcode=9", "--leak-check=full",
                             find_fusetrace(), *command, *map(sample, SAMPLES)],
                            capture_output=True, text=True, timeout=DEADLINE, check=False)
    assert result.returncode == 0, result.stderr
