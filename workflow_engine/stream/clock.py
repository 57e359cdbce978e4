"""One clock for a source, whatever its timestamps do."""

from __future__ import annotations

from dataclasses import dataclass

MOST_BACK = 0.5
"""Seconds that a timestamp may lie before the one ahead of it in the same count."""
MOST_AHEAD = 10.0
"""Seconds by which a live source's timestamp may outrun the time that passed since the one before it in a count."""


@dataclass(slots=True, kw_only=True)
class Clock:
    """Turns a source's timestamps into seconds since its first frame, which never run backwards.

    A timestamp that is far off begins another count, as where recordings were joined, or a camera's clock was set: it
    is taken to follow one usual ``step`` after the last, or as late as it came.

    Attributes:
        smallest: Seconds by which a frame is later than the one before, whatever its timestamp says.
    """

    smallest: float = 0.0
    _last: float | None = None
    _offset: float = 0.0
    _first: float | None = None

    def reading(self, stamp: float, *, step: float, passed: float | None = None) -> float:
        """Return the seconds for a timestamp; ``passed`` are those that went by since the last one, if it is known."""
        if self._first is None:
            self._first = stamp
        seconds = self._offset + stamp - self._first
        if self._last is not None:
            ahead = passed is not None and seconds > self._last + passed + MOST_AHEAD
            if ahead or seconds < self._last - MOST_BACK:
                self._offset, self._first = self._last + max(step, passed or 0.0), stamp
                seconds = self._offset
            seconds = max(seconds, self._last + self.smallest)
        self._last = seconds
        return seconds

    def resume(self, after: float) -> None:
        """Begin another count ``after`` seconds from the last frame."""
        self._offset, self._first = (self._last or 0.0) + after, None
