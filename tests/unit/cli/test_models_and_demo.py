"""``segflow models`` and ``segflow demo``."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import pytest

from tests.unit.cli.conftest import ROOT, Segflow

FASTENERS = ROOT / "examples" / "demo_model" / "fasteners"


def test_list_names_what_is_here_and_what_could_be_pulled(segflow: Segflow) -> None:
    listed = {entry["id"]: entry for entry in json.loads(segflow("models", "list", "--json").out)}
    assert listed["demo/fasteners"]["ready"]
    assert not listed["rfdetr-seg-nano"]["ready"]
    shown = segflow("models", "list").out
    assert "to be pulled" in shown
    assert "demo/fasteners" in shown


def test_info(segflow: Segflow) -> None:
    done = segflow("models", "info", "demo/fasteners")
    assert done.code == 0
    assert "bolt" in done.out
    assert "bundled" in done.out
    assert "AP 50:95" in segflow("models", "info", "rfdetr-seg-nano").out


def test_a_model_is_added_by_name_and_removed(segflow: Segflow) -> None:
    added = segflow("models", "add", "my-parts/2", FASTENERS)
    assert added.code == 0
    assert '"model_id": "my-parts/2"' in added.out
    again = segflow("models", "add", "my-parts/2", FASTENERS)
    assert again.code == 1
    assert "already" in again.err
    assert segflow("models", "remove", "my-parts/2").code == 0
    gone = segflow("models", "info", "my-parts/2")
    assert gone.code == 1
    assert "There is no model 'my-parts/2'." in gone.err


def test_pictures_by_which_a_model_is_judged_are_kept_with_it(segflow: Segflow, tmp_path: Path) -> None:
    tray = ROOT / "examples" / "count_fasteners" / "tray.jpg"
    assert segflow("models", "add", "my-parts/2", FASTENERS, "--reference", tray, tray).code == 0
    (kept,) = tmp_path.rglob("my-parts@2")
    names = ["reference-1.jpg", "reference-2.jpg", "reference.jpg"]  # the last came with the folder
    assert [file.name for file in sorted(kept.glob("reference*"))] == names
    assert (kept / "reference-1.jpg").read_bytes() == tray.read_bytes()
    (tmp_path / "broken.jpg").write_text("hello")
    refused = segflow("models", "add", "my-parts/3", FASTENERS, "--reference", tmp_path / "broken.jpg")
    assert refused.code == 1
    assert "not in a format that can be read" in refused.err
    assert segflow("models", "info", "my-parts/3").code == 1


def test_an_export_names_its_files(segflow: Segflow, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = segflow("models", "export", "demo/fasteners", "--format", "openvino", "--resolution", "72", "--out", out)
    assert done.code == 0
    names = ["demo-fasteners.bin", "demo-fasteners.xml", "demo-fasteners.xml.json"]
    assert sorted(file.name for file in out.iterdir()) == names
    assert all(f"{out / name} (" in done.out for name in names)
    assert json.loads((out / names[-1]).read_text())["graph"] == "demo-fasteners.xml"
    assert (
        segflow("models", "export", "rfdetr-seg-nano", "--format", "onnx", "--out", out).err.count("models pull") == 1
    )


def test_a_file_that_is_no_checkpoint(segflow: Segflow, tmp_path: Path) -> None:
    (tmp_path / "notes.pth").write_text("hello")
    (tmp_path / "labels.txt").write_text("bolt\n")
    done = segflow(
        "models", "add", "my-parts/3", tmp_path / "notes.pth", "--size", "nano", "--labels", tmp_path / "labels.txt"
    )
    assert done.code == 1
    assert "notes.pth" in done.err
    assert done.err.count("\n") == 1


def test_a_pull_without_a_network_says_where_the_file_belongs(
    segflow: Segflow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEGFLOW_WEIGHTS_URL", "http://127.0.0.1:1/")
    monkeypatch.setenv("RF_HOME", str(tmp_path))
    done = segflow("models", "pull", "rfdetr-seg-nano")
    assert done.code == 4
    assert "downloads" in done.err
    assert done.err.count("\n") == 1


def test_the_demo_counts_draws_and_cuts_out(segflow: Segflow, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = segflow("demo", "--out", out)
    assert done.code == 0
    assert "Instance Segmentation" in done.out
    (outputs,) = json.loads((out / "result.json").read_text())["outputs"]
    assert outputs["total"] == len(outputs["crops"]) == sum(outputs["counts"].values()) > 5
    for name in (outputs["picture"], *outputs["crops"]):
        assert cv2.imread(str(out / name)) is not None
