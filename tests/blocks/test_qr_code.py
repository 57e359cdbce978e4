"""QR codes that can be read again."""

from __future__ import annotations

import cv2
import pytest

from tests.blocks.runner import BlockRunner
from workflow_engine.errors import BlockError
from workflow_engine.registry import Registry, built_in

BLOCK = "core/qr_code_generator@v1"
LEVELS = Registry([built_in()]).step_type(BLOCK).fields["error_correct"].schema


@pytest.mark.parametrize("level", LEVELS["enum"] if LEVELS else ())
@pytest.mark.parametrize("text", ["https://example.com/parts/4711", "ä" * 60])
def test_a_code_is_read_again(run: BlockRunner, level: str, text: str) -> None:
    code = run(BLOCK, text=text, error_correct=level)["qr_code"]
    read, _, _ = cv2.QRCodeDetector().detectAndDecode(code.pixels)
    assert read == text


def test_more_correction_takes_more_room(run: BlockRunner) -> None:
    assert LEVELS is not None
    low, *_, high = (run(BLOCK, text="x" * 100, error_correct=level)["qr_code"].width for level in LEVELS["enum"])
    assert low < high


def test_modules_border_and_colours(run: BlockRunner) -> None:
    plain = run(BLOCK, text="A")["qr_code"]
    assert plain.pixels.shape == ((21 + 8) * 10, (21 + 8) * 10, 3)
    assert plain.ancestry.id.startswith("qr_code.")
    assert (plain.pixels[:40] == 255).all()
    assert not plain.pixels[40:50, 40:110].any()
    coloured = run(BLOCK, text="A", border=0, fill_color="#102030", back_color="rgb(250, 240, 230)")["qr_code"].pixels
    assert coloured.shape[:2] == (210, 210)
    assert {tuple(color) for color in coloured.reshape(-1, 3)} == {(0x30, 0x20, 0x10), (230, 240, 250)}
    modules = coloured.reshape(21, 10, 21, 10, 3)
    assert (modules == modules[:, :1, :, :1]).all()


def test_a_text_that_no_code_holds_is_refused(run: BlockRunner) -> None:
    with pytest.raises(BlockError, match="3000 bytes is too long"):
        run(BLOCK, text="x" * 3000)
