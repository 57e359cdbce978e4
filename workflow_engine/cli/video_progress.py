"""How far a run on videos is, while it runs and in the end."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from workflow_engine.cli import terminal
from workflow_engine.errors import Problem
from workflow_engine.stream.feed import Account
from workflow_engine.stream.run import FrameResult, VideoRun
from workflow_engine.stream.sinks.queued import Queued

RECENT = 50
"""Frames over which the speed is taken."""
FATES = {
    "processed": "processed",
    "failed": "failed",
    "skipped": "left out",
    "dropped": "dropped for newer ones",
    "unused": "read ahead and not used",
}


class Progress:
    """Draws a line while a run goes on, and sums it up."""

    def __init__(self, run: VideoRun, sinks: Sequence[Queued], *, whole: bool) -> None:
        """Name the run and what takes its results, and say whether it is to go to the end of its sources."""
        self._run, self._sinks, self._whole = run, sinks, whole
        self._began = time.monotonic()
        self._moments: deque[float] = deque(maxlen=RECENT)
        self._bar: Any = None
        self.frames = 0
        """How many are done."""
        self._failure: FrameResult | None = None
        """The first of the frames that failed."""

    @property
    def failure(self) -> Problem | None:
        """What there is to say in the end of frames that failed."""
        first = self._failure
        if first is None or first.problem is None:
            return None
        failed, done = _sum(self._run.accounts).failed, self.frames
        message = (
            f"The workflow failed on {failed} of {done} frames, on {self._place(first)} first: {first.problem.message}"
        )
        return replace(first.problem, message=message)

    def _place(self, result: FrameResult) -> str:
        return f"frame {result.number}" + (f" of source {result.source}" if len(self._run.sources) > 1 else "")

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Draw the line on standard error, if that is a terminal."""
        from rich.progress import Progress as Bar
        from rich.progress import SpinnerColumn, TextColumn
        from rich.table import Column

        # The spinner keeps its place where the line is long, and what does not fit goes on below.
        columns = (
            SpinnerColumn(table_column=Column(min_width=1)),
            TextColumn("{task.description}", table_column=Column()),
        )
        disable = not sys.stderr.isatty()
        with Bar(*columns, console=terminal.console(errors=True), transient=True, disable=disable) as self._bar:
            self._bar.add_task("opening")
            yield

    def note(self, result: FrameResult) -> None:
        """Take in that a frame is done."""
        self._moments.append(time.monotonic())
        self.frames += 1
        if result.problem is not None and self._failure is None:
            self._failure = result
            terminal.say(f"warning: {self._place(result)}: {result.problem} The run goes on.", style="yellow")
        self._bar.update(self._bar.task_ids[0], description=self._line())

    def _line(self) -> str:
        account = _sum(self._run.accounts)
        done = account.processed + account.failed
        totals = [info.total_frames for _, info in self._run.sources.values() if info is not None and info.total_frames]
        of = f" of {sum(totals)}" if len(totals) == len(self._run.sources) and self._whole else ""
        lost = f", {account.dropped} dropped" if account.dropped else ""
        failed = f", {account.failed} failed" if account.failed else ""
        return f"{done + account.skipped}{of} frames, {self._speed():.1f}/s{lost}{failed}; {self._stages(account)}"

    def _speed(self) -> float:
        took = self._moments[-1] - self._moments[0]
        return (len(self._moments) - 1) / took if took > 0 else 0.0

    def _stages(self, account: Account) -> str:
        """Say what a frame costs at each stage; the stages work at the same time."""
        stages = {
            "decode": account.decode_seconds / max(account.read, 1),
            "run": account.run_seconds / max(account.processed, 1),
        }
        if self._sinks:
            stages["write"] = sum(sink.seconds for sink in self._sinks) / max(self.frames, 1)
        return ", ".join(f"{name} {1000 * seconds:.1f}" for name, seconds in stages.items()) + " ms"

    def summarise(self, show: Callable[..., None]) -> None:
        """Print by ``show`` what became of the frames of every source, how long it took, and where the results are."""
        for sink in self._sinks:
            for remark in sink.remarks:
                terminal.say(f"warning: {remark}", style="yellow")
        accounts = self._run.accounts
        if not any(one.read for one in accounts.values()):
            return  # why there was nothing has been said
        for source, (title, _) in self._run.sources.items():
            which = f"source {source}, " if len(accounts) > 1 else ""
            show(f"{which}{title}: {_balance(accounts[source])}")
        account = _sum(accounts)
        took = time.monotonic() - self._began
        speed = (account.processed + account.failed) / took
        show(f"{took:.1f} s, {speed:.1f} frames a second; a frame: {self._stages(account)}", style="dim")
        if results := [result for sink in self._sinks for result in sink.results]:
            show(f"Results: {', '.join(results)}")


def _balance(account: Account) -> str:
    """Say what became of a source's frames."""
    parts = [f"{getattr(account, name)} {words}" for name, words in FATES.items() if getattr(account, name)]
    times = "once" if account.gaps == 1 else f"{account.gaps} times"
    gaps = f"; interrupted {times}" if account.gaps else ""
    frames = "1 frame" if account.read == 1 else f"{account.read} frames"
    return f"{frames} read: {', '.join(parts) or 'none processed'}{gaps}"


def _sum(accounts: Mapping[str, Account]) -> Account:
    names = Account.__dataclass_fields__
    return Account(**{name: sum(getattr(one, name) for one in accounts.values()) for name in names})
