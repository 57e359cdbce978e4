"""``segflow evaluate`` on rendered fasteners: its figures, those of others on the same, and what does not count."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from examples.demo_model import dataset
from examples.demo_model.detector import load_detector
from examples.demo_model.evaluate import evaluate
from tests.unit.cli.conftest import Segflow
from workflow_engine.cli.variants import cuts, with_confidence
from workflow_engine.errors import InputError
from workflow_engine.workflow import Workflow

EXAMPLES = Path(__file__).parents[3] / "examples"
WORKFLOW = EXAMPLES / "count_fasteners" / "workflow.json"
PICTURES = 6


@pytest.fixture(scope="module")
def fasteners(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of unseen pictures with their annotations."""
    folder = tmp_path_factory.mktemp("fasteners")
    dataset.write(folder, pictures=PICTURES)
    return folder


def changed(folder: Path, to: Path, **members: Any) -> Path:
    """Return the path of the dataset with some members replaced."""
    content = json.loads((folder / dataset.ANNOTATIONS).read_text())
    to.write_text(json.dumps(content | members))
    return to


def test_the_figures_are_those_of_the_model_evaluated_without_us(segflow: Segflow, fasteners: Path) -> None:
    arguments = ["--dataset", fasteners / dataset.ANNOTATIONS, "--images", fasteners]
    done = segflow("evaluate", WORKFLOW, *arguments, "--confidence", 0, "--json")
    assert (done.code, done.err) == (0, "")
    (ours,) = json.loads(done.out)
    theirs = evaluate(load_detector(EXAMPLES / "demo_model" / "fasteners"), pictures=PICTURES)
    assert ours["pictures"] == PICTURES
    assert ours["masks"]["ap"] == pytest.approx(theirs["mask_ap"], abs=0.002)
    assert ours["masks"]["ap50"] == pytest.approx(theirs["mask_ap50"], abs=0.002)
    assert ours["boxes"]["ap"] == pytest.approx(theirs["box_ap"], abs=0.002)
    for one in ours["classes"]:
        assert one["masks"]["ap"] == pytest.approx(theirs[f"mask_ap_{one['name']}"], abs=0.002)
        assert one["objects"] > 0


def test_a_table_and_a_warning_of_what_the_workflow_drops(segflow: Segflow, fasteners: Path) -> None:
    arguments = ["--dataset", fasteners / dataset.ANNOTATIONS, "--images", fasteners, "--limit", 2]
    done = segflow("evaluate", WORKFLOW, *arguments, "--param", "confidence=0.9")
    assert done.code == 0
    assert "The step 'parts' keeps objects above a confidence of 0.9;" in done.err
    rows = [line.split() for line in done.out.splitlines() if line.strip()]
    assert ["class", "objects", "masks,", "AP", "AP", "50", "boxes,", "AP", "AP", "50"] in rows
    assert done.out.splitlines()[-1].startswith("2 pictures, ")


def step_of(workflow: Path, to: Path, **fields: Any) -> Path:
    """Return the path of the workflow with some fields of its first step, the model's, replaced."""
    content = json.loads(workflow.read_text())
    first, *others = content["steps"]
    to.write_text(json.dumps(content | {"steps": [first | fields, *others]}))
    return to


@pytest.mark.parametrize("version", ["v1", "v2", "v3", "v4"])
def test_the_ecosystems_models_are_measured_whole_too(
    segflow: Segflow, fasteners: Path, tmp_path: Path, version: str
) -> None:
    arguments = ["--dataset", fasteners / dataset.ANNOTATIONS, "--images", fasteners, "--limit", 2, "--json"]
    ours = segflow("evaluate", WORKFLOW, *arguments, "--confidence", 0)
    theirs = step_of(
        WORKFLOW, tmp_path / "w.json", type=f"roboflow_core/roboflow_instance_segmentation_model@{version}"
    )
    done = segflow("evaluate", theirs, *arguments, "--confidence", 0)
    assert (done.code, done.err) == (0, "")
    assert json.loads(done.out)[0]["masks"] == json.loads(ours.out)[0]["masks"]


@pytest.mark.parametrize(
    ("fields", "above"),
    [
        ({}, {"parts": None}),
        ({"confidence_mode": "custom"}, {"parts": 0.4}),
        ({"confidence_mode": "custom", "custom_confidence": "$inputs.confidence"}, {"parts": 0.9}),
        ({"confidence_mode": "custom", "custom_confidence": 0}, {}),
        ({"confidence_mode": "default", "custom_confidence": 0}, {"parts": None}),
    ],
)
def test_what_a_mode_of_confidence_cuts_off_is_known(
    tmp_path: Path, fields: dict[str, Any], above: dict[str, float | None]
) -> None:
    kind = "roboflow_core/roboflow_instance_segmentation_model@v3"
    path = step_of(WORKFLOW, tmp_path / "w.json", type=kind, **fields)
    assert cuts(Workflow.load(path), {"confidence": 0.9}) == above


def test_only_models_are_given_the_confidence() -> None:
    vote = {
        "type": "core/detections_consensus@v1",
        "name": "vote",
        "predictions_batches": ["$steps.parts.predictions"],
        "required_votes": 1,
        "confidence": 0.9,
    }
    content = json.loads(WORKFLOW.read_text())
    voted = Workflow(content | {"steps": [content["steps"][0], vote], "outputs": []})
    model, unchanged = json.loads(with_confidence(voted, 0).to_json())["steps"]
    assert (model["confidence"], unchanged["confidence"]) == (0, 0.9)


def test_without_a_model_there_is_no_confidence_to_set(workflow: Path) -> None:
    with pytest.raises(InputError, match="No step of the workflow runs a model whose confidence could be set"):
        with_confidence(Workflow.load(workflow), 0)


@pytest.mark.parametrize("confidence", ["nan", "-0.1", "1.1", "inf"])
def test_a_confidence_is_a_number_from_0_to_1(
    segflow: Segflow, fasteners: Path, confidence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--dataset", fasteners / dataset.ANNOTATIONS, "--images", fasteners]
    with pytest.raises(SystemExit, match="2"):
        segflow("evaluate", WORKFLOW, *arguments, "--confidence", confidence)
    assert f"argument --confidence: a number from 0 to 1, not {confidence}" in capsys.readouterr().err


def test_variants_stand_beside_each_other(segflow: Segflow, fasteners: Path) -> None:
    arguments = ["--dataset", fasteners / dataset.ANNOTATIONS, "--images", fasteners, "--limit", 2]
    done = segflow("evaluate", WORKFLOW, *arguments, "--compare", 'class_filter=["nut"]', "--json")
    whole, nuts = json.loads(done.out)
    assert (whole["name"], nuts["name"]) == ("workflow.json", 'class_filter=["nut"]')
    figures = {one["name"]: one["masks"]["ap"] for one in nuts["classes"]}
    assert figures.pop("nut") == next(one["masks"]["ap"] for one in whole["classes"] if one["name"] == "nut")
    assert set(figures.values()) == {0.0}
    assert done.err.count("warning: ") == 1


def test_what_does_not_match_is_said(segflow: Segflow, fasteners: Path, tmp_path: Path) -> None:
    content = json.loads((fasteners / dataset.ANNOTATIONS).read_text())
    first, second, third = content["images"][:3]
    images = [first, second | {"file_name": "gone.png"}, third | {"width": 10}]
    fitting = [one for one in content["annotations"] if one["image_id"] in (first["id"], second["id"])]
    fitting.append({**fitting[0], "id": 9999, "image_id": 9999})
    renamed = [{**one, "name": one["name"].upper().replace("BOLT", "rivet")} for one in content["categories"]]
    path = changed(fasteners, tmp_path / "d.json", images=images, annotations=fitting, categories=renamed)
    done = segflow("evaluate", WORKFLOW, "--dataset", path, "--images", fasteners, "--confidence", 0.3, "--json")
    assert done.code == 1
    (figures,) = json.loads(done.out)
    assert figures["pictures"] == 1
    assert list(figures["unmatched"]) == ["bolt"]
    assert [one["masks"]["ap"] > 0.5 for one in figures["classes"]] == [False, True, True, True]
    assert f"bolt ({figures['unmatched']['bolt']})" in done.err
    assert "gone.png" in done.err
    assert f"1 of {len(fitting)} annotations are of images that the dataset lacks." in done.err
    assert f"{third['file_name']}: The picture has 640 x 480 pixels; the dataset says 10 x 480." in done.err


@pytest.mark.parametrize(
    ("workflow", "arguments", "said"),
    [
        ("count_fasteners", ["--output", "part"], "has no output 'part' that holds objects. Did you mean 'parts'?"),
        ("compare_thresholds", [], "The workflow has no outputs that hold objects."),
        ("count_fasteners", ["--images", "nowhere", "--confidence", "0"], "There is no folder nowhere."),
    ],
)
def test_one_sentence_about_what_is_wrong(
    segflow: Segflow, fasteners: Path, workflow: str, arguments: list[str], said: str
) -> None:
    path = EXAMPLES / workflow / "workflow.json"
    done = segflow("evaluate", path, "--dataset", fasteners / dataset.ANNOTATIONS, "--images", fasteners, *arguments)
    assert done.code == 1
    assert done.out == ""
    assert said in done.err
    assert done.err.count("\n") == 1


def test_a_bad_annotation_is_found_before_anything_runs(segflow: Segflow, fasteners: Path, tmp_path: Path) -> None:
    content = json.loads((fasteners / dataset.ANNOTATIONS).read_text())
    *others, last = content["annotations"]
    bad = last | {"segmentation": [[1, 1, 9, 9]]}
    path = changed(fasteners, tmp_path / "d.json", annotations=[*others, bad])
    done = segflow("evaluate", WORKFLOW, "--dataset", path, "--images", "nowhere", "--confidence", 0)
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith(f"error: The dataset {path} cannot be used: in the annotation {last['id']}, a polygon ")
    assert done.err.count("\n") == 1


def test_masks_that_are_missing_count_where_they_are_looked_at(
    segflow: Segflow, fasteners: Path, tmp_path: Path
) -> None:
    content = json.loads((fasteners / dataset.ANNOTATIONS).read_text())
    *others, last = content["annotations"]
    path = changed(fasteners, tmp_path / "d.json", annotations=[*others, last | {"segmentation": []}])
    arguments = ["--dataset", path, "--images", fasteners, "--confidence", 0, "--json"]
    without = segflow("evaluate", WORKFLOW, *arguments, "--limit", 2)
    assert (without.code, without.err) == (0, "")
    assert json.loads(without.out)[0]["masks"]["ap"] > 0
    whole = segflow("evaluate", WORKFLOW, *arguments, "--compare", "resolution=216")
    said = (
        f"1 of {len(content['annotations'])} annotations have no mask, so the average precision of masks is left out."
    )
    assert (whole.code, whole.err) == (0, f"warning: {said}\n")
    assert [one["masks"] for one in json.loads(whole.out)] == [None, None]


def test_a_dataset_without_pictures(segflow: Segflow, fasteners: Path, tmp_path: Path) -> None:
    path = changed(fasteners, tmp_path / "d.json", images=[], annotations=[])
    done = segflow("evaluate", WORKFLOW, "--dataset", path, "--images", fasteners, "--confidence", 0)
    assert (done.code, done.err) == (1, "error: The dataset has no pictures.\n")
    with pytest.raises(SystemExit, match="2"):
        segflow("evaluate", WORKFLOW, "--dataset", path, "--images", fasteners, "--limit", 0)
