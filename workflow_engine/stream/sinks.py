"""Where results go: a video, JSON lines, a table, a folder of pictures, a URL; each on a thread of its own."""

from __future__ import annotations

import csv
import logging
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, InvalidStateError, wait
from contextlib import suppress
from io import FileIO, StringIO
from pathlib import Path
from queue import Full, Queue
from typing import Any, Protocol, runtime_checkable

import numpy as np
import orjson
from numpy.typing import NDArray

from workflow_engine.errors import InputError, Problem, WorkflowError
from workflow_engine.plan import Plan
from workflow_engine.stream.encode import VideoFile
from workflow_engine.stream.records import record, values
from workflow_engine.stream.run import FrameResult
from workflow_engine.vision.addresses import parse_url
from workflow_engine.vision.decode import encode_jpeg
from workflow_engine.vision.fetch import request
from workflow_engine.vision.image import Image
from workflow_engine.vision.refusals import refusal

WAITING = 8
"""Results that wait for a sink: more would only fill the memory."""
CALL_SECONDS = 5.0
FAILURES = 3
"""Calls that may fail one after the other before a URL is left alone for a while."""
REST_SECONDS = 30.0
STOPPED = "The run was stopped before they were answered."

_log = logging.getLogger("segflow.video")


class Sink(Protocol):
    """Takes results, one at a time and in order."""

    @property
    def remarks(self) -> list[str]:
        """What the user should know of it in the end, as sentences."""

    @property
    def results(self) -> list[str]:
        """What there is to look at once it is closed: names of files, mostly."""

    def write(self, result: FrameResult) -> None:
        """Take a result.

        Raises:
            OSError: It cannot be written.
        """

    def close(self) -> None:
        """Finish what was written.

        Raises:
            OSError: It cannot be finished.
        """

    def discard(self) -> None:
        """Give up after an error: leave nothing half done."""


@runtime_checkable
class Patient(Protocol):
    """A sink that waits for others."""

    def hurry(self) -> None:
        """Wait no longer, now and later."""


class Queued:
    """A sink that works on a thread of its own, beside the run."""

    def __init__(self, sink: Sink, *, called: str) -> None:
        """Start the thread; ``called`` is the sink's name in errors."""
        self.seconds = 0.0
        """Time that writing took."""
        self._sink, self._called = sink, called
        self._waiting: Queue[FrameResult | None] = Queue(WAITING)
        self._error: WorkflowError | None = None
        self._thread = threading.Thread(target=self._work, daemon=True, name="segflow-video-sink")
        self._thread.start()

    @property
    def remarks(self) -> list[str]:
        """What the user should know of it in the end."""
        return self._sink.remarks

    @property
    def results(self) -> list[str]:
        """What there is to look at once it is closed, if it has not failed."""
        return [] if self._error is not None else self._sink.results

    def hurry(self) -> None:
        """Have the sink wait for nobody: the run is being stopped. May be called at any time, from any thread."""
        if isinstance(self._sink, Patient):
            self._sink.hurry()

    def write(self, result: FrameResult) -> None:
        """Hand over a result; waits while the sink is behind.

        Raises:
            WorkflowError: The sink has failed (``output_unwritable``).
        """
        self._put(result)
        self._check()

    def close(self) -> None:
        """Wait until everything is written and finished.

        Raises:
            WorkflowError: The sink has failed (``output_unwritable``).
        """
        self._put(None)
        self._thread.join()
        self._check()

    def _put(self, result: FrameResult | None) -> None:
        while self._thread.is_alive():
            with suppress(Full):
                self._waiting.put(result, timeout=0.2)
                return

    def _check(self) -> None:
        if self._error is not None:
            raise self._error

    def _work(self) -> None:
        try:
            while (result := self._waiting.get()) is not None:
                began = time.perf_counter()
                self._sink.write(result)
                self.seconds += time.perf_counter() - began
            self._sink.close()
        except Exception as error:  # noqa: BLE001 - whatever it is, the run must hear of it
            self._sink.discard()
            self._error = self._in_words(error)

    def _in_words(self, error: Exception) -> WorkflowError:
        if isinstance(error, WorkflowError):
            return error
        reason = (error.strerror or str(error)).lower() if isinstance(error, OSError) else str(error)
        message = f"{self._called} cannot be written: {reason}."
        hint = "Check that the folder exists, may be written to, and has room left."
        told = WorkflowError(Problem(code="output_unwritable", message=message, hint=hint, whose="operator"))
        told.__cause__ = error
        return told


def close_all(sinks: Iterable[Queued]) -> None:
    """Finish every sink, also when one fails.

    Raises:
        WorkflowError: The first failure.
    """
    failures = []
    for sink in sinks:
        try:
            sink.close()
        except WorkflowError as error:
            failures.append(error)
    if failures:
        raise failures[0]


def picture_of(result: FrameResult, output: str | None) -> NDArray[np.uint8]:
    """Return the picture that an output holds, or the frame itself where it holds none."""
    value = result.outputs.get(output) if output is not None else None
    return value.pixels if isinstance(value, Image) else result.pixels


class AnnotatedVideo:
    """One video per source, of the pictures that an output holds; where the workflow gave none, of the frames."""

    def __init__(self, path: Path, output: str, *, sources: int) -> None:
        """Name the file, to whose name the source's number is added when there are several.

        Raises:
            InputError: The name's ending is not known.
        """
        self._output = output
        self._files = {str(number): VideoFile(one) for number, one in enumerate(video_paths(path, sources))}

    @property
    def remarks(self) -> list[str]:
        """What is other than one might expect of the videos."""
        return [remark for file in self._files.values() for remark in file.remarks]

    @property
    def results(self) -> list[str]:
        """The videos that have a picture."""
        return [str(file.path) for file in self._files.values() if file.begun]

    def write(self, result: FrameResult) -> None:
        """Add a picture."""
        self._files[result.source].add(picture_of(result, self._output), result.seconds, result.info)

    def close(self) -> None:
        """Finish the videos; one that cannot be finished keeps none of the others from it."""
        failures = list(self._close_all())
        if failures:
            raise failures[0]

    def _close_all(self) -> Iterator[OSError]:
        for file in self._files.values():
            try:
                file.close()
            except OSError as error:
                yield error

    def discard(self) -> None:
        """Leave nothing of the videos."""
        for file in self._files.values():
            file.discard()


def video_paths(path: Path, sources: int) -> list[Path]:
    """Return the file of each source's video: the one that was named, or with a number for each of several."""
    return [path] if sources == 1 else [path.with_stem(f"{path.stem}-{number}") for number in range(sources)]


class _Lines:
    """A file that is begun with its first line: until then, what has the name stays as it is. Or standard output."""

    remarks: list[str] = []  # noqa: RUF012 - there is never anything to say

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._file: FileIO | None = None
        self._whole = 0

    @property
    def results(self) -> list[str]:
        """The file, if there was a frame."""
        return [] if self._file is None or self._path is None else [str(self._path)]

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()

    def discard(self) -> None:
        """Close the file; the lines in it are whole."""
        with suppress(OSError):
            self.close()

    def _add(self, line: bytes) -> None:
        """Write a line, for others to read at once.

        Raises:
            OSError: It cannot be written; of this line nothing is left.
        """
        if self._file is None:
            self._file = self._begun()
        rest = memoryview(line)
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError:
            if self._path is not None:  # else it may be a file that had something in it before
                with suppress(OSError):  # a pipe keeps what it has
                    self._file.truncate(self._whole)
            raise
        self._whole += len(line)

    def _begun(self) -> FileIO:
        if self._path is None:
            return FileIO(sys.stdout.fileno(), "w", closefd=False)
        return self._path.open("wb", buffering=0)


class JsonLines(_Lines):
    """A file with a line of JSON for every frame, written as it comes, so that others can follow it.

    A file of that name is replaced when the first frame is done.
    """

    def __init__(self, path: Path | None, plan: Plan) -> None:
        """Name the file; ``None`` is standard output."""
        super().__init__(path)
        self._plan = plan

    def write(self, result: FrameResult) -> None:
        """Write a line."""
        self._add(orjson.dumps(record(self._plan, result)) + b"\n")


class CsvTable(_Lines):
    """A table with a row for every frame; objects are counted, and what is no single value is JSON in its cell.

    The last columns tell how many seconds an interruption took that ended with the frame, and why the workflow failed.
    A file of that name is replaced when the first frame is done.
    """

    FIXED = ("source", "frame", "seconds", "timestamp")

    def __init__(self, path: Path | None, plan: Plan) -> None:
        """Name the file, which has a column for every output that is no picture; ``None`` is standard output."""
        super().__init__(path)
        self._plan = plan
        self._columns = values(plan)
        self._head = _row([*self.FIXED, *self._columns, "gap", "error"])

    def write(self, result: FrameResult) -> None:
        """Write a row, and before the first the names of the columns."""
        written = record(self._plan, result)
        cells = [_cell(written["outputs"].get(name)) for name in self._columns]
        gap, error = written.get("gap", {}).get("seconds", ""), written.get("error", {}).get("message", "")
        self._add(self._head + _row([*(written[name] for name in self.FIXED), *cells, gap, error]))
        self._head = b""


def _row(cells: list[Any]) -> bytes:
    text = StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue().encode()


def _cell(value: Any) -> Any:
    if isinstance(value, dict) and isinstance(value.get("predictions"), list):
        return len(value["predictions"])
    if isinstance(value, dict | list):
        return orjson.dumps(value).decode()
    return "" if value is None else value


class PictureFolder:
    """A folder with a JPEG file for every frame, named by source and number."""

    remarks: list[str] = []  # noqa: RUF012 - there is never anything to say

    def __init__(self, path: Path, output: str | None) -> None:
        """Name the folder, which is made with the first picture."""
        self._path, self._output = path, output
        self.results: list[str] = []
        """The folder, if it has a picture."""

    def write(self, result: FrameResult) -> None:
        """Write a picture."""
        self._path.mkdir(parents=True, exist_ok=True)
        file = self._path / f"{result.source}-{result.number:06}.jpg"
        try:
            file.write_bytes(encode_jpeg(picture_of(result, self._output)))
        except OSError:
            with suppress(OSError):
                file.unlink()  # half a picture
            raise
        self.results = [str(self._path)]

    def close(self) -> None:
        """Do nothing: every file is finished."""

    def discard(self) -> None:
        """Do nothing: every file is finished."""


class Webhook:
    """A URL that gets every record as JSON.

    One that fails several times in a row gets none for a while, so that the run goes on, and is then tried again.
    """

    def __init__(
        self, url: str, plan: Plan, *, allowed_hosts: tuple[str, ...], rest_seconds: float = REST_SECONDS
    ) -> None:
        """Name the URL, and the hosts that may be called although they are not public.

        Raises:
            InputError: It is no URL that can be called (``url_refused``).
        """
        try:
            parse_url(url)
        except ValueError as error:
            raise refusal(f"The webhook cannot be called: {error}.", at="", code="url_refused") from error
        self._url, self._plan, self._allowed = url, plan, allowed_hosts
        self._sent = self._failed = self._in_a_row = 0
        self._reason = ""
        self._rest, self._resting_until = rest_seconds, 0.0
        self._hurried: Future[str] = Future()

    @property
    def remarks(self) -> list[str]:
        """How many calls failed, if any did."""
        if not self._failed:
            return []
        return [f"The webhook took {self._sent} results and missed {self._failed}: {self._reason}"]

    @property
    def results(self) -> list[str]:
        """How many records it took, if any."""
        return [f"{self._sent} calls of the webhook"] if self._sent else []

    def write(self, result: FrameResult) -> None:
        """Send a record, and note whether it was taken."""
        if not self._hurried.done() and time.monotonic() < self._resting_until:
            self._failed += 1
            return
        failure = STOPPED if self._hurried.done() else self._sent_or_left(orjson.dumps(record(self._plan, result)))
        if failure == STOPPED:
            self._failed, self._reason = self._failed + 1, failure
            return
        if not failure:
            self._sent, self._in_a_row = self._sent + 1, 0
            return
        self._failed, self._in_a_row, self._reason = self._failed + 1, self._in_a_row + 1, failure
        if self._in_a_row >= FAILURES:
            self._resting_until = time.monotonic() + self._rest
            if self._in_a_row == FAILURES:
                _log.warning("The webhook is left alone for %g s after each call that fails: %s", self._rest, failure)

    def hurry(self) -> None:
        """Leave the call that is under way to itself, and make no other."""
        with suppress(InvalidStateError):  # told before
            self._hurried.set_result(STOPPED)

    def _sent_or_left(self, body: bytes) -> str:
        """Send a record; return why it was not taken, or nothing."""
        call: Future[str] = Future()

        def carry_out() -> None:
            try:
                call.set_result(self._send(body))
            except BaseException as error:  # noqa: BLE001 - whatever it is, who waits must hear of it
                call.set_exception(error)

        threading.Thread(target=carry_out, daemon=True, name="segflow-webhook").start()
        wait([call, self._hurried], return_when=FIRST_COMPLETED)
        return (call if call.done() else self._hurried).result()

    def _send(self, body: bytes) -> str:
        headers = {"Content-Type": "application/json"}
        try:
            status = request(
                self._url, "POST", seconds=CALL_SECONDS, headers=headers, body=body, allowed_hosts=self._allowed
            )
        except InputError as error:
            return str(error)
        return "" if 200 <= status < 300 else f"The URL answered with status {status}."

    def close(self) -> None:
        """Do nothing: every call has been made."""

    def discard(self) -> None:
        """Do nothing: every call has been made."""
