#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Adds up the JUnit files of a test run: every failure and every skip with its reason, then one
line "N passed, N failed, N skipped". Exit status 1 when something failed or nothing ran."""

import pathlib
import re
import sys
import xml.etree.ElementTree as ElementTree


def said(suite, name):
    """What a C test printed after its "not ok": meson keeps it with the suite."""
    lines = (suite.findtext("system-out") or "").splitlines()
    results = [number for number, line in enumerate(lines) if re.match("(not )?ok ", line)]
    for place, number in enumerate(results):
        if lines[number] == f"not ok {name}":
            end = results[place + 1] if place + 1 < len(results) else len(lines)
            return " ".join(lines[number + 1:end])
    return ""


def outcome(suite, case):
    """("passed" | "failed" | "skipped", reason) of one <testcase>."""
    for kind in ("failure", "error"):
        found = case.find(kind)
        if found is not None:
            text = found.get("message") or found.text or said(suite, case.get("name"))
            return "failed", text.strip().splitlines()[:1]
    found = case.find("skipped")
    if found is not None:
        return "skipped", [(found.get("message") or found.text or "no reason given").strip()]
    return "passed", []


def main(directory):
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    for path in sorted(pathlib.Path(directory).glob("*.xml")):
        for suite in ElementTree.parse(path).iter("testsuite"):
            for case in suite.findall("testcase"):
                kind, reason = outcome(suite, case)
                counts[kind] += 1
                if kind != "passed":
                    name = f"{case.get('classname') or path.stem}: {case.get('name')}"
                    print(f"{kind}: {path.stem}: {name}: {' '.join(reason)[:300]}")
    print(", ".join(f"{number} {kind}" for kind, number in counts.items()))
    return 1 if counts["failed"] or not counts["passed"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
