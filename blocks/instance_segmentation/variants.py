"""The published sizes of RF-DETR-Seg: how each is built, what it is called, and where its weights are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from workflow_engine.api import ModelError, nearest

GROUPS = 13
LICENSE = "Apache-2.0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One size.

    Attributes:
        name: The short name, such as ``nano``.
        spelled: The name in upstream's class, such as ``Nano`` in ``RFDETRSegNano``.
        resolution: Side of the square input in pixels.
        windows: Windows along each side, in which the backbone's attention is local; 1 for none.
        decoder_layers: Layers of the decoder.
        queries: Objects that the decoder looks for in one image.
        file: Name under which upstream keeps the weights.
        remote: Name of the weights at the base address.
        md5: Their checksum.
        project: Name and version of the ecosystem's project of it, which its client sends in the place of the id.
        facts: Published figures; ``t4_ms`` is of the TensorRT FP16 engine alone.
        hidden: Width of the backbone.
        layers: Layers of the backbone; features are taken after each quarter of them.
        heads: Attention heads of the backbone.
        patch: Side of a patch in pixels.
        width: Width of the decoder (``d_model``).
        feed_forward: Inner width of the decoder's layers.
        mask_feed_forward: Inner width of the mask head.
    """

    name: str
    spelled: str
    resolution: int
    windows: int
    decoder_layers: int
    queries: int
    file: str
    remote: str
    md5: str
    project: str | None = None
    facts: Mapping[str, float] = field(default_factory=dict, hash=False)
    hidden: int = 384
    layers: int = 12
    heads: int = 6
    patch: int = 12
    width: int = 256
    feed_forward: int = 2048
    mask_feed_forward: int = 1024

    @property
    def id(self) -> str:
        """The name to use in workflows."""
        return f"rfdetr-seg-{self.name}"

    @property
    def aliases(self) -> tuple[str, ...]:
        """Other names: upstream's class, the ecosystem's project, and its second spelling of the largest."""
        doubled = (self.id.replace("2x", "xx"),) if "2x" in self.name else ()
        project = (self.project,) if self.project else ()
        return (*doubled, f"RFDETRSeg{self.spelled}", *project)

    @property
    def step(self) -> int:
        """What a resolution must be a multiple of, so that patches fill windows."""
        return self.patch * self.windows

    def config(self, *, resolution: int, queries: int, logits: int, groups: int) -> dict[str, Any]:
        """Return the architecture as transformers' ``config.json`` has it."""
        stages = [f"stage{self.layers * quarter // 4}" for quarter in range(1, 5)]
        return {
            "architectures": ["RfDetrForInstanceSegmentation"],
            "model_type": "rf_detr",
            "num_labels": logits,
            "num_queries": queries,
            "group_detr": groups,
            "d_model": self.width,
            "decoder_layers": self.decoder_layers,
            "decoder_n_points": 2,
            "decoder_self_attention_heads": 8,
            "decoder_cross_attention_heads": 16,
            "decoder_ffn_dim": self.feed_forward,
            "intermediate_size": self.mask_feed_forward,
            "backbone_config": {
                "model_type": "rf_detr_dinov2",
                "hidden_size": self.hidden,
                "num_hidden_layers": self.layers,
                "num_attention_heads": self.heads,
                "patch_size": self.patch,
                "image_size": resolution,
                "num_windows": self.windows,
                "out_features": stages,
            },
        }


VARIANTS = (
    Variant(
        name="nano",
        spelled="Nano",
        resolution=312,
        windows=1,
        decoder_layers=4,
        queries=100,
        file="rf-detr-seg-nano.pt",
        remote="rf-detr-seg-n-ft.pth",
        md5="9995497791d0ff1664a1d9ddee9cfd20",
        project="coco-dataset-vdnr1/41",
        facts={"params_m": 33.6, "coco_mask_ap50": 63.0, "coco_mask_ap": 40.3, "t4_ms": 3.4},
    ),
    Variant(
        name="small",
        spelled="Small",
        resolution=384,
        windows=2,
        decoder_layers=4,
        queries=100,
        file="rf-detr-seg-small.pt",
        remote="rf-detr-seg-s-ft.pth",
        md5="0a2a3006381d0c42853907e700eadd08",
        project="coco-dataset-vdnr1/36",
        facts={"params_m": 33.7, "coco_mask_ap50": 66.2, "coco_mask_ap": 43.1, "t4_ms": 4.4},
    ),
    Variant(
        name="medium",
        spelled="Medium",
        resolution=432,
        windows=2,
        decoder_layers=5,
        queries=200,
        file="rf-detr-seg-medium.pt",
        remote="rf-detr-seg-m-ft.pth",
        md5="a49af1562c3719227ad43d0ca53b4c7a",
        project="coco-dataset-vdnr1/37",
        facts={"params_m": 35.7, "coco_mask_ap50": 68.4, "coco_mask_ap": 45.3, "t4_ms": 5.9},
    ),
    Variant(
        name="large",
        spelled="Large",
        resolution=504,
        windows=2,
        decoder_layers=5,
        queries=200,
        file="rf-detr-seg-large.pt",
        remote="rf-detr-seg-l-ft.pth",
        md5="275f7b094909544ed2841c94a677d07e",
        project="coco-dataset-vdnr1/38",
        facts={"params_m": 36.2, "coco_mask_ap50": 70.5, "coco_mask_ap": 47.1, "t4_ms": 8.8},
    ),
    Variant(
        name="xlarge",
        spelled="XLarge",
        resolution=624,
        windows=2,
        decoder_layers=6,
        queries=300,
        file="rf-detr-seg-xlarge.pt",
        remote="rf-detr-seg-xl-ft.pth",
        md5="3693b35d0eea86ebb3e0444f4a611fba",
        project="coco-dataset-vdnr1/39",
        facts={"params_m": 38.1, "coco_mask_ap50": 72.2, "coco_mask_ap": 48.8, "t4_ms": 13.5},
    ),
    Variant(
        name="2xlarge",
        spelled="2XLarge",
        resolution=768,
        windows=2,
        decoder_layers=6,
        queries=300,
        file="rf-detr-seg-xxlarge.pt",
        remote="rf-detr-seg-2xl-ft.pth",
        md5="040bc3412af840fa8a47e0ff69b552ba",
        project="coco-dataset-vdnr1/40",
        facts={"params_m": 38.6, "coco_mask_ap50": 73.1, "coco_mask_ap": 49.9, "t4_ms": 21.8},
    ),
    Variant(
        name="preview",
        spelled="Preview",
        resolution=432,
        windows=2,
        decoder_layers=4,
        queries=200,
        file="rf-detr-seg-preview.pt",
        remote="rf-detr-seg-preview.pt",
        md5="e35820c28fb86080558123e47a5e49ca",
        project="coco-dataset-vdnr1/26",
    ),
)


def spoken(word: str, variants: Iterable[Variant]) -> Variant | None:
    """Return the variant that ``word`` names, in any spelling: a short name, an id, upstream's class or file name."""
    for variant in variants:
        if word.lower() in {
            w.lower() for w in (variant.name, variant.id, *variant.aliases, variant.file, variant.remote)
        }:
            return variant
    return None


def named(word: str, variants: Iterable[Variant]) -> Variant:
    """Return the variant that the user's ``word`` names.

    Raises:
        ModelError: If it names none.
    """
    known = tuple(variants)
    found = spoken(word, known)
    if found is None:
        names = [variant.name for variant in known]
        hint = nearest(word, [*names, *(variant.id for variant in known)]) or f"The sizes are {', '.join(names)}."
        raise ModelError("model_size", f"{word!r} is no size of RF-DETR-Seg.", hint=hint)
    return found
