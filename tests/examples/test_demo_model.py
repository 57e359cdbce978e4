"""The demo model: its pictures are repeatable, its masks have holes, its weights find fasteners."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from blocks.instance_segmentation.family import FAMILY
from examples.demo_model.batches import draw_batch
from examples.demo_model.cache import allocate, draw_into, open_cache
from examples.demo_model.detector import Detections, detect, load_detector, side_of
from examples.demo_model.evaluate import FIGURES, Findings, evaluate, figures, unseen_scenes
from examples.demo_model.learner import Learner
from examples.demo_model.renderer import CLASS_NAMES, SURFACES, Scene, SceneSpec, render_scene
from examples.demo_model.schedule import STAGES, stage_at
from workflow_engine.api import Contract

MODEL = Path(__file__).parents[2] / "examples" / "demo_model" / "fasteners"
SMALL = (180, 240)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Threads of a small network wait for one another longer than they work."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def holes(mask: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> int:
    """Inner contours of a mask."""
    _, hierarchy = cv2.findContours(mask.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    return int((hierarchy[0, :, 3] >= 0).sum())


def lone(name: str, seed: int) -> Scene:
    """A scene with one object well inside the picture."""
    return render_scene(SceneSpec(seed=seed, size=SMALL, count=(1, 1), classes=(name,), margin=0.4))


def as_detections(scene: Scene) -> Detections:
    """The ground truth of a scene, as if a model had answered it."""
    return Detections(
        scores=np.ones(len(scene.objects), dtype=np.float32),
        class_ids=np.array([item.class_id for item in scene.objects], dtype=np.int64),
        boxes=np.array([item.box for item in scene.objects], dtype=np.float32),
        masks=np.stack([item.mask for item in scene.objects]),
    )


def test_a_seed_gives_the_same_picture_bit_by_bit() -> None:
    first, second = (render_scene(SceneSpec(seed=11, size=SMALL)) for _ in range(2))
    assert np.array_equal(first.picture, second.picture)
    assert [item.class_id for item in first.objects] == [item.class_id for item in second.objects]
    assert all(np.array_equal(one.mask, other.mask) for one, other in zip(first.objects, second.objects, strict=True))


def test_another_seed_gives_another_picture() -> None:
    first, second = (render_scene(SceneSpec(seed=seed, size=SMALL)) for seed in (11, 12))
    assert not np.array_equal(first.picture, second.picture)


def test_the_layout_does_not_depend_on_the_size() -> None:
    small = render_scene(SceneSpec(seed=11, size=(120, 160)))
    large = render_scene(SceneSpec(seed=11, size=(360, 480)))
    assert [item.class_id for item in small.objects] == [item.class_id for item in large.objects]
    for one, other in zip(small.objects, large.objects, strict=True):
        assert np.allclose(np.array(one.box) * 3, other.box, atol=6)


@pytest.mark.parametrize("name", ["nut", "washer"])
def test_nuts_and_washers_have_a_hole(name: str) -> None:
    found = [holes(item.mask) for seed in range(6) for item in lone(name, seed).objects]
    # The gap of a split washer opens its ring, so that not every washer encloses its hole.
    assert len(found) == 6
    assert sum(count >= 1 for count in found) >= 4


@pytest.mark.parametrize("name", ["bolt", "screw"])
def test_bolts_and_screws_have_none(name: str) -> None:
    assert [holes(item.mask) for seed in range(6) for item in lone(name, seed).objects] == [0] * 6


@pytest.mark.parametrize("surface", sorted(SURFACES))
def test_every_surface_can_be_drawn(surface: str) -> None:
    picture = render_scene(SceneSpec(seed=3, size=SMALL, surface=surface)).picture
    assert picture.shape == (*SMALL, 3)
    assert picture.std() > 2


def test_visible_masks_share_no_pixel_and_fill_their_boxes() -> None:
    scene = render_scene(SceneSpec(seed=21, size=SMALL, count=(12, 14)))
    assert sum(item.mask.astype(int) for item in scene.objects).max() == 1
    for item in scene.objects:
        left, top, right, bottom = (int(value) for value in item.box)
        assert item.mask[top:bottom, left:right].sum() == item.mask.sum()
        assert item.mask[top, left:right].any()
        assert item.mask[top:bottom, right - 1].any()


def test_a_training_batch_depends_on_its_step_alone(tmp_path: Path) -> None:
    allocate(tmp_path, 2)
    draw_into(tmp_path, first=0, last=2)
    cache = open_cache(tmp_path)
    first, again, next_step = (draw_batch(cache, seed=1, step=step, pictures=3, side=96) for step in (5, 5, 6))
    assert first.pixel_values.equal(again.pixel_values)
    assert not first.pixel_values.equal(next_step.pixel_values)
    for label in first.labels:
        objects = len(label["class_labels"])
        assert label["masks"].shape == (objects, 96, 96)
        assert label["boxes"].shape == (objects, 4)
        assert bool(((label["boxes"] >= 0) & (label["boxes"] <= 1)).all())


def test_a_resumed_training_is_the_uninterrupted_one(tmp_path: Path) -> None:
    allocate(tmp_path, 1)
    draw_into(tmp_path, first=0, last=1)
    cache = open_cache(tmp_path)
    batches = [draw_batch(cache, seed=1, step=step, pictures=1, side=72) for step in range(2)]
    uninterrupted, stopped, resumed = (Learner(seed=seed) for seed in (3, 3, 3))
    expected = [uninterrupted.learn(batch, rate=1e-3) for batch in batches]
    assert stopped.learn(batches[0], rate=1e-3) == expected[0]
    stopped.save(tmp_path / "checkpoint.safetensors")
    resumed.restore(tmp_path / "checkpoint.safetensors")
    assert resumed.steps == 1
    assert resumed.learn(batches[1], rate=1e-3) == expected[1]


def test_the_stages_follow_one_another() -> None:
    assert stage_at(0) == (STAGES[0], 0)
    assert stage_at(STAGES[0].steps) == (STAGES[1], 0)
    assert stage_at(sum(stage.steps for stage in STAGES)) is None


def test_a_perfect_answer_measures_one() -> None:
    findings = Findings()
    for scene in unseen_scenes(2):
        findings.add(scene, as_detections(scene))
    assert figures(findings)["mask_ap"] == pytest.approx(1.0)
    assert figures(findings)["box_ap"] == pytest.approx(1.0)


def test_the_shipped_model_holds_its_contract() -> None:
    contract = Contract.from_json(json.loads((MODEL / "contract.json").read_text(encoding="utf-8")), where="the demo")
    weights = MODEL / "model.safetensors"
    assert list(contract.classes.values()) == list(CLASS_NAMES)
    assert contract.resolution == side_of(load_detector(MODEL))
    assert contract.sha256 == hashlib.sha256(weights.read_bytes()).hexdigest()
    assert weights.stat().st_size <= 8_000_000


def test_the_shipped_model_reached_its_figures() -> None:
    measured = json.loads((MODEL / FIGURES).read_text(encoding="utf-8"))
    assert measured["pictures"] >= 500
    assert measured["mask_ap"] >= 0.75
    assert measured["mask_ap50"] >= 0.95


def test_the_shipped_model_finds_fasteners() -> None:
    measured = evaluate(load_detector(MODEL), pictures=12)
    assert measured["mask_ap"] > 0.65
    assert measured["mask_ap50"] > 0.9


def test_the_product_answers_as_transformers_does() -> None:
    picture = render_scene(SceneSpec(seed=31, size=SMALL)).picture
    expected = detect(load_detector(MODEL), picture, threshold=0.3)
    contract = Contract.from_json(json.loads((MODEL / "contract.json").read_text(encoding="utf-8")), where="the demo")
    model = FAMILY.load(MODEL, contract, device="cpu", precision="float32", resolution=None)
    (answer,) = model.predict([picture], confidence=0.3, classes=None, max_detections=100)
    assert len(expected.scores) > 2
    assert answer.class_id.tolist() == expected.class_ids.tolist()
    assert np.allclose(answer.confidence, expected.scores, atol=1e-4)
    assert np.allclose(answer.xyxy, expected.boxes, atol=0.02)


def test_a_table_without_fasteners_has_none() -> None:
    bare = SceneSpec(seed=5, size=SMALL, count=(0, 0))
    assert len(detect(load_detector(MODEL), render_scene(bare).picture, threshold=0.4).scores) == 0
