# SPDX-License-Identifier: MIT
"""What the tests of the package share: running a suite of its own in another pytest."""

import os

import pytest

DEADLINE = 100  # seconds for one run of pytest, on a machine that does much else

OURS = ("FUSE_TRACE", "FUSE_TRACE_SUMMARY", "FUSE_BINARY", "FUSETRACE_SOURCE",
        "FUSETRACE_TIMEOUT_SCALE", "RUST_LOG", "PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER")


class Suite:
    """A suite of tests in a directory of its own."""

    def __init__(self, pytester):
        self.pytester = pytester
        self.path = pytester.path

    def write(self, text, name="test_it"):
        self.pytester.makepyfile(**{name: text})
        return self

    def conftest(self, text):
        self.pytester.makeconftest(text)
        return self

    def ini(self, *lines):
        self.pytester.makeini("\n".join(["[pytest]", *lines]))
        return self

    def run(self, *options, deadline=DEADLINE):
        return self.pytester.runpytest_subprocess("-p", "no:cacheprovider", *options,
                                                  timeout=deadline)

    def passes(self, count=1, *options):
        """Runs, and all tests pass."""
        result = self.run(*options)
        result.assert_outcomes(passed=count)
        return result


@pytest.fixture
def suite(pytester, monkeypatch):
    for name in OURS:
        monkeypatch.delenv(name, raising=False)
    return Suite(pytester)


def mounts_below(path):
    """Mountpoints below a directory; the mounts themselves are not asked."""
    prefix = os.fsencode(path) + b"/"
    with open("/proc/self/mountinfo", "rb") as file:
        return [line.split()[4] for line in file if line.split()[4].startswith(prefix)]


@pytest.fixture(autouse=True)
def no_mount_is_left(request, tmp_path_factory):
    """Whatever a test does: a mount that stays is its failure, and goes."""
    yield
    left = mounts_below(tmp_path_factory.getbasetemp())
    if left:
        from fusetrace import _core

        for path in left:
            _core.unmount(path, _core.MNT_DETACH)
        pytest.fail(f"still mounted: {left}")
