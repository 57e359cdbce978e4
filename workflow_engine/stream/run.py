"""A workflow on the frames of one or more videos: in order, counted, and stopped when it is told to."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from numbers import Integral, Real
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workflow_engine.context import Stop
from workflow_engine.definition import WorkflowInput
from workflow_engine.errors import InputError, Problem, RunCancelled, StepFailed, WorkflowError, nearest
from workflow_engine.plan import Plan
from workflow_engine.session import Session
from workflow_engine.stream.feed import Account, Feed, Policy, Thinning
from workflow_engine.stream.files import FileSource
from workflow_engine.stream.frame import Frame, Gap, Notice, Source, SourceInfo
from workflow_engine.stream.live import LiveSource
from workflow_engine.stream.rules import FilePlace, Reference, SourceRules, locate
from workflow_engine.vision.image import Image, VideoMetadata

MOST_NOTICES = 1000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FrameResult:
    """What a workflow gave on one frame.

    Attributes:
        source: Which source: its number as text, the first being ``0``.
        number: Number of the frame in its source, the first being 1.
        seconds: Time since the source's first frame, on the stream's own clock.
        video: What the workflow was told of the frame, the time it was taken included.
        outputs: The workflow's outputs by name: arrays and tables; empty when it failed.
        pixels: The frame itself: blue-green-red, (H, W, 3).
        info: The source's facts.
        step_seconds: Time of each step.
        elapsed: Time of the run in seconds.
        gap: The interruption of the source that ended with this frame.
        problem: Why the workflow failed on this frame.
    """

    source: str
    number: int
    seconds: float
    video: VideoMetadata
    outputs: Mapping[str, Any]
    pixels: NDArray[np.uint8]
    info: SourceInfo
    step_seconds: Mapping[str, float]
    elapsed: float
    gap: Gap | None = None
    problem: Problem | None = None

    def __repr__(self) -> str:
        """Return which frame it is and what it gave, not its pixels."""
        gave = f"problem={self.problem.message!r}" if self.problem else f"outputs={dict(self.outputs)}"
        return f"FrameResult(source={self.source!r}, number={self.number}, seconds={self.seconds:.3f}, {gave})"

    def __getitem__(self, name: str) -> Any:
        """Return the output ``name``.

        Raises:
            StepFailed: The workflow failed on this frame.
        """
        if self.problem is not None:
            raise StepFailed(self.problem)
        return self.outputs[name]

    def picture(self, output: str | None) -> NDArray[np.uint8]:
        """Return the picture that an output holds, or the frame itself where it holds none."""
        value = self.outputs.get(output) if output is not None else None
        return value.pixels if isinstance(value, Image) else self.pixels


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How videos are read and given to a workflow.

    Attributes:
        image_input: The input that takes the frames; ``None`` for the only image input there is.
        parameters: Values for the other inputs.
        policy: What happens to frames that come faster than they are processed: ``all`` wait, or only the ``latest``
            is kept; ``None`` for ``all`` of a file and the ``latest`` of a live source.
        every: Take every N-th frame.
        fps: Take at most so many frames per second of video.
        max_frames: Take at most so many frames of each source.
        sinks: Whether blocks that write files or call other machines do so.
    """

    image_input: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    policy: Policy | None = None
    every: int = 1
    fps: float | None = None
    max_frames: int | None = None
    sinks: bool = True

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            InputError: One is not positive.
        """
        for name, kind in (("every", Integral), ("fps", Real), ("max_frames", Integral)):
            value = getattr(self, name)
            fits = value is None or isinstance(value, kind)
            if not fits or (value is not None and not value > 0):
                what = "a whole number" if kind is Integral else "a number"
                raise _refused("bad_option", f"{name} must be {what} above 0; found {value!r}.")
        if self.policy not in (None, "all", "latest"):
            raise _refused("bad_option", f"policy must be all or latest; found {self.policy!r}.")


class VideoRun:
    """Runs a workflow on videos; iterate over it for the results, in the order of each source's frames.

    Frames are read ahead on one thread per source; the workflow runs on the thread that iterates. Every source has a
    session of its own. Leaving the loop, the ``with``, or calling ``close`` ends all threads and processes.
    """

    def __init__(
        self,
        plan: Plan,
        new_session: Callable[[], Session],
        sources: Sequence[Source],
        *,
        options: Options | None = None,
        observers: Sequence[Callable[[Notice], None]] = (),
    ) -> None:
        """Prepare; nothing is opened before the first result is asked for.

        Args:
            plan: What to run.
            new_session: Makes a session of the plan.
            sources: Where frames come from, one or more.
            options: How they are read.
            observers: Called with every notice, such as a lost connection; from threads of the run.

        Raises:
            InputError: The workflow has no image input, or several and none is chosen; or a parameter does not suit
                frames that come one by one.
        """
        self._plan, self._options = plan, options or Options()
        if not sources:
            raise _refused("no_source", "There is no video to run on.", "Name at least one source.")
        self._input = _image_input(plan.inputs, self._options.image_input)
        self._metadata = [one.name for one in plan.inputs if "video_metadata" in one.kinds]
        _check_parameters(plan.inputs, self._options.parameters, of_frames={self._input, *self._metadata})
        self._observers = tuple(observers)
        self.notices: deque[Notice] = deque(maxlen=MOST_NOTICES)
        """What there was to tell, the latest at the end."""
        self._changed = threading.Condition()
        self._stopped, self._stop = threading.Event(), Stop()
        self._feeds = [self._feed(source, str(number)) for number, source in enumerate(sources)]
        self._sessions = {feed.name: new_session() for feed in self._feeds}
        self.running_since: float | None = None
        """Since when, by ``time.monotonic``, the workflow runs on a frame; ``None`` between two frames."""
        self._resets: set[str] = set()
        self._turn = 0
        self._started = False
        self._closing = threading.Lock()
        self._closed = False

    def _feed(self, source: Source, name: str) -> Feed:
        return Feed(
            source,
            name=name,
            policy=self._options.policy or ("latest" if source.live else "all"),
            thinning=Thinning(every=self._options.every, fps=self._options.fps),
            most=self._options.max_frames,
            changed=self._changed,
            observe=self._note,
        )

    @property
    def accounts(self) -> dict[str, Account]:
        """What became of the frames so far, by source; the sums are exact once the run is closed."""
        return {feed.name: replace(feed.account) for feed in self._feeds}

    @property
    def sources(self) -> dict[str, tuple[str, SourceInfo | None]]:
        """What the sources are called, without credentials, and their facts once they are open."""
        return {feed.name: (feed.title, feed.info) for feed in self._feeds}

    @property
    def ended(self) -> frozenset[str]:
        """The sources of which nothing more will come."""
        return frozenset(feed.name for feed in self._feeds if feed.over)

    @property
    def failures(self) -> dict[str, WorkflowError]:
        """Why sources could not be opened or read, by source."""
        return {feed.name: feed.error for feed in self._feeds if feed.error is not None}

    def __enter__(self) -> VideoRun:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def __iter__(self) -> Iterator[FrameResult]:
        """Yield the result of every frame that is taken.

        Raises:
            InputError: A source cannot be opened, when it is the only one or all others failed too; or an input of the
                workflow does not fit.
        """
        try:
            while (result := self.next()) is not None:
                yield result
        finally:
            self.close()

    def each(self, callback: Callable[[FrameResult], None]) -> dict[str, Account]:
        """Call ``callback`` with every result; return what became of the frames.

        Raises:
            InputError: As iterating does.
        """
        for result in self:
            callback(result)
        return self.accounts

    def next(self) -> FrameResult | None:
        """Return the next result, or ``None`` when there are no more.

        Raises:
            InputError: As iterating does.
        """
        if not self._started:
            self._started = True
            for feed in self._feeds:
                feed.start()
        taken = self._take()
        if taken is None:
            self._raise_failure()
            return None
        return self._run(*taken)

    def reset(self, source: str | None = None) -> None:
        """Let the blocks forget what they saw of a source, or of all, before their next frame.

        Raises:
            InputError: There is no such source.
        """
        if source not in (None, *self._sessions):
            message = f"There is no source {source!r}; they are {', '.join(self._sessions)}."
            raise _refused("unknown_source", message, "A source is named by its number as text.")
        self._resets |= {name for name in self._sessions if source in (None, name)}

    def stop(self) -> None:
        """End the run: the results end after the step that runs now. Safe to call from any thread."""
        self._stopped.set()
        self._stop.cancel()
        for feed in self._feeds:
            feed.stop()

    def close(self) -> None:
        """Stop, and wait until every thread and process of the run has ended."""
        self.stop()
        with self._closing:
            if not self._closed:
                self._closed = True
                for feed in self._feeds:
                    feed.join()

    def _take(self) -> tuple[Feed, Frame] | None:
        """Return the next frame of the source whose turn it is, of those that have one."""
        with self._changed:
            while not self._stopped.is_set():
                for feed in self._feeds[self._turn :] + self._feeds[: self._turn]:
                    if feed.ready:
                        self._turn = (self._feeds.index(feed) + 1) % len(self._feeds)
                        return feed, feed.take()
                if all(feed.over for feed in self._feeds):
                    return None
                self._changed.wait()
        return None

    def _run(self, feed: Feed, frame: Frame) -> FrameResult | None:
        session, account = self._sessions[feed.name], feed.account
        if feed.name in self._resets:
            self._resets.discard(feed.name)
            session.reset()
        video = _metadata(frame, feed.name)
        result = FrameResult(
            source=feed.name,
            number=frame.number,
            seconds=frame.seconds,
            video=video,
            outputs={},
            pixels=frame.pixels,
            info=frame.info,
            step_seconds={},
            elapsed=0.0,
            gap=frame.gap,
        )
        image = Image.from_array(frame.pixels, id=self._input, video=video)
        given = {**self._options.parameters, self._input: image, **dict.fromkeys(self._metadata, video)}
        self.running_since = time.monotonic()
        try:
            ran = session.run(given, sinks=self._options.sinks, stop=self._stop)
        except RunCancelled:
            account.unused += 1
            return None
        except InputError:
            account.failed += 1
            raise  # it would fail on every frame
        except WorkflowError as error:
            account.failed += 1
            return replace(result, problem=error.problem)
        finally:
            self.running_since = None
        account.processed += 1
        account.run_seconds += ran.elapsed
        (outputs,) = ran.outputs
        return replace(result, outputs=outputs, step_seconds=ran.seconds, elapsed=ran.elapsed)

    def _note(self, notice: Notice) -> None:
        self.notices.append(notice)
        for observer in self._observers:
            observer(notice)

    def _raise_failure(self) -> None:
        """Raise why the only source, or the first of several that all failed, could not be read."""
        failures = list(self.failures.values())
        if len(failures) == len(self._feeds):
            raise failures[0]


def open_sources(
    references: Sequence[Reference | Source], rules: SourceRules, *, max_pixels: int | None
) -> list[Source]:
    """Return the sources that references name, after checking that they may be used.

    Raises:
        InputError: One names no source, or one that is not allowed.
    """
    return [one if isinstance(one, Source) else _source(one, rules, max_pixels) for one in references]


def _source(reference: Reference, rules: SourceRules, max_pixels: int | None) -> Source:
    place = locate(reference, rules)
    if isinstance(place, FilePlace):
        return FileSource(place.path, max_pixels=max_pixels)
    return LiveSource(place, max_pixels=max_pixels)


def _metadata(frame: Frame, source: str) -> VideoMetadata:
    info = frame.info
    return VideoMetadata(
        video_identifier=source,
        frame_number=frame.number,
        frame_timestamp=frame.taken,
        fps=info.fps,
        # Where the rate varies, the number of a frame does not tell its time; its timestamp does.
        comes_from_video_file=info.file is not None and info.constant_rate,
        total_frames=info.total_frames,
    )


def _image_input(inputs: Sequence[WorkflowInput], chosen: str | None) -> str:
    """Return the input that takes the frames."""
    names = [one.name for one in inputs if one.dimensionality and "image" in one.kinds]
    if chosen in names:
        return str(chosen)
    if chosen is not None:
        hint = nearest(chosen, names) or f"Its image inputs are {', '.join(names) or 'none'}."
        raise _refused("unknown_input", f"The workflow has no image input {chosen!r}.", hint)
    if not names:
        raise _refused("no_image_input", "The workflow has no image input that could take the frames.")
    if len(names) > 1:
        hint = f"Choose one of {', '.join(names)} as the image input."
        raise _refused("which_input", f"The workflow has {len(names)} image inputs: which one takes the frames?", hint)
    return names[0]


def _check_parameters(inputs: Sequence[WorkflowInput], parameters: Mapping[str, Any], *, of_frames: set[str]) -> None:
    for one in inputs:
        value = parameters.get(one.name)
        if one.name in of_frames and one.name in parameters:
            message = f"The input {one.name!r} takes what belongs to each frame; it cannot be given a value."
            raise _refused("bad_parameter", message, "Leave it out.")
        if one.dimensionality and isinstance(value, list) and len(value) != 1:
            message = f"The input {one.name!r} has {len(value)} elements; with each frame of a video goes one."
            raise _refused("bad_parameter", message, "Give a list of one.")


def _refused(code: str, message: str, hint: str = "") -> InputError:
    return InputError(Problem(code=code, message=message, hint=hint, whose="caller"))
