"""Turn a user's checkpoint into what is kept: ``model.safetensors``, ``config.json``, and the class contract."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from blocks.instance_segmentation import checkpoint, labels
from blocks.instance_segmentation.architecture import built, members
from blocks.instance_segmentation.checkpoint import Checkpoint
from blocks.instance_segmentation.identify import Identity, Shapes, identify, shapes
from blocks.instance_segmentation.names import for_inference, to_modules
from blocks.instance_segmentation.variants import GROUPS, Variant, named
from workflow_engine.api import Contract, Labels, ModelError, Published

if TYPE_CHECKING:
    from torch import Tensor

FAMILY_NAME = "rf-detr-seg"
SHOWN = 6
# What a config.json means that does not say how many objects to look for.
HUGGING_FACE_QUERIES = 300


@dataclass(frozen=True, slots=True)
class _Plan:
    """How a checkpoint is built, how many of its queries are kept, and what its outputs mean."""

    config: Mapping[str, Any]
    queries: int
    contract: Contract


def convert(
    source: Path,
    target: Path,
    *,
    model_type: str | None,
    given: Labels | None,
    published: Published | None,
    variants: Sequence[Variant],
) -> Contract:
    """Read ``source``, check it against its architecture, and write what inference needs into the folder ``target``.

    Raises:
        ModelError: If the file is unsafe, does not fit the size it is said to be, or leaves its classes open.
    """
    read = checkpoint.read(source)
    state = to_modules(read.state)
    found = shapes(state, where=str(source))
    if read.config is None:
        plan = _plan_of_size(read, found, model_type=model_type, given=given, published=published, variants=variants)
    else:
        plan = _plan_of_folder(read, read.config, found, given)
    check(state, plan.config, where=str(source))
    config = {**plan.config, "group_detr": 1, "num_queries": plan.queries}
    _write(target, config, for_inference(state, queries=plan.queries))
    return plan.contract


def _plan_of_size(
    read: Checkpoint,
    found: Shapes,
    *,
    model_type: str | None,
    given: Labels | None,
    published: Published | None,
    variants: Sequence[Variant],
) -> _Plan:
    where = str(read.path)
    if published is None:
        identity = identify(read, found, model_type=model_type, variants=variants)
    else:
        identity = _as_published(published, model_type, variants, where=where)
    variant = identity.variant
    if found.rows % GROUPS:
        raise ModelError("model_keys", f"{where} has {found.rows} rows of queries, which do not make {GROUPS} groups.")
    if identity.resolution % variant.step:
        message = f"{where} is for {identity.resolution} px, but {variant.id} takes multiples of {variant.step}."
        raise ModelError("model_size", message)
    rows = found.rows // GROUPS
    config = variant.config(resolution=found.grid * found.patch, queries=rows, logits=found.outputs, groups=GROUPS)
    queries = rows if published is None else min(variant.queries, rows)
    if published is not None and given is None:
        return _Plan(config, queries, published.contract)
    classes = labels.settle(given, read.class_names, outputs=found.outputs, background=True, where=where)
    contract = Contract(
        family=FAMILY_NAME,
        classes=classes.names,
        id_space=classes.id_space,
        resolution=identity.resolution,
        variant=variant.id,
        source=read.path.name,
    )
    return _Plan(config, queries, contract)


def _as_published(published: Published, model_type: str | None, variants: Sequence[Variant], *, where: str) -> Identity:
    """Take the publisher's word, which the checksum proves, over what the file says of itself."""
    variant = named(published.id, variants)
    if model_type is not None and named(model_type, variants) is not variant:
        message = f"{where} is {variant.id} as it was published, and not {named(model_type, variants).id}."
        raise ModelError("model_size", message)
    return Identity(variant, published.contract.resolution)


def _plan_of_folder(read: Checkpoint, config: Mapping[str, Any], found: Shapes, given: Labels | None) -> _Plan:
    """Plan for a Hugging Face folder, which says itself how it is built."""
    where = str(read.path)
    defaults = {"group_detr": GROUPS, "num_queries": HUGGING_FACE_QUERIES}
    own = members({**defaults, **config, "num_labels": found.outputs}, where=str(read.path / "config.json"))
    carried = labels.from_config(config)
    classes = labels.settle(given, carried, outputs=found.outputs, background=False, where=where)
    contract = Contract(
        family=FAMILY_NAME,
        classes=classes.names,
        id_space=classes.id_space,
        resolution=found.grid * found.patch,
        source=read.path.name,
    )
    return _Plan(own, own["num_queries"], contract)


def check(state: Mapping[str, Tensor], config: Mapping[str, Any], *, where: str) -> None:
    """Compare a module state with what ``config`` expects, tensor by tensor.

    Raises:
        ModelError: Listing the tensors that are missing, unexpected, of another shape, or no finite numbers.
    """
    expected = {name: tuple(tensor.shape) for name, tensor in built(config, where=where).state_dict().items()}
    faults = {
        "missing": [name for name in expected if name not in state],
        "unexpected": [name for name in state if name not in expected],
        "of another shape": [
            f"{name} ({_by(state[name].shape)}, not {_by(shape)})"
            for name, shape in expected.items()
            if name in state and tuple(state[name].shape) != shape
        ],
        "not plain finite numbers": [name for name, tensor in state.items() if not _is_plain(tensor)],
    }
    listed = [
        f"{len(names)} {what}: {', '.join(names[:SHOWN])}{', …' if len(names) > SHOWN else ''}"
        for what, names in faults.items()
        if names
    ]
    if listed:
        raise ModelError("model_keys", f"The tensors of {where} do not fit its architecture; {'; '.join(listed)}.")


def _by(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape))


def _is_plain(tensor: Tensor) -> bool:
    import torch

    return tensor.layout is torch.strided and tensor.is_floating_point() and bool(torch.isfinite(tensor).all())


def _write(target: Path, config: Mapping[str, Any], state: Mapping[str, Tensor]) -> None:
    import torch
    from safetensors.torch import save_file

    plain = {name: tensor.detach().to(torch.float32).contiguous().clone() for name, tensor in state.items()}
    save_file(plain, target / "model.safetensors", metadata={"format": "pt"})
    (target / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
