"""Tones are spread, and stay in their order."""

from __future__ import annotations

import numpy as np
import pytest

from tests.blocks.runner import BlockRunner
from tests.blocks.scenes import picture
from workflow_engine.vision.image import Image

ENHANCE, EQUALISE = "core/contrast_enhancement@v1", "core/contrast_equalization@v1"
RAMP = np.tile(np.arange(50, 151, dtype=np.uint8), (10, 1))


def enhanced(run: BlockRunner, pixels: np.ndarray, **fields: object) -> np.ndarray:
    result: np.ndarray = run(ENHANCE, image=Image.from_array(pixels), **fields)["image"].pixels
    return result


def test_each_colour_fills_the_range(run: BlockRunner) -> None:
    pixels = np.dstack([RAMP, RAMP // 2, np.full_like(RAMP, 7)])
    stretched = enhanced(run, pixels)
    assert stretched.min(axis=(0, 1)).tolist() == [0, 0, 7]
    assert stretched.max(axis=(0, 1)).tolist() == [255, 255, 7]
    assert stretched[0, 50, 0] == 127


def test_outliers_do_not_count(run: BlockRunner) -> None:
    pixels = RAMP.copy()
    pixels[0, 0] = 255
    assert enhanced(run, pixels)[5, 100] < 130
    assert enhanced(run, pixels, clip_limit=1)[5, 100] == 255


def test_the_multiplier_moves_tones_away_from_the_middle(run: BlockRunner) -> None:
    plain, strong, weak = (enhanced(run, RAMP, contrast_multiplier=factor)[0] for factor in (1.0, 2.0, 0.5))
    assert strong[25] < plain[25] < weak[25]
    assert weak[75] < plain[75] < strong[75]
    assert (weak[0], weak[100]) == (64, 191)


def test_middle_tones_can_be_lifted(run: BlockRunner) -> None:
    plain, lifted = enhanced(run, RAMP)[0].astype(int), enhanced(run, RAMP, normalize_brightness=True)[0].astype(int)
    assert (lifted[0], lifted[100]) == (0, 255)
    assert abs(lifted[50] - (plain[50] / 255) ** (1 / 1.3) * 255) <= 1


@pytest.mark.parametrize("kind", ["Contrast Stretching", "Histogram Equalization", "Adaptive Equalization"])
@pytest.mark.parametrize("grey", [True, False])
def test_equalising_spreads_dull_tones(run: BlockRunner, kind: str, grey: bool) -> None:
    dull = (picture(grey=grey).pixels // 4 + 100).astype(np.uint8)
    bright = run(EQUALISE, image=Image.from_array(dull), equalization_type=kind)["image"].pixels
    assert bright.shape == dull.shape
    assert bright.std() > 2 * dull.std()


@pytest.mark.parametrize("kind", ["Contrast Stretching", "Histogram Equalization"])
def test_equalising_keeps_the_order_of_tones(run: BlockRunner, kind: str) -> None:
    image = picture(seed=3)
    spread = run(EQUALISE, image=image, equalization_type=kind)["image"].pixels.ravel()
    order = np.argsort(image.pixels.ravel(), kind="stable")
    assert (np.diff(spread[order].astype(int)) >= 0).all()


@pytest.mark.parametrize("kind", ["Contrast Stretching", "Histogram Equalization", "Adaptive Equalization"])
def test_one_tone_has_nothing_to_spread(run: BlockRunner, kind: str) -> None:
    flat = Image.from_array(np.full((20, 20, 3), 90, dtype=np.uint8))
    result = run(EQUALISE, image=flat, equalization_type=kind)["image"].pixels
    assert len(np.unique(result)) == 1
