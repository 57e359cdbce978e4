"""Which size a checkpoint is of, from what the file says, what the user says, and shapes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from blocks.instance_segmentation.checkpoint import Checkpoint
from blocks.instance_segmentation.identify import Shapes, identify
from blocks.instance_segmentation.variants import VARIANTS, named
from workflow_engine.api import ModelError


def claimed(
    layers: int,
    rows: int,
    side: int,
    *,
    model_type: str | None = None,
    metadata: dict[str, Any] | None = None,
    args: dict[str, Any] | None = None,
) -> tuple[str, int]:
    """Return the size and resolution that a checkpoint with these shapes and settings is taken for."""
    found = Shapes(decoder_layers=layers, rows=rows, grid=side // 12, hidden=384, patch=12, width=256, outputs=91)
    checkpoint = Checkpoint(path=Path("mine.pth"), state={}, metadata=metadata or {}, args=args or {})
    identity = identify(checkpoint, found, model_type=model_type, variants=VARIANTS)
    return identity.variant.name, identity.resolution


@pytest.mark.parametrize(
    "settings",
    [
        {"metadata": {"model_name": "RFDETRSegSmall"}},
        {"metadata": {"model_name": "rfdetr-seg-small"}},
        {"metadata": {"num_windows": 2}},
        {"args": {"num_windows": 2}},
        {"args": {"pretrain_weights": "/home/me/rf-detr-seg-small.pt"}},
        {"model_type": "small"},
        {"model_type": "rfdetr-seg-small"},
        {"model_type": "RFDETRSegSmall"},
    ],
)
def test_any_word_on_the_windows_is_enough(settings: dict[str, Any]) -> None:
    assert claimed(4, 1300, 384, **settings) == ("small", 384)


@pytest.mark.parametrize("side", [312, 384, 432])
@pytest.mark.parametrize("settings", [{}, {"args": {"resolution": 384}}, {"args": {"num_classes": 3}}])
def test_nano_and_small_cannot_be_told_apart_by_shapes(side: int, settings: dict[str, Any]) -> None:
    with pytest.raises(ModelError, match=r"may be rfdetr-seg-nano or rfdetr-seg-small.*Pass the size"):
        claimed(4, 1300, side, **settings)


def test_sizes_with_the_same_windows_are_told_apart_by_queries_and_resolution() -> None:
    assert claimed(4, 2600, 432) == ("preview", 432)
    assert claimed(5, 2600, 432) == ("medium", 432)
    assert claimed(5, 2600, 504) == ("large", 504)
    assert claimed(5, 3900, 504) == ("large", 504)
    assert claimed(6, 3900, 624) == ("xlarge", 624)
    assert claimed(6, 3900, 768) == ("2xlarge", 768)
    with pytest.raises(ModelError, match="may be rfdetr-seg-medium or rfdetr-seg-large"):
        claimed(5, 2600, 480)


def test_the_resolution_of_the_training_wins_over_the_position_grid() -> None:
    assert claimed(4, 1300, 312, model_type="nano", args={"resolution": 384}) == ("nano", 384)
    assert claimed(4, 1300, 312, model_type="nano", metadata={"resolution": 360}, args={"resolution": 384})[1] == 360
    assert claimed(4, 1300, 384, model_type="nano") == ("nano", 384)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"model_type": "medium"}, "the size given is rfdetr-seg-medium, but its weights have 4 decoder layers"),
        (
            {"model_type": "small", "metadata": {"model_name": "RFDETRSegNano"}},
            "the size given is rfdetr-seg-small, but its metadata name rfdetr-seg-nano",
        ),
        (
            {"args": {"num_windows": 2}, "metadata": {"model_name": "RFDETRSegNano"}},
            "its training arguments have num_windows = 2, but its metadata name rfdetr-seg-nano",
        ),
        ({"args": {"num_windows": 4}}, "num_windows = 4, which no published size has"),
        (
            {"args": {"dec_layers": 6}},
            "its training arguments have dec_layers = 6, but its weights have 4 decoder layers",
        ),
    ],
)
def test_sources_must_agree(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ModelError, match=said):
        claimed(4, 1300, 312, **settings)


def test_weights_of_no_published_size_are_described() -> None:
    with pytest.raises(ModelError, match=r"its weights have 3 decoder layers of width 256.*no published size"):
        claimed(3, 1300, 312)


def test_an_unknown_size_gets_the_nearest() -> None:
    with pytest.raises(ModelError, match=r"'meduim' is no size.*Did you mean 'medium'"):
        named("meduim", VARIANTS)


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_every_spelling_of_a_size_is_understood(variant: Any) -> None:
    for word in (variant.name, variant.id, *variant.aliases, variant.id.upper(), variant.file):
        assert named(word, VARIANTS) is variant
    assert variant.resolution % variant.step == 0


def test_the_largest_has_both_spellings() -> None:
    assert named("rfdetr-seg-xxlarge", VARIANTS) is named("rfdetr-seg-2xlarge", VARIANTS)
