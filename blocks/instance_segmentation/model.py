"""A loaded RF-DETR-Seg: images in, objects out."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from blocks.instance_segmentation.network import Detected, Network
from blocks.instance_segmentation.postprocess import Kept, keep, mask_window
from blocks.instance_segmentation.preprocess import to_tensor
from workflow_engine.api import Contract, ModelError, masks

if TYPE_CHECKING:
    from supervision.detection.compact_mask import CompactMask

# What "the model's own confidence" means for weights that come without one.
DEFAULT_CONFIDENCE = 0.4
# Images that go through the network at once: a processor core gains nothing from more than one.
BATCH = {"cpu": 1, "cuda": 8}


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


class RfDetrSeg:
    """RF-DETR-Seg with its class contract. Safe to use from several threads.

    Images are 8-bit blue-green-red (H, W, 3) or grey (H, W). ``confidence`` is the score that an object must be above,
    ``None`` for what the weights' contract says; ``classes`` are the names to keep, all when ``None`` or empty.
    """

    def __init__(self, network: Network, contract: Contract, *, dtype: torch.dtype = torch.float32) -> None:
        """Wrap a network; with a ``dtype`` of half precision its matrix products run in that type (CUDA only)."""
        self.contract = contract
        self._network = network
        self._dtype = dtype

    @property
    def nbytes(self) -> int:
        """Memory that the weights take."""
        return self._network.nbytes

    @property
    def resolution(self) -> int:
        """Side in pixels of the square that the network looks at."""
        return self._network.side

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
        thresholds = self._thresholds(confidence, classes)
        for batch in self._batches(images):
            with self._running():
                detected = self._detect(batch)
                kept = self._keep(detected, batch, thresholds, max_detections)
                logits = list(self._mask_logits(detected, kept))
            for pixels, chosen, planes in zip(batch, kept, logits, strict=True):
                size = (pixels.shape[0], pixels.shape[1])
                yield self._objects(chosen, masks.from_windows((mask_window(plane, size) for plane in planes), size))

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
        thresholds = self._thresholds(confidence, classes)
        for batch in self._batches(images):
            with self._running():
                kept = self._keep(self._detect(batch), batch, thresholds, max_detections)
            for chosen in kept:
                yield self._objects(chosen, None)

    def _batches(self, images: Sequence[NDArray[np.uint8]]) -> Iterator[Sequence[NDArray[np.uint8]]]:
        length = BATCH[self._network.device.type]
        return (images[start : start + length] for start in range(0, len(images), length))

    @contextmanager
    def _running(self) -> Iterator[None]:
        half = self._dtype is not torch.float32
        try:
            with torch.inference_mode(), torch.autocast("cuda", dtype=self._dtype) if half else nullcontext():
                yield
        except torch.OutOfMemoryError as error:
            message = f"The GPU's memory is too small for this model at {self._network.side} px."
            hint = "Use a smaller size or resolution, half precision, or the device cpu."
            raise ModelError("out_of_memory", message, hint=hint, whose="operator") from error

    def _detect(self, batch: Sequence[NDArray[np.uint8]]) -> Detected:
        pixels = to_tensor(batch, side=self._network.side, resize=self.contract.resize)
        return self._network.detect(pixels.to(self._network.device))

    def _thresholds(self, confidence: float | None, classes: Collection[str] | None) -> NDArray[np.float32]:
        """Return the score that each output must be above, (outputs,): infinite for classes that are not wanted."""
        own = self.contract.default_confidence
        general = confidence if confidence is not None else DEFAULT_CONFIDENCE if own is None else own
        thresholds = np.full(self._network.outputs, np.inf if classes else general, dtype=np.float32)
        special = self.contract.class_confidence if confidence is None else {}
        for class_id, name in self.contract.classes.items():
            if not classes or name in classes:
                thresholds[class_id] = special.get(name, general)
        return thresholds

    def _keep(
        self, detected: Detected, batch: Sequence[NDArray[np.uint8]], thresholds: NDArray[np.float32], limit: int
    ) -> list[Kept]:
        scores = detected.logits.sigmoid().cpu().numpy()
        boxes = detected.boxes.cpu().numpy()
        return [
            keep(s, b, thresholds=thresholds, limit=limit, size=(pixels.shape[0], pixels.shape[1]))
            for s, b, pixels in zip(scores, boxes, batch, strict=True)
        ]

    def _mask_logits(self, detected: Detected, kept: Sequence[Kept]) -> Iterator[NDArray[np.float32]]:
        """Yield the masks of each image's objects as logits, (K, m, m); the mask head sees only images with objects."""
        busy = [i for i, chosen in enumerate(kept) if chosen.query.size]
        maps = dict(zip(busy, self._network.mask_features(detected.features[busy]), strict=True)) if busy else {}
        for i, chosen in enumerate(kept):
            if i in maps:
                queries = detected.queries[i][torch.from_numpy(chosen.query).to(detected.queries.device)]
                yield self._network.mask_logits(queries, maps[i]).cpu().numpy()
            else:
                yield np.empty((0, 0, 0), dtype=np.float32)

    def _objects(self, kept: Kept, found: CompactMask | None) -> Objects:
        return Objects(
            xyxy=kept.xyxy,
            confidence=kept.score,
            class_id=kept.class_id,
            class_names=[self.contract.classes.get(int(number), "") for number in kept.class_id],
            masks=found,
        )
