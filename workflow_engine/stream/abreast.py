"""Frames that go through a workflow side by side, and come out in the order in which they were taken."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import TypeAlias

from workflow_engine.results import RunResult
from workflow_engine.stream.feed import Feed
from workflow_engine.stream.frame import Frame

Turn: TypeAlias = Callable[[], None]
"""Returns when the frames of the source that were taken earlier are done."""
Run: TypeAlias = Callable[[Feed, Frame, Turn], RunResult]


@dataclass(slots=True, eq=False)
class UnderWay:
    """A frame that was taken and not handed back.

    Attributes:
        feed: Where it is from.
        frame: The frame.
        outcome: What came of it, once it is done.
        since: When the run on it began, by ``time.monotonic``; ``None`` before that.
    """

    feed: Feed
    frame: Frame
    outcome: Future[RunResult] = field(default_factory=Future)
    since: float | None = None


class Abreast:
    """Runs the workflow on several frames at once. All but ``since`` is for one thread at a time."""

    def __init__(self, run: Run, *, at_once: int) -> None:
        """Prepare; with one frame at once, ``begin`` runs it on the thread that calls.

        Args:
            run: Runs the workflow on one frame; called on several threads.
            at_once: How many frames may be under way.
        """
        self._run, self._at_once = run, at_once
        self._under_way: deque[UnderWay] = deque()
        self._handed_back: UnderWay | None = None  # the last one, which may still run
        self._pool = ThreadPoolExecutor(at_once, "segflow-video-run") if at_once > 1 else None

    def __len__(self) -> int:
        """How many frames are under way."""
        return len(self._under_way)

    @property
    def full(self) -> bool:
        """Whether no more frame may be taken before one is handed back."""
        return len(self._under_way) >= self._at_once

    @property
    def since(self) -> float | None:
        """Since when the frame that has run longest does, by ``time.monotonic``; ``None`` when none runs."""
        known = [one for one in (self._handed_back, *tuple(self._under_way)) if one is not None]
        running = [one.since for one in known if one.since is not None and not one.outcome.done()]
        return min(running, default=None)

    def of(self, feed: Feed) -> list[UnderWay]:
        """The frames of a source that are under way, in order."""
        return [one for one in self._under_way if one.feed is feed]

    def begin(self, feed: Feed, frame: Frame) -> None:
        """Run the workflow on a frame that was just taken."""
        one, earlier = UnderWay(feed, frame), self.of(feed)
        self._under_way.append(one)
        self._start(one, earlier)

    def again(self, feed: Feed, prepare: Callable[[], None]) -> None:
        """Wait for the frames of a source that are under way, call ``prepare``, and run them anew."""
        frames = self.of(feed)
        _done([one.outcome for one in frames])
        prepare()
        for place, one in enumerate(frames):
            one.outcome, one.since = Future(), None
            self._start(one, frames[:place])

    def next(self) -> UnderWay:
        """Hand back the frame that was taken first; its outcome may take a while."""
        self._handed_back = self._under_way.popleft()
        return self._handed_back

    def close(self) -> list[UnderWay]:
        """Wait until no frame runs any more; return those that were not handed back."""
        if self._pool is not None:
            self._pool.shutdown()
        left = list(self._under_way)
        self._under_way.clear()
        return left

    def _start(self, one: UnderWay, earlier: Sequence[UnderWay]) -> None:
        make = partial(self._make, one, one.outcome, [before.outcome for before in earlier])
        if self._pool is None:
            make()
        else:
            self._pool.submit(make)

    def _make(self, one: UnderWay, outcome: Future[RunResult], earlier: Sequence[Future[RunResult]]) -> None:
        one.since = time.monotonic()
        try:
            outcome.set_result(self._run(one.feed, one.frame, partial(_done, earlier)))
        except BaseException as error:  # noqa: BLE001 -- raised where the outcome is asked for
            outcome.set_exception(error)


def _done(outcomes: Sequence[Future[RunResult]]) -> None:
    """Return when all are there, whatever they are."""
    for outcome in outcomes:
        outcome.exception()
