#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Counts the operations of real logs without fusetrace: what test_corpus.py expects of it.

    corpus_counts.py FOLDER...   writes the rows of these logs into corpus_counts.json beside itself

Nothing here is like the parsers in lib/formats: a log is searched as a whole by regular expressions
for what its family prints at the begin and at the end of a request. The workload of these logs is
known, so what it forged is left out by its number. A log counts what its outermost layer tells: the
library's requests if it has any, else what the filesystem's own functions print.
"""

import collections
import json
import re
import sys
from pathlib import Path

TABLE = Path(__file__).with_name("corpus_counts.json")
FORGED = b"99999"  # the unique number of the records that stand in names of the workload

# Numbers of linux/fuse.h.
OPCODES = {
    1: "lookup", 2: "forget", 3: "getattr", 4: "setattr", 5: "readlink", 6: "symlink", 8: "mknod",
    9: "mkdir", 10: "unlink", 11: "rmdir", 12: "rename", 13: "link", 14: "open", 15: "read",
    16: "write", 17: "statfs", 18: "release", 20: "fsync", 21: "setxattr", 22: "getxattr",
    23: "listxattr", 24: "removexattr", 25: "flush", 26: "init", 27: "opendir", 28: "readdir",
    29: "releasedir", 30: "fsyncdir", 31: "getlk", 32: "setlk", 33: "setlkw", 34: "access",
    35: "create", 36: "interrupt", 37: "bmap", 38: "destroy", 39: "ioctl", 40: "poll",
    41: "notify_reply", 42: "batch_forget", 43: "fallocate", 44: "readdirplus", 45: "rename",
    46: "lseek", 47: "copy_file_range", 50: "syncfs", 51: "tmpfile", 52: "statx",
    53: "copy_file_range"}
NO_REPLY = {"forget", "batch_forget", "interrupt", "notify_reply"}
SETATTR = {"chmod", "chown", "truncate", "ftruncate", "utimens", "utime"}


class Counts:
    """What comes out: operations by name, and how many of them failed or have no known end."""

    def __init__(self):
        self.operations = collections.Counter()
        self.failed = 0
        self.unknown = 0
        self.open = {}

    def whole(self, name, failed=None):
        """One operation; failed: how it ended, None if nobody tells."""
        self.operations[name] += 1
        self.failed += failed is True
        self.unknown += failed is None

    def begin(self, key, name):
        self.lose(key)
        self.open[key] = name

    def end(self, key, failed):
        if key in self.open:
            self.whole(self.open.pop(key), failed)

    def lose(self, key):
        """It has no end: of a forget there is none."""
        if key in self.open:
            name = self.open.pop(key)
            self.whole(name, False if name in NO_REPLY else None)

    def result(self):
        for key in list(self.open):
            self.lose(key)
        return {"operations": dict(sorted(self.operations.items())),
                "failed": self.failed, "unknown": self.unknown}


# ---- libraries, which print every request -----------------------------------------------------


def libfuse(text, counts):
    """Requests and replies have a number; either may stand behind the text of somebody else."""
    for match in re.finditer(
            rb"unique: (?P<key>\d+), (?:opcode: [A-Z_0-9?]+ \((?P<opcode>\d+)\), nodeid: \d+, "
            rb"insize: \d+|(?P<ok>success), outsize|error: (?P<error>-?\d+) \()|"
            rb"unique: (?P<ring>\d+), result=", text):
        key = match["key"] or match["ring"]
        if key == FORGED:
            continue
        if match["opcode"]:
            counts.begin(key, OPCODES[int(match["opcode"])])
        else:
            counts.end(key, bool(match["error"]) and int(match["error"]) != 0)


def mergerfs(text, counts):
    for match in re.finditer(rb"ts=\d+ dir=(IN|OUT) unique=0x([0-9A-F]{16}) "
                             rb"(?:opcode=\w+ opcode_id=(\d+)|error=(-?\d+))", text):
        if match[1] == b"IN":
            counts.begin(match[2], OPCODES[int(match[3])])
        else:
            counts.end(match[2], match[4] != b"0")


def mergerfs_init(text, counts):
    """Older releases print the first request only, without a number."""
    for kind in re.findall(rb"^FUSE_INIT_(IN|OUT): ", text, re.MULTILINE):
        if kind == b"IN":
            counts.begin(kind, "init")
        else:
            counts.end(b"IN", False)


def go_fuse(text, counts):
    """The library asks itself at its start for a file that nobody else sees."""
    names = {"RENAME2": "rename", "COPY_FILE_RANGE_64": "copy_file_range"}
    for match in re.finditer(rb"(?:^|[ \t])(?:rx (\d+): ([A-Z_0-9]+) [ni](\d+)|"
                             rb"tx (\d+):     (?:OK|(-?\d+)=))", text, re.MULTILINE):
        line = text[match.end():text.find(b"\n", match.end())]
        if match[1] and (match[3] == b"18446744073709551615" or b".go-fuse-epoll-hack" in line):
            continue
        if match[1]:
            name = match[2].decode()
            counts.begin(match[1], names.get(name, name.lower()))
        elif match[4] and match[4] != FORGED:
            counts.end(match[4], match[5] is not None)


def bazil(text, counts):
    """A release does not say of what, so the node tells."""
    folders = set(re.findall(rb"Node=(0x[0-9a-f]+) [^\n]*dir=true", text))
    requests = (rb"fuse: (?:<-|\\u003c-) (\w+) \[ID=(0x[0-9a-f]+) Node=(0x[0-9a-f]+) "
                rb"Uid=[^\]]*\]([^\n]*)")
    replies = rb"fuse: (?:->|-\\u003e) \[ID=(0x[0-9a-f]+)\] \w+([^\n]*)"
    nameless = rb"No opcode (\d+)\n[^\n]*fuse: (?:<-|\\u003c-) \[?ID=(0x[0-9a-f]+) Node="
    for match in re.finditer(requests + rb"|" + replies + rb"|" + nameless, text):
        if match[1]:
            name = match[1].decode().lower()
            of_folder = {"remove": "rmdir", "read": "readdir", "open": "opendir",
                         "release": "releasedir"}
            if name in of_folder and (b"dir=true" in match[4]
                                      or name == "release" and match[3] in folders):
                name = of_folder[name]
            name = "unlink" if name == "remove" else name
            counts.begin(match[2], name)
        elif match[5]:
            counts.end(match[5], b" error=" in match[6])
        else:
            counts.begin(match[8], OPCODES[int(match[7])])


def jacobsa(text, counts):
    names = {
        "LookUpInode": "lookup", "GetInodeAttributes": "getattr", "SetInodeAttributes": "setattr",
        "ForgetInode": "forget", "BatchForget": "batch_forget", "MkDir": "mkdir", "MkNode": "mknod",
        "CreateFile": "create", "CreateSymlink": "symlink", "CreateLink": "link",
        "Rename": "rename", "RmDir": "rmdir", "Unlink": "unlink", "OpenDir": "opendir",
        "ReadDir": "readdir", "ReadDirPlus": "readdirplus", "ReleaseDirHandle": "releasedir",
        "OpenFile": "open", "ReadFile": "read", "WriteFile": "write", "SyncFile": "fsync",
        "FlushFile": "flush", "ReleaseFileHandle": "release", "ReadSymlink": "readlink",
        "RemoveXattr": "removexattr", "GetXattr": "getxattr", "ListXattr": "listxattr",
        "SetXattr": "setxattr", "Fallocate": "fallocate", "SyncFS": "syncfs", "StatFS": "statfs",
        "init": "init"}
    for match in re.finditer(
            rb"Op (0x[0-9a-f]{8,}) +(?:\w+\.go:\d+|\*fuseops\.\w+)\] (?:<- (\w+)(?: \([^\n]*?"
            rb"opcode (\d+)\))?|-> (Error: )?)", text):
        if not match[2]:
            counts.end(match[1], match[4] is not None)
        elif match[2] == b"unknown":
            counts.begin(match[1], OPCODES[int(match[3])])
        else:
            counts.begin(match[1], names[match[2].decode()])


def fuser(text, counts):
    """
    Replies are not told, except that there is no code for the request before. The span of a handler
    tells its end, in one of tracing's forms: a line, a line with the fields behind, JSON.
    """
    plain = re.sub(rb"\x1b\[[0-9;]*m", b"", text)
    for match in re.finditer(
            rb"FUSE\( *\d+\) ino 0x[0-9a-f]{16} (?P<op>\w+)|(?P<none>\[Not Implemented\]) \w+\(|"
            rb"\}: memfs: (?P<failed>failed) errno=|"
            rb"(?:\{(?P<line>(?:(?!: memfs: |FUSE\()[\s\S])*)\}: memfs: close |"
            rb" fuse::\w+: memfs: close (?P<flat>(?:(?!\n20\d\d-)[\s\S])*)|"
            rb"\"message\":\"close\"[^\n]*\"span\":\{(?P<json>[^\n]*)\},\"spans\")", plain):
        if match["op"]:
            name = match["op"].decode().lower().replace("batchforget", "batch_forget")
            counts.begin(b"open", {"rename2": "rename"}.get(name, name))
        elif match["none"] or match["failed"]:
            counts.end(b"open", True)
        else:
            fields = match["line"] or match["flat"] or match["json"] or b""
            counts.end(b"open", re.search(rb"\berrno[=\"]", fields) is not None)


def sshfs(text, counts):
    """The messages that stand for one request. A status does not say how it ended, data do."""
    names = {"MKDIR": "mkdir", "RMDIR": "rmdir", "REMOVE": "unlink", "READLINK": "readlink",
             "SYMLINK": "symlink"}
    for match in re.finditer(rb"^\[(\d{5,})\] ([A-Z]+)$|^  \[(\d{5,})\] +([A-Z_]+) +\d+bytes",
                             text, re.MULTILINE):
        if match[1]:
            counts.lose(match[1])
        if match[1] and match[2].decode() in names:
            counts.begin(match[1], names[match[2].decode()])
        elif match[4] == b"EXTENDED_REPLY":
            counts.whole("statfs", False)
        elif match[4] and match[4] != b"STATUS":
            counts.end(match[3], False)


def juicefs(text, counts):
    """A line an operation, at its end; a name with a newline breaks it."""
    for record in re.split(rb"\n(?=20\d\d\.\d\d\.\d\d )", text):
        match = re.match(rb"[\d. :]+\[uid:\d+,gid:\d+,pid:\d+\] (\w+) \(([^\n]*)", record)
        if match:
            name = name_of(match[1])
            waits = re.search(rb"^\d+,\d+,[0-9A-F]+,.*?,true", match[2])
            if name in ("flock", "setlk"):
                name = "setlkw" if waits else "setlk"
            elif name == "readdir" and re.match(rb"\d+,\d+,\d+,true\)", match[2]):
                name = "readdirplus"
            counts.whole(name, re.search(rb"(?:\) |: |\] |- )OK\b(?!\))[^\n]* <[\d.]+>[\n#]*$",
                                         record) is None)


def tracing(text, counts):
    """
    Spans of a program that is none: a span is an operation if its name is one. It is counted where
    it closes, or, where that is not printed, where it begins, exits or is entered. The record that
    stands in names is of another day, and closes after exactly 1 us. One of the operations tells
    that it failed and one that it did not, whatever is printed of their spans.
    """
    plain = re.sub(rb"\x1b\[[0-9;]*m", b"", text)
    found = collections.defaultdict(list)
    failed = returned = 0
    begin = rb"\n(?=\{|(?!2026-01-01)(?:[^\n]{0,40} )?(?:TRACE|DEBUG|INFO|WARN|ERROR) )"
    for record in re.split(begin, plain):
        kind = re.search(rb"(?:: (?:demo: )?|\"message\":\")(close|new|enter|exit)(?=[ ,\"\n]|$)"
                         rb"(?! time\.busy=1\.00..s time\.idle=1\.00)", record)
        failed += re.search(rb"getattr[^\n]*: error=|demo: error: |(?:\{|\"ERROR\",)\"error\":",
                            record) is not None
        returned += re.search(rb"[ \"]return[=\":]", record) is not None
        if record.startswith(b"{"):
            spans = re.findall(rb"\"name\":\"(\w+::\w+)\"", record.split(b',"spans"')[0])
        else:
            spans = re.findall(rb"in \w+::(\w+::\w+)", record)[:1] or re.findall(
                rb"\b(\w+::\w+)(?:\{|:)", record[:kind.start() + 1] if kind else b"")
        if kind and spans and spans[-1].startswith(b"fuse::"):
            size = re.search(rb"\bsize[=\":]+ ?\d+", record)
            found[kind[1]].append((spans[-1][6:].decode(), size and size[0],
                                   re.search(rb"\berrno[=\":]", record) is not None))
    for kind in (b"close", b"exit", b"new", b"enter"):
        if found[kind]:
            # a span that is entered again is the same one
            entered = {size: name for name, size, _ in found[kind] if name == "read"}
            count_spans(counts, kind, [each for each in found[kind]
                                       if kind != b"enter" or each[0] != "read"]
                        + [("read", size, False) for size in entered if kind == b"enter"])
            break
    counts.failed += failed
    counts.unknown -= (failed + returned) * (counts.unknown > 0)


def count_spans(counts, kind, spans):
    for name, _, failed in spans:
        if name in OPCODES.values():
            counts.whole(name, failed if kind in (b"close", b"exit") else None)


def ours(text, counts):
    """Our own JSON lines."""
    for line in text.splitlines():
        record = json.loads(line) if line.startswith(b'{"v":1,"op":') else None
        if record:
            counts.whole(name_of(record["op"]), record["errno"] != 0 if "errno" in record else None)


# ---- functions of filesystems -----------------------------------------------------------------


def name_of(function):
    """The operation that a function of libfuse's high level answers."""
    function = function if isinstance(function, str) else function.decode()
    return "setattr" if function in SETATTR else {"fgetattr": "getattr"}.get(function, function)


def fusepy(text, counts):
    """An end is that of the newest operation of its name; one thread serves these logs."""
    stack = collections.defaultdict(list)
    for number, match in enumerate(re.finditer(
            rb"^DEBUG:fuse\.log-mixin:(->|<-) (\w+) ([\"']\[(?:Errno|Unhandled))?", text,
            re.MULTILINE)):
        if match[1] == b"->":
            stack[match[2]].append(number)
            counts.begin(number, name_of(match[2]))
        elif stack[match[2]]:
            counts.end(stack[match[2]].pop(), match[3] is not None)


def encfs(text, counts):
    """Errors only are told. What is done by name has a line of another form."""
    for match in re.finditer(
            rb"(?:VERBOSE|DEBUG) (?:op: (\w+) (:|error:)|(mkdir|mknod|readdir) on /|"
            rb"(unlink|rename|symlink|link) [^\n]|encfs_(open) for /|doing (statfs) of /)", text):
        name = match[1] or match[3] or match[4] or match[5] or match[6]
        if match[2] == b"error:":
            counts.end(b"last", True)
        else:
            counts.begin(b"last", name_of(name))


def s3fs(text, counts):
    """Begins only. An operation within another one is moved to the right, and getattr says more."""
    for match in re.finditer(rb"^[^ \n]+ \[(INF|DBG)\] s3fs\.cpp:s3fs_(\w+)\(\d+\): "
                             rb"\[(?:path|from)=", text, re.MULTILINE):
        if (match[1], match[2]) != (b"DBG", b"getattr"):
            counts.whole(name_of(match[2]))


def unionfs(text, counts):
    """
    The first line that a function has in its source is its begin. As in fusepy, an end is that of
    the newest; another thread's lines may stand before what it returns.
    """
    calls = re.compile(rb"unionfs_(\w+)\(\): (\d+): (?:return (-?\d+)\n|"
                       rb"[^\n]*\n(?:[^\n]*\n){0,12}?return (-?\d+)\n)?")
    first = {}
    for match in calls.finditer(text):
        first[match[1]] = min(first.get(match[1], 1 << 30), int(match[2]))
    stack = collections.defaultdict(list)
    at = 0
    while match := calls.search(text, at):
        name, returned = match[1], match[3] or match[4]
        at = match.end(2)  # the other thread's lines count, too
        if int(match[2]) == first[name]:
            stack[name].append(at)
            counts.begin(at, name_of(name))
        elif returned and stack[name]:
            counts.end(stack[name].pop(), int(returned) < 0)


# ---- which ------------------------------------------------------------------------------------

# The first whose mark is in the log: libraries before functions.
FAMILIES = [
    (rb"^(?:dev |cqe )?unique: (?!99999)\d+, opcode: ", libfuse),
    (rb"^ts=\d+ dir=IN ", mergerfs),
    (rb"^FUSE_INIT_IN: ", mergerfs_init),
    (rb"rx \d+: INIT ", go_fuse),
    (rb"fuse: (?:<-|\\u003c-) [A-Z]\w+ \[ID=", bazil),
    (rb"Op 0x[0-9a-f]{8,} +\w+\.go:\d+\] <- ", jacobsa),
    (rb"FUSE\( *\d+\) ino 0x[0-9a-f]{16} ", fuser),
    (rb"^DEBUG:fuse\.log-mixin:", fusepy),
    (rb"VERBOSE op: ", encfs),
    (rb"s3fs\.cpp:s3fs_", s3fs),
    (rb"^SSHFS version ", sshfs),
    (rb"^20\d\d\.\d\d\.\d\d [\d:.]+ \[uid:\d+,", juicefs),
    (rb"fuse::\w+", tracing),
    (rb"^unionfs_\w+\(\): ", unionfs),
    (rb"^\{\"v\":1,\"op\":", ours),
]


def count(path):
    """The row of a log."""
    text = Path(path).read_bytes()
    counts = Counts()
    for mark, family in FAMILIES:
        if re.search(mark, text, re.MULTILINE):
            family(text, counts)
            break
    return counts.result()


def logs(folder):
    """All logs of a folder, by name."""
    return sorted(path for path in Path(folder).iterdir()
                  if path.suffix in (".log", ".file", ".debuglog"))


def main(folders):
    table = json.loads(TABLE.read_text()) if TABLE.exists() else {}
    table.update({path.name: count(path) for folder in folders for path in logs(folder)})
    rows = ",\n".join(f" {json.dumps(name)}: {json.dumps(row)}"
                      for name, row in sorted(table.items()))
    TABLE.write_text(f"{{\n{rows}\n}}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
