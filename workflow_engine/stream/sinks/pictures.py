"""Annotated frames as files."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from workflow_engine.stream.run import FrameResult
from workflow_engine.vision.decode import encode_jpeg


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
            file.write_bytes(encode_jpeg(result.picture(self._output)))
        except OSError:
            with suppress(OSError):
                file.unlink()  # half a picture
            raise
        self.results = [str(self._path)]

    def close(self) -> None:
        """Do nothing: every file is finished."""

    def discard(self) -> None:
        """Do nothing: every file is finished."""
