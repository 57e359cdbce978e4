"""``segflow bench``: every stage is there, together they are the whole, variants are compared, and wrong ones named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.unit.cli.conftest import CROP, Segflow
from workflow_engine.bench import Spread
from workflow_engine.cli.variants import variants

EXAMPLE = Path(__file__).parents[3] / "examples" / "count_fasteners"


def test_the_parts_in_the_order_of_the_work_and_the_machine(segflow: Segflow, workflow: Path, photo: Path) -> None:
    done = segflow("bench", workflow, "--image", photo, "--runs", 3)
    assert done.code == 0
    rows = [line.strip().split("  ")[0] for line in done.out.splitlines()]
    start = rows.index("inputs: read, decode")
    assert rows[start : start + 5] == [
        "inputs: read, decode",
        "crop",
        "outputs: encode, write as JSON",
        "engine",
        "all",
    ]
    assert "Python 3." in done.out
    assert "Milliseconds of 3 runs" in done.out


def test_the_model_tells_its_stages_and_the_parts_add_up(segflow: Segflow) -> None:
    done = segflow("bench", EXAMPLE / "workflow.json", "--image", EXAMPLE / "tray.jpg", "--runs", 1, "--json")
    content = json.loads(done.out)
    (variant,) = content["variants"]
    parts = {(part["step"], part["stage"]): part["median"] for part in variant["parts"]}
    assert list(parts)[:5] == [
        (None, "inputs"),
        ("parts", None),
        ("parts", "preprocess"),
        ("parts", "network"),
        ("parts", "masks"),
    ]
    assert list(parts)[-2:] == [(None, "outputs"), (None, "rest")]
    whole = sum(seconds for (step, stage), seconds in parts.items() if not (step and stage))
    assert whole == pytest.approx(variant["median"], abs=1e-4)
    assert sum(parts["parts", stage] for stage in ("preprocess", "network", "masks")) <= parts["parts", None]
    assert variant["ratio"] == 1
    assert content["machine"]["cores"] >= 1
    assert {"torch", "numpy"} <= content["machine"]["packages"].keys()


def test_variants_are_other_values_of_a_field_and_other_documents(
    segflow: Segflow, workflow: Path, photo: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.json"
    other.write_text(json.dumps({**CROP, "steps": [{**CROP["steps"][0], "name": "cut"}], "outputs": []}))
    compared = ["width=0.25,height=0.25", str(other)]
    done = segflow("bench", workflow, "--image", photo, "--runs", 2, "--json", "--compare", *compared)
    named = json.loads(done.out)["variants"]
    assert [variant["name"] for variant in named] == ["workflow.json", *compared]
    assert [variant["parts"][1]["step"] for variant in named] == ["crop", "crop", "cut"]
    base, *others = named
    assert [v["ratio"] for v in others] == pytest.approx([v["median"] / base["median"] for v in others], rel=0.01)
    table = segflow("bench", workflow, "--image", photo, "--runs", 2, "--compare", *compared)
    assert "against the first" in table.out
    lines = [line.split()[0] for line in table.out.splitlines() if line.strip()]
    assert lines.index("cut") < lines.index("outputs:"), "steps come before what follows them all"


def test_variants_of_files_that_are_called_alike_stand_apart(
    segflow: Segflow, workflow: Path, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(workflow.parent)
    Path("a").mkdir()
    base = Path("a") / workflow.name
    base.write_text(json.dumps(CROP))
    done = segflow("bench", base, "--image", photo, "--runs", 1, "--json", "--compare", workflow.name)
    assert [variant["name"] for variant in json.loads(done.out)["variants"]] == [str(base), workflow.name]


@pytest.mark.parametrize("compared", [["width=0.25", "width=0.25"], ["workflow.json"], ["./other.json", "other.json"]])
def test_a_variant_given_twice_is_refused(
    segflow: Segflow, workflow: Path, photo: Path, monkeypatch: pytest.MonkeyPatch, compared: list[str]
) -> None:
    monkeypatch.chdir(workflow.parent)
    Path("other.json").write_text(json.dumps(CROP))
    done = segflow("bench", workflow, "--image", photo, "--compare", *compared)
    assert (done.code, done.out) == (1, "")
    assert done.err == f"error: --compare {compared[-1]} is a variant that is there already. Give each once.\n"


def test_commas_in_brackets_and_quotes_belong_to_the_value() -> None:
    text = r'class_filter=["bolt","nut, \"M8]"],resolution=216'
    step = json.loads(variants(str(EXAMPLE / "workflow.json"), [text])[text].to_json())["steps"][0]
    assert (step["class_filter"], step["resolution"]) == (["bolt", 'nut, "M8]'], 216)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("widht=1", "No step of the workflow has a field 'widht'. Did you mean 'width'?"),
        ("fast", "--compare fast is no file and no NAME=VALUE."),
        ("width=2", "width of the step 'crop'"),
    ],
)
def test_a_variant_that_cannot_be_is_one_sentence(
    segflow: Segflow, workflow: Path, photo: Path, change: str, said: str
) -> None:
    done = segflow("bench", workflow, "--image", photo, "--compare", change)
    assert done.code == 1
    assert done.out == ""
    assert said in done.err
    assert done.err.count("\n") == 1


def test_the_picture_of_a_folder_that_cannot_be_read_is_named(segflow: Segflow, workflow: Path, photo: Path) -> None:
    folder = photo.parent / "photos"
    folder.mkdir()
    photo.rename(folder / "a.png")
    (folder / "b.jpg").write_text("no picture")
    done = segflow("bench", workflow, "--image", folder, "--runs", 3)
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith(f"error: {folder / 'b.jpg'}: The image is not in a format that can be read")
    assert done.err.count("\n") == 1


def test_no_runs_are_a_wrong_command_line(segflow: Segflow, workflow: Path) -> None:
    with pytest.raises(SystemExit, match="2"):
        segflow("bench", workflow, "--runs", "0")


@pytest.mark.parametrize(("count", "p95"), [(1, 1), (19, 19), (20, 19), (100, 95)])
def test_the_95th_percentile_is_a_time_that_was_measured(count: int, p95: int) -> None:
    assert Spread.of([float(number) for number in range(count, 0, -1)]).p95 == p95
