"""A contestant in a process of its own, in its own environment, told when to run."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HOST = Path(__file__).parent / "sides" / "host.py"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contestant:
    """Who runs, and on what.

    Attributes:
        name: As it stands in the tables.
        python: The interpreter of its environment.
        side: The module in ``sides/`` that does the work.
        arguments: Passed to that module's ``prepare``.
        environment: Variables added to this process's own.
    """

    name: str
    python: Path
    side: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)


class Worker(AbstractContextManager["Worker"]):
    """The process of a contestant; it prepares at once and then runs when told."""

    def __init__(self, contestant: Contestant, *, log: Path) -> None:
        """Start the process and wait until it is prepared; what it prints goes to ``log``.

        Raises:
            RuntimeError: If it cannot prepare.
        """
        self._name, self._log = contestant.name, log
        command = [str(contestant.python), str(HOST), contestant.side, json.dumps(contestant.arguments)]
        with log.open("w") as file:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=file,
                text=True,
                env={**os.environ, **contestant.environment},
            )
        self.facts = self._answer()
        """What the side says about itself once it is prepared."""

    def run(self) -> dict[str, float]:
        """Run once and return the seconds that it took by each clock, measured inside the process.

        The clocks are ``wall`` and ``cpu``, the processor time of all threads, unless the side has others.
        """
        return self._told("run")

    def save(self, path: Path) -> dict[str, Any]:
        """Write the answer of the last run to ``path`` and return what is to be said about it."""
        return self._told(f"save {path}")

    def __exit__(self, *_: object) -> None:
        """End the process."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def _told(self, line: str) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            last = self._log.read_text().strip().splitlines()[-5:]
            raise RuntimeError("\n".join([f"{self._name} stopped; its last words ({self._log}):", *last]))
        answer: dict[str, Any] = json.loads(line)
        return answer
