"""What the outputs of a checkpoint mean."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from blocks.instance_segmentation.labels import COCO, from_config, settle
from workflow_engine.api import ModelError

NAMES = ["bolt", "nut", "washer"]


def test_coco_is_sparse() -> None:
    assert (len(COCO), min(COCO), max(COCO)) == (80, 1, 90)
    assert (COCO[18], COCO[44], COCO[67], COCO[90]) == ("dog", "bottle", "dining table", "toothbrush")
    assert not {12, 26, 29, 30, 45, 66, 68, 69, 71, 83} & COCO.keys()


def test_names_count_outputs_from_zero_and_the_last_is_background() -> None:
    classes = settle(None, NAMES, outputs=4, background=True, where="x")
    assert (classes.names, classes.id_space) == ({0: "bolt", 1: "nut", 2: "washer"}, "index")


@pytest.mark.parametrize("suffix", [".txt", ".json"])
def test_labels_come_from_a_file(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"labels{suffix}"
    path.write_text(json.dumps(NAMES) if suffix == ".json" else "bolt\nnut\n\nwasher\n")
    for given in (path, str(path)):
        assert list(settle(given, None, outputs=4, background=True, where="x").names.values()) == NAMES


def test_what_the_user_says_wins_over_the_file() -> None:
    assert settle(["a", "b", "c"], NAMES, outputs=4, background=True, where="x").names[0] == "a"


@pytest.mark.parametrize(("given", "carried"), [("coco", None), ("coco", NAMES), (None, list(COCO.values()))])
def test_coco_by_name_or_by_its_own_list(given: Any, carried: Any) -> None:
    classes = settle(given, carried, outputs=91, background=True, where="x")
    assert (classes.names, classes.id_space) == (COCO, "coco")


@pytest.mark.parametrize(
    ("given", "carried", "outputs", "said"),
    [
        (None, None, 4, "does not say what its 4 outputs mean.*a list of 3 names"),
        (None, None, 91, "does not say what its 91 outputs mean.*coco"),
        (["a", "b", "c", "d"], None, 4, "4 outputs, so 3 class names are expected, but 4 were given"),
        (None, ["a"], 4, "but 1 are in the file"),
        ("coco", None, 4, "COCO's categories take 91"),
        (["a", "", "c"], None, 4, "non-empty texts"),
        ([1, 2, 3], None, 4, "non-empty texts"),
        (None, {"0": "a"}, 2, "non-empty texts"),
        ("nowhere.txt", None, 4, "cannot be read from nowhere.txt"),
    ],
)
def test_doubt_is_an_error_that_says_what_to_pass(given: Any, carried: Any, outputs: int, said: str) -> None:
    with pytest.raises(ModelError, match=said):
        settle(given, carried, outputs=outputs, background=True, where="x.pth")


def test_without_a_certain_background_every_output_may_have_a_name() -> None:
    assert len(settle(NAMES, None, outputs=3, background=False, where="x").names) == 3
    assert len(settle(NAMES, None, outputs=4, background=False, where="x").names) == 3


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        ({"0": "bolt", "1": "nut"}, ["bolt", "nut"]),
        ({0: "bolt", 1: "nut", 2: "background"}, ["bolt", "nut"]),
        ({"0": "LABEL_0", "1": "LABEL_1"}, None),
        ({"0": "N/A", **{str(number): name for number, name in COCO.items()}}, list(COCO.values())),
        ({"1": "bolt"}, None),
        (None, None),
    ],
)
def test_a_hugging_face_config_names_classes_or_does_not(labels: Any, names: Any) -> None:
    assert from_config({"id2label": labels}) == names
