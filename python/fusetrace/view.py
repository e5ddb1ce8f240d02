# SPDX-License-Identifier: MIT
"""What has happened in a monitor since a mark, without waiting for anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .errors import EventsLost
from .matcher import Matcher, PathLike, as_matcher
from .operation import Mark, Operation

if TYPE_CHECKING:
    from .monitor import Monitor


class View:
    """What has happened in a monitor since a mark; looked up anew at each call."""

    def __init__(self, monitor: Monitor, mark: Mark) -> None:
        self._monitor = monitor
        self.mark = mark

    def _find(self, what: str | Matcher, path: PathLike | None = None,
              status: str = "any") -> list[Operation]:
        matcher = as_matcher(what).with_defaults(path=path, status=status)
        found = self._monitor._core.operations(
            self.mark, (matcher.without_last_word().tuple_for(self._monitor._paths),))
        check = matcher.last_word()
        return found if check is None else [one for one in found if check(one)]

    @property
    def operations(self) -> list[Operation]:
        """All of them, in order."""
        return self._find("*")

    @property
    def failed(self) -> list[Operation]:
        """Those that failed, without the failures that the kernel expects (probes)."""
        return [one for one in self._find("*", status="error") if not one.is_probe]

    @property
    def lost(self) -> int:
        """Events lost since the mark."""
        return self._monitor._core.lost(self.mark)

    def matching(self, what: str | Matcher, path: PathLike | None = None) -> list[Operation]:
        """Those that match."""
        return self._find(what, path)

    def count(self, what: str | Matcher = "*", path: PathLike | None = None) -> int:
        """How many match; EventsLost when events were lost, as the number may be larger."""
        number = len(self._find(what, path))
        if self.lost:
            raise EventsLost(f"{self.lost} events were lost since the mark: at least {number}")
        return number
