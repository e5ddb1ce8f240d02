# SPDX-License-Identifier: MIT
"""Logs, packed or not: what is understood of them, and what is told of the rest."""

import fcntl
import gzip
import json
import os
import pty
import re
import shutil
import struct
import subprocess
import termios

import pytest

from .support import DATA, DEADLINE, SETUP, USAGE, events, find_fusetrace, operations, run

RECORD = '{"v":1,"op":"mkdir","path":"/a","errno":0,"source":"log"}\n'
LIBFUSE = ("unique: 2, opcode: MKDIR (9), nodeid: 1, insize: 50, pid: 7\n"
           "mkdir /a 0755 umask=0022\n"
           "   unique: 2, success, outsize: 144\n")
LOG = DATA / "formats" / "libfuse-29-bindfs.log"

needs_zstd = pytest.mark.skipif(not shutil.which("zstd"), reason="zstd is not installed")


def read(log, *options, **keywords):
    return run("read", *options, "-", stdin=log, **keywords)


def zstd(data, *options):
    return subprocess.run(["zstd", "-q", "-c", *options], input=data, stdout=subprocess.PIPE,
                          timeout=DEADLINE, check=True).stdout


# ---- lines of any kind ------------------------------------------------------------------------


def test_our_lines_behind_a_warning():
    result = read("warning: the mountpoint is not empty\n" + RECORD, "--format", "json")
    assert (result.returncode, result.stderr) == (0, "")
    assert [found["path"] for found in operations(result.stdout, op="mkdir")] == ["/a"]


def test_malformed_line_of_ours():
    """In a log it is a line as any other; in a recording it is an error."""
    bad = '{"v":1,"op":"mkdri"}\n'
    assert read("first\n" + RECORD + bad + RECORD).returncode == 0
    assert read("first\n" + bad + RECORD, "--unparsed").stdout == \
        '1: first\n2: {"v":1,"op":"mkdri"}\n'
    assert read(RECORD + bad).returncode == USAGE


def test_loss_told_in_a_log():
    result = read("first\n" + RECORD + '{"v":1,"event":"lost","count":12}\n' + RECORD,
                  "--format", "json")
    assert result.returncode == 0
    assert events(result.stdout) == ["lost"]
    assert '"lost","count":12' in result.stdout.splitlines()[1]
    assert result.stderr == "fusetrace: 12 events were lost: the trace has gaps\n"


def test_line_longer_than_the_buffer():
    result = read("x" * (5 << 20) + "\n" + LIBFUSE + "x" * (3 << 20), "--format", "json")
    assert result.returncode == 0
    assert len(operations(result.stdout, op="mkdir")) == 1


# ---- what is not understood -------------------------------------------------------------------


def test_unparsed():
    text = "first\n\n" + LIBFUSE + "tab\there \x1b[2J\u202e\r\nlast"
    result = read(text, "--unparsed")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == "1: first\n6: tab\\there \\x1b[2J\\u{202e}\n7: last\n"


def test_unparsed_of_several_files(folder):
    (folder / "a").write_text("one\n")
    (folder / "b").write_text(RECORD + "two\n")
    result = run("read", "--unparsed", folder / "a", folder / "b")
    assert (result.returncode, result.stdout) == (0, "1: one\n2: two\n")


def test_unparsed_request_that_its_library_does_not_know():
    known = "FUSE(  4) ino 0x0000000000000001 LOOKUP name \"d\"\n"
    result = read(known + "FUSE(  6) ino 0x0000000000000001\n", "--unparsed")
    assert (result.returncode, result.stdout) == (0, "2: FUSE(  6) ino 0x0000000000000001\n")


def test_unparsed_to_a_file(folder):
    result = run("read", "--unparsed", "-o", folder / "out", "-", stdin="one\n")
    assert (result.returncode, result.stdout) == (0, "")
    assert (folder / "out").read_text() == "1: one\n"


def test_unparsed_with_a_table():
    result = read("first\n" + LIBFUSE, "--unparsed", "--summary")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("1: first\n")
    assert "mkdir" in result.stdout


def test_unparsed_is_text():
    result = read("first\n", "--unparsed", "--format", "json")
    assert result.returncode == USAGE
    assert "--unparsed lists lines as text" in result.stderr


@pytest.mark.parametrize("text, first", [
    ("first\nsecond\n", "first"), ("first", "first"), ("\r\n\nfirst\r\n", "first"), ("\0\n", "..."),
    ("{}\n", "{}"), ("a\x1b[2J\u202e\n", "a\\x1b[2J\\u{202e}"), ("x" * 121 + "\n", "x" * 120 + "...")])
@pytest.mark.parametrize("command", [["read"], ["read", "-s"], ["summary"]])
def test_nothing_is_understood(command, text, first):
    """The first line is shown, and which formats it was offered to."""
    result = run(*command, "-", stdin=text)
    assert result.returncode == USAGE
    told, tried = result.stderr.splitlines()
    assert told == ("fusetrace: standard input: no line is of a known format; "
                    f"the first one: {first}")
    names = [json.loads(line)["format"]
             for line in run("formats", "--format", "json").stdout.splitlines()]
    assert tried == f"fusetrace: tried: {', '.join(names)}: see 'fusetrace formats'"


@pytest.mark.parametrize("text", ["", "\n", "\r\n\n"])
def test_empty_log(text):
    assert read(text).returncode == 0


def test_some_is_understood():
    """Told beside a table only: a log of a daemon is full of other lines."""
    text = "first\n" + LIBFUSE + "\nlast\n"
    assert read(text).stderr == ""
    assert read(text, "--summary").stderr == \
        "fusetrace: 2 of 5 lines were not understood: see them with --unparsed\n"
    assert run("summary", "-", stdin=text[:-5]).stderr == \
        "fusetrace: 1 of 4 lines was not understood: see it with 'fusetrace read --unparsed'\n"
    assert read(LIBFUSE, "--summary").stderr == ""


# ---- packed -----------------------------------------------------------------------------------


def packed_whole():
    data = LOG.read_bytes()
    half = len(data) // 2
    yield "gzip", gzip.compress(data)
    yield "gzip-members", gzip.compress(data[:half]) + gzip.compress(data[half:])
    yield "gzip-empty-member", gzip.compress(b"") + gzip.compress(data)
    yield "gzip-padded", gzip.compress(data) + bytes(512)
    yield "gzip-many-members", b"".join(gzip.compress(data[at:at + 997])
                                        for at in range(0, len(data), 997))
    if shutil.which("zstd"):
        yield "zstd", zstd(data)
        yield "zstd-frames", zstd(data[:half]) + zstd(data[half:])
        yield "zstd-skippable", struct.pack("<II", 0x184D2A53, 4) + b"skip" + zstd(data)
        yield "zstd-checked", zstd(data, "--check", "-19")


@pytest.mark.parametrize("data", [pytest.param(data, id=name) for name, data in packed_whole()])
def test_packed(folder, data):
    (folder / "log").write_bytes(data)
    expected = run("read", "--format", "json", LOG).stdout
    result = run("read", "--format", "json", folder / "log")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == expected
    assert read(data, "--format", "json", text=False).stdout.decode() == expected


def test_packed_recording(folder):
    path = DATA / "daemon-crash.jsonl"
    (folder / "trace.jsonl.gz").write_bytes(gzip.compress(path.read_bytes()))
    assert run("read", folder / "trace.jsonl.gz").stdout == run("read", path).stdout


def damaged():
    """Packed data, what is wrong with them, and how many operations come before that at least."""
    data = LIBFUSE.encode() * 1000 + os.urandom(100_000).replace(b"\n", b"")
    whole = gzip.compress(data)
    yield "gzip-cut-off", whole[:-50_000], "the gzip data end too early", 1000
    yield "gzip-head-only", whole[:10], "the gzip data end too early", 0
    yield "gzip-without-sum", whole[:-8], "the gzip data end too early", 1000
    yield "gzip-wrong-sum", whole[:-8] + bytes(8), "the gzip data are damaged", 1000
    yield "gzip-and-more", gzip.compress(LIBFUSE.encode()) + b"more", \
        "the gzip data are damaged", 1
    yield "gzip-noise", whole[:12] + bytes([255]) * 1000, "the gzip data are damaged", 0
    if shutil.which("zstd"):
        whole = zstd(data, "--check")
        yield "zstd-cut-off", whole[:-4], "the zstd data end too early", 0
        yield "zstd-wrong-sum", whole[:-4] + bytes(4), "the zstd data are damaged", 0
        yield "zstd-and-more", zstd(LIBFUSE.encode()) + b"more", "the zstd data are damaged", 1


@pytest.mark.parametrize("data, text, count", [pytest.param(*case, id=name)
                                               for name, *case in damaged()])
def test_damaged(folder, data, text, count):
    (folder / "log").write_bytes(data)
    result = run("read", "--format", "json", folder / "log")
    assert result.returncode == USAGE
    assert len(operations(result.stdout)) >= count
    assert result.stderr.startswith(f"fusetrace: {folder / 'log'}: {text}")
    assert result.stderr.endswith(": what came before is all that can be read\n")


def test_cut_off_line_is_no_error():
    """Of a recording that is cut off within a line, the whole lines count."""
    data = gzip.compress(RECORD.encode() + RECORD.encode()[:-9], compresslevel=0)
    result = read(data[:-8], "--format", "json", text=False)
    assert result.returncode == USAGE
    assert len(operations(result.stdout.decode())) == 1
    assert b"the gzip data end too early" in result.stderr


@pytest.mark.parametrize("text", ["\x1f", "(", "(\n", "P", "\x1f\x8b"])
def test_short_and_not_packed(text):
    result = run("read", "--unparsed", "-", stdin=text.encode("latin-1"), text=False)
    assert result.returncode == 0
    assert result.stdout.startswith(b"1: ")


def test_packed_lines_are_shown_as_they_come():
    packer = gzip.GzipFile(fileobj=(pipe := os.fdopen((ends := os.pipe())[1], "wb", buffering=0)),
                           mode="wb")
    process = subprocess.Popen([find_fusetrace(), "read", "-"], stdin=ends[0],
                               stdout=subprocess.PIPE)
    os.close(ends[0])
    try:
        packer.write(b"first\n" + LIBFUSE.encode())
        packer.flush()
        assert b"PATH" in process.stdout.readline()
        assert b"/a" in process.stdout.readline()
        packer.close()
        pipe.close()
        assert process.wait(DEADLINE) == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


# ---- patterns ---------------------------------------------------------------------------------


def test_pattern(folder):
    for name in ("b.log", "a.log", "c.txt"):
        (folder / name).write_text(RECORD.replace("/a", f"/{name}"))
    result = run("read", "--format", "json", folder / "*.log")
    assert [found["path"] for found in operations(result.stdout)] == ["/a.log", "/b.log"]


def test_file_whose_name_is_a_pattern(folder):
    (folder / "[a].log").write_text(RECORD.replace("/a", "/itself"))
    (folder / "a.log").write_text(RECORD)
    result = run("read", "--format", "json", folder / "[a].log")
    assert [found["path"] for found in operations(result.stdout)] == ["/itself"]


def test_pattern_without_a_match(folder):
    result = run("read", folder / "*.log")
    assert result.returncode == SETUP
    assert f"cannot read {folder}/*.log: No such file or directory" in result.stderr


# ---- progress ---------------------------------------------------------------------------------


def on_terminal(*arguments, is_read=False):
    """Standard output to /dev/null, or to the terminal as well; what the terminal gets."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    process = subprocess.Popen([find_fusetrace(), *map(str, arguments)],
                               stdin=subprocess.DEVNULL, stderr=theirs,
                               stdout=theirs if is_read else subprocess.DEVNULL)
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
    return output.decode()


def test_progress(folder):
    """A read of some seconds tells how far it is, and leaves nothing behind."""
    with open(folder / "log", "wb") as file:
        file.write(LOG.read_bytes() * 6000)
    shown = on_terminal("summary", folder / "log")
    rates = [int(rate) for rate in re.findall(r"\rfusetrace: +(\d+) % read", shown)]
    assert rates and rates == sorted(rates) and rates[-1] <= 100
    last = shown[shown.rindex("% read") + len("% read"):]
    assert last.startswith("\r\x1b[K") and "read" not in last
    assert run("summary", folder / "log").stderr.count("%") == 0


def test_no_progress_for_short_reads_or_beside_lines():
    assert on_terminal("summary", LOG).count("% read") == 0
    assert on_terminal("read", LOG, is_read=True).count("% read") == 0


# ---- the list of formats ----------------------------------------------------------------------


def test_formats_as_table_and_as_json():
    text = run("formats").stdout
    listed = [json.loads(line) for line in run("formats", "--format", "json").stdout.splitlines()]
    names = [format["format"] for format in listed]
    columns = re.split(r" +", text.splitlines()[0].lower())[1:]
    rows = {row[0]: row[1:] for row in map(str.split, text.splitlines()[1:])
            if row[0] in names and set(row[1:]) <= {"yes", "-"}}
    assert {"libfuse", "fusetrace"} <= set(names) == set(rows)
    for format in listed:
        row = dict(zip(columns, rows[format["format"]], strict=True))
        assert [name for name in columns if row[name] == "yes"] == format["gives"]
        for key in ("title", "used_by", "how"):
            assert format[key] in text
    assert columns == ["path", "name", "reply", "errno", "time", "offset", "pid", "forge-proof"]


def test_formats_are_what_they_were(golden):
    for name, options in (("formats.txt", ()), ("formats.json", ("--format", "json"))):
        result = run("formats", *options)
        assert (result.returncode, result.stderr) == (0, "")
        golden(name, result.stdout)


def test_formats_that_cannot_be_written():
    with open("/dev/full", "w") as full:
        assert run("formats", stdout=full).returncode == SETUP


# ---- how daemons are told to print ------------------------------------------------------------


@pytest.mark.parametrize("stream", [1, 2])
@pytest.mark.parametrize(("value", "level"), [(None, "trace"), ("fuser=debug", "fuser=debug")],
                         ids=["ours", "the user's"])
def test_level_of_rust_programs(value, level, stream):
    """Any program that has no profile of its own may be written in Rust."""
    environment = {name: text for name, text in os.environ.items() if name != "RUST_LOG"}
    if value:
        environment["RUST_LOG"] = value
    daemon = f'echo " INFO fuse::lookup{{parent=1 name=\\"$RUST_LOG\\"}}: demo: new" >&{stream}'
    result = run("run", "--source", "log", "--format", "json", "--", "sh", "-c", daemon,
                 env=environment)
    assert [found["path"] for found in operations(result.stdout)] == ["/" + level]
