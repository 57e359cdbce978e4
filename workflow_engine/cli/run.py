"""``segflow run``: a workflow on one picture, several, or a folder of them."""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from workflow_engine.cli import exits, pictures, terminal
from workflow_engine.cli.outputs import RESULT, Folder, plain_name
from workflow_engine.cli.parameters import add_parameters, read_parameters
from workflow_engine.cli.results import Results
from workflow_engine.events import Event
from workflow_engine.trace import Trace
from workflow_engine.vision.paths import write_atomic
from workflow_engine.workflow import Workflow


def add(commands: terminal.Commands) -> None:
    """Add the command's arguments."""
    parser = commands.add_parser("run", help="run a workflow on pictures")
    parser.add_argument("workflow", metavar="WORKFLOW", help="the workflow's JSON file")
    parser.add_argument(
        "--image",
        nargs="+",
        action="extend",
        default=[],
        metavar="PATH|URL|FOLDER",
        help="pictures, each run by itself; NAME=PATH where a workflow has several image inputs",
    )
    add_parameters(parser)
    parser.add_argument("--out", type=Path, metavar="DIR", help=f"keep pictures and {RESULT} in this folder")
    parser.add_argument("--json", action="store_true", help="print the whole result as JSON, and nothing else")
    parser.add_argument("--timeout", type=float, metavar="S", help="give up a picture after this many seconds")
    parser.add_argument("--trace", type=Path, metavar="FILE", help="write where the time went, for chrome://tracing")
    parser.set_defaults(command=_run)


def _run(asked: argparse.Namespace) -> int:
    trace = Trace()
    with trace.span("workflow_compilation"):
        workflow = Workflow.load(asked.workflow)
    terminal.warn(workflow.plan.warnings)
    parameters = read_parameters(asked.param, [declared.name for declared in workflow.plan.inputs])
    given = pictures.assign(asked.image, workflow.plan.inputs, besides=parameters)
    folder = None if asked.out is None else Folder(asked.out)
    results = Results(workflow=Path(asked.workflow).name, folder=folder, apart=len(given) > 1)
    run_all(workflow, given, parameters, results, timeout=asked.timeout, observers=(trace.observe,))
    if asked.trace is not None:
        write_atomic(asked.trace, json.dumps({"traceEvents": trace.events}).encode())
    if asked.json:
        terminal.show_json(results.to_json())
    else:
        results.show()
    return exits.code_of(results.errors[0][1]) if results.errors else exits.OK


def run_all(
    workflow: Workflow,
    given: Sequence[Mapping[str, str]],
    parameters: Mapping[str, Any],
    results: Results,
    *,
    timeout: float | None = None,
    observers: tuple[Callable[[Event], None], ...] = (),
) -> None:
    """Run a workflow once for each of ``given``, every run for itself, and put what it gives into ``results``.

    With several pictures the failure of one is noted and the next one is run; what is done when the user interrupts is
    kept.

    Raises:
        WorkflowError: If the only run fails, or what a run gives cannot be written.
    """
    names = _names([next(iter(one.values()), "run") for one in given])
    inputs = ({**parameters, **one} for one in given)
    started = time.perf_counter()
    runs = workflow.map(inputs, serialised=True, timeout=timeout, observers=observers)
    try:
        with closing(runs), terminal.progress("Pictures", total=len(given)) as advance:
            for name, ran in zip(names, runs, strict=True):
                if ran.error is None:
                    results.add(name, ran.result)
                elif len(given) == 1 or ran.error.problem.whose == "operator":
                    raise ran.error
                else:
                    results.add_failure(name, ran.error)
                advance()
    finally:
        results.elapsed = time.perf_counter() - started
        if results.images:
            results.finish()


def _names(sources: Sequence[str]) -> list[str]:
    """A name for each picture that serves as a folder's: its file's, with a number where two are alike."""
    stems = [plain_name(Path(urlsplit(source).path if "://" in source else source).stem) for source in sources]
    alike, seen = Counter(stems), Counter[str]()
    names = []
    for stem in stems:
        seen[stem] += 1
        names.append(stem if alike[stem] == 1 else f"{stem}-{seen[stem]}")
    return names
