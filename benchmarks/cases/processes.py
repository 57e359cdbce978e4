"""Whole processes in turn, for what begins with a command."""

from __future__ import annotations

import os
import resource
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Command:
    """What is run, and where.

    Attributes:
        line: The command and its arguments.
        folder: Where it runs.
        environment: Variables added to this process's own.
    """

    line: Sequence[str]
    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    def run(self, log: Path) -> dict[str, float]:
        """Run it to its end and return the seconds by the ``wall`` and the ``cpu`` clock.

        Raises:
            RuntimeError: If it fails; its last words are told.
        """
        before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        with log.open("w") as file:
            code = subprocess.run(
                self.line,
                cwd=self.folder,
                env={**os.environ, **self.environment},
                stdout=file,
                stderr=file,
                check=False,
            ).returncode
        wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
        if code:
            last = log.read_text().strip().splitlines()[-5:]
            raise RuntimeError("\n".join([f"{' '.join(self.line)} failed with {code} ({log}):", *last]))
        return {"wall": wall, "cpu": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime}


def runners(commands: Mapping[str, Command], work: Path) -> dict[str, Callable[[], dict[str, float]]]:
    """Return what ``timing.alternate`` wants, each with a log below ``work``."""

    def runner(number: int, command: Command) -> Callable[[], dict[str, float]]:
        return lambda: command.run(work / f"process-{number}.log")

    return {name: runner(number, command) for number, (name, command) in enumerate(commands.items())}
