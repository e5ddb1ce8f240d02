# SPDX-License-Identifier: MIT
"""The pytest plugin: fixtures that mount and trace FUSE filesystems, and reports of what they did.

This file has the hooks alone. Nothing here loads the extension or touches the machine before a test
asks for a fixture: the plugin is loaded in every project that has the package installed.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

import pytest

from . import settings
from .fixtures import (
    fs_state,
    fuse_config,
    fuse_manager,
    fusetrace_command,
    fusetrace_manager,
    fusetrace_monitor,
    fusetrace_mount,
    fusetrace_mount_factory,
    fusetrace_mount_options,
    fusetrace_mount_with_trace,
    fusetrace_mountpoint,
    mounted_fs,
    mounted_fs_with_policy,
    mounted_fs_with_trace,
    mountpoint,
    policy,
    smart_wait,
    temp_branches,
    temp_mountpoint,
    tmpfs_branches,
    trace_monitor,
)

if TYPE_CHECKING:
    from _pytest.terminal import TerminalReporter

__all__ = [
    "fs_state",
    "fuse_config",
    "fuse_manager",
    "fusetrace_command",
    "fusetrace_manager",
    "fusetrace_monitor",
    "fusetrace_mount",
    "fusetrace_mount_factory",
    "fusetrace_mount_options",
    "fusetrace_mount_with_trace",
    "fusetrace_mountpoint",
    "mounted_fs",
    "mounted_fs_with_policy",
    "mounted_fs_with_trace",
    "mountpoint",
    "policy",
    "smart_wait",
    "temp_branches",
    "temp_mountpoint",
    "tmpfs_branches",
    "trace_monitor",
]


# ---- the session ----


def pytest_addoption(parser: pytest.Parser) -> None:
    settings.add_options(parser)


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    from . import hookspecs

    pluginmanager.add_hookspecs(hookspecs)


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    if early_config.getini("fusetrace_lib_compat"):
        from .lib_compat import enable

        enable(early_config)


def pytest_configure(config: pytest.Config) -> None:
    from .record import session_of

    config.addinivalue_line("markers", settings.MARK_TEXT)
    config.addinivalue_line("markers", settings.NEEDS_TEXT)
    session = session_of(config)  # what makes no sense is told before any test runs
    if session.settings.is_live:
        from .live import enable

        enable(config)


def pytest_unconfigure(config: pytest.Config) -> None:
    from . import record

    record.close_session(config)


def pytest_report_header(config: pytest.Config) -> list[str]:
    from .record import session_of

    told = session_of(config).settings
    if not told.is_asked_for and config.get_verbosity("fusetrace") < 1:
        return []
    from .totals import header

    return [header(told)]


# ---- a test ----


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    from .record import begin_record_if_used, session_of

    begin_record_if_used(item)
    if item.get_closest_marker("fusetrace") is not None:
        try:
            settings.of_test(session_of(item.config).settings, item)
        except pytest.UsageError as error:
            pytest.fail(str(error), pytrace=False)
    if item.get_closest_marker("needs_fuse") is None:
        return
    missing = session_of(item.config).missing_for_mounts
    if missing:
        pytest.skip(f"needs FUSE: {missing}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    from .deadline import timeouts_of

    with timeouts_of(item):
        return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, object, object]:
    result = yield  # an exception of it goes first
    from .record import record_of

    record = record_of(item)
    if record is not None:
        from .outcome import check_expectations

        check_expectations(record)
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    from .record import record_of

    record = record_of(item)
    if record is not None:
        from .outcome import complete

        complete(record, report, call)
    return report


def pytest_assertrepr_compare(op: str, left: object, right: object) -> list[str] | None:
    import sys

    if "fusetrace.operation" not in sys.modules:  # then neither of them is one
        return None
    from .reports import compare

    return compare(op, left, right)


# ---- pytest-timeout, debuggers ----


@pytest.hookimpl(optionalhook=True, wrapper=True)
def pytest_timeout_set_timer(item: pytest.Item, settings: Any) -> Generator[None, Any, Any]:
    from .deadline import begin_limit

    begin_limit(item, settings.timeout)
    return (yield)


@pytest.hookimpl(optionalhook=True, wrapper=True)
def pytest_timeout_cancel_timer(item: pytest.Item) -> Generator[None, Any, Any]:
    from .deadline import end_limit

    end_limit()
    return (yield)


def pytest_enter_pdb() -> None:
    from .deadline import end_limit

    end_limit()  # a person takes longer


# ---- all tests together; with xdist in the process that shows them ----


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if hasattr(report, "fusetrace"):
        from .totals import totals

        totals.add(report)


def pytest_terminal_summary(
    terminalreporter: TerminalReporter, config: pytest.Config
) -> None:
    from .record import session_of
    from .totals import totals

    totals.show(terminalreporter, session_of(config).settings)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    from .record import session_of
    from .totals import totals

    path = session_of(session.config).settings.json_path
    if path is not None and not hasattr(session.config, "workerinput"):
        totals.write_json(path)
