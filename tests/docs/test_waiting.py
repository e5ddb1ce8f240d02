# SPDX-License-Identifier: MIT
"""docs/waiting.md lists each rule of waiting with the tests that prove it: both ways complete."""

import ast
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
RULES = range(1, 46)
ROW = re.compile(r"^\| (\d+) \| ([^|]+) \| ([^|]*) \| ([^|]+) \|$", re.MULTILINE)


def rows():
    """Number, text, names of tests, status of each row."""
    text = (ROOT / "docs/waiting.md").read_text(encoding="utf-8")
    return [(int(number), rule, re.findall(r"`(\w+)`", tests), status)
            for number, rule, tests, status in ROW.findall(text)]


def python_tests():
    """Functions that pytest collects: at the top of a file of the tests."""
    return [one.name for path in (ROOT / "tests").rglob("test_*.py")
            for one in ast.parse(path.read_text(encoding="utf-8")).body
            if isinstance(one, (ast.FunctionDef, ast.AsyncFunctionDef))
            and one.name.startswith("test_rule_")]


def c_tests():
    """Functions that stand in the list of tests of their file."""
    return [name for path in (ROOT / "lib").rglob("*_test.c")
            for name in re.findall(r"^\t\t\w*(?:test|TEST)\w*\((rule_\d\d_\w+)",
                                   path.read_text(encoding="utf-8"), re.MULTILINE)]


def number_of(test):
    return int(re.search(r"rule_(\d\d)_", test)[1])


def test_each_rule_has_a_row():
    assert [number for number, *_ in rows()] == list(RULES)


def test_each_test_stands_in_its_row_and_each_row_names_tests_that_exist():
    named = sorted((number, test) for number, _, tests, _ in rows() for test in tests)
    found = python_tests() + c_tests()
    assert len(set(found)) == len(found)
    assert named == sorted((number_of(test), test) for test in found)


def test_a_rule_that_is_kept_has_a_test():
    for number, _, tests, status in rows():
        assert re.match(r"kept$|in part: \w|later: \w", status), (number, status)
        assert bool(tests) or status.startswith("later"), f"rule {number} has no test"
