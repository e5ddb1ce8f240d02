# SPDX-License-Identifier: MIT
"""Logs that are damaged, hostile, endless or none at all: none may cost more than a message."""

import itertools
import json
import os
import random
import re
import resource
import shutil
import subprocess
import threading
from pathlib import Path

import pytest

from .support import DATA, DEADLINE, SETUP, USAGE, find_fusetrace, operations, run

LOG = DATA / "formats" / "libfuse-29-bindfs.log"
GO_FUSE = DATA / "formats" / "go-fuse-2.10-loopback.log"
MKDIR = (b"unique: 2, opcode: MKDIR (9), nodeid: 1, insize: 50, pid: 7\n"
         b"mkdir /a 0755 umask=0022\n"
         b"   unique: 2, success, outsize: 144\n")
MIB = 1 << 20
GIB = 1 << 30


def read(log, *options):
    """Of bytes, by standard input. What it prints must be text."""
    result = run("read", *options, "-", stdin=log, text=False)
    result.stdout, result.stderr = result.stdout.decode(), result.stderr.decode()
    assert result.returncode in (0, USAGE), result.stderr
    return result


def read_operations(log):
    return operations(read(log, "--format", "json").stdout)


def brief(found):
    """What tells operations from one another, without times and places in the list."""
    return [(each["op"], each.get("path"), each["status"], each.get("errno"), each.get("unique"))
            for each in found]


# ---- no log -----------------------------------------------------------------------------------


def test_empty_file(folder):
    (folder / "log").touch()
    result = run("read", folder / "log")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_directory(folder):
    result = run("read", folder)
    assert (result.returncode, result.stdout) == (SETUP, "")
    assert result.stderr == (f"fusetrace: cannot read {folder}: Is a directory: "
                             "give a recording or a log\n")


def test_file_of_another_user(folder):
    log = folder / "log"
    log.write_bytes(MKDIR)
    log.chmod(0)
    command = [find_fusetrace(), "read", log]
    if os.geteuid() == 0:
        if not shutil.which("setpriv"):
            pytest.skip("root reads everything, and setpriv is not installed")
        command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *command]
        if subprocess.run([*command[:-1], "--help"], capture_output=True, timeout=DEADLINE,
                          check=False).returncode:
            pytest.skip("other users cannot run the command where it is")
    result = subprocess.run(command, text=True, capture_output=True, timeout=DEADLINE, check=False)
    assert (result.returncode, result.stdout) == (SETUP, "")
    assert result.stderr == (f"fusetrace: cannot read {log}: Permission denied: "
                             "give a recording or a log\n")


def test_no_known_format():
    """The formats that were tried, and the first line that none of them took."""
    result = read(b"\n\r\nNov 22 host kernel: \x1b[2J\xff " + b"x" * 100 + b"\nsecond\n")
    assert result.returncode == USAGE
    assert result.stdout == ""
    formats = [json.loads(line)["format"]
               for line in run("formats", "--format", "json").stdout.splitlines()]
    first, tried = result.stderr.splitlines()
    for format in formats:
        assert format in tried
    assert ": Nov 22 host kernel: \\x1b[2J\\xff xxx" in first
    assert first.endswith("xxx...")


@pytest.mark.parametrize("seed", range(4))
def test_garbage(seed):
    """The bytes of a program, say: alone, and before and behind a record."""
    noise = random.Random(seed).randbytes(MIB)
    result = read(noise)
    assert (result.returncode, result.stdout) == (USAGE, "")
    assert all(line.isprintable() for line in result.stderr.splitlines())
    found = read_operations(noise + b"\n" + MKDIR + noise)
    assert brief(found) == [("mkdir", "/a", "completed", 0, 2)]


# ---- values -----------------------------------------------------------------------------------

HUGE = b"99999999999999999999999"
OVERFLOWS = {
    "libfuse-unique": MKDIR.replace(b"unique: 2", b"unique: " + HUGE),
    "libfuse-opcode": MKDIR.replace(b"(9)", b"(" + HUGE + b")"),
    "libfuse-nodeid": MKDIR.replace(b"nodeid: 1", b"nodeid: " + HUGE),
    "libfuse-insize": MKDIR.replace(b"insize: 50", b"insize: " + HUGE),
    "libfuse-pid": MKDIR.replace(b"pid: 7", b"pid: " + HUGE),
    "libfuse-error": MKDIR.replace(b"success", b"error: -" + HUGE + b" (what)"),
    "libfuse-outsize": MKDIR.replace(b"outsize: 144", b"outsize: " + HUGE),
    "libfuse-mode": MKDIR.replace(b"0755", b"0" + b"7" * 40),
    "libfuse-read": b"unique: 2, opcode: READ (15), nodeid: 1, insize: 80, pid: 7\n"
                    b"read[" + HUGE + b"] " + HUGE + b" bytes from " + HUGE + b" flags: 0x8000\n"
                    b"   unique: 2, success, outsize: 16\n",
    "go-fuse-unique": b"rx " + HUGE + b': LOOKUP n1 "a"\ntx ' + HUGE + b":     OK\n",
    "go-fuse-node": b"rx 2: LOOKUP n" + HUGE + b' "a"\ntx 2:     OK\n',
    "go-fuse-error": b'rx 2: LOOKUP n1 "a"\ntx 2:     ' + HUGE + b"=what\n",
    "go-fuse-read": b"rx 2: READ n1 {Fh " + HUGE + b" [" + HUGE + b" +" + HUGE + b")}\n",
    "mergerfs": b"ts=" + HUGE + b" dir=IN unique=0x" + b"F" * 30 + b" opcode=LOOKUP opcode_id=" +
                HUGE + b' nodeid=1 uid=0 gid=0 pid=1 name="a"\n',
    "fuser": b"FUSE(" + HUGE + b") ino 0x" + b"f" * 30 + b' LOOKUP name "a"\n',
    "fuser-size": b"FUSE(2) ino 0x0000000000000001 READ fh FileHandle(" + HUGE + b"), offset " +
                  HUGE + b", size " + HUGE + b"\n",
    "fusepy": b"DEBUG:fuse.log-mixin:-> read /a (" + HUGE + b", " + HUGE + b", " + HUGE + b")\n"
              b"DEBUG:fuse.log-mixin:<- read '[Errno " + HUGE + b"] what'\n",
    "unionfs": b"unionfs_getattr(): " + HUGE + b": /a\nunionfs_getattr(): 198: return -" + HUGE +
               b"\n",
    "s3fs": b"2026-11-22T09:19:05.197Z [INF] s3fs.cpp:s3fs_read(2325): [path=/a][size=" + HUGE +
            b"][offset=" + HUGE + b"][pseudo_fd=2]\n",
    "ours": b'first\n{"v":1,"op":"read","path":"/a","errno":' + HUGE + b"}\n"
            b'{"v":1,"op":"read","path":"/a","errno":0,"size":' + HUGE + b"}\n",
    "time": b"9999-99-99T99:99:99.999999999999Z rx 2: LOOKUP n1 \"a\"\n",
}


@pytest.mark.parametrize("log", OVERFLOWS.values(), ids=OVERFLOWS)
def test_number_that_is_too_large(log):
    """No number of an operation is a part of it, its lowest bits or a limit."""
    wrong = {int(HUGE) % (1 << bits) for bits in (16, 32, 64)} | {
        (1 << bits) - 1 for bits in (16, 31, 32, 63, 64)} | {int(HUGE[:19]), int(HUGE[:10])}
    for found in read_operations(log):
        numbers = {key: int(value) for key, value in found.items()
                   if key not in ("v", "seq") and str(value).isdigit()}
        assert not wrong & set(numbers.values()), found


# ---- requests and replies ---------------------------------------------------------------------


def test_replies_without_requests():
    lines = b"".join(line for line in LOG.read_bytes().splitlines(keepends=True)
                     if line.startswith(b"   unique: "))
    result = read(lines, "--format", "json")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_requests_without_replies():
    lines = b"".join(line for line in LOG.read_bytes().splitlines(keepends=True)
                     if not line.startswith(b"   unique: "))
    found, whole = read_operations(lines), read_operations(LOG.read_bytes())
    assert len(found) == len(whole)
    without_reply = ("forget", "batch_forget", "interrupt")
    assert {each["status"] for each in found if each["op"] not in without_reply} == {"unknown"}
    assert not [each for each in found if "errno" in each and each["op"] not in without_reply]


def test_number_that_is_used_again():
    log = MKDIR.splitlines(keepends=True)
    found = read_operations(b"".join([*log[:2], log[0], b"mkdir /b 0755 umask=0022\n", log[2]]))
    assert brief(found) == [("mkdir", "/a", "unknown", None, 2), ("mkdir", "/b", "completed", 0, 2)]


@pytest.mark.parametrize("first, last", [("09:00:10.5", "09:00:09.0"), ("09:00:10.5", "00:00:00.1"),
                                         ("00:00:00.0", "23:59:59.9")])
def test_time_that_goes_back(first, last):
    """The difference is no duration; to the day before, at midnight, it is none of a day either."""
    found = read_operations(f'{first} rx 2: LOOKUP n1 "a"\n{last} tx 2:     OK\n'.encode())
    assert brief(found) == [("lookup", "/a", "completed", 0, 2)]
    assert found[0].get("duration_ns", 0) < 86_400_000_000_000
    log = ("ts=2000 dir=IN unique=0x0000000000000002 opcode=UNLINK opcode_id=10 nodeid=1 uid=0 "
           'gid=0 pid=1 name="a"\nts=1000 dir=OUT unique=0x0000000000000002 error=0 '
           'error_str="Success" len=16\n')
    assert "duration_ns" not in read_operations(log.encode())[0]


# ---- bytes ------------------------------------------------------------------------------------


def named(name):
    return MKDIR.replace(b"/a ", b"/" + name + b" ").replace(b"insize: 50",
                                                             b"insize: %d" % (49 + len(name)))


@pytest.mark.parametrize("name", [
    b"\x1b[2J\x1b[31mred", b"\x9b2J", b"\x07\x08\x7f", b"\x1b]0;title\x07", b"\xe2\x80\xaetxt.exe",
    b"\xc2\x9b31m", b"a\rb", b"\xe2\x80\xa8"])
def test_hostile_names(name):
    """A terminal gets none of it; JSON has the exact bytes."""
    text = read(named(name)).stdout
    assert "mkdir" in text.lower()
    assert all(each.isprintable() or each == "\n" for each in text)
    assert "\u202e" not in text
    found = read_operations(named(name))
    assert len(found) == 1
    if "path_bytes" not in found[0]:
        assert found[0]["path"].encode() == b"/" + name


def test_invalid_utf8():
    found = read_operations(named(b"i\xff\xfe.txt"))
    assert (found[0]["path"], found[0]["path_bytes"]) == ("/i\ufffd\ufffd.txt", "L2n//i50eHQ=")
    assert "/i\\xff\\xfe.txt" in read(named(b"i\xff\xfe.txt")).stdout


@pytest.mark.parametrize("path", [LOG, GO_FUSE], ids=lambda path: path.stem)
def test_carriage_returns(path):
    """Of a log that went through a terminal, up to the first name with a newline."""
    log = path.read_bytes()
    log = log[:log.rindex(b"\n", 0, log.find(b"/n\nn.txt") if b"/n\nn.txt" in log else None) + 1]
    assert b"\r" not in log and len(log) > 10_000
    assert brief(read_operations(log.replace(b"\n", b"\r\n"))) == brief(read_operations(log))


def test_nul_bytes():
    """A file that was cut short while it was written to has a hole; a name cannot hold one."""
    found = read_operations(bytes(4096) + b"\n" + MKDIR + b"\0\n\0\0" + bytes(100) + b"\n" + MKDIR)
    assert brief(found) == [("mkdir", "/a", "completed", 0, 2)] * 2
    for each in read_operations(named(b"a\0b")):
        assert "\0" not in each.get("path", "")


@pytest.mark.parametrize("size", [400_000, MIB, 7 * MIB, 9 * MIB])
def test_long_lines(size):
    """Programs print what they read and write: the line, or what goes before it, counts."""
    data = b"x" * size
    found = read_operations(data + b"\n" + MKDIR + data + b"\n" + MKDIR)
    assert brief(found) == [("mkdir", "/a", "completed", 0, 2)] * 2
    found = read_operations(b"DEBUG:fuse.log-mixin:-> write /a (b'" + data + b"', 0, 7)\n"
                            b"DEBUG:fuse.log-mixin:<- write %d\n" % size)
    assert [each["op"] for each in found] == (["write"] if size < 8 * MIB else [])


def test_middle_of_a_log():
    """From any byte to any other: nothing but operations of the whole."""
    log = LOG.read_bytes()
    whole = {(op, unique): (op, status, error) for op, _, status, error, unique
             in brief(read_operations(log))}
    chance = random.Random(7)
    for _ in range(20):
        begin, end = sorted(chance.randrange(len(log)) for _ in range(2))
        found = brief(read_operations(log[begin:end]))
        assert len(found) <= len(whole)
        for op, _, status, error, unique in found:
            if unique != 99999:
                assert whole[(op, unique)] == (op, status, error) or status == "unknown"


def test_two_mounts_in_one_file():
    """Numbers begin anew with the second; what the first left open has no end."""
    log = LOG.read_bytes()
    first = log[:log.rindex(b"   unique: ")]
    once = brief(read_operations(log))
    assert brief(read_operations(log + log)) == once * 2
    cut_off = brief(read_operations(first))
    assert [each for each in cut_off if each[2] == "unknown"]
    assert brief(read_operations(first + log)) == cut_off + once


def test_two_daemons_in_one_file():
    """The second library's requests are there, but marked: one daemon has one."""
    found = read_operations(LOG.read_bytes() + GO_FUSE.read_bytes())
    count = len(read_operations(LOG.read_bytes()))
    assert brief(found[:count]) == brief(read_operations(LOG.read_bytes()))
    assert len(found) == count + len(read_operations(GO_FUSE.read_bytes()))
    assert all(each.get("suspect") for each in found[count:])


# ---- amounts ----------------------------------------------------------------------------------


class Stream:
    """fusetrace reads what we write; its peak of memory when it had nearly all is what counts."""

    def __init__(self, pieces):
        process = subprocess.Popen([find_fusetrace(), "summary", "-"], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        timer = threading.Timer(2 * DEADLINE, process.kill)
        timer.start()
        for piece in pieces:
            process.stdin.write(piece)
        status = Path(f"/proc/{process.pid}/status").read_text()
        self.bytes = int(re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)[1]) * 1024
        self.out = process.communicate()[0].decode()
        self.code = process.returncode
        timer.cancel()


def is_sanitized():
    """A sanitizer keeps what is freed for a while: memory tells nothing then."""
    return b"libasan" in subprocess.run(["ldd", find_fusetrace()], capture_output=True,
                                        timeout=DEADLINE, check=False).stdout


def repeated(data, size):
    block = data * (MIB // len(data) + 1)
    return itertools.repeat(block, size // len(block) + 1)


needs_memory = pytest.mark.skipif(bool(find_fusetrace()) and is_sanitized(),
                                  reason="memory is not measured with a sanitizer")


@needs_memory
def test_gigabyte_without_a_newline():
    stream = Stream([*repeated(b"x", GIB), b"\n" + MKDIR])
    assert stream.code == 0 and "mkdir" in stream.out
    assert stream.bytes < 128 * MIB


def test_address_space_is_enough():
    """The same under a limit that makes allocations fail instead of counting them."""
    limit = 512 * MIB
    if is_sanitized():
        pytest.skip("a sanitizer needs more address space than any limit")
    process = subprocess.Popen(
        [find_fusetrace(), "summary", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)))
    output, _ = process.communicate(b"x" * (100 * MIB) + b"\n" + MKDIR, DEADLINE)
    assert process.returncode == 0 and b"mkdir" in output


@needs_memory
def test_gigabyte_of_a_log():
    stream = Stream(repeated(LOG.read_bytes(), GIB))
    assert stream.code == 0
    assert stream.bytes < 128 * MIB


@needs_memory
@pytest.mark.parametrize("path", sorted(DATA.glob("formats/*.log")), ids=lambda path: path.stem)
def test_memory_does_not_grow(path):
    """Twice as long a log of each format takes as much."""
    log = path.read_bytes()
    short, long = Stream(repeated(log, 24 * MIB)), Stream(repeated(log, 48 * MIB))
    assert long.bytes < 128 * MIB
    assert long.bytes < short.bytes + 24 * MIB


def requests(count, request):
    for begin in range(0, count, 1000):
        yield b"".join(request(number) for number in range(begin, begin + 1000))


NEW_EACH_TIME = {
    "libfuse": lambda n: b"unique: %d, opcode: UNLINK (10), nodeid: 1, insize: 45, pid: 1\n"
                         b"unlink /%d\n" % (2 * n + 2, n),
    "go-fuse": lambda n: b"rx %d: MKDIR n%d {0755 (022)} \"n%d\" p7\n"
                         b"tx %d:     OK, {n%d g1 tE=1s tA=1s {M040755 SZ=0 L=2 0:0 B8*4096 i0:2 "
                         b"A 1.0 M 1.0 C 1.0}}\n" % (n, n // 3 + 1, n, n, n + 2),
    "mergerfs": lambda n: b"ts=%d dir=IN unique=0x%016X opcode=LOOKUP opcode_id=1 nodeid=1 uid=0 "
                          b"gid=0 pid=1 name=\"%d\"\n" % (n, n, n),
    "fusepy": lambda n: b"DEBUG:fuse.log-mixin:-> getattr /%d (None,)\n" % n,
    "unionfs": lambda n: b"unionfs_getattr(): 195: /%d\n" % n,
}


@needs_memory
@pytest.mark.parametrize("request_of", NEW_EACH_TIME.values(), ids=NEW_EACH_TIME)
def test_names_and_requests_without_end(request_of):
    """Requests that nobody answers, and files that nobody forgets."""
    assert Stream(requests(500_000, request_of)).bytes < 192 * MIB
