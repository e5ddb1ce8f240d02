# SPDX-License-Identifier: MIT
"""FUSE_TRACE and its like mean the same everywhere."""

import pytest

from fusetrace import environment


@pytest.mark.parametrize("value", ["1", "true", "yes", "on", "TRUE", "Yes", "oN"])
def test_yes(monkeypatch, value):
    monkeypatch.setenv("FUSE_TRACE", value)
    assert environment.flag("FUSE_TRACE") is True


@pytest.mark.parametrize("value", ["0", "false", "no", "off", "", "OFF", "False"])
def test_no(monkeypatch, value):
    monkeypatch.setenv("FUSE_TRACE", value)
    assert environment.flag("FUSE_TRACE") is False


def test_not_set(monkeypatch):
    monkeypatch.delenv("FUSE_TRACE", raising=False)
    assert environment.flag("FUSE_TRACE") is None


@pytest.mark.parametrize("value", ["maybe", "2", " ", "01", "yes please", "\udcff"])
def test_anything_else_names_variable_value_and_what_is_allowed(monkeypatch, value):
    monkeypatch.setenv("FUSE_TRACE_SUMMARY", value)
    with pytest.raises(ValueError) as caught:
        environment.flag("FUSE_TRACE_SUMMARY")
    text = str(caught.value)
    assert "FUSE_TRACE_SUMMARY" in text and repr(value) in text
    for word in ("1", "true", "yes", "on", "0", "false", "no", "off", "nothing"):
        assert word in text
