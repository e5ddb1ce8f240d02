# SPDX-License-Identifier: MIT
"""What all tests came to: the header line, the terminal summary, the JSON file.

Lives in the process that shows the results; what it knows came with the reports of the tests.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fusetrace.waits import Waits

from .settings import Settings

if TYPE_CHECKING:
    from _pytest.terminal import TerminalReporter

_TESTS_SHOWN_MAX = 10


def header(settings: Settings) -> str:
    """The line at the beginning."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        number = version("fusetrace")
    except PackageNotFoundError:
        number = "(not installed)"
    words = [f"fusetrace {number}", f"Linux {os.uname().release}", f"tracing {settings.mode}",
             f"source {settings.source}"]
    if settings.timeout_scale is not None:
        words.append(f"timeout scale {settings.timeout_scale:g}")
    if settings.save != "off":
        words.append(f"traces {settings.save} in {settings.output}")
    return ", ".join(words)


class Totals:
    """Adds up the reports of a session."""

    def __init__(self) -> None:
        self.tests: dict[str, dict[str, Any]] = {}
        self.lost_events = 0
        self.waits = Waits()
        self._summaries: list[dict[str, Any]] = []

    def add(self, report: pytest.TestReport) -> None:
        """Takes what a report of a test brings."""
        facts = vars(report)["fusetrace"]
        test = self.tests.setdefault(report.nodeid, {
            "nodeid": report.nodeid, "outcome": "passed", "attempts": 0, "mounts": 0,
            "lost_events": 0, "waits_in_vain": []})
        if report.outcome != "passed" or report.when == "call":
            test["outcome"] = report.outcome
        test["attempts"] = max(test["attempts"], facts["attempt"])
        test["waits_in_vain"] += facts["waits_in_vain"]
        test["mounts"] += facts.get("mounts", 0)
        test["lost_events"] += facts.get("lost_events", 0)
        self.lost_events += facts.get("lost_events", 0)
        self._summaries += facts.get("summaries", [])
        self.waits = self.waits.plus(Waits(*facts.get("waits", ())))

    def show(self, terminal: TerminalReporter, settings: Settings) -> None:
        """Writes the terminal summary; nothing when there is nothing to say."""
        in_vain = [test for test in self.tests.values() if test["waits_in_vain"]]
        if settings.summary is None and not in_vain and not self.lost_events:
            return
        terminal.section("fusetrace")
        if settings.summary is not None:
            self._show_table(terminal, settings.summary)
            if self.waits.number:
                terminal.write_line(str(self.waits))
        if in_vain:
            self._show_waits(terminal, in_vain)
        if self.lost_events:
            terminal.write_line(f"lost events: {self.lost_events}", yellow=True)

    def _show_table(self, terminal: TerminalReporter, rows: int) -> None:
        if not self._summaries:
            terminal.write_line("no mount was traced: FUSE_TRACE=1 or --fusetrace=on traces all")
            return
        count = len(self._summaries)
        terminal.write_line(f"operations of {count} traced mount{'s' * (count != 1)}")
        from . import summaries

        for line in summaries.text_of(summaries.merged(self._summaries), rows).splitlines():
            terminal.write_line(line)

    def _show_waits(self, terminal: TerminalReporter, tests: list[dict[str, Any]]) -> None:
        count = sum(len(test["waits_in_vain"]) for test in tests)
        terminal.write_line(
            f"waits in vain: {count} in {len(tests)} test{'s' * (len(tests) != 1)}", yellow=True)
        is_long = terminal.config.get_verbosity("fusetrace") >= 1
        for test in tests[:None if is_long else _TESTS_SHOWN_MAX]:
            terminal.write_line(f"  {test['nodeid']} ({test['outcome']}): "
                                f"{len(test['waits_in_vain'])}")
            for wait in test["waits_in_vain"]:
                lines = wait["text"].splitlines()
                for line in lines if is_long else lines[:1]:
                    terminal.write_line(f"    {line}")
        if len(tests) > _TESTS_SHOWN_MAX and not is_long:
            terminal.write_line(f"  ... and {len(tests) - _TESTS_SHOWN_MAX} more (-v shows all)")

    def write_json(self, path: Path) -> None:
        """Writes all that is known for machines."""
        import json

        from . import summaries

        table = summaries.merged(self._summaries)
        content = {"version": 1, "tests": list(self.tests.values()),
                   "lost_events": self.lost_events, "waits": self.waits._asdict(),
                   "summary": table.to_dict()}
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


totals = Totals()
