"""The weights of a checkpoint, under the names and in the form that the network's modules have.

Upstream and transformers arrange the same tensors differently. A checkpoint also holds what only training needs: all
groups of queries but the first, and the encoder heads of those groups.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

# A buffer of upstream's that carries no weights.
IGNORED = frozenset({"_kp_active_mask"})

QUERY_TABLES = ("model.model.reference_point_embed.weight", "model.model.query_feat.weight")
CLASS_HEAD = "model.class_embed.weight"
POSITIONS = "model.model.backbone.backbone.embeddings.position_embeddings"

_GROUP = re.compile(r"model\.model\.enc_out(?:put|put_norm|_bbox_embed|_class_embed)\.(\d+)\.")

_BACKBONE = (
    (r"^backbone\.0\.encoder\.encoder\.", "model.model.backbone.backbone."),
    (r"\.attention\.attention\.query\.", ".attention.q_proj."),
    (r"\.attention\.attention\.key\.", ".attention.k_proj."),
    (r"\.attention\.attention\.value\.", ".attention.v_proj."),
    (r"\.attention\.output\.dense\.", ".attention.o_proj."),
)
_PROJECTOR = (
    (r"^backbone\.0\.projector\.stages\.0\.1\.", "model.model.backbone.projector.layer_norm."),
    (r"^backbone\.0\.projector\.stages\.0\.0\.m\.", "model.model.backbone.projector.projector_layer.bottlenecks."),
    (r"^backbone\.0\.projector\.stages\.0\.0\.", "model.model.backbone.projector.projector_layer."),
    (r"(projector_layer\..*)\bcv(\d)\.bn\.", r"\1conv\2.norm."),
    (r"(projector_layer\..*)\bcv(\d)\.conv\.", r"\1conv\2.conv."),
)
_DECODER = (
    (r"^transformer\.(?=decoder\.|enc_out)", "model.model."),
    (r"\.self_attn\.out_proj\.", ".self_attn.o_proj."),
    (r"(decoder\.layers\.\d+)\.norm1\.", r"\1.self_attn_layer_norm."),
    (r"(decoder\.layers\.\d+)\.norm2\.", r"\1.cross_attn_layer_norm."),
    (r"(decoder\.layers\.\d+)\.norm3\.", r"\1.layer_norm."),
    (r"(decoder\.layers\.\d+)\.linear(\d)\.", r"\1.mlp.fc\2."),
    (r"decoder\.norm\.", "decoder.layernorm."),
)
_HEADS = (
    (r"^refpoint_embed\.", "model.model.reference_point_embed."),
    (r"^query_feat\.", "model.model.query_feat."),
    (r"^(class_embed|bbox_embed)\.", r"model.\1."),
    (r"^segmentation_head\.bias$", "segmentation_bias"),
    (r"^segmentation_head\.", ""),
    (r"^(blocks\.\d+)\.dwconv\.", r"\1.depthwise_conv."),
    (r"^(blocks\.\d+)\.pwconv1\.", r"\1.pointwise_conv."),
    (r"^(blocks\.\d+)\.norm\.", r"\1.layernorm."),
    (r"^query_features_block\.norm_in\.", "query_features_block.norm."),
    (r"^query_features_block\.layers\.0\.", "query_features_block.mlp.fc1."),
    (r"^query_features_block\.layers\.2\.", "query_features_block.mlp.fc2."),
)
_RENAMINGS = tuple((re.compile(old), new) for old, new in (*_BACKBONE, *_PROJECTOR, *_DECODER, *_HEADS))


def to_modules(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return tensors under the names of transformers' modules, whichever of the two namings they came in."""
    if not any(name.startswith(("transformer.", "backbone.0.")) for name in state):
        return {name: tensor for name, tensor in state.items() if name not in IGNORED}
    return dict(pair for name, tensor in state.items() if name not in IGNORED for pair in _converted(name, tensor))


def _converted(name: str, tensor: Tensor) -> Iterator[tuple[str, Tensor]]:
    for old, new in _RENAMINGS:
        name = old.sub(new, name)
    # Upstream keeps the three projections of self-attention in one tensor.
    stem, separator, kind = name.partition(".in_proj_")
    if separator and len(tensor) % 3 == 0:
        yield from ((f"{stem}.{role}_proj.{kind}", part) for role, part in zip("qkv", tensor.chunk(3), strict=True))
    else:
        yield name, tensor


def for_inference(state: Mapping[str, Tensor], *, queries: int) -> dict[str, Tensor]:
    """Return of a module state what inference needs: the first group, and of that the first ``queries`` rows."""
    kept = {}
    for name, tensor in state.items():
        group = _GROUP.match(name)
        if group is None or group[1] == "0":
            kept[name] = tensor[:queries] if name in QUERY_TABLES else tensor
    return kept
