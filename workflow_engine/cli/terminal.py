"""What a person sees: messages, tables and progress bars; plain text where the output is not a terminal."""

from __future__ import annotations

import json
import logging
import sys
from argparse import ArgumentParser, _SubParsersAction
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

from workflow_engine.errors import Problem

if TYPE_CHECKING:  # rich is imported when there is something to show
    from rich.console import Console

Commands: TypeAlias = "_SubParsersAction[ArgumentParser]"
"""Where a command's module adds its arguments."""

LONGEST = 100
"""Characters of a value in a table."""

WIDTH_OF_FILES = 160
"""Columns of a table that goes to a file or another program."""


@cache
def console(*, errors: bool) -> Console:
    """Return the console of standard output, or of standard error."""
    from rich.console import Console

    stream = sys.stderr if errors else sys.stdout
    width = None if stream.isatty() else WIDTH_OF_FILES
    return Console(stderr=errors, width=width, highlight=False, markup=False, emoji=False)


def show(text: str, *, style: str = "") -> None:
    """Print a line of the answer."""
    console(errors=False).print(text, style=style, soft_wrap=True)


def say(text: str, *, style: str = "") -> None:
    """Print a line about the work, apart from the answer."""
    console(errors=True).print(text, style=style, soft_wrap=True)


class Log(logging.Handler):
    """Says what is logged, unless the program has set up logging, as a server does: then it is heard of there."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one line."""
        if not logging.getLogger().handlers:
            say(record.getMessage(), style="yellow" if record.levelno >= logging.WARNING else "dim")


@cache
def say_log() -> None:
    """From now on say what models have to tell while they load."""
    log = logging.getLogger("segflow.models")
    log.setLevel(logging.INFO)
    log.addHandler(Log())


def show_json(content: Any) -> None:
    """Print JSON, and nothing that is not JSON."""
    sys.stdout.write(json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def compact(value: Any) -> str:
    """Return ``value`` as JSON on one line, cut to what a cell of a table can hold."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, title: str | None = None) -> None:
    """Print a table; columns whose name ends in a blank are aligned to the right."""
    from rich import box
    from rich.table import Table

    drawn = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for name in columns:
        drawn.add_column(name.strip(), justify="right" if name.endswith(" ") else "left", overflow="fold")
    for row in rows:
        drawn.add_row(*row)
    console(errors=False).print(drawn)


def tell(problems: Sequence[Problem]) -> None:
    """Print what is wrong, each problem in a sentence with its hint, and where it stands in the document."""
    if len(problems) > 1:
        say(f"error: {len(problems)} problems", style="bold red")
    for problem in problems:
        start = "  - " if len(problems) > 1 else "error: "
        place = f" [at {problem.at}]" if problem.at and problem.whose == "author" else ""
        say(f"{start}{problem}{place}", style="" if len(problems) > 1 else "red")


def warn(problems: Iterable[Problem]) -> None:
    """Print what is odd but does not stop the work."""
    for problem in problems:
        say(f"warning: {problem}", style="yellow")


@contextmanager
def progress(description: str, *, total: int) -> Iterator[Callable[[], None]]:
    """Draw a progress bar with its speed on standard error, if that is a terminal; yields what moves it on by one."""
    if total < 2 or not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    speed = TextColumn("{task.fields[speed]}")
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), speed, TimeRemainingColumn())
    with Progress(*columns, console=console(errors=True), transient=True) as bar:
        task = bar.add_task(description, total=total, speed="")

        def advance() -> None:
            shown = bar.tasks[task]
            speed = f"{(shown.completed + 1) / shown.elapsed:.1f}/s" if shown.elapsed else ""
            bar.update(task, advance=1, speed=speed)

        yield advance


@contextmanager
def download(description: str) -> Iterator[Callable[[int, int | None], None]]:
    """Draw the progress of a download likewise; yields what takes the bytes that are here, and those in all."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    speed = (DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    columns = (TextColumn("{task.description}"), BarColumn(), *speed)
    with Progress(*columns, console=console(errors=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task(description, total=None)
        yield lambda have, total: bar.update(task, completed=have, total=total)
