"""Records of results, a line for each: JSON lines and tables."""

from __future__ import annotations

import csv
import sys
from contextlib import suppress
from io import FileIO, StringIO
from pathlib import Path
from typing import Any

import orjson

from workflow_engine.plan import Plan
from workflow_engine.stream.records import record, values
from workflow_engine.stream.run import FrameResult


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
