"""The network in torch: on the CPU the reference for all others, on a GPU the one that is used."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from blocks.instance_segmentation.backends.interface import Looked
from blocks.instance_segmentation.network import Network
from workflow_engine.api import ModelError

# Images that go through the network at once: a processor core gains nothing from more than one.
BATCH = {"cpu": 1, "cuda": 8}


class TorchBackend:
    """Runs a network where it is."""

    def __init__(self, network: Network, *, precision: str) -> None:
        """Wrap a network; in half precision its matrix products run in that type."""
        self._network = network
        self._dtype: torch.dtype = getattr(torch, precision)
        self.facts = network.facts
        self.batch = BATCH[network.device.type]

    def look(self, pixels: NDArray[np.float32]) -> Looked:
        """Return what is found in normalised red-green-blue images, (N, 3, side, side)."""
        with self._running():
            found = self._network.detect(torch.from_numpy(pixels).to(self._network.device))
            queries = self._network.mask_queries(found.queries)
            return Looked(_numpy(found.logits), _numpy(found.boxes), _numpy(queries), _numpy(found.features))

    def mask_maps(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return feature maps, (N, d, h, w), at mask resolution, (N, d, m, m)."""
        with self._running():
            return _numpy(self._network.mask_features(torch.from_numpy(features).to(self._network.device)))

    def save(self, folder: Path) -> None:
        """Write nothing: the weights are kept by the catalogue."""

    @contextmanager
    def _running(self) -> Iterator[None]:
        half = self._dtype is not torch.float32
        kind = self._network.device.type
        try:
            with torch.inference_mode(), torch.autocast(kind, dtype=self._dtype) if half else nullcontext():
                yield
        except torch.OutOfMemoryError as error:
            message = f"The GPU's memory is too small for this model at {self.facts.side} px."
            hint = "Use a smaller size or resolution, half precision, or the device cpu."
            raise ModelError("out_of_memory", message, hint=hint, whose="operator") from error


def machine() -> str:
    """Return the instructions that torch uses of the processor, and the GPU."""
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "none"
    return f"{torch.backends.cpu.get_cpu_capability()}, GPU {gpu}"


def _numpy(tensor: Tensor) -> NDArray[np.float32]:
    array: NDArray[np.float32] = tensor.float().cpu().numpy()
    return array
