"""The network as the two graphs that a backend compiles, traced from its torch modules."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from blocks.instance_segmentation.network import Network


class Look(nn.Module):
    """From pixels, (1, 3, side, side), to logits, boxes, mask queries and the feature map."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self._network = network
        self.add_module("network", network.modules)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return what ``Backend.look`` does, for one image."""
        found = self._network.detect(pixels)
        return found.logits, found.boxes, self._network.mask_queries(found.queries), found.features


class Maps(nn.Module):
    """From the feature map, (1, d, h, w), to mask maps."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self._network = network
        self.add_module("network", network.modules)

    def forward(self, features: Tensor) -> Tensor:
        """Return what ``Backend.mask_maps`` does, for one image."""
        return self._network.mask_features(features)


class Whole(nn.Module):
    """From pixels, (1, 3, side, side), to logits, boxes and the masks of all queries, for use elsewhere."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self._network = network
        self.add_module("network", network.modules)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return logits (1, Q, classes), boxes (1, Q, 4), and masks as logits (1, Q, m, m)."""
        found = self._network.detect(pixels)
        maps = self._network.mask_features(found.features)
        queries = self._network.mask_queries(found.queries)
        masks = queries[..., :-1] @ maps.flatten(2) + queries[..., -1:]
        return found.logits, found.boxes, masks.reshape(*masks.shape[:2], *maps.shape[2:])


def example_pixels(network: Network) -> Tensor:
    """Return an input of the right shape."""
    return torch.zeros(1, 3, network.side, network.side)


def example_features(network: Network) -> Tensor:
    """Return an input of the right shape for ``Maps``."""
    with torch.no_grad():
        return network.detect(example_pixels(network)).features


@contextmanager
def quiet() -> Iterator[None]:
    """Trace without autograd, and without what the libraries have to say about it."""
    logs = [logging.getLogger(name) for name in ("transformers", "torch.onnx", "nncf")]
    levels = [log.level for log in logs]
    try:
        for log in logs:
            log.setLevel(logging.ERROR)
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for log, level in zip(logs, levels, strict=True):
            log.setLevel(level)
