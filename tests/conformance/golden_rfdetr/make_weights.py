"""Deterministic RF-DETR-Seg weights, made from names and shapes alone.

The same tensors on every machine: each is drawn from its own PCG64 stream, seeded with the CRC-32 of its salted name.
The values are scaled so that activations stay in a healthy range and scores spread over (0, 1); they mean nothing.
"""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

GROUPS = 13


def build_state_dict(keys: Path) -> dict[str, torch.Tensor]:
    """Return the tensors that a file ``{"salt": text, "keys": [[name, shape], ...]}`` describes."""
    spec = json.loads(keys.read_text())
    return {name: torch.from_numpy(tensor_for(name, tuple(shape), spec["salt"])) for name, shape in spec["keys"]}


def tensor_for(name: str, shape: tuple[int, ...], salt: str) -> NDArray[np.float32]:
    """Return the values of one tensor."""
    rng = np.random.Generator(np.random.PCG64(zlib.crc32(f"{salt}{name}".encode())))
    if name in ("refpoint_embed.weight", "query_feat.weight"):
        # One row for all queries of a group: a near tie between proposals then cannot change the answer, while a wrong
        # group does.
        rows = rng.standard_normal((GROUPS, shape[1])).astype(np.float32)
        scaled = (0.1 if name.startswith("ref") else 0.5) * rows
        return np.repeat(scaled, shape[0] // GROUPS, axis=0).astype(np.float32)
    drawn = rng.standard_normal(shape).astype(np.float32)
    return np.ascontiguousarray(_scaled(name, drawn), dtype=np.float32)


def _scaled(name: str, drawn: NDArray[np.float32]) -> Any:
    shape = drawn.shape
    classes = name.startswith(("class_embed.", "transformer.enc_out_class_embed."))
    if name.endswith("lambda1"):
        return 0.6 + 0.1 * drawn
    if classes and name.endswith("bias"):
        return -5.0 + 0.3 * drawn
    if classes:
        return drawn * 2.0 / np.sqrt(shape[-1])
    if "norm" in name or ".bn." in name or name.startswith("backbone.0.projector.stages.0.1"):
        return 1.0 + 0.1 * drawn if name.endswith("weight") else 0.1 * drawn
    if name.endswith("sampling_offsets.bias"):
        return drawn
    if name.endswith("sampling_offsets.weight"):
        return 0.5 * drawn / np.sqrt(shape[-1])
    if "bbox_embed" in name and ".layers.2." in name:
        return 0.3 * drawn / np.sqrt(shape[-1]) if len(shape) > 1 else np.zeros(shape)
    if any(part in name for part in ("position_embeddings", "cls_token", "mask_token")):
        return 0.5 * drawn
    if len(shape) >= 2:
        return 1.2 * drawn / np.sqrt(int(np.prod(shape[1:])))
    return 0.05 * drawn
