"""What the runs of one command gave, picture by picture, and how a person reads it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from workflow_engine.cli import summary, terminal
from workflow_engine.cli.outputs import RESULT, Folder
from workflow_engine.errors import WorkflowError

if TYPE_CHECKING:  # brings numpy and OpenCV
    from workflow_engine.results import RunResult


@dataclass(slots=True, kw_only=True)
class Results:
    """What the runs have given so far.

    Attributes:
        workflow: Name of the workflow's file.
        folder: Where pictures are kept, if they are.
        apart: Whether every run has a folder of its own in there.
        seconds: Time of each step, all runs together; runs go on side by side.
        elapsed: Time by the clock from the first run to the last.
    """

    workflow: str
    folder: Folder | None
    apart: bool
    images: list[str] = field(default_factory=list)
    outputs: list[dict[str, Any] | None] = field(default_factory=list)
    errors: list[tuple[str, WorkflowError]] = field(default_factory=list)
    seconds: Counter[str] = field(default_factory=Counter)
    elapsed: float = 0.0

    def add(self, image: str, result: RunResult) -> None:
        """Take in what a run on ``image`` gave, and write its pictures."""
        for number, outputs in enumerate(result.outputs):
            under = [image] if self.apart else []
            under += [str(number)] if len(result.outputs) > 1 else []
            kept = outputs if self.folder is None else self.folder.keep(outputs, under="/".join(under))
            self.images.append(image)
            self.outputs.append(kept)
        self.seconds.update(result.seconds)

    def add_failure(self, image: str, error: WorkflowError) -> None:
        """Note that the run on ``image`` failed."""
        self.images.append(image)
        self.outputs.append(None)
        self.errors.append((image, error))

    def finish(self) -> None:
        """Write ``result.json`` where pictures are kept."""
        if self.folder is not None:
            self.folder.finish(self.to_json())

    def to_json(self) -> dict[str, Any]:
        """Return the content of ``result.json``; ``outputs`` go one by one with ``images``, null where a run failed."""
        return {
            "workflow": self.workflow,
            "images": self.images,
            "outputs": self.outputs,
            "errors": [{"image": i, "code": e.problem.code, "message": str(e)} for i, e in self.errors],
            "seconds": {step: round(seconds, 4) for step, seconds in self.seconds.items()},
            "elapsed": round(self.elapsed, 4),
        }

    def show(self) -> None:
        """Print the outputs as a table, then where they are and what took the time."""
        done = [outputs for outputs in self.outputs if outputs is not None]
        if len(self.outputs) == 1 and done:
            terminal.table(["output", "value"], [(name, summary.in_words(value)) for name, value in done[0].items()])
        elif done:
            terminal.table(["picture", *done[0]], self._rows(len(done[0])))
        for image, error in self.errors:
            terminal.say(f"{image}: {error}", style="red")
        if self.folder is not None:
            terminal.show(f"Kept in {self.folder.path / RESULT}")
        terminal.show(self._timing(), style="dim")

    def _rows(self, columns: int) -> Iterator[list[str]]:
        for image, outputs in zip(self.images, self.outputs, strict=True):
            cells = ["failed"] + [""] * (columns - 1) if outputs is None else map(summary.in_words, outputs.values())
            yield [image, *cells]

    def _timing(self) -> str:
        slowest = ", ".join(f"{step} {seconds:.2f} s" for step, seconds in self.seconds.most_common(3))
        number = len(self.images)
        speed = f", {number / self.elapsed:.1f} a second" if number > 1 and self.elapsed else ""
        runs = "1 run" if number == 1 else f"{number} runs"
        return f"{runs} in {self.elapsed:.2f} s{speed}" + (f" ({slowest})" if slowest else "")
