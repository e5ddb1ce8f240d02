# SPDX-License-Identifier: MIT
"""How many durations lie in each of many buckets, so that percentiles can be told and merged.

The same buckets as the library's: below 64 each value has one, each octave above is cut into 32. A
bucket is given as its middle, so a percentile is at most 1/64 of its value off.
"""

from __future__ import annotations

from dataclasses import dataclass, field

_OCTAVE_BITS = 5
_OCTAVE = 1 << _OCTAVE_BITS


def _bucket_of(value: int) -> int:
    if value < _OCTAVE:
        return value
    shift = value.bit_length() - 1 - _OCTAVE_BITS
    return shift * _OCTAVE + (value >> shift)


def _middle_of(bucket: int) -> int:
    if bucket < 2 * _OCTAVE:
        return bucket
    shift = bucket // _OCTAVE - 1
    return ((_OCTAVE + bucket % _OCTAVE) << shift) + (1 << shift) // 2


def rank_of(count: int, per_mille: int) -> int:
    return -(-count * per_mille // 1000)


@dataclass
class Histogram:
    """How many durations (ns) lie in each bucket."""

    count: int = 0
    min_ns: int = 0
    max_ns: int = 0
    buckets: dict[int, int] = field(default_factory=dict)

    def add(self, value: int, times: int = 1) -> None:
        if times <= 0:
            return
        if self.count == 0 or value < self.min_ns:
            self.min_ns = value
        if value > self.max_ns:
            self.max_ns = value
        self.count += times
        bucket = _bucket_of(value)
        self.buckets[bucket] = self.buckets.get(bucket, 0) + times

    def merge(self, other: Histogram) -> None:
        if other.count == 0:
            return
        self.min_ns = other.min_ns if self.count == 0 else min(self.min_ns, other.min_ns)
        self.max_ns = max(self.max_ns, other.max_ns)
        self.count += other.count
        for bucket, times in other.buckets.items():
            self.buckets[bucket] = self.buckets.get(bucket, 0) + times

    def percentile(self, per_mille: int) -> int | None:
        """By nearest rank; None when empty."""
        if self.count == 0:
            return None
        rank = rank_of(self.count, per_mille)
        seen = 0
        for bucket in sorted(self.buckets):
            seen += self.buckets[bucket]
            if seen >= rank:
                return min(max(_middle_of(bucket), self.min_ns), self.max_ns)
        return self.max_ns

    def scale_to(self, count: int) -> None:
        """Let these durations stand for so many."""
        if self.count in (0, count):
            return
        seen = given = 0
        for bucket in sorted(self.buckets):
            seen += self.buckets[bucket]
            self.buckets[bucket] = seen * count // self.count - given
            given += self.buckets[bucket]
        self.count = count
