"""The demo model's network: RF-DETR-Seg, small enough to be trained on one processor core."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .renderer import CLASS_NAMES

if TYPE_CHECKING:
    from transformers import RfDetrConfig

RESOLUTION = 288
"""Side in pixels of the square that the model sees."""

QUERIES = 32


def fastener_config() -> RfDetrConfig:
    """The configuration of the demo model.

    It has one logit more than classes, as every fine-tuned RF-DETR-Seg has; that slot stays silent.
    """
    from transformers import RfDetrConfig

    width = 96
    backbone = {
        "model_type": "rf_detr_dinov2",
        "hidden_size": width,
        "num_hidden_layers": 6,
        "num_attention_heads": 4,
        "image_size": RESOLUTION,
        "patch_size": 12,
        "num_windows": 1,
        "out_indices": [2, 4, 6],
        "use_mask_token": False,
    }
    return RfDetrConfig(
        backbone_config=backbone,
        d_model=width,
        decoder_layers=2,
        decoder_ffn_dim=4 * width,
        intermediate_size=4 * width,
        decoder_self_attention_heads=4,
        decoder_cross_attention_heads=6,
        decoder_n_points=4,
        num_queries=QUERIES,
        group_detr=4,
        dropout=0.0,
        class_loss_coefficient=2,
        id2label=dict(enumerate((*CLASS_NAMES, "background"))),
    )
