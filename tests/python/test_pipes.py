# SPDX-License-Identifier: MIT
"""What a daemon prints is always read, so that it never blocks."""

import os
import signal
import subprocess
import sys
import threading

from fusetrace import pipes
from fusetrace.polling import wait_for_operation

SECONDS = 30


def close_after(descriptor, *pieces):
    for piece in pieces:
        while piece:
            piece = piece[os.write(descriptor, piece):]
    os.close(descriptor)


def drained(*pieces):
    read_end, write_end = os.pipe()
    output = pipes.drain(read_end)
    close_after(write_end, *pieces)
    assert output.wait_for_end(SECONDS)
    return output.lines()


def test_lines():
    assert drained(b"a\nb", b"c\n\nd\n") == ["a", "bc", "", "d"]


def test_nothing():
    assert drained() == []


def test_the_last_line_may_be_unfinished():
    assert drained(b"a\nb") == ["a", "b"]


def test_an_unfinished_line_is_shown_before_the_end():
    read_end, write_end = os.pipe()
    output = pipes.drain(read_end)
    os.write(write_end, b"begun")
    assert wait_for_operation(lambda: output.lines() == ["begun"], timeout=SECONDS)[0]
    close_after(write_end, b" and done\n")
    assert output.wait_for_end(SECONDS)
    assert output.lines() == ["begun and done"]


def test_what_is_no_text_is_shown_as_escapes():
    assert drained(b"\xff\xfe \xc3\xa9\0\n") == ["\\xff\\xfe \xe9\0"]


def test_rule_33_more_than_a_pipe_holds():
    """Mistake 6: a pipe of the daemon that nobody reads."""
    lines = drained(*(b"%07d\n" % number for number in range(100_000)))
    assert lines[-1] == "0099999"
    assert len(lines) == pipes.LIMIT // 8


def test_what_is_kept_is_bounded_also_without_newlines():
    lines = drained(b"begin\n", b"x" * 1_000_000, b"end")
    assert len("".join(lines)) <= pipes.LIMIT
    assert lines[-1].endswith("xend")


def test_one_long_line_is_kept_by_its_end():
    lines = drained(b"first\n", b"x" * 1_000_000 + b"end\n")
    assert len(lines) == 1 and len(lines[0]) == pipes.LIMIT and lines[0].endswith("xend")


def test_two_pipes_do_not_cut_each_others_lines():
    first, second = os.pipe(), os.pipe()
    output = pipes.drain(first[0], second[0])
    os.write(first[1], b"one ")
    os.write(second[1], b"two ")
    close_after(first[1], b"first\n")
    close_after(second[1], b"second\n")
    assert output.wait_for_end(SECONDS)
    assert sorted(output.lines()) == ["one first", "two second"]


def test_the_end_closes_descriptors_and_thread():
    before = set(os.listdir("/proc/self/fd"))
    threads = set(threading.enumerate())
    for _ in range(5):
        drained(b"x\n")
    # What tests before this one have left may go meanwhile.
    assert set(os.listdir("/proc/self/fd")) <= before
    assert set(threading.enumerate()) <= threads


def test_a_terminal_ends_with_an_error_that_is_an_end():
    leader, follower = os.openpty()
    output = pipes.drain(leader)
    close_after(follower, b"hello\n")
    assert output.wait_for_end(SECONDS)
    assert [line.rstrip("\r") for line in output.lines()] == ["hello"]


def test_waiting_for_the_end_has_a_limit():
    read_end, write_end = os.pipe()
    output = pipes.drain(read_end)
    assert output.wait_for_end(0.01) is False
    os.close(write_end)
    assert output.wait_for_end(SECONDS) is True


def test_rule_28_signals_stay_with_the_main_thread():
    read_end, write_end = os.pipe()
    output = pipes.drain(read_end)
    os.write(write_end, b"up\n")
    assert wait_for_operation(output.lines, timeout=SECONDS)[0]
    status = open(f"/proc/self/task/{output._parts[0]._thread.native_id}/status", encoding="ascii").read()
    blocked = int(status.split("SigBlk:")[1].split()[0], 16)
    assert blocked & 1 << (signal.SIGINT - 1)
    assert not blocked & 1 << (signal.SIGSEGV - 1)
    os.close(write_end)
    assert output.wait_for_end(SECONDS)


def test_a_drain_does_not_keep_the_interpreter_alive():
    code = ("import os; from fusetrace import pipes\n"
            "read_end, write_end = os.pipe(); pipes.drain(read_end)\n")
    subprocess.run([sys.executable, "-c", code], check=True, timeout=SECONDS,
                   env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
