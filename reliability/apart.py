"""Runs a check in a process of its own, so that it may watch, patch and limit that process, or bring it down.

``python -m reliability.apart NAME COUNT SEED FILE`` is what ``run`` starts; FILE is where the outcome is written.
"""

from __future__ import annotations

import faulthandler
import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from reliability.outcome import Given, Outcome

ROOT = Path(__file__).resolve().parents[1]
KEPT = 30
"""Broken cases that are told; more are counted."""


def run(name: str, count: int, *, seed: int = 1, seconds: float) -> Outcome:
    """Return what the check called ``name`` found; one that dies or takes longer than ``seconds`` found a fault."""
    with tempfile.TemporaryDirectory(prefix="reliability-") as folder:
        file = Path(folder) / "outcome.json"
        command = [sys.executable, "-m", "reliability.apart", name, str(count), str(seed), str(file)]
        with subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True
        ) as process:
            try:
                _, errors = process.communicate(timeout=seconds)
            except subprocess.TimeoutExpired:
                return Outcome(tried=0, broken=[f"it had not ended after {seconds:g} s"])
            finally:
                with suppress(ProcessLookupError):  # the servers that it has left behind, and itself when it is late
                    os.killpg(process.pid, signal.SIGKILL)
        if process.returncode or not file.exists():
            return Outcome(tried=0, broken=[f"it ended with {process.returncode}: {errors.strip()[-3000:]}"])
        return Outcome.from_json(json.loads(file.read_text()))


def main() -> None:
    """Run one check here."""
    faulthandler.enable()
    name, count, seed, file = sys.argv[1:]
    folder = Path(file).parent / "work"
    folder.mkdir()
    check = importlib.import_module(f"reliability.checks.{name}").check
    outcome: Outcome = check(Given(count=int(count), seed=int(seed), folder=folder))
    more = len(outcome.broken) - KEPT
    told = outcome.to_json()
    told["broken"] = [*told["broken"][:KEPT], *([f"and {more} more"] if more > 0 else [])]
    Path(file).write_text(json.dumps(told))


if __name__ == "__main__":
    main()
