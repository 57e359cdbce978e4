"""A loaded model: what it finds, what it leaves out, and at which resolution it looks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from blocks.instance_segmentation.backends.torch import TorchBackend
from blocks.instance_segmentation.model import Objects, RfDetrSeg
from tests.blocks.instance_segmentation.conftest import Keeper
from tests.blocks.instance_segmentation.tiny import FAMILY, NANO, SMALL, state_dict
from workflow_engine.api import Contract, ModelError

NAMES = ["bolt", "nut", "washer"]


def picture(height: int = 60, width: int = 80, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def predict(
    model: RfDetrSeg,
    *images: NDArray[np.uint8],
    confidence: float | None = 0.0,
    classes: list[str] | None = None,
    limit: int = 300,
) -> list[Objects]:
    return list(model.predict(images, confidence=confidence, classes=classes, max_detections=limit))


def test_finds_objects_with_masks_of_the_images_size(nano: RfDetrSeg) -> None:
    (objects,) = predict(nano, picture())
    assert len(objects.xyxy) == len(objects.class_id) == len(objects.class_names) == NANO.queries
    assert objects.masks is not None
    assert objects.masks.shape == (NANO.queries, 60, 80)
    assert np.asarray(objects.masks).any()
    assert (np.diff(objects.confidence) <= 0).all()
    assert set(objects.class_names) <= {*NAMES, ""}


def test_an_image_gives_the_same_alone_and_among_others(nano: RfDetrSeg) -> None:
    images = [picture(60, 80, 1), picture(33, 90, 2)]
    for together, image in zip(predict(nano, *images), images, strict=True):
        (alone,) = predict(nano, image)
        assert np.array_equal(together.xyxy, alone.xyxy)
        assert np.array_equal(np.asarray(together.masks), np.asarray(alone.masks))
        assert together.class_names == alone.class_names


def test_no_images_give_nothing(nano: RfDetrSeg) -> None:
    assert predict(nano) == []


def test_nothing_above_the_threshold_is_an_empty_table(nano: RfDetrSeg) -> None:
    (objects,) = predict(nano, picture(), confidence=1.0)
    assert objects.xyxy.shape == (0, 4)
    assert objects.masks is not None
    assert objects.masks.shape == (0, 60, 80)


def test_detect_gives_the_same_boxes_without_any_work_on_masks(
    nano: RfDetrSeg, monkeypatch: pytest.MonkeyPatch
) -> None:
    (with_masks,) = predict(nano, picture())
    monkeypatch.delattr(TorchBackend, "mask_maps")
    (boxes,) = nano.detect([picture()], confidence=0.0, classes=None, max_detections=300)
    assert boxes.masks is None
    assert np.array_equal(boxes.xyxy, with_masks.xyxy)
    assert np.array_equal(boxes.confidence, with_masks.confidence)


def test_the_mask_head_sees_only_images_with_objects(nano: RfDetrSeg, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    compute = TorchBackend.mask_maps

    def counting(self: TorchBackend, features: NDArray[np.float32]) -> NDArray[np.float32]:
        asked.append(len(features))
        return compute(self, features)

    monkeypatch.setattr(TorchBackend, "mask_maps", counting)
    predict(nano, picture(), limit=2)
    predict(nano, picture(), confidence=1.0)
    assert asked == [1]


def test_what_was_seen_answers_other_questions_without_the_network(
    nano: RfDetrSeg, monkeypatch: pytest.MonkeyPatch
) -> None:
    (everything,), (two,) = predict(nano, picture()), predict(nano, picture(), limit=2)
    (seen,) = nano.look([picture()])
    before = seen.nbytes
    first = nano.choose(seen, confidence=0.0, classes=None, max_detections=2)
    assert seen.nbytes > before > 0
    monkeypatch.delattr(TorchBackend, "look")
    monkeypatch.delattr(TorchBackend, "mask_maps")
    again = nano.choose(seen, confidence=0.0, classes=None, max_detections=300)
    boxes = nano.choose_boxes(seen, confidence=0.0, classes=None, max_detections=300)
    for found, wanted in ((first, two), (again, everything)):
        assert np.array_equal(found.xyxy, wanted.xyxy)
        assert np.array_equal(np.asarray(found.masks), np.asarray(wanted.masks))
    assert np.array_equal(boxes.xyxy, everything.xyxy)
    assert boxes.masks is None


@pytest.mark.parametrize("classes", [None, []])
def test_no_class_filter_keeps_all(nano: RfDetrSeg, classes: list[str] | None) -> None:
    assert len(predict(nano, picture(), classes=classes)[0].xyxy) == NANO.queries


def test_a_class_filter_keeps_its_classes_and_unknown_names_match_nothing(nano: RfDetrSeg) -> None:
    (everything,) = predict(nano, picture())
    wanted = everything.class_names[0]
    (some,) = predict(nano, picture(), classes=[wanted, "unicorn"])
    assert set(some.class_names) == {wanted}
    assert len(some.xyxy) == everything.class_names.count(wanted)
    assert len(predict(nano, picture(), classes=["unicorn"])[0].xyxy) == 0


def with_contract(model: RfDetrSeg, contract: Contract) -> RfDetrSeg:
    return RfDetrSeg(model._backend, contract)


def test_no_confidence_means_what_the_contract_recommends(nano: RfDetrSeg) -> None:
    (everything,) = predict(nano, picture())
    scores = everything.confidence
    middle = float(scores[2] + scores[3]) / 2
    assert len(predict(nano, picture(), confidence=None)[0].xyxy) == (scores > 0.4).sum()
    recommending = with_contract(nano, replace(nano.contract, default_confidence=middle))
    assert len(predict(recommending, picture(), confidence=None)[0].xyxy) == (scores > np.float32(middle)).sum() == 3
    assert len(predict(recommending, picture(), confidence=0.0)[0].xyxy) == NANO.queries


def test_classes_may_have_thresholds_of_their_own(nano: RfDetrSeg) -> None:
    (everything,) = predict(nano, picture())
    strict_class = everything.class_names[0]
    contract = replace(nano.contract, default_confidence=0.0, class_confidence={strict_class: 0.9999})
    (objects,) = predict(with_contract(nano, contract), picture(), confidence=None)
    assert strict_class not in objects.class_names
    assert len(objects.class_names) == NANO.queries - everything.class_names.count(strict_class)


def test_grey_images_are_looked_at_too(nano: RfDetrSeg) -> None:
    grey = picture()[:, :, 0]
    (objects,) = predict(nano, grey)
    (coloured,) = predict(nano, np.repeat(grey[:, :, None], 3, axis=2))
    assert np.array_equal(objects.xyxy, coloured.xyxy)


def test_a_model_looks_at_the_resolution_of_its_training_or_another(keeper: Keeper) -> None:
    source = keeper.file({"model": state_dict(SMALL), "args": {"resolution": 96}})
    folder, contract = keeper.convert(source, model_type="small", labels=NAMES)
    assert (contract.resolution, keeper.load(folder, contract).resolution) == (96, 96)
    other = keeper.load(folder, contract, resolution=120)
    assert other.resolution == 120
    assert len(predict(other, picture())[0].xyxy) == SMALL.queries


@pytest.mark.parametrize(("resolution", "instead"), [(100, 96), (80, 72), (-24, 48), (24, 48)])
def test_a_resolution_that_windows_do_not_fill_is_refused(resolution: int, instead: int, keeper: Keeper) -> None:
    folder, contract = keeper.convert(keeper.file({"model": state_dict(SMALL)}), model_type="small", labels=NAMES)
    with pytest.raises(ModelError, match=f"{resolution} does not suit.*multiples of 24 from 48 on.*Use {instead}"):
        keeper.load(folder, contract, resolution=resolution)


def test_a_training_at_an_impossible_resolution_is_refused(keeper: Keeper) -> None:
    source = keeper.file({"model": state_dict(SMALL), "args": {"resolution": 100}})
    with pytest.raises(ModelError, match=r"is for 100 px.*multiples of 24"):
        keeper.convert(source, model_type="small", labels=NAMES)


def test_weights_that_do_not_fit_their_config_are_refused(keeper: Keeper) -> None:
    folder, contract = keeper.convert(keeper.file({"model": state_dict(NANO)}), model_type="nano", labels=NAMES)
    config = folder / "config.json"
    config.write_text(config.read_text().replace('"decoder_layers": 4', '"decoder_layers": 5'))
    with pytest.raises(ModelError, match="do not fit its config"):
        keeper.load(folder, contract)


def test_an_unknown_way_of_resizing_is_refused(keeper: Keeper) -> None:
    folder, contract = keeper.convert(keeper.file({"model": state_dict(NANO)}), model_type="nano", labels=NAMES)
    with pytest.raises(ModelError, match="resize 'nearest'; known are bilinear, bilinear-antialias"):
        keeper.load(folder, replace(contract, resize="nearest"))


def test_weights_trained_with_antialias_look_with_antialias(nano: RfDetrSeg) -> None:
    image = picture(300, 400)
    (plain,), (smooth,) = (
        predict(with_contract(nano, replace(nano.contract, resize=resize)), image)
        for resize in ("bilinear", "bilinear-antialias")
    )
    assert not np.allclose(plain.confidence, smooth.confidence)


@pytest.mark.skipif(torch.cuda.is_available(), reason="is about machines without a GPU")
@pytest.mark.parametrize(
    ("device", "precision", "said"),
    [
        ("cuda", "float32", "finds no GPU"),
        ("tpu", "float32", "no device 'tpu'"),
        ("cpu", "int4", "precision 'int4'"),
    ],
)
def test_a_device_that_is_not_there_is_one_sentence(device: str, precision: str, said: str) -> None:
    with pytest.raises(ModelError, match=said):
        FAMILY.device(device, precision=precision)


def test_auto_is_a_device_of_this_machine() -> None:
    assert FAMILY.device("auto", precision="float32") == ("cuda" if torch.cuda.is_available() else "cpu")
