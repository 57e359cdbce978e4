"""A checkpoint on disk, and models made from checkpoints."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from blocks.instance_segmentation.model import RfDetrSeg
from tests.blocks.instance_segmentation.tiny import FAMILY, NANO, state_dict
from workflow_engine.api import Contract, Labels


class Keeper:
    """Writes checkpoints, converts them, loads them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._count = 0

    def file(self, content: Any, name: str = "checkpoint.pth") -> Path:
        path = self.folder / name
        torch.save(content, path)
        return path

    def convert(
        self, source: Path, *, model_type: str | None = None, labels: Labels | None = None
    ) -> tuple[Path, Contract]:
        self._count += 1
        target = self.folder / f"kept-{self._count}"
        target.mkdir()
        return target, FAMILY.convert(source, target, model_type=model_type, labels=labels, published=None)

    def load(self, folder: Path, contract: Contract, *, resolution: int | None = None) -> RfDetrSeg:
        return FAMILY.load(folder, contract, device="cpu", precision="float32", resolution=resolution, backend="torch")


@pytest.fixture
def keeper(tmp_path: Path) -> Keeper:
    return Keeper(tmp_path)


@pytest.fixture(scope="session")
def nano(tmp_path_factory: pytest.TempPathFactory) -> RfDetrSeg:
    """A model with the classes bolt, nut and washer, whose outputs are deterministic and mean nothing."""
    keeper = Keeper(tmp_path_factory.mktemp("nano"))
    source = keeper.file({"model": state_dict(NANO)})
    return keeper.load(*keeper.convert(source, model_type="nano", labels=["bolt", "nut", "washer"]))
