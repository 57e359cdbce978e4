"""Checkpoints of upstream's form for networks small enough to build in milliseconds.

Names and structure are those of upstream's nano and medium (``tests/conformance/golden_rfdetr/keys``); only the widths
are shrunk, so that nothing here repeats the renaming that is under test.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch
from torch import Tensor

from blocks.instance_segmentation.family import RfDetrSegFamily
from blocks.instance_segmentation.variants import GROUPS, Variant
from tests.conformance.golden_rfdetr.make_weights import tensor_for

KEYS = Path(__file__).parents[2] / "conformance" / "golden_rfdetr" / "keys"
QUERIES = 6
# Widths of the published networks and what stands for them here.
SHRUNK = {384: 40, 1536: 160, 256: 32, 768: 96, 512: 64, 128: 16, 640: 80, 2048: 72, 1024: 48}


def _variant(name: str, spelled: str, *, resolution: int, windows: int, decoder_layers: int) -> Variant:
    return Variant(
        name=name,
        spelled=spelled,
        resolution=resolution,
        windows=windows,
        decoder_layers=decoder_layers,
        queries=QUERIES,
        file=f"rf-detr-seg-{name}.pt",
        remote=f"{name}.pth",
        md5="0" * 32,
        hidden=40,
        heads=2,
        width=32,
        feed_forward=72,
        mask_feed_forward=48,
    )


NANO = _variant("nano", "Nano", resolution=48, windows=1, decoder_layers=4)
SMALL = _variant("small", "Small", resolution=72, windows=2, decoder_layers=4)
MEDIUM = _variant("medium", "Medium", resolution=72, windows=2, decoder_layers=5)
LARGE = _variant("large", "Large", resolution=96, windows=2, decoder_layers=5)
FAMILY = RfDetrSegFamily((NANO, SMALL, MEDIUM, LARGE))


def state_dict(
    variant: Variant, *, outputs: int = 4, side: int | None = None, queries: int = QUERIES
) -> dict[str, Tensor]:
    """Return deterministic weights of a variant under upstream's names, for ``outputs`` classes with background."""
    source = {4: "nano", 5: "medium"}[variant.decoder_layers]
    spec = json.loads((KEYS / f"{source}.json").read_text())
    grid = (side or variant.resolution) // variant.patch
    special = {91: outputs, 677: grid**2 + 1, 1297: grid**2 + 1, 1300: queries * GROUPS, 2600: queries * GROUPS}
    shapes = {name: tuple(special.get(n, SHRUNK.get(n, n)) for n in shape) for name, shape in spec["keys"]}
    return {name: torch.from_numpy(tensor_for(name, shape, spec["salt"])) for name, shape in shapes.items()}
