"""Which backend and precision a model ends up with, and what is said about it."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from pathlib import Path
from subprocess import PIPE
from types import ModuleType
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from blocks.instance_segmentation import choice, ways
from blocks.instance_segmentation.backends import openvino
from blocks.instance_segmentation.gate import Verdict
from blocks.instance_segmentation.model import RfDetrSeg
from blocks.instance_segmentation.shelf import file_checksum
from tests.blocks.instance_segmentation.conftest import Keeper
from tests.blocks.instance_segmentation.test_gate import Wrong, changed
from tests.blocks.instance_segmentation.test_model import NAMES, picture, predict
from tests.blocks.instance_segmentation.tiny import FAMILY, NANO, state_dict
from workflow_engine.api import Contract, ModelError

ROOT = Path(__file__).resolve().parents[3]


def wanted(**changes: Any) -> ways.Wanted:
    usual = {"device": "cpu", "precision": "float32", "resolution": None, "backend": "auto", "kept": None, "name": "it"}
    return ways.Wanted(**(usual | changes))


def tried(**changes: Any) -> list[str]:
    return [" or ".join(map(str, together)) for together in ways.ways(wanted(**changes))]


def without(monkeypatch: pytest.MonkeyPatch, *packages: str) -> None:
    monkeypatch.setattr(ways, "installed", lambda name: None if name in packages else "1.0")


@pytest.fixture(autouse=True)
def _as_a_library(caplog: pytest.LogCaptureFixture) -> None:
    """As no command was run in this process before, which would tell more than warnings."""
    caplog.set_level(logging.NOTSET, logger="segflow.models")


class TestWays:
    def test_the_fastest_that_is_installed_comes_first_and_torch_last(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert tried() == ["OpenVINO in float32", "torch in float32"]
        without(monkeypatch, "openvino")
        assert tried() == ["ONNX Runtime in float32", "torch in float32"]
        without(monkeypatch, "openvino", "onnx")
        assert tried() == ["torch in float32"]

    def test_auto_tries_what_the_processor_computes_in(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(openvino, "capabilities", lambda: ["float32", "bfloat16"])
        assert tried(precision="auto") == ["OpenVINO in bfloat16 or OpenVINO in float32", "torch in float32"]
        monkeypatch.setattr(openvino, "capabilities", lambda: ["float32"])
        assert tried(precision="auto") == ["OpenVINO in float32", "torch in float32"]

    def test_a_precision_that_the_processor_lacks_is_told(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setattr(openvino, "capabilities", lambda: ["float32"])
        assert tried(precision="float16") == ["OpenVINO in float32", "torch in float32"]
        assert caplog.messages == ["it runs in float32: OpenVINO does not compute in float16 here."]

    def test_integers_need_a_package(self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
        monkeypatch.setattr(openvino, "capabilities", lambda: ["float32", "int8"])
        assert tried(precision="int8") == ["OpenVINO in int8", "OpenVINO in float32", "torch in float32"]
        assert tried(precision="auto") == ["OpenVINO in int8 or OpenVINO in float32", "torch in float32"]
        assert not caplog.messages
        without(monkeypatch, "int8")
        assert tried(precision="auto") == ["OpenVINO in float32", "torch in float32"]
        assert tried(precision="int8") == ["OpenVINO in float32", "torch in float32"]
        (line,) = caplog.messages
        assert line == "it runs in float32: int8 needs the package nncf (pip install 'segflow[int8]')."

    def test_a_gpu_is_used_through_torch(self) -> None:
        found = tried(device="cuda", precision="auto", backend="openvino")
        assert found == ["torch in float16 or torch in bfloat16 or torch in float32"]
        assert tried(device="cuda", precision="bfloat16") == ["torch in bfloat16", "torch in float32"]

    def test_a_backend_by_name(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert tried(backend="onnx", precision="auto") == ["ONNX Runtime in float32", "torch in float32"]
        assert tried(backend="torch", precision="bfloat16") == ["torch in bfloat16", "torch in float32"]
        without(monkeypatch, "onnx")
        with pytest.raises(ModelError, match=r"onnxruntime is not installed.*segflow\[onnx\]"):
            tried(backend="onnx")
        with pytest.raises(ModelError, match=r"no backend 'tflite'.*auto, openvino, onnx, torch"):
            tried(backend="tflite")


@pytest.fixture
def kept(keeper: Keeper) -> tuple[Path, Contract]:
    return keeper.convert(keeper.file({"model": state_dict(NANO)}), model_type="nano", labels=NAMES)


def load(kept: tuple[Path, Contract], compiled: Path | None, **changes: Any) -> RfDetrSeg:
    usual = {"device": "cpu", "precision": "float32", "resolution": None, "name": "my-parts"}
    return FAMILY.load(*kept, compiled=compiled, **(usual | changes))


def backend_of(model: RfDetrSeg) -> str:
    return type(model._backend).__name__


@pytest.mark.parametrize("backend", ["openvino", "onnx"])
def test_compiled_once_and_then_read(
    backend: str,
    kept: tuple[Path, Contract],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    reference = load(kept, None, backend="torch")
    first = load(kept, tmp_path / "compiled", backend=backend)
    assert caplog.messages[0].startswith(f"Preparing my-parts for {ways.BACKENDS[backend]} in float32, once")
    caplog.clear()
    monkeypatch.setattr(choice._Loading, "_network", property(lambda self: pytest.fail("torch is not needed")))
    second = load(kept, tmp_path / "compiled", backend=backend)
    assert caplog.messages == []
    assert backend_of(first) == backend_of(second) != "TorchBackend"
    assert second.nbytes == reference.nbytes > 0
    for image in (picture(), picture(40, 30)[:, :, 0]):
        expected, *found = (predict(model, image)[0] for model in (reference, first, second))
        for objects in found:
            assert objects.class_names == expected.class_names
            np.testing.assert_allclose(objects.xyxy, expected.xyxy, atol=0.01)
            np.testing.assert_allclose(objects.confidence, expected.confidence, atol=1e-4)
            assert (np.asarray(objects.masks) == np.asarray(expected.masks)).mean() > 0.999


def test_what_is_damaged_is_compiled_again(
    kept: tuple[Path, Contract], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    load(kept, tmp_path)
    (blob,) = tmp_path.glob("*/openvino-*/look.blob")
    whole = blob.stat().st_size
    blob.write_bytes(blob.read_bytes()[:1000])
    caplog.set_level(logging.INFO)
    assert backend_of(load(kept, tmp_path)) == "OpenVinoBackend"
    assert "Preparing" in caplog.messages[0]
    assert abs(blob.stat().st_size - whole) < whole / 10


def test_what_openvino_cannot_use_is_compiled_again(
    kept: tuple[Path, Contract], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    load(kept, tmp_path)
    monkeypatch.setattr(openvino, "restored", unusable)
    caplog.set_level(logging.INFO)
    assert backend_of(load(kept, tmp_path)) == "OpenVinoBackend"
    assert "cannot be used: made by another build" in caplog.messages[0]
    assert "Preparing" in caplog.messages[1]


def test_what_onnx_runtime_cannot_use_is_exported_again(
    kept: tuple[Path, Contract], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pytest.importorskip("onnxruntime", reason="ONNX Runtime was not tried: pip install -e '.[onnx]'")
    load(kept, tmp_path, backend="onnx")
    (graph,), (entry,) = tmp_path.glob("*/onnx-*/look.onnx"), tmp_path.glob("*/onnx-*/entry.json")
    whole = graph.read_bytes()
    before = file_checksum(graph)
    graph.write_bytes(b"of another version")
    entry.write_text(entry.read_text().replace(before, file_checksum(graph)))
    assert backend_of(load(kept, tmp_path, backend="onnx")) == "OnnxBackend"
    (warning,) = (record.getMessage() for record in caplog.records if record.name == "segflow.models")
    assert "cannot be used: " in warning
    assert len(graph.read_bytes()) == len(whole)


def unusable(*_: Any, **__: Any) -> Any:
    raise RuntimeError("made by another build")


def perturbed(monkeypatch: pytest.MonkeyPatch, module: ModuleType) -> list[str]:
    """Let a backend be slightly wrong; returns the precisions that it is asked to compile for."""
    compiled = module.compiled
    asked: list[str] = []

    def wrong(network: Any, *, precision: str, samples: Any) -> Any:
        asked.append(precision)
        return Wrong(
            compiled(network, precision="float32", samples=samples), lambda looked: changed(looked, boxes=0.01)
        )

    monkeypatch.setattr(module, "compiled", wrong)
    return asked


def test_a_backend_that_disagrees_is_stepped_back_from_in_one_line(
    kept: tuple[Path, Contract], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    asked = perturbed(monkeypatch, openvino)
    assert backend_of(load(kept, tmp_path)) == "TorchBackend"
    (line,) = caplog.messages
    assert line.startswith("my-parts runs with torch in float32. With OpenVINO in float32, ")
    caplog.clear()
    assert backend_of(load(kept, tmp_path)) == "TorchBackend"
    assert (caplog.messages, asked) == ([line], ["float32"])


@pytest.mark.parametrize("fastest", ["float32", "bfloat16"])
def test_auto_takes_the_fastest_that_holds(
    fastest: str,
    kept: tuple[Path, Contract],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def seconds(backend: Any, pixels: Any) -> float:
        return 0.01 if backend._dtype is getattr(torch, fastest) else 0.02

    monkeypatch.setattr(choice, "_seconds", seconds)
    monkeypatch.setattr(choice, "judge", lambda *_, **__: Verdict(holds=True))
    caplog.set_level(logging.INFO)
    for _ in range(2):
        model = load(kept, tmp_path, precision="auto", backend="torch")
        assert model._backend._dtype is getattr(torch, fastest)  # type: ignore[attr-defined]
    (line,) = (line for line in caplog.messages if "my-parts runs with" in line)
    slower = {"float32": "bfloat16", "bfloat16": "float32"}[fastest]
    assert line == f"my-parts runs with torch in {fastest}. A look took in {fastest} 10 ms, {slower} 20 ms."


def test_what_is_fastest_but_does_not_hold_is_left_out(
    kept: tuple[Path, Contract], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    refused = Verdict(holds=False, reason="it is wrong")
    monkeypatch.setattr(choice, "judge", lambda *_, **__: refused)
    model = load(kept, tmp_path, precision="auto", backend="torch")
    assert model._backend._dtype is torch.float32  # type: ignore[attr-defined]
    assert caplog.messages == ["my-parts runs with torch in float32. With torch in bfloat16, it is wrong."]


def test_integers_are_computed_in(
    kept: tuple[Path, Contract], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("nncf", reason="int8 was not tried: pip install -e '.[int8]'")
    monkeypatch.setattr(choice, "judge", lambda *_, **__: Verdict(holds=True))
    for _ in range(2):
        model = load(kept, tmp_path, precision="int8")
        look, _ = model._backend._graphs  # type: ignore[attr-defined]
        precisions = {node.get_rt_info()["runtimePrecision"].astype(str) for node in look.get_runtime_model().get_ops()}
        assert precisions & {"i8", "u8"}
    assert capfd.readouterr().out == ""


def test_other_reference_pictures_are_another_question(kept: tuple[Path, Contract], tmp_path: Path) -> None:
    load(kept, tmp_path)
    cv2.imwrite(str(kept[0] / "reference-1.png"), picture())
    try:
        load(kept, tmp_path)
    finally:
        (kept[0] / "reference-1.png").unlink()
    assert len(list(tmp_path.glob("*/openvino-float32-*/entry.json"))) == 2


def test_half_precision_that_cannot_be_judged_is_refused(
    kept: tuple[Path, Contract], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("blocks.instance_segmentation.references.pictures", lambda folder: [picture()])
    monkeypatch.setattr(RfDetrSeg, "default_confidence", 1.0)
    model = load(kept, tmp_path, precision="bfloat16", backend="torch")
    assert backend_of(model) == "TorchBackend"
    assert model._backend._dtype.itemsize == 4  # type: ignore[attr-defined]
    (line,) = caplog.messages
    assert line.startswith("my-parts runs with torch in float32. With torch in bfloat16, the model finds nothing")
    (entry,) = tmp_path.glob("*/torch-bfloat16-*/entry.json")
    verdict = json.loads(entry.read_text())["verdict"]
    assert (verdict["holds"], verdict["figures"]["compared"]) == (False, 0)


def script(kept: tuple[Path, Contract], folder: Path) -> list[str]:
    """Return a command that loads a model in a process of its own and tells what it is that runs."""
    contract = folder / "contract.json"
    contract.write_text(json.dumps(kept[1].to_json()))
    code = f"""
import json, logging, pathlib, sys
import numpy as np
from blocks.instance_segmentation.family import FAMILY
from workflow_engine.api import Contract
logging.basicConfig(level=logging.INFO)
contract = Contract.from_json(json.loads(pathlib.Path({str(contract)!r}).read_text()), where="here")
model = FAMILY.load(pathlib.Path({str(kept[0])!r}), contract, device=FAMILY.device("cpu", precision="float32"),
                    precision="float32", resolution=None, compiled=pathlib.Path({str(folder)!r}))
(objects,) = model.predict([np.zeros((50, 60, 3), np.uint8)], confidence=0.0, classes=None, max_detections=9)
print(type(model._backend).__name__, len(objects.xyxy), len(objects.masks))
print([name for name in ("torch", "transformers", "safetensors", "skimage", "onnxruntime") if name in sys.modules])
"""
    return [sys.executable, "-c", code]


def test_a_warm_start_in_openvino_needs_no_torch(kept: tuple[Path, Contract], tmp_path: Path) -> None:
    load(kept, tmp_path)
    done = subprocess.run(script(kept, tmp_path), cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["OpenVinoBackend 6 6", "[]"]


def test_processes_that_start_together_prepare_a_model_once(kept: tuple[Path, Contract], tmp_path: Path) -> None:
    command = script(kept, tmp_path)
    together = [subprocess.Popen(command, cwd=ROOT, stdout=PIPE, stderr=PIPE, text=True) for _ in range(3)]
    told = [process.communicate() for process in together]
    assert [out.splitlines()[0] for out, _ in told] == ["OpenVinoBackend 6 6"] * 3
    assert sum("Preparing" in errors for _, errors in told) == 1
