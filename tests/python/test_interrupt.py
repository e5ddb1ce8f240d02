# SPDX-License-Identifier: MIT
"""Signals: Ctrl-C ends each wait at once, and a handler that returns changes nothing.

The waits run in a process of their own, which says when it goes to sleep and how long it slept.
"""

import signal
import time

import pytest

from conftest_core import mount  # noqa: F401
from daemons import DEADLINE, SLACK, SOON, run_python, settle

# What each wait is called with: a monitor m, a smart-wait helper s, a path p that never comes.
WAITS = {
    "wait_for_operation": "m.wait_for_operation('create', path=p, timeout=30)",
    "consume": "m.wait_for_operation('create', path=p, timeout=30, consume=True)",
    "wait_for_operations": "m.wait_for_operations(['create', 'rmdir'], timeout=30)",
    "any": "m.wait_for_operations(['create', 'rmdir'], timeout=30, all_required=False)",
    "expect": "m.expect('create', path=p).wait(30)",
    "expect_block": "block()",
    "expect_all": "m.expect_all(['create', 'rmdir'], order='strict').wait(30)",
    "expect_none": "m.expect_none('create', within=30)",
    "wait_for_idle": "m.wait_for_idle(quiet=30, timeout=30)",
    "check_fn": "m.wait_for_operation('mkdir', timeout=30, check_fn=lambda op: time.sleep(30))",
    "wait_for_log": "logged.wait_for_log('never', timeout=30)",
    "wait_for_log_pattern": "logged.wait_for_log(re.compile('never'), timeout=30)",
    "wait_for_mount": "pending.wait_for_mount(30)",
    "file_visible": "s.wait_for_file_visible(p, timeout=30)",
    "write_complete": "s.wait_for_write_complete(p, timeout=30)",
    "deletion": "s.wait_for_deletion(m.mountpoint, timeout=30)",
    "xattr": "s.wait_for_xattr_operation(p, timeout=30)",
    "untraced": "SmartWaitHelper(None, mountpoint=m.mountpoint).wait_for_file_visible(p, 30)",
    "hanging": "s.wait_for_file_visible(m.mountpoint / 'hangs', timeout=30)",
    "hanging_at_once": "s.wait_for_file_visible(m.mountpoint / 'hangs', timeout=0)",
    "asyncio": "asyncio.run(awaits(m.expect('create', path=p, timeout=30)))",
    "trio": "trio.run(awaits, m.expect('create', path=p, timeout=30))",
}

PROGRAM = """
import asyncio, logging, os, re, signal, sys, threading, time, trio
from fusetrace import *
logging.getLogger("fusetrace").setLevel(logging.CRITICAL)
m = FuseTraceMonitor(sys.argv[1], source="kernel")
m.start_capture()
pending = FuseTraceMonitor.pending(source="kernel")
pending.start_capture()
logged = Monitor(None, source="log")
logged.start_capture()
reading, writing = os.pipe()
logged.add_log_fd(reading)
os.write(writing, b"a line\\n")
s = SmartWaitHelper(m)
p = m.mountpoint / "never"
os.mkdir(m.mountpoint / f"d{os.getpid()}")
async def awaits(expected):
    return await expected
def block():
    with m.expect("create", path=p, timeout=30):
        pass
def say(word):
    print(word, time.monotonic(), flush=True)
"""

INTERRUPTED = """
try:
    say("begin")
    %s
    say("returned")
except KeyboardInterrupt:
    say("interrupted")
# Nothing is left of it: another wait works.
m.wait_for_operation("mkdir", timeout=1) or say("broken")
"""


def read_line(process):
    word, moment = process.stdout.readline().split()
    return word, float(moment)


def interrupt(process):
    """By Ctrl-C, when it sleeps; it ends the wait at once."""
    assert read_line(process)[0] == "begin"
    settle(process)
    sent_at = time.monotonic()
    process.send_signal(signal.SIGINT)
    word, ended_at = read_line(process)
    assert word == "interrupted"
    assert ended_at - sent_at < SOON + SLACK


@pytest.fixture
def start(mount):
    daemon = mount("hang=getattr:/hangs", trace=False)  # nobody reads what it prints
    (daemon.branch / "hangs").write_text("x")
    processes = []

    def start(code):
        processes.append(run_python(code, daemon.mountpoint))
        return processes[-1]

    yield start
    for process in processes:
        process.kill()
        process.wait(DEADLINE)
        process.stdout.close()


@pytest.mark.parametrize("wait", WAITS.values(), ids=WAITS)
def test_rule_27_ctrl_c(start, wait):
    process = start(PROGRAM + INTERRUPTED % wait)
    interrupt(process)
    assert process.wait(DEADLINE) == 0
    assert process.stdout.read() == ""


IN_THE_LIBRARY = [name for name in WAITS if name not in ("check_fn", "asyncio", "trio")]


@pytest.mark.parametrize("wait", IN_THE_LIBRARY)
def test_rule_27_signal_that_another_thread_takes(start, wait):
    """No call of the main thread is interrupted then: its handler has only noted the signal."""
    process = start(PROGRAM + """
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
taker = threading.Thread(target=lambda: (
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT]), time.sleep(30)), daemon=True)
taker.start()
""" + INTERRUPTED % WAITS[wait])
    interrupt(process)
    assert process.wait(DEADLINE) == 0
    assert process.stdout.read() == ""


@pytest.mark.parametrize("wait", IN_THE_LIBRARY)
def test_rule_27_signal_at_any_moment(start, wait):
    """Before the wait looks for signals, before it sleeps, while it sleeps: none is lost."""
    hangs = wait.startswith("hanging")
    too_long = 0.9 if wait == "hanging_at_once" else 10  # which waits a second for the answer
    process = start(PROGRAM + f"""
import random
class Alarm(Exception):
    pass
def handle(number, frame):
    raise Alarm
signal.signal(signal.SIGALRM, handle)
random.seed(27)
lost = done = 0
ends = time.monotonic() + 1.5
while time.monotonic() < ends and not lost:
    began = time.monotonic()
    try:
        signal.setitimer(signal.ITIMER_REAL, random.uniform(1e-6, 300e-6))
        {WAITS[wait]}
    except Alarm:
        done += 1
    lost += time.monotonic() - began > {too_long}
print(done, lost, flush=True)
""")
    done, lost = map(int, process.stdout.readline().split())
    assert lost == 0 and done > (10 if hangs else 100)


def test_the_wakeup_descriptor_of_others(start):
    """Whoever has set one is told of the signals that came while a wait had its own there."""
    process = start(PROGRAM + """
reading, writing = os.pipe()
os.set_blocking(writing, False)
signal.set_wakeup_fd(writing)
signal.signal(signal.SIGALRM, lambda number, frame: None)
signal.setitimer(signal.ITIMER_REAL, 0.05)
m.expect_none("create", within=0.2)
print(list(os.read(reading, 100)) == [signal.SIGALRM],
      signal.set_wakeup_fd(-1) == writing, flush=True)
descriptors = len(os.listdir("/proc/self/fd"))
child = os.fork()  # it makes its own
if child == 0:
    pending = FuseTraceMonitor.pending(source="replay")
    pending.start_capture()
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    pending.expect_none("create", within=0.1)
    os._exit(signal.set_wakeup_fd(-1) != -1)
signal.setitimer(signal.ITIMER_REAL, 0.05)
m.expect_none("create", within=0.1)
print(os.waitpid(child, 0)[1], signal.set_wakeup_fd(-1),
      len(os.listdir("/proc/self/fd")) - descriptors, flush=True)
""")
    assert process.stdout.readline() == "True True\n"
    assert process.stdout.readline() == "0 -1 0\n"
    assert process.wait(DEADLINE) == 0


@pytest.mark.parametrize("wait", ["wait_for_operation", "expect", "expect_none", "wait_for_idle",
                                  "wait_for_mount", "any", "file_visible"])
def test_a_handler_that_raises(start, wait):
    """As test runners end a test that takes too long."""
    process = start(PROGRAM + f"""
class TooLong(BaseException):
    pass
def handle(number, frame):
    raise TooLong
signal.signal(signal.SIGALRM, handle)
signal.setitimer(signal.ITIMER_REAL, 0.2)
began = time.monotonic()
try:
    {WAITS[wait]}
except TooLong:
    print(time.monotonic() - began, flush=True)
""")
    took = float(process.stdout.readline())
    assert 0.1 < took < 0.2 + SLACK
    assert process.wait(DEADLINE) == 0


@pytest.mark.parametrize("wait", ["m.wait_for_operation('create', path=p, timeout=0.5)",
                                  "m.wait_for_operations(['create', 'rmdir'], timeout=0.5)",
                                  "m.expect_none('create', within=0.5)",
                                  "fails(lambda: m.wait_for_idle(quiet=30, timeout=0.5))",
                                  "fails(lambda: pending.wait_for_mount(0.5))",
                                  "fails(lambda: m.expect('create').wait(0.5))"])
def test_rule_16_a_handler_that_returns(start, wait):
    """The wait goes on with the rest of its time, however often it is put off."""
    process = start(PROGRAM + f"""
count = 0
def handle(number, frame):
    global count
    count += 1
    if count == 300:  # should the wait begin anew each time, it shall end all the same
        signal.setitimer(signal.ITIMER_REAL, 0)
def fails(function):
    try:
        function()
    except OperationTimeout:
        return
    say("no timeout")
signal.signal(signal.SIGALRM, handle)
signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
began = time.monotonic()
{wait}
took = time.monotonic() - began
signal.setitimer(signal.ITIMER_REAL, 0)
print(took, count, flush=True)
""")
    took, count = process.stdout.readline().split()
    assert 0.5 <= float(took) < 0.5 + SLACK
    assert int(count) > 10
    assert process.wait(DEADLINE) == 0


def test_a_handler_that_interrupts(start):
    """interrupt() from a handler ends the wait that it put off."""
    process = start(PROGRAM + """
signal.signal(signal.SIGALRM, lambda number, frame: m.interrupt())
for wait in (lambda: m.expect("create").wait(30), lambda: m.expect_none("create", within=30),
             lambda: m.wait_for_idle(quiet=30, timeout=30)):
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    began = time.monotonic()
    try:
        wait()
        say("returned")
    except WaitInterrupted:
        print(time.monotonic() - began, flush=True)
""")
    for _ in range(3):
        assert float(process.stdout.readline()) < 0.1 + SLACK
    assert process.wait(DEADLINE) == 0


def test_rule_28_signal_while_many_threads_wait(start):
    """It reaches the main thread, and the others wait on."""
    process = start(PROGRAM + """
found = []
threads = [threading.Thread(target=lambda: found.append(
    m.wait_for_operation("create", path="/go", timeout=30))) for _ in range(8)]
for thread in threads:
    thread.start()
try:
    say("begin")
    m.wait_for_operation("create", path=p, timeout=30)
except KeyboardInterrupt:
    say("interrupted")
(m.mountpoint / "go").write_text("x")
for thread in threads:
    thread.join()
print([one.path for one in found] == ["/go"] * 8, flush=True)
""")
    interrupt(process)
    assert process.stdout.readline() == "True\n"
    assert process.wait(DEADLINE) == 0


def test_leaving_in_the_middle_of_everything(start):
    """sys.exit() while threads wait, expectations are armed, questions hang."""
    process = start(PROGRAM + """
for _ in range(4):
    threading.Thread(target=lambda: m.wait_for_operation("create", path=p, timeout=600),
                     daemon=True).start()
expected = m.expect("create", path=p)
threading.Thread(target=lambda: s.wait_for_file_visible(m.mountpoint / "hangs", 600),
                 daemon=True).start()
s.wait_for_file_visible(p, timeout=0.1)
sys.exit(7)
""")
    assert process.wait(DEADLINE) == 7
    output = process.stdout.read()
    assert "Fatal" not in output and "Traceback" not in output
