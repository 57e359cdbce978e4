"""Which size of RF-DETR-Seg a checkpoint is of.

What the file says of itself comes first, then the arguments of its training, then the user's word, then the shapes of
the tensors; they must agree. The windows of the backbone leave no trace in shapes, so that a nano fine-tuned at 384
looks like a small: when only shapes are left and sizes with other windows fit, nothing but the user can tell.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isqrt
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from blocks.instance_segmentation.checkpoint import Checkpoint
from blocks.instance_segmentation.names import CLASS_HEAD, POSITIONS, QUERY_TABLES
from blocks.instance_segmentation.variants import GROUPS, Variant, named, spoken
from workflow_engine.api import ModelError

if TYPE_CHECKING:
    from torch import Tensor

PATCHES = "model.model.backbone.backbone.embeddings.patch_embeddings.projection.weight"
DECODER_LAYER = "model.model.decoder.layers."

# Names that upstream's settings have used for what a variant calls otherwise.
_SETTINGS = {"num_windows": "windows", "dec_layers": "decoder_layers", "patch_size": "patch", "hidden_dim": "width"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shapes:
    """What the shapes of the tensors tell.

    Attributes:
        decoder_layers: Layers of the decoder.
        rows: Rows of the query tables, all groups together.
        grid: Cells along each side of the position grid.
        hidden: Width of the backbone.
        patch: Side of a patch in pixels.
        width: Width of the decoder.
        outputs: Class outputs per object.
    """

    decoder_layers: int
    rows: int
    grid: int
    hidden: int
    patch: int
    width: int
    outputs: int


@dataclass(frozen=True, slots=True)
class Identity:
    """The size of a checkpoint, and the side in pixels of the square that it was trained for."""

    variant: Variant
    resolution: int


def shapes(state: Mapping[str, Tensor], *, where: str) -> Shapes:
    """Read the shapes of a module state; ``where`` names the checkpoint in errors.

    Raises:
        ModelError: If the tensors that every RF-DETR-Seg has are not there.
    """
    needed = {PATCHES: 4, POSITIONS: 3, QUERY_TABLES[1]: 2, CLASS_HEAD: 2}
    absent = [name for name, rank in needed.items() if name not in state or state[name].ndim != rank]
    if absent:
        message = f"{where} holds no RF-DETR-Seg: it lacks {', '.join(absent)}."
        raise ModelError("model_keys", message)
    if not any(name.startswith("blocks.") for name in state):
        message = f"{where} is an RF-DETR detection model: it has no segmentation head."
        raise ModelError("model_keys", message, hint="Use a checkpoint of an RF-DETR-Seg model.")
    layers = {int(name[len(DECODER_LAYER) :].split(".")[0]) for name in state if name.startswith(DECODER_LAYER)}
    return Shapes(
        decoder_layers=max(layers, default=-1) + 1,
        rows=len(state[QUERY_TABLES[1]]),
        grid=isqrt(state[POSITIONS].shape[1] - 1),
        hidden=state[PATCHES].shape[0],
        patch=state[PATCHES].shape[-1],
        width=state[QUERY_TABLES[1]].shape[1],
        outputs=len(state[CLASS_HEAD]),
    )


def identify(checkpoint: Checkpoint, found: Shapes, *, model_type: str | None, variants: Sequence[Variant]) -> Identity:
    """Decide which of ``variants`` a checkpoint with these shapes is, and at which resolution.

    Raises:
        ModelError: If the sources disagree, none fits, or more than one is left.
    """
    where = str(checkpoint.path)
    left = tuple(variants)
    heard: list[_Claim] = []
    for claim in (_shape_claim(found, variants), *_claims(checkpoint, model_type, variants)):
        if not set(claim.variants) & set(left):
            raise ModelError("model_size", f"{where} does not fit: {_against(claim, heard)}.", hint=_hint(left))
        left = tuple(variant for variant in left if variant in claim.variants)
        heard.append(claim)
    resolution = _resolution(checkpoint) or found.grid * found.patch
    return Identity(_only(left, found, resolution, where), resolution)


@dataclass(frozen=True, slots=True)
class _Claim:
    """What one source says: ``said`` is a clause of a sentence, ``variants`` are those that it allows."""

    said: str
    variants: tuple[Variant, ...]


def _shape_claim(found: Shapes, variants: Sequence[Variant]) -> _Claim:
    said = (
        f"its weights have {found.decoder_layers} decoder layers of width {found.width} and a backbone of width "
        f"{found.hidden} with patches of {found.patch}"
    )
    members = ("decoder_layers", "hidden", "patch", "width")
    fitting = (v for v in variants if all(getattr(v, name) == getattr(found, name) for name in members))
    return _Claim(said, tuple(fitting))


def _claims(checkpoint: Checkpoint, model_type: str | None, variants: Sequence[Variant]) -> Iterator[_Claim]:
    for source, settings in (("its metadata", checkpoint.metadata), ("its training arguments", checkpoint.args)):
        for member in ("model_name", "pretrain_weights"):
            word = settings.get(member)
            variant = spoken(PurePath(word).name, variants) if isinstance(word, str) else None
            if variant is not None:
                yield _Claim(f"{source} name {variant.id}", (variant,))
        for theirs, ours in _SETTINGS.items():
            value = settings.get(theirs)
            if isinstance(value, int):
                fitting = tuple(variant for variant in variants if getattr(variant, ours) == value)
                yield _Claim(f"{source} have {theirs} = {value}", fitting)
    if model_type is not None:
        variant = named(model_type, variants)
        yield _Claim(f"the size given is {variant.id}", (variant,))


def _against(claim: _Claim, heard: Sequence[_Claim]) -> str:
    """Return the clause that says what ``claim`` is at odds with."""
    if not heard or not claim.variants:
        return f"{claim.said}, which no published size has"
    rivals = [other.said for other in heard if not set(other.variants) & set(claim.variants)]
    return f"{claim.said}, but {rivals[0] if rivals else ' and '.join(other.said for other in heard)}"


def _hint(left: Sequence[Variant]) -> str:
    return f"What else is known fits {_list(left)}." if left else ""


def _list(variants: Iterable[Variant]) -> str:
    return " or ".join(variant.id for variant in variants)


def _resolution(checkpoint: Checkpoint) -> int | None:
    for settings in (checkpoint.metadata, checkpoint.args):
        value: Any = settings.get("resolution")
        if isinstance(value, int) and value > 0:
            return value
    return None


def _only(left: Sequence[Variant], found: Shapes, resolution: int, where: str) -> Variant:
    """Return the one variant that is left, telling those of the same windows apart by queries and resolution."""
    same = [variant for variant in left if variant.queries * GROUPS == found.rows] or list(left)
    exact = [variant for variant in same if variant.resolution == resolution]
    if len(same) > 1 and len({variant.windows for variant in same}) == 1 and len(exact) == 1:
        same = exact
    if len(same) > 1:
        message = f"{where} may be {_list(same)}: nothing in it tells which."
        raise ModelError("model_size", message, hint="Pass the size (--size, or model_type in Python).")
    return same[0]
