# SPDX-License-Identifier: MIT
"""What is done when a phase of a test has been reported: sections, traces, and the facts that go to
the process that shows them (with xdist another one)."""

from __future__ import annotations

from typing import Any

import pytest

from fusetrace.waits import take as take_waits

from .artifacts import attempt_of, save_traces
from .record import TestRecord, end_record, session_of
from .reports import plain, section_of, waits_of


def check_expectations(record: TestRecord) -> None:
    """At the end of a test's teardown: an expectation that nobody waited for is an error of a test
    that has passed, else a note."""
    problems = [f"the expectation made at {where} was never waited for: use it in a with block, "
                f"call its wait(), or cancel() it" for where in record.unawaited()]
    if record.has_failed:
        record.notes += problems
    elif problems:
        pytest.fail("\n".join(problems), pytrace=False)


def complete(record: TestRecord, report: pytest.TestReport, call: pytest.CallInfo[None]) -> None:
    """Adds to a report what the record knows. Never raises: a report must come out."""
    record.phases[report.when] = report
    try:
        _complete(record, report, call)
    except Exception as error:
        report.sections.append(("fusetrace", f"the report cannot be made: {error!r}"))
    if report.when == "teardown":
        end_record(record.item)


def _complete(record: TestRecord, report: pytest.TestReport,
              call: pytest.CallInfo[None]) -> None:
    # pytest shows the sections of a teardown by this word in their name.
    name = "fusetrace teardown" if report.when == "teardown" else "fusetrace"
    waits = record.waits[record.told_waits:]
    notes, record.notes = record.notes, []
    if report.failed:
        texts = [section_of(record, report, call.excinfo.value if call.excinfo else None)]
    else:
        texts = waits_of(record, report)
    texts = [*(f"note: {plain(note)}" for note in notes), *texts, *_traces(record, report)]
    if any(texts):
        report.sections.append((name, "\n".join(one for one in texts if one)))
    _add_facts(record, report, [
        {"text": plain(one.text), "verdict": one.verdict, "report": one.report} for one in waits])


def _traces(record: TestRecord, report: pytest.TestReport) -> list[str]:
    save = session_of(record.item.config).settings.save
    is_wanted = save == "on" and report.when == "teardown" and not record.has_saved
    if not is_wanted and not (save != "off" and report.failed):
        return []
    return save_traces(record)


def _add_facts(record: TestRecord, report: pytest.TestReport, waits: list[dict[str, Any]]) -> None:
    facts: dict[str, Any] = {"waits_in_vain": waits, "attempt": attempt_of(record.item)}
    if report.when == "teardown":
        facts["summaries"] = record.summaries
        facts["lost_events"] = record.lost_events
        facts["mounts"] = record.mount_count
        facts["waits"] = list(take_waits())
    if not record.mount_count and not record.waits:
        return
    # Attributes of a report cross processes as they are, so only what JSON knows.
    vars(report)["fusetrace"] = facts
    if waits:
        # Of the test, too: its later reports get them from there, and junit reads the last one.
        for properties in (record.item.user_properties, report.user_properties):
            properties.append(("fusetrace_waits_in_vain", len(waits)))
            properties.append(("fusetrace_verdict", str(waits[-1]["verdict"] or "-")))
