"""The members of a ``config.json`` that describe how a network is built, and nothing else.

A file from elsewhere may name code to fetch or an attention kernel to load; only these members are ever read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from workflow_engine.api import ModelError

if TYPE_CHECKING:
    from transformers.models.rf_detr.modeling_rf_detr import RfDetrForInstanceSegmentation

_NETWORK = frozenset(
    [
        "num_labels",
        "num_queries",
        "group_detr",
        "d_model",
        "decoder_layers",
        "decoder_n_points",
        "decoder_self_attention_heads",
        "decoder_cross_attention_heads",
        "decoder_ffn_dim",
        "decoder_activation_function",
        "activation_function",
        "hidden_expansion",
        "c2f_num_blocks",
        "attention_bias",
        "layer_norm_eps",
        "num_feature_levels",
        "mask_downsample_ratio",
        "intermediate_size",
        "segmentation_head_activation_function",
    ]
)
_BACKBONE = frozenset(
    [
        "hidden_size",
        "num_hidden_layers",
        "num_attention_heads",
        "mlp_ratio",
        "hidden_act",
        "layer_norm_eps",
        "image_size",
        "patch_size",
        "num_channels",
        "qkv_bias",
        "use_swiglu_ffn",
        "out_features",
        "apply_layernorm",
        "use_mask_token",
        "num_windows",
    ]
)


def members(config: Mapping[str, Any], *, where: str) -> dict[str, Any]:
    """Return the members of ``config`` that matter, as a ``config.json`` of their own.

    Raises:
        ModelError: If it describes no RF-DETR network.
    """
    backbone = config.get("backbone_config")
    if config.get("model_type") != "rf_detr" or not isinstance(backbone, Mapping):
        message = f"{where} describes no RF-DETR-Seg network: model_type must be 'rf_detr', with a backbone_config."
        raise ModelError("model_config", message)
    return {
        "architectures": ["RfDetrForInstanceSegmentation"],
        "model_type": "rf_detr",
        **{name: value for name, value in config.items() if name in _NETWORK},
        "backbone_config": {
            "model_type": "rf_detr_dinov2",
            **{name: value for name, value in backbone.items() if name in _BACKBONE},
        },
    }


def built(config: Mapping[str, Any], *, where: str) -> RfDetrForInstanceSegmentation:
    """Return the modules that the members of ``config`` describe, without memory for their weights.

    Raises:
        ModelError: If no network can be built from them.
    """
    import torch
    from transformers.models.rf_detr.configuration_rf_detr import RfDetrConfig
    from transformers.models.rf_detr.modeling_rf_detr import RfDetrForInstanceSegmentation

    try:
        with torch.device("meta"):
            return RfDetrForInstanceSegmentation(RfDetrConfig.from_dict(dict(config)))
    # transformers reports a bad member by errors of many types.
    except Exception as error:
        message = f"No network can be built from {where}: {str(error).strip() or type(error).__name__}."
        raise ModelError("model_config", message) from error
