# SPDX-License-Identifier: MIT
"""Text for people out of names that nobody vouches for, and durations in few characters.

The same rules as the command's, so that a name looks the same in both: what could move the cursor,
hide or reorder text or forge a line is escaped. Paths are strings as `os.fsdecode()` makes them.
"""

from __future__ import annotations

import bisect

# Characters that reorder text, end lines or cannot be seen, as first and last of each range; the
# joiners U+200C and U+200D, without which some scripts cannot be written, are not among them.
_TREACHEROUS = (
    (0xAD, 0xAD), (0x61C, 0x61C), (0x180E, 0x180E), (0x200B, 0x200B), (0x200E, 0x200F),
    (0x2028, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164), (0xFDD0, 0xFDEF), (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0), (0xFFF9, 0xFFFB), (0xE0000, 0xE007F),
)
_TREACHEROUS_FIRSTS = [first for first, _ in _TREACHEROUS]

_NAMED_ESCAPES = {"\n": "\\n", "\t": "\\t", "\r": "\\r", "\\": "\\\\"}

# Name, nanoseconds, and how many of a unit are at most shown before the next one is taken.
_UNITS = (
    ("ns", 1, 1000), ("us", 1000, 1000), ("ms", 1_000_000, 1000), ("s", 1_000_000_000, 10_000),
    ("h", 3_600_000_000_000, None),
)

_GAP = "..."


def _is_treacherous(code_point: int) -> bool:
    index = bisect.bisect_right(_TREACHEROUS_FIRSTS, code_point) - 1
    return index >= 0 and code_point <= _TREACHEROUS[index][1]


def _escape_character(character: str) -> str:
    code_point = ord(character)
    if character in _NAMED_ESCAPES:
        return _NAMED_ESCAPES[character]
    if 0xDC80 <= code_point <= 0xDCFF:  # a byte that is no UTF-8
        return f"\\x{code_point - 0xDC00:02x}"
    if code_point < 0x20 or 0x7F <= code_point < 0xA0:
        return "".join(f"\\x{byte:02x}" for byte in character.encode())
    is_surrogate = 0xD800 <= code_point <= 0xDFFF
    if is_surrogate or code_point & 0xFFFE == 0xFFFE or _is_treacherous(code_point):
        return f"\\u{{{code_point:x}}}"
    return character


def escape(text: str) -> str:
    r"""Return text with everything escaped that a terminal or a reader could be fooled with.

    No two texts give the same result.

    >>> escape("a\nb\x1b[2J")
    'a\\nb\\x1b[2J'
    """
    if text.isascii() and text.isprintable() and "\\" not in text:
        return text
    return "".join(map(_escape_character, text))


def width(text: str) -> int:
    """Return the columns that text takes on a terminal.

    >>> width("日本")
    4
    """
    if text.isascii():
        return len(text)
    from unicodedata import category, east_asian_width

    columns = 0
    for character in text:
        if east_asian_width(character) in "WF":
            columns += 2
        elif category(character) not in ("Mn", "Me", "Cf"):
            columns += 1
    return columns


def _fitting(text: str, columns: int) -> str:
    """As many characters from the beginning of text as fit."""
    for length, character in enumerate(text):
        columns -= width(character)
        if columns < 0:
            return text[:length]
    return text


def shorten(text: str, columns: int) -> str:
    """Return text with its middle cut out where it takes more than so many columns.

    >>> shorten("/a/long/path/to/a.txt", 15)
    '/a/lon.../a.txt'
    """
    if width(text) <= columns:
        return text
    if columns <= 2 * len(_GAP):  # too narrow for two ends
        return _fitting(text, max(columns, 0))
    kept = columns - len(_GAP)
    head = _fitting(text, kept // 2)
    tail = _fitting(text[::-1], kept - kept // 2)[::-1]
    return head + _GAP + tail


def format_duration(duration_ns: int) -> str:
    """Return nanoseconds in up to four significant digits and a unit.

    >>> format_duration(12_345_678)
    '12.35ms'
    """
    for name, unit_ns, limit in _UNITS:
        decimals = 0 if unit_ns == 1 else 3
        while decimals > 0 and _rounded(duration_ns, unit_ns, decimals) >= 10_000:
            decimals -= 1
        number = _rounded(duration_ns, unit_ns, decimals)
        # 999.96us rounds to 1000us, which is 1ms: so the limit is held against what is shown.
        if limit is None or number // 10**decimals < limit:
            whole, rest = divmod(number, 10**decimals)
            return f"{whole}.{rest:0{decimals}d}{name}" if decimals else f"{whole}{name}"
    raise AssertionError("the last unit has no limit")


def _rounded(duration_ns: int, unit_ns: int, decimals: int) -> int:
    """In units of the last decimal, half up."""
    return int((duration_ns * 10**decimals + unit_ns // 2) // unit_ns)
