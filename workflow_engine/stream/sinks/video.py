"""Annotated videos."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from workflow_engine.stream.encode import VideoFile
from workflow_engine.stream.run import FrameResult


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
        self._files[result.source].add(result.picture(self._output), result.seconds, result.info)

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
