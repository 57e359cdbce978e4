"""The one way in which things are timed here: in turns, so that a machine that drifts favours nobody."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")

SETTLE = 0.05
"""Seconds between two turns, for threads that go on spinning after their work is done."""


@dataclass(frozen=True, slots=True)
class Series:
    """The times of one contestant, in seconds, in the order of the rounds."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle value."""
        return statistics.median(self.seconds)

    @property
    def p95(self) -> float:
        """The value that 95 of 100 stay below, interpolated; the largest where there are few."""
        if len(self.seconds) < 2:
            return self.seconds[0]
        return statistics.quantiles(self.seconds, n=20, method="inclusive")[-1]


def alternate(
    contestants: Mapping[str, Callable[[], T]],
    *,
    rounds: int,
    warmup: int = 2,
    settle: float = SETTLE,
    rehearsals: int = 0,
) -> dict[str, list[T]]:
    """Let every contestant run once per round; every other round goes in the opposite order.

    Args:
        contestants: By name, what runs once and returns what it took.
        rounds: How many runs of each count.
        warmup: How many come first and do not count.
        settle: Seconds to wait before each turn.
        rehearsals: Runs at the beginning of every turn that do not count, for contestants whose hundreds of megabytes
            the others have driven out of the caches, as they do not where one of them is at work.
    """
    taken: dict[str, list[T]] = {name: [] for name in contestants}
    for turn in range(warmup + rounds):
        for name in list(contestants)[:: -1 if turn % 2 else 1]:
            time.sleep(settle)
            for _ in range(rehearsals):
                contestants[name]()
            one = contestants[name]()
            if turn >= warmup:
                taken[name].append(one)
    return taken


def series(taken: Mapping[str, Sequence[Mapping[str, float]]], clock: str) -> dict[str, Series]:
    """Return the times of each contestant by one clock, of those that a run is timed by."""
    return {name: Series(tuple(one[clock] for one in runs)) for name, runs in taken.items()}


def ratio(slower: Series, faster: Series) -> float:
    """Return how many times ``faster`` is the faster: the median over the rounds of one's time over the other's."""
    return statistics.median(a / b for a, b in zip(slower.seconds, faster.seconds, strict=True))
