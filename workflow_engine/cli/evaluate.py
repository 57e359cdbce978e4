"""``segflow evaluate``: average precision of a workflow on a dataset in COCO's format."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workflow_engine.cli import exits, terminal
from workflow_engine.cli.parameters import add_parameters, positive, read_parameters, zero_to_one
from workflow_engine.cli.variants import add_comparison, cuts, variants, with_confidence
from workflow_engine.workflow import Workflow

if TYPE_CHECKING:  # imported when there is something to evaluate
    from workflow_engine.coco import Dataset, Precision
    from workflow_engine.evaluate import Evaluation

FIGURES = {
    "ap": "AP 50:95",
    "ap50": "AP 50",
    "ap75": "AP 75",
    "ap_small": "AP small",
    "ap_medium": "AP medium",
    "ap_large": "AP large",
    "ar": "AR 100",
}


def add(commands: terminal.Commands) -> None:
    """Add the command's arguments."""
    about = (
        "Run a workflow on the pictures of a dataset and compute the average precision of the masks and boxes in one "
        "of its outputs, as COCO defines it. Blocks that write files or call other machines do nothing."
    )
    parser = commands.add_parser("evaluate", help="average precision of a workflow on a dataset", description=about)
    parser.add_argument("workflow", metavar="WORKFLOW", help="the workflow's JSON file")
    parser.add_argument("--dataset", type=Path, required=True, metavar="FILE", help="annotations in COCO's format")
    parser.add_argument("--images", type=Path, required=True, metavar="FOLDER", help="the dataset's pictures")
    parser.add_argument("--output", metavar="NAME", help="the output with the objects, where there are several")
    parser.add_argument("--limit", type=positive, metavar="N", help="only the first N pictures")
    parser.add_argument(
        "--confidence",
        type=zero_to_one,
        metavar="C",
        help="what the models' objects must be above, whatever the workflow says; 0 measures all that they find",
    )
    add_parameters(parser)
    add_comparison(parser)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON, and nothing else")
    parser.set_defaults(command=_evaluate)


def _evaluate(asked: argparse.Namespace) -> int:
    from workflow_engine import coco
    from workflow_engine.evaluate import evaluate, objects_output

    coco.require()
    whole = coco.read(asked.dataset)
    _warn_of_astray(whole)
    dataset = whole.first(asked.limit)
    compared = variants(asked.workflow, asked.compare)
    if asked.confidence is not None:
        compared = {name: with_confidence(workflow, asked.confidence) for name, workflow in compared.items()}
    asked_for = {
        name: (
            workflow,
            objects_output(workflow.plan, asked.output),
            read_parameters(asked.param, [declared.name for declared in workflow.plan.inputs]),
        )
        for name, workflow in compared.items()
    }
    _warn_of_cuts((workflow, parameters) for workflow, _, parameters in asked_for.values())
    done: dict[str, Evaluation] = {}
    with terminal.progress("Pictures", total=len(compared) * len(dataset.images)) as advance:
        for name, (workflow, output, parameters) in asked_for.items():
            done[name] = evaluate(
                workflow, dataset, asked.images, output=output, parameters=parameters, advance=advance
            )
    _warn_of_maskless(done.values())
    for evaluation in done.values():
        _warn_of_losses(evaluation)
    if asked.json:
        terminal.show_json([_content(name, evaluation, dataset) for name, evaluation in done.items()])
    else:
        _show(done, dataset)
    failed = [error for evaluation in done.values() for _, error in evaluation.failed]
    return exits.code_of(failed[0]) if failed else exits.OK


def _warn_of_astray(dataset: Dataset) -> None:
    if dataset.astray:
        text = f"{dataset.astray} of {len(dataset.annotations)} annotations are of images that the dataset lacks."
        terminal.say(f"warning: {text} They are left out.", style="yellow")


def _warn_of_cuts(asked: Iterable[tuple[Workflow, Mapping[str, Any]]]) -> None:
    """Say, of each step once, that it drops objects that average precision would count."""
    found = {name: confidence for one in asked for name, confidence in cuts(*one).items()}
    for step, confidence in found.items():
        above = "its model's own confidence" if confidence is None else f"a confidence of {confidence:g}"
        text = f"The step {step!r} keeps objects above {above}; what it drops counts as not found."
        terminal.say(f"warning: {text} --confidence 0 measures the model itself.", style="yellow")


def _warn_of_maskless(done: Iterable[Evaluation]) -> None:
    """Say once of the dataset that it lacks masks, as it is the same for every variant whose pictures all ran."""
    for maskless, count in dict.fromkeys((one.maskless, one.annotations) for one in done if one.maskless):
        text = f"{maskless} of {count} annotations have no mask, so the average precision of masks is left out."
        terminal.say(f"warning: {text}", style="yellow")


def _warn_of_losses(evaluation: Evaluation) -> None:
    if evaluation.unmatched:
        counted = ", ".join(f"{name} ({count})" for name, count in evaluation.unmatched.items())
        text = f"Objects were found of classes that are no category of the dataset: {counted}. They do not count."
        terminal.say(f"warning: {text}", style="yellow")
    for picture, error in evaluation.failed:
        terminal.say(f"{picture}: {error}", style="red")


def _content(name: str, evaluation: Evaluation, dataset: Dataset) -> dict[str, Any]:
    boxes, masks = evaluation.boxes, evaluation.masks
    return {
        "name": name,
        "pictures": evaluation.pictures,
        "masks": None if masks is None else _figures(masks),
        "boxes": _figures(boxes),
        "classes": [
            {
                "name": category.name,
                "id": category.id,
                "objects": evaluation.objects.get(category.id, 0),
                "masks": None if masks is None else dict(zip(("ap", "ap50"), masks.classes[category.id], strict=True)),
                "boxes": dict(zip(("ap", "ap50"), boxes.classes[category.id], strict=True)),
            }
            for category in dataset.categories
        ],
        "unmatched": dict(evaluation.unmatched),
        "failed": [{"picture": picture, "message": str(error)} for picture, error in evaluation.failed],
    }


def _figures(precision: Precision) -> dict[str, float | None]:
    figures = asdict(precision)
    return {name: figures[name] for name in FIGURES}


def _show(done: Mapping[str, Evaluation], dataset: Dataset) -> None:
    first = next(iter(done.values()))
    several = len(done) > 1
    columns = [f"{name}, {kind} " if several else f"{kind} " for name in done for kind in ("masks", "boxes")]
    kinds = [kind for evaluation in done.values() for kind in (evaluation.masks, evaluation.boxes)]
    rows = [
        (title, *(_cell(None if kind is None else getattr(kind, name)) for kind in kinds))
        for name, title in FIGURES.items()
    ]
    terminal.table(["", *columns], rows)
    if not several:
        _show_classes(first, dataset)
    terminal.show(f"{first.pictures} pictures, {sum(first.objects.values())} objects", style="dim")


def _show_classes(evaluation: Evaluation, dataset: Dataset) -> None:
    rows = []
    for category in dataset.categories:
        masks = (None, None) if evaluation.masks is None else evaluation.masks.classes[category.id]
        figures = (*masks, *evaluation.boxes.classes[category.id])
        rows.append((category.name, str(evaluation.objects.get(category.id, 0)), *map(_cell, figures)))
    terminal.table(["class", "objects ", "masks, AP ", "AP 50 ", "boxes, AP ", "AP 50 "], rows)


def _cell(figure: float | None) -> str:
    return "" if figure is None else f"{figure:.3f}"
