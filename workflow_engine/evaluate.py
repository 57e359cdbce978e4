"""How well a workflow finds what a dataset says is there: average precision of its masks and boxes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workflow_engine.coco import Dataset, Found, Kind, Picture, Precision, average_precision, require
from workflow_engine.errors import InputError, Problem, WorkflowError, nearest
from workflow_engine.plan import Plan
from workflow_engine.vision import detections, masks
from workflow_engine.vision.detections import Detections
from workflow_engine.workflow import Workflow

TABLES = ("instance_segmentation_prediction", "rle_instance_segmentation_prediction", "object_detection_prediction")
"""Kinds of outputs that hold objects."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What a workflow is worth on a dataset.

    Attributes:
        pictures: How many were looked at.
        objects: How many objects lie in them, by category id; crowds do not count.
        annotations: How many lie in them, crowds too.
        maskless: How many of these have no mask where the workflow finds masks; if any, there is no precision of masks.
        masks: Precision of the masks; ``None`` where the workflow finds none, or an annotation has none.
        boxes: Precision of the boxes.
        unmatched: How many objects were found of classes that are no category of the dataset, by the class's name.
        failed: The pictures that could not be evaluated, and why.
    """

    pictures: int
    objects: Mapping[int, int]
    annotations: int
    maskless: int
    masks: Precision | None
    boxes: Precision
    unmatched: Mapping[str, int]
    failed: Sequence[tuple[str, WorkflowError]]


def evaluate(
    workflow: Workflow,
    dataset: Dataset,
    folder: Path,
    *,
    output: str,
    parameters: Mapping[str, Any],
    advance: Callable[[], None] = lambda: None,
) -> Evaluation:
    """Run the workflow on every picture of the dataset and hold what it finds against what is there.

    Classes are matched with categories by name, if need be whatever their case and the blanks around; a class without
    a name by its number.

    Args:
        workflow: What to evaluate; it has one image input.
        dataset: What lies in which picture.
        folder: Where the pictures are.
        output: Which of the workflow's outputs holds the objects.
        parameters: Values for its other inputs.
        advance: Called after each picture.

    Raises:
        WorkflowError: If pycocotools is missing, a run fails for other reasons than its picture, or none can be
            evaluated; then with the first one's reason.
    """
    require()
    image = image_input(workflow.plan)
    if not folder.is_dir():
        raise _refusal("no_folder", f"There is no folder {folder}.", "--images is where the dataset's pictures are.")
    tally = _Tally(dataset)
    inputs = ({**parameters, image: folder / picture.file_name} for picture in dataset.images)
    with closing(workflow.map(inputs, sinks=False)) as runs:
        for picture, ran in zip(dataset.images, runs, strict=True):
            try:
                tally.add(picture, ran.result[output])
            except WorkflowError as error:
                if error.problem.whose != "caller":
                    raise
                tally.failed.append((picture.file_name, error))
            advance()
    return tally.evaluation()


def image_input(plan: Plan) -> str:
    """Return the name of the workflow's image input.

    Raises:
        InputError: If it has none or several.
    """
    names = [declared.name for declared in plan.inputs if declared.dimensionality and "image" in declared.kinds]
    if len(names) != 1:
        message = f"A workflow is evaluated through its one image input; this one has {len(names)}."
        raise _refusal("image_inputs", message)
    return names[0]


def objects_output(plan: Plan, asked: str | None) -> str:
    """Return the name of the output that holds objects: the one ``asked`` for, or the only one.

    Raises:
        InputError: If there is none, or several and none is asked for.
    """
    names = [o.name for o in plan.outputs if any(kind in TABLES for _, _, kinds in o.origins for kind in kinds)]
    if asked is not None and asked not in names:
        hint = nearest(asked, names) or f"Those that do: {', '.join(names) or 'none'}."
        raise _refusal("which_output", f"The workflow has no output {asked!r} that holds objects.", hint)
    if asked is None and len(names) != 1:
        hint = f"Choose one with --output: {', '.join(names)}." if names else "Add one with a model's predictions."
        raise _refusal("which_output", f"The workflow has {len(names) or 'no'} outputs that hold objects.", hint)
    return asked or names[0]


@dataclass(slots=True)
class _Tally:
    """What was found so far."""

    dataset: Dataset
    seen: set[int] = field(default_factory=set)
    found: list[Found] = field(default_factory=list)
    masked: bool = True
    unmatched: Counter[str] = field(default_factory=Counter)
    failed: list[tuple[str, WorkflowError]] = field(default_factory=list)

    def add(self, picture: Picture, table: object) -> None:
        """Take in what was found in a picture.

        Raises:
            InputError: If that is no table of objects, or of an image of another size than the dataset says.
        """
        if not isinstance(table, Detections):
            raise _refusal("no_objects", f"The output holds no objects, but {type(table).__name__}.")
        size = detections.image_size(table)
        if size is not None and size != (picture.height, picture.width):
            expected = f"the dataset says {picture.width} x {picture.height}"
            raise _refusal("image_size", f"The picture has {size[1]} x {size[0]} pixels; {expected}.")
        self.seen.add(picture.id)
        self.masked &= table.mask is not None or not len(table)
        self.found.extend(self._rows(picture.id, table))

    def _rows(self, image_id: int, table: Detections) -> Iterator[Found]:
        names = detections.class_names(table)
        numbers = [None] * len(table) if table.class_id is None else table.class_id.tolist()
        scores = [1.0] * len(table) if table.confidence is None else table.confidence.tolist()
        areas = [0] * len(table) if table.mask is None else masks.area(table.mask).tolist()
        for row, (x1, y1, x2, y2) in enumerate(table.xyxy.tolist()):
            category = self._category(names[row], numbers[row])
            if category is None:
                self.unmatched[names[row] or f"number {numbers[row]}"] += 1
                continue
            yield Found(
                image_id=image_id,
                category_id=category,
                score=scores[row],
                bbox=(x1, y1, x2 - x1, y2 - y1),
                mask=None if table.mask is None else masks.to_rle(table.mask, row),
                area=areas[row],
            )

    def _category(self, name: str, number: int | None) -> int | None:
        named = self.dataset.category_named(name)
        nameless = name in ("", str(number))
        return number if named is None and nameless and number in self.dataset.by_name.values() else named

    def evaluation(self) -> Evaluation:
        """Return what it comes to."""
        if not self.seen:
            raise self.failed[0][1] if self.failed else _refusal("no_pictures", "The dataset has no pictures.")
        lying = self.dataset.lying_in(self.seen)
        maskless = sum(not one.segmentation for one in lying) if self.masked else 0
        return Evaluation(
            pictures=len(self.seen),
            objects=Counter(one.category_id for one in lying if not one.iscrowd),
            annotations=len(lying),
            maskless=maskless,
            masks=self._precision("segm") if self.masked and not maskless else None,
            boxes=self._precision("bbox"),
            unmatched=dict(self.unmatched.most_common()),
            failed=tuple(self.failed),
        )

    def _precision(self, kind: Kind) -> Precision:
        return average_precision(self.dataset, self.seen, self.found, kind)


def _refusal(code: str, message: str, hint: str = "") -> InputError:
    return InputError(Problem(code=code, message=message, hint=hint, whose="caller"))
