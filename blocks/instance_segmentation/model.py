"""A loaded RF-DETR-Seg: images in, objects out."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from blocks.instance_segmentation.backends.interface import Backend, Looked, mask_logits
from blocks.instance_segmentation.postprocess import Kept, keep, upsampled
from blocks.instance_segmentation.preprocess import to_array
from workflow_engine.api import Contract, stage

if TYPE_CHECKING:
    from supervision.detection.compact_mask import CompactMask

# What "the model's own confidence" means for weights that come without one.
DEFAULT_CONFIDENCE = 0.4


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Objects:
    """What was found in one image, by falling score.

    Attributes:
        xyxy: Boxes in the image's pixels, (N, 4), float32.
        confidence: Scores, (N,), float32.
        class_id: (N,).
        class_names: Name of each object's class; empty for an id that has none.
        masks: Of the image's size, or ``None`` when only boxes were asked for.
    """

    xyxy: NDArray[np.float32]
    confidence: NDArray[np.float32]
    class_id: NDArray[np.intp]
    class_names: list[str]
    masks: CompactMask | None


class Seen:
    """What the network saw in one image: enough to choose objects from, again and again, without the network.

    Attributes:
        size: Height and width of the image.
        scores: Of every class, 0 to 1, (Q, classes), float32.
        boxes: Centre, width and height as fractions of the image, (Q, 4), float32.
        queries: What mask maps are multiplied with, (Q, d + 1), float32.
    """

    __slots__ = ("_features", "_maps", "boxes", "queries", "scores", "size")

    def __init__(self, size: tuple[int, int], looked: Looked, index: int) -> None:
        """Keep one image's share of what the network gave."""
        self.size = size
        self.scores = _sigmoid(looked.logits[index])
        self.boxes = _share(looked.boxes, index)
        self.queries = _share(looked.queries, index)
        self._features = _share(looked.features, index)
        self._maps: NDArray[np.float32] | None = None

    @property
    def nbytes(self) -> int:
        """Memory that it takes, mask maps included once masks were asked for."""
        arrays = (self.scores, self.boxes, self.queries, self._features, self._maps)
        return sum(array.nbytes for array in arrays if array is not None)

    def mask_logits(self, query: NDArray[np.intp], backend: Backend) -> NDArray[np.float32]:
        """Return the masks of some queries, (K,), as logits (K, m, m); the network that looked runs in ``backend``."""
        if not query.size:
            return np.empty((0, 1, 1), dtype=np.float32)
        if self._maps is None:
            self._maps = backend.mask_maps(self._features[None])[0]
        return mask_logits(self.queries[query], self._maps)


class RfDetrSeg:
    """RF-DETR-Seg with its class contract. Safe to use from several threads.

    Images are 8-bit blue-green-red (H, W, 3) or grey (H, W). ``confidence`` is the score that an object must be above,
    ``None`` for what the weights' contract says; ``classes`` are the names to keep, all when ``None`` or empty.

    To look is the work of the network; to choose among what was seen is quick, and gives other objects for another
    ``confidence``, other ``classes`` or another ``max_detections`` without looking again.
    """

    def __init__(self, backend: Backend, contract: Contract) -> None:
        """Use the network that ``backend`` computes."""
        self.contract = contract
        self._backend = backend

    @property
    def nbytes(self) -> int:
        """Memory that the weights take."""
        return self._backend.facts.nbytes

    @property
    def resolution(self) -> int:
        """Side in pixels of the square that the network looks at."""
        return self._backend.facts.side

    @property
    def default_confidence(self) -> float:
        """Score above which objects are kept when nobody says otherwise, apart from classes with one of their own."""
        own = self.contract.default_confidence
        return DEFAULT_CONFIDENCE if own is None else own

    def predict(
        self,
        images: Sequence[NDArray[np.uint8]],
        *,
        confidence: float | None,
        classes: Collection[str] | None,
        max_detections: int,
    ) -> Iterator[Objects]:
        """Yield the objects of each image, with their masks.

        Raises:
            ModelError: If the device's memory is too small.
        """
        for seen in self.look(images):
            yield self.choose(seen, confidence=confidence, classes=classes, max_detections=max_detections)

    def detect(
        self,
        images: Sequence[NDArray[np.uint8]],
        *,
        confidence: float | None,
        classes: Collection[str] | None,
        max_detections: int,
    ) -> Iterator[Objects]:
        """Yield the objects of each image, boxes only: no mask is computed.

        Raises:
            ModelError: If the device's memory is too small.
        """
        for seen in self.look(images):
            yield self.choose_boxes(seen, confidence=confidence, classes=classes, max_detections=max_detections)

    def look(self, images: Sequence[NDArray[np.uint8]]) -> Iterator[Seen]:
        """Yield what the network sees in each image.

        Raises:
            ModelError: If the device's memory is too small.
        """
        for start in range(0, len(images), self._backend.batch):
            batch = images[start : start + self._backend.batch]
            with stage("preprocess"):
                given = to_array(batch, side=self.resolution, resize=self.contract.resize)
            with stage("network"):
                looked = self._backend.look(given)
            for index, pixels in enumerate(batch):
                yield Seen((pixels.shape[0], pixels.shape[1]), looked, index)

    def choose(
        self, seen: Seen, *, confidence: float | None, classes: Collection[str] | None, max_detections: int
    ) -> Objects:
        """Return the objects of an image that was looked at, with their masks.

        Raises:
            ModelError: If the device's memory is too small.
        """
        kept = self._keep(seen, confidence, classes, max_detections)
        with stage("masks"):
            return self._objects(kept, upsampled(seen.mask_logits(kept.query, self._backend), seen.size))

    def choose_boxes(
        self, seen: Seen, *, confidence: float | None, classes: Collection[str] | None, max_detections: int
    ) -> Objects:
        """Return the objects of an image that was looked at, boxes only: no mask is computed."""
        return self._objects(self._keep(seen, confidence, classes, max_detections), None)

    def _keep(self, seen: Seen, confidence: float | None, classes: Collection[str] | None, limit: int) -> Kept:
        thresholds = self._thresholds(confidence, classes)
        return keep(seen.scores, seen.boxes, thresholds=thresholds, limit=limit, size=seen.size)

    def _thresholds(self, confidence: float | None, classes: Collection[str] | None) -> NDArray[np.float32]:
        """Return the score that each output must be above, (outputs,): infinite for classes that are not wanted."""
        general = self.default_confidence if confidence is None else confidence
        thresholds = np.full(self._backend.facts.outputs, np.inf if classes else general, dtype=np.float32)
        special = self.contract.class_confidence if confidence is None else {}
        for class_id, name in self.contract.classes.items():
            if not classes or name in classes:
                thresholds[class_id] = special.get(name, general)
        return thresholds

    def _objects(self, kept: Kept, found: CompactMask | None) -> Objects:
        return Objects(
            xyxy=kept.xyxy,
            confidence=kept.score,
            class_id=kept.class_id,
            class_names=[self.contract.classes.get(int(number), "") for number in kept.class_id],
            masks=found,
        )


def _share(arrays: NDArray[np.float32], index: int) -> NDArray[np.float32]:
    """Return one image's part of a batch's array, so that it does not hold on to that of the others."""
    own: NDArray[np.float32] = arrays[index] if len(arrays) == 1 else arrays[index].copy()
    return own


def _sigmoid(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    # A logit below -88 overflows to infinity on the way to its score, which is 0.
    with np.errstate(over="ignore"):
        scores: NDArray[np.float32] = np.reciprocal(1 + np.exp(-logits))
    return scores
