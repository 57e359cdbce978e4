"""Runs one side when told to, in whatever environment it needs: ``host.py SIDE ARGUMENTS``.

A side is a module beside this one with ``prepare(**arguments) -> Job``. Commands come as lines on standard input,
answers go as lines of JSON to standard output; whatever the side's libraries print goes to standard error.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Job:
    """What a side does once it is prepared.

    Attributes:
        run: The work that is timed; returns its answer.
        save: Writes an answer to a path, in the form in which answers are compared.
        facts: What to say about the side, such as the backend that it chose.
        timed: What a run's answer says it took, in seconds by clock, for jobs that time a part of themselves; ``None``
            for the whole.
    """

    run: Callable[[], Any]
    save: Callable[[Any, str], dict[str, Any] | None]
    facts: dict[str, Any] = field(default_factory=dict)
    timed: Callable[[Any], dict[str, float]] | None = None


def main() -> None:
    """Prepare the side, then follow commands until there are no more."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    job: Job = importlib.import_module(sys.argv[1]).prepare(**json.loads(sys.argv[2]))

    def tell(content: dict[str, Any]) -> None:
        answers.write(json.dumps(content) + "\n")
        answers.flush()

    tell(job.facts)
    answer = None
    for line in sys.stdin:
        command, _, argument = line.strip().partition(" ")
        if command == "run":
            started, busy = time.perf_counter(), time.process_time()
            answer = job.run()
            taken = {"wall": time.perf_counter() - started, "cpu": time.process_time() - busy}
            tell(taken if job.timed is None else job.timed(answer))
        elif command == "save":
            tell(job.save(answer, argument) or {})


if __name__ == "__main__":
    main()
