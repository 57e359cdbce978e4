"""``segflow bench``: where a workflow's time goes on this machine, and how variants of it compare."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from workflow_engine.cli import exits, pictures, terminal
from workflow_engine.cli.parameters import add_parameters, positive, read_parameters
from workflow_engine.cli.variants import add_comparison, variants

if TYPE_CHECKING:  # imported when there is something to time
    from workflow_engine.bench import Part, Spread, Timing
    from workflow_engine.machine import Machine

STAGES = {"inputs": "inputs: read, decode", "outputs": "outputs: encode, write as JSON", "rest": "engine"}


def add(commands: terminal.Commands) -> None:
    """Add the command's arguments."""
    about = (
        "Time a workflow from the picture's file to the result's JSON, stage by stage: median and 95th percentile. "
        "Blocks that write files or call other machines do nothing."
    )
    parser = commands.add_parser("bench", help="time a workflow, and compare variants of it", description=about)
    parser.add_argument("workflow", metavar="WORKFLOW", help="the workflow's JSON file")
    parser.add_argument(
        "--image",
        nargs="+",
        action="extend",
        default=[],
        metavar="PATH|FOLDER",
        help="pictures, taken in turn; NAME=PATH where a workflow has several image inputs",
    )
    add_parameters(parser)
    parser.add_argument("--runs", type=positive, default=20, metavar="N", help="runs that count (default: 20)")
    add_comparison(parser)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON, and nothing else")
    parser.set_defaults(command=_bench)


def _bench(asked: argparse.Namespace) -> int:
    compared = variants(asked.workflow, asked.compare)
    first = next(iter(compared.values()))
    terminal.warn(first.plan.warnings)
    parameters = read_parameters(asked.param, [declared.name for declared in first.plan.inputs])
    given = [{**parameters, **one} for one in pictures.assign(asked.image, first.plan.inputs, besides=parameters)]

    from workflow_engine.bench import measure, runs_of
    from workflow_engine.machine import this_machine

    with terminal.progress("Runs", total=runs_of(len(compared), asked.runs)) as advance:
        timings = measure(compared, given, runs=asked.runs, advance=advance)
    machine = this_machine()
    if asked.json:
        terminal.show_json(_content(timings, machine, runs=asked.runs))
    else:
        _show(timings, machine, runs=asked.runs)
    return exits.OK


def _content(timings: Sequence[Timing], machine: Machine, *, runs: int) -> dict[str, Any]:
    """Return the figures as JSON, in seconds; ``ratio`` is a variant's median against that of the first."""
    return {
        "machine": asdict(machine),
        "runs": runs,
        "variants": [
            {
                "name": timing.name,
                "first_run": round(timing.first, 6),
                **_rounded(timing.total),
                "ratio": round(timing.total.median / timings[0].total.median, 4),
                "parts": [
                    {"step": step or None, "stage": stage or None, **_rounded(spread)}
                    for (step, stage), spread in timing.parts().items()
                ],
            }
            for timing in timings
        ],
    }


def _rounded(spread: Spread) -> dict[str, float]:
    return {"median": round(spread.median, 6), "p95": round(spread.p95, 6)}


def _show(timings: Sequence[Timing], machine: Machine, *, runs: int) -> None:
    terminal.show(machine.in_words(), style="dim")
    if len(timings) == 1:
        _show_one(timings[0])
    else:
        _show_several(timings)
    first = ", ".join(f"{timing.first:.2f} s" for timing in timings)
    terminal.show(f"Milliseconds of {runs} runs; the first run, which loads the model, took {first}.", style="dim")


def _show_one(timing: Timing) -> None:
    total = timing.total
    rows = [
        (_label(part), _ms(spread.median), _ms(spread.p95), f"{spread.median / total.median:.0%}")
        for part, spread in timing.parts().items()
    ]
    last = ("all", _ms(total.median), _ms(total.p95), "")
    terminal.table([timing.name, "median ", "p95 ", "share "], [*rows, last])


def _show_several(timings: Sequence[Timing]) -> None:
    from workflow_engine.bench import AFTER

    found = [timing.parts() for timing in timings]
    totals = [timing.total for timing in timings]
    parts = dict.fromkeys(part for one in found for part in one)
    # Steps that only a later variant has come before what the engine does after the steps.
    ordered = sorted(parts, key=lambda part: not part[0] and part[1] in AFTER)

    def rows() -> Iterator[list[str]]:
        for part in ordered:
            yield [_label(part), *(_ms(one[part].median) if part in one else "" for one in found)]
        yield ["all", *(_ms(total.median) for total in totals)]
        yield ["all, p95", *(_ms(total.p95) for total in totals)]
        yield ["against the first", *(f"{total.median / totals[0].median:.2f}" for total in totals)]

    terminal.table(["median", *(f"{timing.name} " for timing in timings)], rows())


def _label(part: Part) -> str:
    step, stage = part
    return STAGES.get(stage, stage) if not step else f"  {stage}" if stage else step


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f}"
