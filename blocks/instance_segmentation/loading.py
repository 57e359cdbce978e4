"""Build the network of a kept model in torch, at the resolution that is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil, isqrt, sqrt
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from blocks.instance_segmentation import checkpoint
from blocks.instance_segmentation.architecture import built, members
from blocks.instance_segmentation.names import CLASS_HEAD, POSITIONS, for_inference, to_modules
from blocks.instance_segmentation.network import Network
from blocks.instance_segmentation.preprocess import RESIZERS
from workflow_engine.api import Contract, ModelError


def network(folder: Path, contract: Contract, *, device: str, resolution: int | None) -> Network:
    """Return the network of the model in ``folder`` on ``device`` (``cpu`` or ``cuda``).

    Raises:
        ModelError: If the files do not fit each other, or patches and windows do not fill the resolution.
    """
    where = str(folder / "config.json")
    read = checkpoint.read(folder)
    config = members(read.config or {}, where=where)
    backbone = config["backbone_config"]
    if contract.resize not in RESIZERS:
        message = f"The contract of this model says resize {contract.resize!r}; known are {', '.join(RESIZERS)}."
        raise ModelError("model_contract", message, whose="operator")
    side = contract.resolution if resolution is None else resolution
    check_resolution(side, config)
    state = for_inference(to_modules(read.state), queries=int(config["num_queries"]))
    try:
        # A folder as transformers writes it does not say in so many words how many outputs there are.
        config |= {"num_labels": len(state[CLASS_HEAD]), "group_detr": 1}
        state[POSITIONS] = resized_positions(state[POSITIONS].float(), side // int(backbone["patch_size"]))
        modules = built({**config, "backbone_config": {**backbone, "image_size": side}}, where=where)
        modules.load_state_dict({name: tensor.float() for name, tensor in state.items()}, assign=True)
    except (RuntimeError, KeyError) as error:
        message = f"The weights of this model do not fit its config.json: {error}."
        raise ModelError("model_keys", message, hint="Add the model again.", whose="operator") from error
    return Network(modules, device=device)


def check_resolution(side: int, config: Mapping[str, Any]) -> None:
    """Refuse a resolution that patches and windows do not fill, or that has fewer cells than there are queries.

    Raises:
        ModelError: Naming the nearest that suits.
    """
    patch = int(config["backbone_config"]["patch_size"])
    step = patch * int(config["backbone_config"]["num_windows"])
    least = ceil(sqrt(int(config["num_queries"])) * patch / step) * step
    if side % step or side < least:
        message = f"The resolution {side} does not suit this model: it takes multiples of {step} from {least} on."
        raise ModelError("model_resolution", message, hint=f"Use {max(least, round(side / step) * step)}.")


def resized_positions(positions: Tensor, cells: int) -> Tensor:
    """Return position embeddings, (1, 1 + n², d), for a grid of ``cells`` by ``cells``.

    The first row, of the class token, stays; the grid is resized bicubically with antialias, as upstream does.
    """
    side = isqrt(positions.shape[1] - 1)
    if side == cells:
        return positions
    grid = positions[:, 1:].reshape(1, side, side, -1).permute(0, 3, 1, 2)
    grid = interpolate(grid, size=(cells, cells), mode="bicubic", align_corners=False, antialias=True)
    return torch.cat([positions[:, :1], grid.flatten(2).transpose(1, 2)], dim=1)
