"""Those who save workflows, killed in the middle of it."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from pathlib import Path

from reliability.outcome import Given, Outcome
from workflow_engine.errors import WorkflowError
from workflow_engine.library import Library
from workflow_engine.settings import Limits

SAVING = """
import sys
from pathlib import Path
from workflow_engine.library import Library
from workflow_engine.settings import Limits

folder, writer = sys.argv[1:]
library = Library(Path(folder), limits=Limits())
for number in range(100_000):
    content = {"writer": writer, "number": number, "filler": "x" * 20_000}
    print(library.save("parts", content).entry.version, number, flush=True)
"""
"""Saves the same workflow again and again, and says so after each time."""


def check(given: Given) -> Outcome:
    """Kill pairs of writers; whatever one has acknowledged must be there and whole, and every file too."""
    chance, broken = random.Random(given.seed), []
    folder = given.folder / "workflows"
    acknowledged: dict[int, tuple[str, int]] = {}
    for attempt in range((given.count + 1) // 2):
        for name, lines in _killed(folder, attempt, chance):
            for line in lines:
                version, number = map(int, line.split())
                if version in acknowledged:
                    broken.append(f"version {version} was given to {acknowledged[version][0]} and to {name}")
                acknowledged[version] = name, number
    library = Library(folder, limits=Limits())
    found = {}
    for entry in library.versions("parts"):
        try:
            content = library.read("parts", entry.version).definition
        except WorkflowError as error:
            broken.append(f"version {entry.version}: {error}")
            continue
        found[entry.version] = content["writer"], content["number"]
        if len(content["filler"]) != 20_000:
            broken.append(f"version {entry.version} is not whole")
    lost = [version for version, what in acknowledged.items() if found.get(version) != what]
    broken += [f"version {version} was acknowledged and is {found.get(version, 'lost')}" for version in lost]
    note = f"{len(acknowledged):,} saves were acknowledged, {len(found):,} are there."
    return Outcome(tried=given.count, broken=broken, notes=[note])


def _killed(folder: Path, attempt: int, chance: random.Random) -> list[tuple[str, list[str]]]:
    """Start two writers, kill each at a random moment, and return what they acknowledged."""
    pair = [_writer(folder, f"{attempt}-{number}") for number in range(2)]
    results = []
    for number, process in enumerate(pair):
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(chance.randint(1, 25))]
        process.send_signal(signal.SIGKILL)
        # What was acknowledged before the signal came counts too; a line cut off in the middle does not.
        lines += process.stdout.read().splitlines(keepends=True)
        process.wait()
        process.stdout.close()
        results.append((f"{attempt}-{number}", [line for line in lines if line.endswith("\n")]))
    return results


def _writer(folder: Path, name: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", SAVING, str(folder), name], stdout=subprocess.PIPE, text=True)
