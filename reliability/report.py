"""Results as text, as ``reliability.json``, and as the table in ``docs/reliability.md``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from benchmarks import machine
from reliability.apart import ROOT
from reliability.checks import CHECKS
from reliability.outcome import Outcome

FILE = ROOT / "reliability.json"
PAGE = ROOT / "docs" / "reliability.md"
README = ROOT / "README.md"
BEGIN, END = "<!-- written by make reliability -->\n", "<!-- until here -->\n"
INTRODUCTION = """# What holds under attack and under load

segflow makes promises about what reaches it from outside, and about what it does when there is too much of it.
Each line below is one of them, and what came of trying to break it. The checks are in [`reliability/`](../reliability).

```
make reliability                              # all of them in full, some 15 minutes; writes this page
.venv/bin/python -m reliability --only load   # one of them
make soak                                     # half an hour under load
```

`make test` runs the same checks with fewer cases and looks at no clock. What is promised, and to whom, is in
[SECURITY.md](../SECURITY.md). This page and `reliability.json` are written by the checks themselves.
"""


def told(name: str, outcome: Outcome, *, seconds: float) -> str:
    """Return what a check found, to be read on a terminal."""
    word = "kept" if outcome.kept else "BROKEN"
    lines = [f"{name}: {word}; {outcome.tried:,} {CHECKS[name].of} in {seconds:.0f} s"]
    lines += [
        f"  {what}: {figure}{'' if figure.kept else '  <- beyond its bound'}"
        for what, figure in outcome.figures.items()
    ]
    lines += [f"  broken: {case}" for case in outcome.broken]
    return "\n".join([*lines, *(f"  {note}" for note in outcome.notes)])


def write(name: str, outcome: Outcome, *, seconds: float) -> None:
    """Add what a check found to the results of the others, which stay, each with its own date and machine."""
    known: dict[str, Any] = json.loads(FILE.read_text()) if FILE.exists() else {}
    known[name] = {"machine": machine.describe(), "seconds": round(seconds, 1), **outcome.to_json()}
    known = {each: known[each] for each in CHECKS if each in known}
    FILE.write_text(json.dumps(known, indent=1, ensure_ascii=False) + "\n")
    PAGE.write_text(page(known))
    before, _, rest = README.read_text().partition(BEGIN)
    README.write_text(before + BEGIN + summary(known) + END + rest.partition(END)[2])


def summary(known: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the table for the README: what was tried how often, when and where."""
    lines = ["| promise | tried | broken |", "| --- | --- | --- |"]
    for name, result in known.items():
        outcome = Outcome.from_json(result)
        missed = sum(not figure.kept for figure in outcome.figures.values())
        broken = f"{len(outcome.broken)}{f', {missed} beyond a bound' if missed else ''}"
        lines.append(f"| {CHECKS[name].promise} | {outcome.tried:,} {CHECKS[name].of} | {broken} |")
    taken = sorted({f"{one['machine']['date']}, {one['machine']['processor']}" for one in known.values()})
    return "\n".join([*lines, "", f"Taken on {'; '.join(taken)}.", ""])


def page(known: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the page that shows the results."""
    lines = ["| promise | tried | broken | measured | date |", "| --- | --- | --- | --- | --- |"]
    notes: list[str] = []
    machines: dict[str, list[str]] = {}
    for name, result in known.items():
        outcome = Outcome.from_json(result)
        figures = "; ".join(f"{what} {figure}{_mark(figure.kept)}" for what, figure in outcome.figures.items())
        tried = f"{outcome.tried:,} {CHECKS[name].of}"
        broken = f"**{len(outcome.broken)}**" if outcome.broken else "0"
        lines.append(f"| {CHECKS[name].promise} | {tried} | {broken} | {figures} | {result['machine']['date']} |")
        notes += [f"- `{name}`: {note}" for note in outcome.notes]
        notes += [f"- `{name}`, broken: {case.splitlines()[-1]}" for case in outcome.broken]
        machines.setdefault(_machine(result["machine"]), []).append(name)
    taken = [f"- {about}: {', '.join(names)}" for about, names in machines.items()]
    return "\n".join([INTRODUCTION, *lines, "", *notes, "", "Taken on:", "", *taken, ""])


def _mark(kept: bool) -> str:
    return "" if kept else " **not kept**"


def _machine(about: Mapping[str, str]) -> str:
    return f"{about['processor']}, {about['memory']}, {about['system']}, load before {about['load before']}"
