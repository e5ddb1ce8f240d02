# SPDX-License-Identifier: MIT
"""How many waits there were, and how long they took."""

import re
import threading

import pytest

from fusetrace import waits


@pytest.fixture(autouse=True)
def nothing_so_far():
    waits.take()
    yield
    waits.take()


class Waiter:
    @waits.timed
    def outer(self, what, label=None):
        return self.inner(what)

    @waits.timed
    def inner(self, what):
        if what == "fail":
            raise ValueError(what)
        return what


def test_each_counts_once_with_what_it_calls():
    assert Waiter().outer("a") == "a" and Waiter().inner("b") == "b"
    found = waits.take()
    assert found.number == 2 and 0 < found.longest <= found.total
    assert found.longest_text in ("outer a", "inner b")
    assert waits.take() == waits.Waits()


def test_one_that_fails_counts():
    with pytest.raises(ValueError):
        Waiter().outer("fail")
    assert waits.take().number == 1
    assert Waiter().outer("again") == "again"
    assert waits.take().number == 1


def test_labels_and_names_are_plain():
    Waiter().outer("a", label="index\nflushed")
    assert waits.take().longest_text == "outer index\\nflushed"
    Waiter().outer("x" * 500)
    assert len(waits.take().longest_text) < 100


def test_threads_count_together():
    threads = [threading.Thread(target=Waiter().outer, args=(n,)) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert waits.take().number == 20


def test_the_longest_of_two_is_the_longest():
    one, two = waits.Waits(2, 3.0, 2.0, "a"), waits.Waits(1, 5.0, 5.0, "b")
    assert one.plus(two) == two.plus(one) == waits.Waits(3, 8.0, 5.0, "b")
    assert str(one.plus(two)) == "waits: 3, total 8.000 s, longest 5.000 s (b)"


@pytest.mark.needs_fuse
@pytest.mark.parametrize("workers", ((), ("-n", "2")), ids=("alone", "workers"))
def test_they_stand_in_the_summary(suite, monkeypatch, workers):
    monkeypatch.setenv("FUSE_TRACE_SUMMARY", "1")
    result = suite.write("""
        import pytest

        @pytest.mark.parametrize("turn", range(2))
        def test_it(mounted_fs_with_trace, smart_wait, turn):
            monitor = mounted_fs_with_trace.trace_monitor
            with monitor.expect("release", path="/a", timeout=5):
                (mounted_fs_with_trace.mountpoint / "a").touch()
            assert smart_wait.wait_for_write_complete(mounted_fs_with_trace.mountpoint / "a")
            assert monitor.wait_for_operation("create", timeout=5)
    """).passes(2, *workers)
    found = re.search(r"^waits: (\d+), total ([\d.]+) s, longest ([\d.]+) s \((.+)\)$",
                      result.stdout.str(), re.MULTILINE)
    assert found and int(found[1]) == 6 and float(found[3]) <= float(found[2]) < 10
