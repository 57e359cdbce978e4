"""Reference pages: they say what the manifests say, and those in the repository are up to date."""

from __future__ import annotations

import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from workflow_engine.cli import block_pages, block_pictures, main
from workflow_engine.manifest import BlockManifest
from workflow_engine.registry import Registry, built_in

PAGES = Path(__file__).parents[3] / "docs" / "blocks"
REGISTRY = Registry([built_in()])
BLOCKS = REGISTRY.blocks()
DRAWING = [block for block in BLOCKS if block_pictures.draws(block)]
RENEW = "Renew the pages with: segflow blocks docs"


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.type)
def test_the_page_in_the_repository_is_up_to_date(block: BlockManifest) -> None:
    file = PAGES / f"{block_pages.page_name(block)}.md"
    assert file.is_file(), RENEW
    assert file.read_text(encoding="utf-8") == block_pages.page(REGISTRY, block), RENEW


def test_there_are_no_pages_of_other_blocks() -> None:
    expected = {"README.md"} | {f"{block_pages.page_name(block)}.md" for block in BLOCKS}
    expected |= {f"pictures/{block_pages.page_name(block)}.jpg" for block in DRAWING}
    assert {file.relative_to(PAGES).as_posix() for file in PAGES.rglob("*.*")} == expected
    assert (PAGES / "README.md").read_text(encoding="utf-8") == block_pages.contents(BLOCKS), RENEW


@pytest.mark.parametrize("block", DRAWING, ids=lambda block: block.type)
def test_the_picture_in_the_repository_is_what_the_block_draws(block: BlockManifest) -> None:
    drawn = block_pictures.example_picture(REGISTRY, block)
    assert drawn is not None
    kept = (PAGES / "pictures" / f"{block_pages.page_name(block)}.jpg").read_bytes()
    one, two = (cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_COLOR) for data in (drawn, kept))
    assert one is not None
    assert two is not None
    assert one.shape == two.shape
    assert np.abs(one.astype(int) - two).mean() < 3, RENEW


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.type)
def test_a_page_names_every_end_and_every_parameter(block: BlockManifest) -> None:
    page = block_pages.page(REGISTRY, block)
    for name in (
        *block.type_names,
        *block.parameters.properties,
        *(port.name for port in block.inputs + block.outputs),
    ):
        assert f"`{name}`" in page
    for text in re.findall(r"^\|.*$", page, re.MULTILINE):
        assert text.count("|") - text.count(r"\|") in (4, 5), text


def test_only_blocks_that_draw_have_a_picture() -> None:
    names = {block.type for block in DRAWING}
    assert "core/mask_visualization@v1" in names
    assert "core/dynamic_crop@v1" not in names
    other = next(block for block in BLOCKS if block.type == "core/dynamic_crop@v1")
    assert block_pictures.example_picture(REGISTRY, other) is None


def test_the_command_writes_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["blocks", "docs", "--out", str(tmp_path / "pages")]) == 0
    written = {file.relative_to(tmp_path / "pages") for file in (tmp_path / "pages").rglob("*.*")}
    assert {file.relative_to(PAGES) for file in PAGES.rglob("*.*")} <= written
    assert f"wrote {len(written)} files" in "".join(capsys.readouterr())
