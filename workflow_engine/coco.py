"""Datasets in COCO's format, and average precision as COCO defines it (computed by pycocotools)."""

from __future__ import annotations

import contextlib
import io
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from pydantic import BaseModel, ValidationError

from workflow_engine.errors import InputError, Problem, WorkflowError
from workflow_engine.vision import masks
from workflow_engine.vision.image import FARTHEST
from workflow_engine.vision.refusals import described

if TYPE_CHECKING:  # an extra: who does not evaluate need not have it
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

Kind: TypeAlias = Literal["segm", "bbox"]

SIZES = ("all", "small", "medium", "large")
"""Objects by their area: below 32 x 32 pixels, up to 96 x 96, above."""

LEAST_OF_POLYGON = 6
"""Numbers of a triangle; pycocotools would take four for a box."""


class Category(BaseModel, frozen=True):
    """A class of objects."""

    id: int
    name: str


class Picture(BaseModel, frozen=True):
    """A picture of the dataset; its file is named relative to a folder."""

    id: int
    file_name: str
    width: int
    height: int


class Annotation(BaseModel, frozen=True):
    """An object of a picture: its box as x, y, width, height, its mask as polygons or run lengths, if it has one."""

    id: int | str | None = None
    image_id: int
    category_id: int
    bbox: tuple[float, float, float, float]
    segmentation: list[Any] | dict[str, Any] | None = None
    area: float | None = None
    iscrowd: int = 0

    def to_coco(self, number: int) -> dict[str, Any]:
        """Return the object for pycocotools, under a number that is not 0, which it would take for no object."""
        area = self.bbox[2] * self.bbox[3] if self.area is None else self.area
        return self.model_dump() | {"id": number, "area": area, "bbox": list(self.bbox)}


class Dataset(BaseModel, frozen=True):
    """What lies in each of many pictures."""

    images: tuple[Picture, ...]
    annotations: tuple[Annotation, ...]
    categories: tuple[Category, ...]

    @cached_property
    def by_name(self) -> dict[str, int]:
        """The categories' ids by their names as they are written; of those alike, the last one's.

        An export of the ecosystem's has the project first, as a category without objects, which may be called like one.
        """
        return {category.name: category.id for category in self.categories}

    @cached_property
    def by_bare_name(self) -> dict[str, int]:
        """The categories' ids by their names without case and blanks around them."""
        return {_bare(category.name): category.id for category in self.categories}

    def category_named(self, name: str) -> int | None:
        """Return the id of the category of that name, else of one whose name differs only in case or blanks around."""
        return self.by_name.get(name, self.by_bare_name.get(_bare(name)))

    def first(self, pictures: int | None) -> Dataset:
        """Return the dataset with only its first so many pictures, all of them for ``None``."""
        return self.model_copy(update={"images": self.images[:pictures]})

    @property
    def astray(self) -> int:
        """How many annotations belong to no image of the dataset, as where somebody took some images out."""
        return len(self.annotations) - len(self.lying_in({picture.id for picture in self.images}))

    def lying_in(self, pictures: Collection[int]) -> list[Annotation]:
        """Return what lies in the pictures with these ids."""
        return [annotation for annotation in self.annotations if annotation.image_id in pictures]

    def faults(self) -> Iterator[str]:
        """Yield what does not go together, each in words that end a sentence."""
        pictures = {picture.id: picture for picture in self.images}
        categories = {category.id for category in self.categories}
        yield from (f"several images have the id {one}" for one in _repeated(p.id for p in self.images))
        yield from (f"several categories have the id {one}" for one in _repeated(c.id for c in self.categories))
        for place, annotation in enumerate(self.annotations):
            name = f"at annotations/{place}" if annotation.id is None else str(annotation.id)
            picture = pictures.get(annotation.image_id)
            if picture is None:
                continue  # it is left out
            if fault := _fault_of_mask(annotation.segmentation, (picture.height, picture.width)):
                yield f"in the annotation {name}, {fault}"
            if annotation.category_id not in categories:
                yield f"the category_id {annotation.category_id} of the annotation {name} is no category's id"


def _bare(name: str) -> str:
    return name.strip().casefold()


def _repeated(ids: Iterable[int]) -> list[int]:
    return [one for one, count in Counter(ids).items() if count > 1]


def _fault_of_mask(segmentation: list[Any] | dict[str, Any] | None, size: tuple[int, int]) -> str:
    """Return why this is no mask in a picture of ``size`` (height, width); an empty string if it is, or is left out."""
    if not isinstance(segmentation, dict):
        return next(filter(None, map(_fault_of_polygon, segmentation or ())), "")
    try:
        masks.run_lengths(segmentation, size)
    except ValueError as error:
        return str(error)
    return ""


def _fault_of_polygon(polygon: Any) -> str:
    expected = "a polygon must be a list of numbers, x and y of three points or more"
    if not isinstance(polygon, list):
        return f"{expected}; found {described(polygon)} in its place"
    if len(polygon) < LEAST_OF_POLYGON or len(polygon) % 2:
        return f"{expected}; found {len(polygon)} numbers"
    odd = [one for one in polygon if not (isinstance(one, int | float) and abs(one) <= FARTHEST)]
    return f"{expected}, each from {-FARTHEST} to {FARTHEST}; found {described(odd[0])}" if odd else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An object that was found.

    Attributes:
        image_id: Of the picture.
        category_id: Of its class.
        score: How sure it is, 0 to 1.
        bbox: x, y, width and height in pixels.
        mask: In COCO's compressed run lengths, or ``None``.
        area: Pixels that the mask covers.
    """

    image_id: int
    category_id: int
    score: float
    bbox: tuple[float, float, float, float]
    mask: dict[str, Any] | None = None
    area: int = 0

    def to_coco(self, number: int, kind: Kind) -> dict[str, Any]:
        """Return the object for pycocotools; what counts as its size is the area of its mask or of its box."""
        area = self.area if kind == "segm" else self.bbox[2] * self.bbox[3]
        row = {"id": number, "image_id": self.image_id, "category_id": self.category_id, "score": self.score}
        return row | {"bbox": list(self.bbox), "segmentation": self.mask, "area": area, "iscrowd": 0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Precision:
    """Average precision, 0 to 1; ``None`` where the dataset has no such object.

    Attributes:
        ap: Mean over the overlaps 0.50, 0.55 … 0.95 that count as found.
        ap50: At an overlap of 0.50.
        ap75: At an overlap of 0.75.
        ap_small: ``ap`` of objects below 32 x 32 pixels.
        ap_medium: ``ap`` of those up to 96 x 96 pixels.
        ap_large: ``ap`` of those above.
        ar: Share of the objects that are found with 100 per picture and class, mean over the overlaps.
        classes: ``ap`` and ``ap50`` of each category by its id.
    """

    ap: float | None
    ap50: float | None
    ap75: float | None
    ap_small: float | None
    ap_medium: float | None
    ap_large: float | None
    ar: float | None
    classes: dict[int, tuple[float | None, float | None]]


def read(path: str | Path) -> Dataset:
    """Read a dataset's JSON file.

    Raises:
        InputError: If it cannot be read, is no such dataset, or holds what does not go together.
    """
    dataset = _parsed(path)
    hint = "Mend that in the file, or leave it out."
    problems = [
        Problem(code="bad_dataset", message=f"The dataset {path} cannot be used: {fault}.", hint=hint, whose="caller")
        for fault in dataset.faults()
    ]
    if problems:
        raise InputError(problems)
    return dataset


def _parsed(path: str | Path) -> Dataset:
    try:
        return Dataset.model_validate_json(Path(path).read_bytes())
    except OSError as error:
        message = f"The dataset {path} cannot be read: {(error.strerror or str(error)).lower()}."
        raise InputError(Problem(code="unreadable", message=message, whose="caller")) from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = "/".join(str(part) for part in first["loc"]) or "its beginning"
        message = f"The file {path} is no dataset in COCO's format: at {place}, {first['msg'].lower()}."
        hint = "It is a JSON object with images, annotations and categories."
        raise InputError(Problem(code="no_dataset", message=message, hint=hint, whose="caller")) from error


def require() -> None:
    """Raise ``WorkflowError`` when pycocotools is not installed."""
    if find_spec("pycocotools") is None:
        message = "Average precision is computed by pycocotools, which is not installed."
        hint = "Install it with: pip install 'segflow[evaluate]'."
        raise WorkflowError(Problem(code="package_missing", message=message, hint=hint, whose="operator"))


def average_precision(dataset: Dataset, pictures: Collection[int], found: Sequence[Found], kind: Kind) -> Precision:
    """Hold what was found against what lies in the pictures.

    Args:
        dataset: What lies in them.
        pictures: The ids of those that were looked at.
        found: All objects found in them; of each picture and class the 100 surest count.
        kind: Whether overlaps are those of masks or of boxes.
    """
    from pycocotools.cocoeval import COCOeval

    truth = _index(dataset, (a.to_coco(number) for number, a in enumerate(dataset.annotations, 1)))
    answer = _index(dataset, (one.to_coco(number, kind) for number, one in enumerate(found, 1)))
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation = COCOeval(truth, answer, kind)
        evaluation.params.imgIds = sorted(pictures)
        evaluation.evaluate()
        evaluation.accumulate()
    return _figures(evaluation)


def _index(dataset: Dataset, objects: Iterable[dict[str, Any]]) -> COCO:
    from pycocotools.coco import COCO

    content = COCO()
    content.dataset = {
        "images": [picture.model_dump() for picture in dataset.images],
        "categories": [category.model_dump() for category in dataset.categories],
        "annotations": list(objects),
    }
    with contextlib.redirect_stdout(io.StringIO()):
        content.createIndex()
    return content


def _figures(evaluation: COCOeval) -> Precision:
    # By overlap, recall, class, size of objects, and number of them that count, of which the last is 100.
    precision = evaluation.eval["precision"][..., -1]
    recall = evaluation.eval["recall"][..., -1]
    half, three_quarters = precision[0], precision[5]
    sized = {size: _mean(precision[..., index]) for index, size in enumerate(SIZES)}
    return Precision(
        ap=sized["all"],
        ap50=_mean(half[..., 0]),
        ap75=_mean(three_quarters[..., 0]),
        ap_small=sized["small"],
        ap_medium=sized["medium"],
        ap_large=sized["large"],
        ar=_mean(recall[..., 0]),
        classes={
            int(number): (_mean(precision[:, :, index, 0]), _mean(half[:, index, 0]))
            for index, number in enumerate(evaluation.params.catIds)
        },
    )


def _mean(values: Any) -> float | None:
    """Return the mean of an array to six digits, without the -1 that stand for classes without objects."""
    known = values[values > -1]
    return round(float(known.mean()), 6) if known.size else None
