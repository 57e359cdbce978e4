"""Exported files, read by those that they are for."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnxruntime
import openvino
import pytest
from numpy.typing import NDArray

from blocks.instance_segmentation.backends.interface import mask_logits
from tests.blocks.instance_segmentation.conftest import Keeper
from tests.blocks.instance_segmentation.tiny import FAMILY, NANO, state_dict
from workflow_engine.api import ModelError

NAMES = ["bolt", "nut", "washer"]


def run_onnx(file: Path, pixels: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    outputs: list[NDArray[np.float32]] = session.run(["logits", "boxes", "masks"], {"pixels": pixels})
    return outputs


def run_openvino(file: Path, pixels: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    compiled = openvino.Core().compile_model(file, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    found = compiled({"pixels": pixels})
    return [found[name] for name in ("logits", "boxes", "masks")]


@pytest.mark.parametrize(
    ("form", "endings", "run"), [("onnx", [".onnx"], run_onnx), ("openvino", [".xml", ".bin"], run_openvino)]
)
@pytest.mark.parametrize("side", [48, 72])
def test_the_files_give_what_the_model_gives(
    form: str, endings: list[str], run: object, side: int, keeper: Keeper, tmp_path: Path
) -> None:
    folder, contract = keeper.convert(keeper.file({"model": state_dict(NANO)}), model_type="nano", labels=NAMES)
    files = FAMILY.export(folder, contract, form=form, resolution=side, target=tmp_path / "new" / "out", name="parts")
    assert [file.name for file in files] == [f"parts{ending}" for ending in (*endings, f"{endings[0]}.json")]
    pixels = np.random.default_rng(3).standard_normal((1, 3, side, side), dtype=np.float32)
    backend = keeper.load(folder, contract, resolution=side)._backend
    looked = backend.look(pixels)
    masks = mask_logits(looked.queries[0], backend.mask_maps(looked.features)[0])
    found = run(files[0], pixels)  # type: ignore[operator]
    for array, expected in zip(found, (looked.logits, looked.boxes, masks[None]), strict=True):
        np.testing.assert_allclose(array, expected, atol=1e-3, rtol=1e-3)
    said = json.loads(files[-1].read_text())
    assert said["graph"] == files[0].name
    assert said["input"]["shape"] == [1, 3, side, side]
    assert said["classes"] == {"0": "bolt", "1": "nut", "2": "washer"}


def test_other_forms_and_resolutions_are_refused(keeper: Keeper, tmp_path: Path) -> None:
    folder, contract = keeper.convert(keeper.file({"model": state_dict(NANO)}), model_type="nano", labels=NAMES)
    with pytest.raises(ModelError, match=r"no form 'tflite'.*onnx, openvino"):
        FAMILY.export(folder, contract, form="tflite", resolution=None, target=tmp_path, name="parts")
    with pytest.raises(ModelError, match="50 does not suit"):
        FAMILY.export(folder, contract, form="onnx", resolution=50, target=tmp_path / "out", name="parts")
    assert not (tmp_path / "out").exists()
