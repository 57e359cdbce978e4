"""Runs a check in a process of its own, so that it may watch, patch and limit that process, or bring it down.

``python -m reliability.apart NAME COUNT SEED FILE`` is what ``run`` starts; FILE is where the outcome is written.
"""

from __future__ import annotations

import faulthandler
import importlib
import json
import subprocess
import sys
import tempfile
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
        try:
            done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=seconds, check=False)
        except subprocess.TimeoutExpired as late:
            return Outcome(tried=0, broken=[f"it had not ended after {seconds:g} s: {_end(late.stderr)}"])
        if done.returncode or not file.exists():
            return Outcome(tried=0, broken=[f"it ended with {done.returncode}: {_end(done.stderr)}"])
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


def _end(text: str | bytes | None) -> str:
    text = text.decode(errors="replace") if isinstance(text, bytes) else text or ""
    return text.strip()[-3000:]


if __name__ == "__main__":
    main()
