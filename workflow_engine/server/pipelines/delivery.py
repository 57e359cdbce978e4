"""Results on their way out of a pipeline: rows that wait to be consumed, and what those who follow it live are told.

Whoever follows asks for what came after what it has seen, and is answered when there is something. So a slow one misses
results, and nothing is kept for it.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import orjson

from workflow_engine.plan import Plan
from workflow_engine.stream.frame import Notice
from workflow_engine.stream.records import outputs_to_json, record
from workflow_engine.stream.run import FrameResult
from workflow_engine.vision.decode import encode_jpeg

MOST_EVENTS = 16
"""Events that are kept for who asks a little late."""
FOLLOWED = 50
"""Results for which events are written after somebody has asked for one."""

Answer: TypeAlias = Callable[[int, Mapping[str, Any], bytes], None]
"""Takes the number of a question, and the head and the body of its answer."""


@dataclass(slots=True)
class _Row:
    """One result of each source, as far as they have come: outputs as JSON by name, and which frame it was."""

    outputs: dict[str, dict[str, bytes] | None] = field(default_factory=dict)
    frames: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What somebody who follows wants to know: what came after number ``after``.

    Attributes:
        id: Its number.
        after: What was seen already.
        picture: Whether a picture is wanted; else it is events.
        source: Of which source; ``None`` for any.
        output: The output that holds the picture; ``None`` for the frame.
    """

    id: int
    after: int
    picture: bool = False
    source: str | None = None
    output: str | None = None


class Delivery:
    """A sink that keeps the latest results, a bounded number of them, for who comes to fetch them."""

    remarks: list[str] = []  # noqa: RUF012 - there is never anything to say
    results: list[str] = []  # noqa: RUF012 - nor anything to look at afterwards

    def __init__(self, plan: Plan, sources: list[str], buffer: int, answer: Answer) -> None:
        """Deliver the results of a plan on ``sources``, of which ``buffer`` rows wait; ``answer`` sends answers."""
        self._plan, self._sources, self._answer = plan, sources, answer
        self._lock = threading.Lock()
        self._rows: deque[_Row] = deque(maxlen=buffer)
        self._begun = _Row()
        self._count = 0
        self._events: deque[tuple[int, bytes]] = deque(maxlen=MOST_EVENTS)
        self._followed_until = 0
        self._told: dict[str, int] = {}
        self._latest: dict[str, tuple[int, FrameResult]] = {}
        self._drawn: tuple[int, str | None, bytes] = (0, None, b"")
        self._questions: list[Question] = []
        self._over = False

    def write(self, result: FrameResult) -> None:
        """Take a result."""
        outputs = {name: orjson.dumps(value) for name, value in outputs_to_json(self._plan, result.outputs).items()}
        with self._lock:
            self._count += 1
            self._add(result, None if result.problem else outputs)
            self._latest[result.source] = (self._count, result)
            if self._count <= self._followed_until:
                self._tell_result(result)
            self._answer_those_that_wait()

    def notify(self, notice: Notice) -> None:
        """Tell those who follow of something else than a result."""
        told = {"source": notice.source, "code": notice.code, "message": notice.message}
        with self._lock:
            self._count += 1
            self._tell("notice", {**told, "timestamp": notice.moment.isoformat()})
            self._answer_those_that_wait()

    def close(self) -> None:
        """There are no more results: those who follow are told, and what is there can still be consumed."""
        with self._lock:
            if not self._over:
                self._tell_the_last()
            self._over = True
            if self._begun.frames:
                self._rows.append(self._begun)
                self._begun = _Row()
            self._answer_those_that_wait()

    def discard(self) -> None:
        """Give up after an error."""
        self.close()

    def consume(self, without: list[str]) -> dict[str, Any]:
        """Take the oldest row: the members ``outputs`` and ``frames_metadata``, one entry per source or none at all."""
        with self._lock:
            row = self._rows.popleft() if self._rows else None
        if row is None:
            return {"outputs": [], "frames_metadata": []}
        return {
            "outputs": [_without(row.outputs.get(source), without) for source in self._sources],
            "frames_metadata": [row.frames.get(source) for source in self._sources],
        }

    def follow(self, question: Question) -> None:
        """Answer a question, at once or as soon as there is something to tell."""
        with self._lock:
            if not question.picture:
                self._followed_until = self._count + FOLLOWED
            self._questions.append(question)
            self._answer_those_that_wait()

    def forget(self, number: int) -> None:
        """Nobody waits for the answer to a question any more."""
        with self._lock:
            if any(question.id == number for question in self._questions):
                self._questions = [question for question in self._questions if question.id != number]
                self._answer(number, {"at": 0, "over": True}, b"")

    def _add(self, result: FrameResult, outputs: dict[str, bytes] | None) -> None:
        """Put a result into the row that is begun; a source's next result, or all of them, finish a row."""
        if result.source in self._begun.frames:
            self._rows.append(self._begun)
            self._begun = _Row()
        self._begun.outputs[result.source] = outputs
        self._begun.frames[result.source] = {
            "frame_timestamp": result.video.frame_timestamp.isoformat(),
            "frame_id": result.number,
            "source_id": int(result.source),
        }
        if len(self._begun.frames) == len(self._sources):
            self._rows.append(self._begun)
            self._begun = _Row()

    def _tell_the_last(self) -> None:
        """Write the event of each source's last result, if there was none: who follows is not to miss how it ended."""
        for number, result in sorted(self._latest.values(), key=lambda one: one[0]):
            if self._told.get(result.source) != number:
                self._count += 1
                self._tell_result(result)

    def _tell_result(self, result: FrameResult) -> None:
        self._told[result.source] = self._count
        self._tell("message", record(self._plan, result))

    def _tell(self, kind: str, content: Mapping[str, Any]) -> None:
        text = b"id: %d\nevent: %s\ndata: %s\n\n" % (self._count, kind.encode(), orjson.dumps(content))
        self._events.append((self._count, text))

    def _answer_those_that_wait(self) -> None:
        self._questions = [question for question in self._questions if not self._answered(question)]

    def _answered(self, question: Question) -> bool:
        found = self._picture(question) if question.picture else self._news(question)
        if found is None and not self._over:
            return False
        at, body = found or (self._count, b"")
        self._answer(question.id, {"at": at, "over": found is None}, body)
        return True

    def _news(self, question: Question) -> tuple[int, bytes] | None:
        news = [text for number, text in self._events if number > question.after]
        return (self._count, b"".join(news)) if news else None

    def _picture(self, question: Question) -> tuple[int, bytes] | None:
        shown = [one for source, one in self._latest.items() if question.source in (None, source)]
        number, result = max(shown, key=lambda one: one[0], default=(0, None))
        if result is None or number <= question.after:
            return None
        if self._drawn[:2] != (number, question.output):
            self._drawn = (number, question.output, encode_jpeg(result.picture(question.output), quality=85))
        return number, self._drawn[2]


def _without(outputs: dict[str, bytes] | None, names: list[str]) -> dict[str, Any] | None:
    if outputs is None:
        return None
    return {name: orjson.Fragment(text) for name, text in outputs.items() if name not in names}
