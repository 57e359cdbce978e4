"""The network: transformers' RF-DETR-Seg modules, driven by a forward pass that computes only what inference needs.

Against ``RfDetrForInstanceSegmentation.forward`` it leaves out the masks of the encoder's proposals and of all decoder
layers but the last, the boxes of proposals that are not chosen, and the masks of objects that are not kept: ``detect``
gives classes and boxes, ``mask_queries`` and ``mask_features`` what a mask is the product of.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn.functional import conv2d, interpolate

from blocks.instance_segmentation.backends.interface import Facts

if TYPE_CHECKING:
    from transformers.models.rf_detr.modeling_rf_detr import RfDetrForInstanceSegmentation

# Side of the box that each cell of the feature map proposes, and how near the border its centre may lie: upstream's.
PROPOSAL_SIDE = 0.05
BORDER = 0.01


@dataclass(frozen=True, slots=True, eq=False)
class Detected:
    """What the decoder found in a batch of N images, with Q queries each.

    Attributes:
        logits: Of each class, (N, Q, classes).
        boxes: Centre, width and height as fractions of the image, (N, Q, 4).
        queries: The decoder's last state, from which masks are made, (N, Q, d).
        features: Feature map of the backbone, (N, d, h, w).
    """

    logits: Tensor
    boxes: Tensor
    queries: Tensor
    features: Tensor


class Network:
    """RF-DETR-Seg ready for inference; safe to use from several threads.

    Attributes:
        modules: What it is made of.
        side: Side in pixels of the square input.
        queries: Objects looked for in one image.
        device: Where it runs.
    """

    def __init__(self, modules: RfDetrForInstanceSegmentation, *, device: str) -> None:
        """Take over modules that have their weights."""
        # What transformers' modules return has no types.
        self.modules: Any = modules
        self._heads: Any = self.modules.model
        self._core: Any = self._heads.model
        self.modules.train(mode=False).requires_grad_(False).to(device)
        self.side = int(self._core.config.backbone_config.image_size)
        self.queries = int(self._core.config.num_queries)
        self.device = torch.device(device)
        self._proposals, self._outside = self._grid()

    @property
    def facts(self) -> Facts:
        """What there is to know of it."""
        weights = self.modules.parameters()
        return Facts(
            side=self.side,
            outputs=int(self._core.config.num_labels),
            nbytes=sum(tensor.numel() * tensor.element_size() for tensor in weights),
        )

    def _grid(self) -> tuple[Tensor, Tensor]:
        """Return the box that each cell of the map proposes, (1, cells, 4), and which lie too near the border."""
        cells = self.side // int(self._core.config.backbone_config.patch_size)
        centres = (torch.arange(cells, dtype=torch.float32) + 0.5) / cells
        y, x = torch.meshgrid(centres, centres, indexing="ij")
        side = torch.full_like(x, PROPOSAL_SIDE)
        boxes = torch.stack([x, y, side, side], dim=-1).view(1, -1, 4)
        outside = ~((boxes > BORDER) & (boxes < 1 - BORDER)).all(dim=-1, keepdim=True)
        return boxes.masked_fill(outside, 0).to(self.device), outside.to(self.device)

    def detect(self, pixels: Tensor) -> Detected:
        """Find objects in a normalised (N, 3, side, side) batch on the network's device."""
        features = self._core.backbone.projector(self._stages(pixels))
        tokens = features.flatten(2).transpose(1, 2)
        references = self._references(tokens)
        queries = self._decode(tokens, references, features.shape[-2:])
        logits, boxes = self._heads.predict_class_and_boxes(queries, references)
        return Detected(logits.float(), boxes.float(), queries, features)

    def _stages(self, pixels: Tensor) -> list[Tensor]:
        """Return the backbone's feature maps that the projector reads, each (N, hidden, h, w)."""
        backbone = self._core.backbone.backbone
        height, width = (length // backbone.config.patch_size for length in pixels.shape[-2:])
        tokens = backbone.embeddings(pixels)
        maps = []
        for stage, layer in zip(backbone.stage_names[1:], backbone.encoder.layer, strict=True):
            tokens = layer(tokens)
            if stage in backbone.out_features:
                cells = backbone.layernorm(tokens)[:, 1:]
                if backbone.config.num_windows > 1:
                    cells = backbone.window_unpartition(cells, *pixels.shape[-2:])
                maps.append(cells.reshape(len(pixels), height, width, -1).permute(0, 3, 1, 2).contiguous())
        return maps

    def _references(self, tokens: Tensor) -> Tensor:
        """Return the boxes from which the decoder starts, (N, Q, 4): the best proposals, moved as learnt."""
        core = self._core
        states = core.enc_output_norm[0](core.enc_output[0](tokens.masked_fill(self._outside, 0)))
        scores = core.enc_out_class_embed[0](states).amax(dim=-1).masked_fill(self._outside[..., 0], float("-inf"))
        best = scores.topk(self.queries, dim=1).indices[..., None]
        offsets = core.enc_out_bbox_embed[0](states.gather(1, best.expand(-1, -1, states.shape[-1])))
        chosen = self._proposals.expand(len(tokens), -1, -1).gather(1, best.expand(-1, -1, 4))
        return _moved(_moved(chosen, offsets), core.reference_point_embed.weight)

    def _decode(self, tokens: Tensor, references: Tensor, size: torch.Size) -> Tensor:
        """Return the state of each query after the last decoder layer, (N, Q, d)."""
        decoder = self._core.decoder
        whole = tokens.new_ones((len(tokens), 1, 2), dtype=torch.float32)
        points, positions = decoder.get_reference(references, whole)
        states = self._core.query_feat.weight.expand(len(tokens), -1, -1)
        for layer in decoder.layers:
            states = layer(
                states,
                encoder_hidden_states=tokens,
                position_embeddings=positions,
                reference_points=points,
                spatial_shapes_list=[tuple(size)],
            )
        result: Tensor = decoder.layernorm(states)
        return result

    def mask_features(self, features: Tensor) -> Tensor:
        """Return feature maps, (N, d, h, w), as maps at mask resolution to multiply with queries, (N, d, m, m)."""
        head = self.modules
        side = self.side // head.downsample_ratio
        maps = interpolate(features, size=(side, side), mode="bilinear", align_corners=False)
        for block in head.blocks:
            maps = _refined(maps, block)
        return maps

    def mask_queries(self, queries: Tensor) -> Tensor:
        """Return the decoder's states as what mask maps are multiplied with: d weights and a constant, (N, Q, d + 1).

        The last projection of the maps is linear, so it is done here, for a hundred queries in place of all pixels.
        """
        head = self.modules
        states = head.query_features_proj(head.query_features_block(queries))
        projection = head.spatial_features_proj
        weights = states @ projection.weight[:, :, 0, 0]
        constants = states @ projection.bias[:, None] + head.segmentation_bias
        return torch.cat([weights, constants], dim=-1)


def _refined(maps: Tensor, block: Any) -> Tensor:
    """Return what a block of the mask head makes of maps, (N, d, m, m).

    Unlike the block's own ``forward`` it leaves the channels where they are, which saves two transpositions, and lets
    the scale and shift of the norm be part of the linear layer: two thirds of the time in OpenVINO, equal to rounding.
    """
    centred = block.depthwise_conv(maps)
    centred = centred - centred.mean(dim=1, keepdim=True)
    norm, linear = block.layernorm, block.pointwise_conv
    normed = centred * torch.rsqrt(centred.square().mean(dim=1, keepdim=True) + norm.eps)
    weight, bias = linear.weight * norm.weight, linear.bias + linear.weight @ norm.bias
    refined: Tensor = block.act(conv2d(normed, weight[:, :, None, None], bias)) + maps
    return refined


def _moved(boxes: Tensor, offsets: Tensor) -> Tensor:
    """Return boxes, (..., 4) as centre and size, moved and scaled by offsets relative to their size."""
    centres = offsets[..., :2] * boxes[..., 2:] + boxes[..., :2]
    return torch.cat([centres, offsets[..., 2:].exp() * boxes[..., 2:]], dim=-1)
