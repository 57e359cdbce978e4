"""A source on a thread of its own, and the frames that wait to be taken from it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal, TypeAlias

from workflow_engine.errors import Problem, WorkflowError
from workflow_engine.stream.frame import Frame, Gap, Notice, Source, SourceInfo

Policy: TypeAlias = Literal["all", "latest"]
"""What happens to frames that come faster than they are taken: they wait, or the newest replaces those before it."""

AHEAD = 3
"""Frames of a source that wait when none may be dropped: enough for decoding to go on beside the run."""


@dataclass(slots=True, kw_only=True)
class Account:
    """What became of the frames of a source: ``read`` is the sum of the five that follow it.

    Attributes:
        read: Frames decoded.
        processed: Frames that the workflow ran on.
        failed: Frames on which it failed.
        skipped: Frames left out by ``every`` or ``fps``.
        dropped: Frames that a newer one replaced.
        unused: Frames read ahead when the run was stopped.
        gaps: Interruptions of a live source.
        decode_seconds: Time that decoding took.
        run_seconds: Time that running the workflow took.
    """

    read: int = 0
    processed: int = 0
    failed: int = 0
    skipped: int = 0
    dropped: int = 0
    unused: int = 0
    gaps: int = 0
    decode_seconds: float = 0.0
    run_seconds: float = 0.0


@dataclass(slots=True, kw_only=True)
class Thinning:
    """Which frames are taken at all.

    Attributes:
        every: Take each frame whose number is one more than a multiple of this.
        fps: Take at most so many frames per second of the stream's clock.
    """

    every: int = 1
    fps: float | None = None
    _due: float = 0.0

    def takes(self, frame: Frame) -> bool:
        """Say whether a frame is taken; frames are asked for in order."""
        if (frame.number - 1) % self.every:
            return False
        if self.fps is None:
            return True
        if frame.seconds < self._due - 1e-6:
            return False
        # The next is due one step later on the grid, so that frames that come a little late do not add up.
        step = 1 / self.fps
        self._due = step + (self._due if frame.seconds < self._due + step else frame.seconds)
        return True


class Feed:
    """Reads one source ahead; whoever runs the workflow takes frames from it."""

    def __init__(
        self,
        source: Source,
        *,
        name: str,
        policy: Policy,
        thinning: Thinning,
        most: int | None,
        changed: threading.Condition,
        observe: Callable[[Notice], None],
    ) -> None:
        """Prepare; ``start`` begins to read.

        Args:
            source: What to read.
            name: Which source it is among several: its number as text.
            policy: What happens to frames that come too fast.
            thinning: Which frames are taken at all.
            most: How many frames may be taken.
            changed: Notified whenever a frame is ready or the source has ended; guards the waiting frames.
            observe: Called with every notice, on the thread that reads.
        """
        self.name, self.policy = name, policy
        self.account = Account()
        self.info: SourceInfo | None = None
        self.error: WorkflowError | None = None
        self._source, self._thinning, self._most = source, thinning, most
        self._changed, self._observe = changed, observe
        self._waiting: deque[Frame] = deque()
        self._gap: Gap | None = None
        self._taken = 0
        self._stopped = threading.Event()
        self._ended = False
        self._thread = threading.Thread(target=self._read, daemon=True, name=f"segflow-video-{name}")

    @property
    def title(self) -> str:
        """How messages call the source."""
        return self._source.name

    @property
    def ready(self) -> bool:
        """Whether a frame waits."""
        return bool(self._waiting)

    @property
    def over(self) -> bool:
        """Whether no frame waits and none will come."""
        return (self._ended or self._full) and not self._waiting

    @property
    def _full(self) -> bool:
        sure = self._taken + (len(self._waiting) if self.policy == "all" else 0)
        return self._most is not None and sure >= self._most

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def take(self) -> Frame:
        """Return the next frame; called where ``ready`` is true, under the condition's lock."""
        frame = self._waiting.popleft()
        self._taken += 1
        self._changed.notify_all()
        return frame

    def stop(self) -> None:
        """Ask the reading to end; returns at once."""
        self._stopped.set()
        self._source.interrupt()
        with self._changed:
            self._changed.notify_all()

    def join(self) -> None:
        """Wait until the reading has ended; what was read and not taken is unused."""
        if self._thread.ident is not None:
            self._thread.join()
        self.account.unused += len(self._waiting)
        self._waiting.clear()

    def _read(self) -> None:
        frames = self._source.frames(self._stopped, self._tell)
        try:
            for frame in frames:
                self._count(frame)
                if not self._offer(frame):
                    break
        except WorkflowError as error:
            self._fail(error)
        except Exception as error:  # noqa: BLE001 - a reader may not end without saying so
            message = f"Reading {self.title!r} failed inside segflow: {type(error).__name__}."
            self._fail(WorkflowError(Problem(code="unforeseen", message=message, whose="engine")))
        finally:
            frames.close()
            with self._changed:
                self._ended = True
                self._changed.notify_all()

    def _fail(self, error: WorkflowError) -> None:
        self.error = error
        self._tell("failed", str(error))

    def _count(self, frame: Frame) -> None:
        self.info = frame.info
        self.account.read += 1
        self.account.decode_seconds += frame.decode_seconds
        self.account.gaps += frame.gap is not None

    def _offer(self, frame: Frame) -> bool:
        """Let a frame wait to be taken; say whether more are wanted."""
        gap = self._gap or frame.gap
        if not self._thinning.takes(frame):
            self.account.skipped += 1
            self._gap = gap  # for the next one that is taken: a gap must not go unseen
            return not self._stopped.is_set()
        with self._changed:
            if self.policy == "latest" and self._waiting:
                gap = self._waiting.pop().gap or gap
                self.account.dropped += 1
            while len(self._waiting) >= AHEAD and not self._stopped.is_set():
                self._changed.wait()
            if self._stopped.is_set() or self._full:
                self.account.unused += 1
                return False
            self._waiting.append(replace(frame, gap=gap))
            self._gap = None
            self._changed.notify_all()
            return not self._full

    def _tell(self, code: str, message: str) -> None:
        self._observe(Notice(code=code, message=message, source=self.name, moment=datetime.now(UTC)))
