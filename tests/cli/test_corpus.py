# SPDX-License-Identifier: MIT
"""
Logs of real daemons against a count by other means: corpus_counts.py, whose table is
corpus_counts.json. The samples in tests/data/formats are always there; more of the same kind are in
a folder that FUSETRACE_CORPUS names, or in a folder corpus/logs of a neighbour of the checkout.
"""

import collections
import json
import os
import sys
from pathlib import Path

import pytest

from .corpus_counts import TABLE, count, logs
from .support import DATA, run

SAMPLES = DATA / "formats"
CHECKOUT = Path(__file__).resolve().parents[2]
FORGED = 99999  # the workload's, see corpus_counts.py
SPEED = 20  # so much faster than they were recorded are logs printed again
NOT_COUNTED = "write the table anew: corpus_counts.py tests/data/formats and the other folder"

# Prints a log again in the pieces in which it came: arguments are the log, the times, the speed.
REPLAY = """
import sys, time
log, arrival, speed = sys.argv[1:]
data, begin = open(log, "rb").read(), time.monotonic()
for line in open(arrival):
    seconds, offset, length = line.split()
    time.sleep(max(0, begin + float(seconds) / float(speed) - time.monotonic()))
    sys.stdout.buffer.write(data[int(offset):int(offset) + int(length)])
    sys.stdout.buffer.flush()
"""
# As above, whole lines of about 4 KB, each piece when the one before has been read.
REPLAY_PIECES = """
import array, fcntl, os, sys, termios, time
data, unread = open(sys.argv[1], "rb").read(), array.array("i", [0])
while data:
    end = data.find(b"\\n", 4000) + 1 or len(data)
    os.write(1, data[:end])
    data = data[end:]
    while fcntl.ioctl(1, termios.FIONREAD, unread) == 0 and unread[0]:
        time.sleep(0.001)
"""


def corpus():
    """The folder of more logs, or None."""
    named = os.environ.get("FUSETRACE_CORPUS")
    if not named:
        return next(iter(sorted(CHECKOUT.parent.glob("*/corpus/logs"))), None)
    return next((place for place in (Path(named) / "logs", Path(named)) if place.is_dir()), None)


CORPUS = corpus()
LOGS = [path for folder in filter(None, (SAMPLES, CORPUS)) for path in logs(folder)]
ROWS = json.loads(TABLE.read_text())


def operations(text):
    """Without those that no request was for, as far as they are marked."""
    found = [json.loads(line) for line in text.splitlines()]
    return [record for record in found if "op" in record
            and not (record.get("suspect") and record.get("unique") == FORGED)]


def read(path):
    return operations(run("read", "--format", "json", path).stdout)


def test_there_is_more():
    if not CORPUS:
        pytest.skip("no logs but the samples: name a folder of them by FUSETRACE_CORPUS")
    assert logs(CORPUS)


def row_of(found):
    return {"operations": dict(sorted(collections.Counter(each["op"] for each in found).items())),
            "failed": sum(each["status"] == "failed" for each in found),
            "unknown": sum(each["status"] == "unknown" for each in found)}


def is_tracing(path):
    return "tracing" in path.name and "json" not in path.name


@pytest.mark.parametrize("path", [path for path in LOGS if not is_tracing(path)],
                         ids=lambda path: path.name)
def test_counts(path):
    """As many of each operation, as many failures and as many without a known end."""
    assert path.name in ROWS, NOT_COUNTED
    if path.stem.endswith(("-none", "-messages")):
        pytest.skip("messages without span events: not counted by other means")
    assert ROWS[path.name] == row_of(read(path))


@pytest.mark.parametrize("path", [path for path in LOGS if is_tracing(path)],
                         ids=lambda path: path.name)
def test_counts_of_unquoted_names(path):
    """
    As above, but that names are not quoted: what is suspect may have stood in one, or have lost the
    end that is told of it.
    """
    found = read(path)
    suspect = sum(each.get("suspect", False) for each in found)
    if path.stem.endswith(("-none", "-messages")):  # messages without span events are not counted by other means
        assert found
        return
    expected, most = ROWS[path.name], row_of(found)
    least = row_of([each for each in found if not each.get("suspect")])
    for name in expected["operations"] | most["operations"]:
        count_of = expected["operations"].get(name, 0)
        assert least["operations"].get(name, 0) <= count_of <= most["operations"].get(name, 0)
    for key in ("failed", "unknown"):
        assert abs(most[key] - expected[key]) <= suspect


@pytest.mark.parametrize("path", LOGS, ids=lambda path: path.name)
def test_table_is_what_is_counted(path):
    assert path.name in ROWS, NOT_COUNTED
    assert ROWS[path.name] == count(path)


# ---- live -------------------------------------------------------------------------------------


def timeless(found):
    """What is the same when the log comes live: times are those of another clock then."""
    return [{key: value for key, value in each.items() if key not in ("start_ns", "duration_ns")}
            for each in found]


def in_any_order(found):
    return sorted(json.dumps({**each, "seq": None}) for each in found)


def live(folder, *program):
    """The operations that a daemon prints which makes no mount."""
    result = run("run", "--source", "log", "--format", "json", "-o", folder / "out", "--",
                 sys.executable, "-c", *program, stdout=None, errors="surrogateescape")
    assert result.stderr.endswith(" ended without mounting anything: look at its messages\n")
    return operations((folder / "out").read_text())


@pytest.mark.parametrize("path", [path for folder in filter(None, (SAMPLES, CORPUS))
                                  for path in logs(folder)
                                  if path.with_name(path.name + ".arrival").exists()],
                         ids=lambda path: path.name)
def test_live_as_it_was_recorded(folder, path):
    found = live(folder, REPLAY, path, f"{path}.arrival", SPEED)
    assert found and timeless(found) == timeless(read(path))


@pytest.mark.parametrize("path", logs(SAMPLES), ids=lambda path: path.name)
def test_live_in_pieces(folder, path):
    found, expected = timeless(live(folder, REPLAY_PIECES, path)), timeless(read(path))
    if path.stem.endswith("-messages"):  # no ends are told: those that come late are given up
        found, expected = map(in_any_order, (found, expected))
    assert found and found == expected
