"""Every form of checkpoint that users have, and those that are refused."""

from __future__ import annotations

import argparse
import json
import os
import pickle
import struct
import types
import zipfile
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from blocks.instance_segmentation import checkpoint
from blocks.instance_segmentation.architecture import built
from blocks.instance_segmentation.names import for_inference, to_modules
from tests.blocks.instance_segmentation.conftest import Keeper
from tests.blocks.instance_segmentation.tiny import FAMILY, NANO, QUERIES, SMALL, state_dict
from workflow_engine.api import Contract, ModelError, Published

NAMES = ["bolt", "nut", "washer"]
ARGS = {"class_names": NAMES, "num_classes": 3, "num_windows": 1, "resolution": 48}

Wrap = Callable[[dict[str, Tensor]], Any]

FORMS: dict[str, Wrap] = {
    "args as a dict": lambda state: {"model": state, "args": ARGS},
    "args as argparse's namespace": lambda state: {"model": state, "args": argparse.Namespace(**ARGS)},
    "args as a simple namespace": lambda state: {"model": state, "args": types.SimpleNamespace(**ARGS)},
    "with the rest of a training": lambda state: {
        "model": state,
        "args": ARGS,
        "ema_model": {name: torch.zeros_like(tensor) for name, tensor in state.items()},
        "optimizer": {"state": {0: {"step": torch.tensor(3.0)}}, "param_groups": [{"lr": 1e-4}]},
        "epoch": 7,
    },
    "with upstream's metadata": lambda state: {
        "model": state,
        "model_name": "RFDETRSegNano",
        "model_config": {"num_windows": 1, "resolution": 48},
        "class_names": NAMES,
        "rfdetr_version": "1.11.2",
    },
    "averaged weights only": lambda state: {"ema_model": state, "args": ARGS},
    "of a compiled module": lambda state: {"model": {f"_orig_mod.{k}": v for k, v in state.items()}, "args": ARGS},
    "with the ignored buffer": lambda state: {"model": {**state, "_kp_active_mask": torch.ones(3)}, "args": ARGS},
    "Lightning": lambda state: {
        "state_dict": {f"model.{k}": v for k, v in state.items()},
        "hyper_parameters": {"model_config": {"num_windows": 1}, "train_config": {"class_names": NAMES}},
    },
    "Lightning, compiled": lambda state: {
        "state_dict": {f"model._orig_mod.{k}": v for k, v in state.items()},
        "hyper_parameters": argparse.Namespace(**ARGS),
    },
}


def kept_weights(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return for_inference(to_modules(state), queries=QUERIES)


def assert_same(kept: Path, state: dict[str, Tensor]) -> None:
    found, expected = load_file(kept / "model.safetensors"), kept_weights(state)
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], tensor) for name, tensor in expected.items())


@pytest.mark.parametrize("form", FORMS)
def test_a_checkpoint_that_says_what_it_is_needs_no_words(form: str, keeper: Keeper) -> None:
    state = state_dict(NANO)
    kept, contract = keeper.convert(keeper.file(FORMS[form](state)))
    assert (contract.variant, contract.resolution) == ("rfdetr-seg-nano", 48)
    assert (contract.classes, contract.id_space) == (dict(enumerate(NAMES)), "index")
    assert_same(kept, state)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_bare_state_dict_needs_size_and_labels(suffix: str, keeper: Keeper) -> None:
    state = state_dict(NANO)
    path = keeper.folder / f"bare{suffix}"
    save_file(state, path) if suffix == ".safetensors" else torch.save(state, path)
    kept, contract = keeper.convert(path, model_type="RFDETRSegNano", labels=NAMES)
    assert contract.source == path.name
    assert_same(kept, state)


def test_the_legacy_file_format_is_read_too(keeper: Keeper) -> None:
    state = state_dict(NANO)
    path = keeper.folder / "old.pth"
    torch.save({"model": state, "args": argparse.Namespace(**ARGS)}, path, _use_new_zipfile_serialization=False)
    kept, _ = keeper.convert(path)
    assert_same(kept, state)


def hugging_face_folder(keeper: Keeper, state: dict[str, Tensor], **config: Any) -> Path:
    folder = keeper.folder / "hugging-face"
    folder.mkdir()
    architecture = NANO.config(resolution=48, queries=QUERIES, logits=4, groups=13)
    (folder / "config.json").write_text(json.dumps({**architecture, **config}))
    save_file(state, folder / "model.safetensors")
    return folder


@pytest.mark.parametrize("naming", ["upstream", "transformers"])
def test_a_hugging_face_folder_has_its_own_architecture(naming: str, keeper: Keeper) -> None:
    state = state_dict(NANO)
    folder = hugging_face_folder(
        keeper, state if naming == "upstream" else {k: v.clone() for k, v in to_modules(state).items()}
    )
    kept, contract = keeper.convert(folder, labels=NAMES)
    assert (contract.variant, contract.resolution) == (None, 48)
    assert_same(kept, state)
    keeper.load(kept, contract)


def test_a_folder_as_transformers_writes_it_can_be_loaded_in_place(keeper: Keeper) -> None:
    network = built(NANO.config(resolution=48, queries=QUERIES, logits=4, groups=13), where="here").to_empty(
        device="cpu"
    )
    network.load_state_dict(to_modules(state_dict(NANO)))
    network.save_pretrained(keeper.folder / "saved")
    contract = Contract(family="rf-detr-seg", classes=dict(enumerate(NAMES)), id_space="index", resolution=48)
    image = np.full((40, 50, 3), 90, dtype=np.uint8)
    kept = keeper.convert(keeper.folder / "saved", labels=NAMES)
    here, there = (
        next(model.detect([image], confidence=0.0, classes=None, max_detections=9)).xyxy
        for model in (keeper.load(keeper.folder / "saved", contract), keeper.load(*kept))
    )
    assert np.array_equal(here, there)


def test_a_hugging_face_folder_names_its_classes(keeper: Keeper) -> None:
    named = {"id2label": {"0": "bolt", "1": "nut", "2": "washer", "3": "screw"}}
    _, contract = keeper.convert(hugging_face_folder(keeper, state_dict(NANO), **named))
    assert contract.classes == {0: "bolt", 1: "nut", 2: "washer", 3: "screw"}


def test_members_of_a_config_that_name_code_are_left_out(keeper: Keeper) -> None:
    foreign = {"auto_map": {"AutoModel": "evil.Model"}, "_attn_implementation": "someone/kernel", "dtype": "float16"}
    kept, _ = keeper.convert(hugging_face_folder(keeper, state_dict(NANO), **foreign), labels=NAMES)
    config = json.loads((kept / "config.json").read_text())
    assert not foreign.keys() & (config.keys() | config["backbone_config"].keys())


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"model_type": "detr"}, "'rf_detr'"),
        ({"backbone_config": None}, "backbone_config"),
        ({"d_model": "wide"}, "d_model"),
        ({"num_queries": "many"}, "num_queries"),
        ({"group_detr": 0}, "do not fit its architecture"),
        ({"decoder_activation_function": "os.system"}, "os.system"),
    ],
)
def test_a_config_that_describes_no_network_is_an_error(config: dict[str, Any], said: str, keeper: Keeper) -> None:
    with pytest.raises(ModelError, match=said):
        keeper.convert(hugging_face_folder(keeper, state_dict(NANO), **config), labels=NAMES)


class Gadget:
    """Pickles as a call."""

    def __init__(self, call: Any, *arguments: Any) -> None:
        self._reduced = (call, arguments)

    def __reduce__(self) -> Any:
        return self._reduced


def gadgets(canary: Path) -> dict[str, tuple[Any, str]]:
    """Return things that would leave a file behind if they were unpickled, and the name that the refusal must have."""
    touch = f"__import__('pathlib').Path({str(canary)!r}).touch()"
    return {
        "system": (Gadget(os.system, f"touch {canary}"), "posix.system"),
        "exec": (Gadget(exec, touch), "exec"),
        "eval": (Gadget(eval, touch), "eval"),
        "open": (Gadget(open, str(canary), "w"), "open"),
        "path": (Path(canary), "pathlib"),
        "mkdir": (Gadget(os.mkdir, str(canary)), "posix.mkdir"),
        "nested": (
            {"model": {"a": torch.zeros(1)}, "args": argparse.Namespace(x=Gadget(os.mkdir, str(canary)))},
            "mkdir",
        ),
        "getattr": (Gadget(getattr, "text", "upper"), "getattr"),
        "own class": (Keeper(canary), "Keeper"),
        "numpy loader": (Gadget(pickle.loads, b"."), "pickle.loads"),
    }


@pytest.mark.parametrize("name", gadgets(Path("x")))
@pytest.mark.parametrize("new_format", [True, False])
def test_code_in_a_pickle_is_named_and_not_run(name: str, new_format: bool, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    content, culprit = gadgets(canary)[name]
    path = tmp_path / "evil.pth"
    torch.save(content, path, _use_new_zipfile_serialization=new_format)
    with pytest.raises(ModelError, match=culprit) as refused:
        checkpoint.read(path)
    assert refused.value.problem.code == "model_unsafe"
    assert not canary.exists()


def test_a_plain_pickle_runs_nothing_either(tmp_path: Path) -> None:
    path = tmp_path / "evil.pt"
    path.write_bytes(pickle.dumps(Gadget(os.mkdir, str(tmp_path / "canary")), protocol=2))
    with pytest.raises(ModelError):
        checkpoint.read(path)
    assert not (tmp_path / "canary").exists()


def test_a_compressed_archive_is_refused(keeper: Keeper) -> None:
    path = keeper.file({"model": {"a": torch.zeros(1 << 16)}})
    packed = keeper.folder / "packed.pth"
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            target.writestr(name, source.read(name))
    with pytest.raises(ModelError, match="compressed"):
        checkpoint.read(packed)


@pytest.mark.parametrize("length", [0, 7, 100, 5000])
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_file_that_is_cut_short_is_one_sentence(suffix: str, length: int, keeper: Keeper) -> None:
    whole, cut = keeper.folder / f"whole{suffix}", keeper.folder / f"cut{suffix}"
    state = {"a": torch.zeros(4000)}
    save_file(state, whole) if suffix == ".safetensors" else torch.save(state, whole)
    cut.write_bytes(whole.read_bytes()[:length])
    with pytest.raises(ModelError, match="cannot be read as a checkpoint"):
        checkpoint.read(cut)


@pytest.mark.filterwarnings("ignore")  # torch warns of some of the damage before it fails
@pytest.mark.parametrize("form", ["archive", "legacy", "safetensors"])
def test_a_damaged_file_is_read_or_refused_and_nothing_else(form: str, tmp_path: Path) -> None:
    path = tmp_path / ("damaged.safetensors" if form == "safetensors" else "damaged.pth")
    state = {f"tensor {i}": torch.zeros(5) for i in range(4)}
    if form == "safetensors":
        save_file(state, path)
    else:
        content = {"model": state, "args": argparse.Namespace(**ARGS)}
        torch.save(content, path, _use_new_zipfile_serialization=form == "archive")
    whole, random = path.read_bytes(), Random(0)
    refused = 0
    for _ in range(300):
        damaged = bytearray(whole)
        for _ in range(random.choice((1, 2, 8))):
            damaged[random.randrange(len(damaged))] = random.randrange(256)
        path.write_bytes(damaged[: random.choice((len(damaged), len(damaged), random.randrange(len(damaged))))])
        try:
            checkpoint.read(path)
        except ModelError:
            refused += 1
    assert 100 < refused < 300


@pytest.mark.parametrize(
    ("header", "said"),
    [
        (b'{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,64]}}', ""),
        (
            b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}',
            "",
        ),
        (b"[]", ""),
        (None, "larger than 16 MB"),
    ],
    ids=["beyond the end", "overlapping", "no object", "huge header"],
)
def test_a_hostile_safetensors_header_is_refused(header: bytes | None, said: str, tmp_path: Path) -> None:
    path = tmp_path / "evil.safetensors"
    start = struct.pack("<Q", 1 << 40 if header is None else len(header))
    path.write_bytes(start + (header or b"{}") + bytes(16))
    with pytest.raises(ModelError, match=f"cannot be read as a checkpoint.*{said}"):
        checkpoint.read(path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ([1, 2], "it holds a list"),
        ({}, "no tensors"),
        ({"model": {"a": torch.zeros(1), "b": "text"}}, "beside tensors it holds b"),
    ],
)
def test_a_file_without_weights_says_what_it_holds(content: Any, said: str, keeper: Keeper) -> None:
    with pytest.raises(ModelError, match=said):
        checkpoint.read(keeper.file(content))


def test_an_old_torch_is_not_trusted_with_pickles(keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
    path = keeper.file({"model": {"a": torch.zeros(1)}})
    monkeypatch.setattr(torch, "__version__", "2.9.1+cpu")
    with pytest.raises(ModelError, match=r"2\.9\.1.*2\.10"):
        checkpoint.read(path)


def test_no_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no checkpoint at .*missing\.pth"):
        checkpoint.read(tmp_path / "missing.pth")


def broken(**changes: Any) -> dict[str, Tensor]:
    """Return nano's weights with some tensors replaced, or left out where the replacement is ``None``."""
    state = {**state_dict(NANO), **{name.replace("__", "."): tensor for name, tensor in changes.items()}}
    return {name: tensor for name, tensor in state.items() if tensor is not None}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"segmentation_head__bias": None}, "1 missing: segmentation_bias"),
        ({"extra__weight": torch.zeros(2)}, "1 unexpected: extra.weight"),
        (
            {"bbox_embed__layers__0__bias": torch.zeros(7)},
            r"of another shape: model\.bbox_embed\.layers\.0\.bias \(7, not 32\)",
        ),
        ({"segmentation_head__bias": torch.tensor([float("nan")])}, "1 not plain finite numbers: segmentation_bias"),
        ({"segmentation_head__bias": torch.tensor([1])}, "1 not plain finite numbers: segmentation_bias"),
        ({"class_embed__weight": None}, "holds no RF-DETR-Seg: it lacks model.class_embed.weight"),
    ],
)
def test_tensors_that_do_not_fit_are_listed(changes: dict[str, Any], said: str, keeper: Keeper) -> None:
    with pytest.raises(ModelError, match=said):
        keeper.convert(keeper.file({"model": broken(**changes)}), model_type="nano", labels=NAMES)


def test_a_long_list_of_tensors_is_cut_and_counted(keeper: Keeper) -> None:
    state = {name: tensor for name, tensor in state_dict(NANO).items() if "decoder.layers.2." not in name}
    with pytest.raises(ModelError, match=r"\d\d missing: .*, …") as refused:
        keeper.convert(keeper.file({"model": state}), model_type="nano", labels=NAMES)
    assert len(str(refused.value)) < 700


def test_a_detection_model_is_told_apart(keeper: Keeper) -> None:
    state = {name: tensor for name, tensor in state_dict(NANO).items() if not name.startswith("segmentation_head")}
    with pytest.raises(ModelError, match="no segmentation head"):
        keeper.convert(keeper.file({"model": state}), model_type="nano", labels=NAMES)


def test_another_number_of_queries_is_read_from_the_rows(keeper: Keeper) -> None:
    kept, _ = keeper.convert(keeper.file({"model": state_dict(SMALL, queries=9)}), model_type="small", labels=NAMES)
    assert json.loads((kept / "config.json").read_text())["num_queries"] == 9


@pytest.fixture
def published() -> Published:
    return next(weights for weights in FAMILY.published if weights.id == SMALL.id)


def published_file(keeper: Keeper) -> tuple[Path, dict[str, Tensor]]:
    """Return a file of the kind that is published: more queries than are used, and arguments of another training."""
    state = state_dict(SMALL, outputs=91, queries=9)
    return keeper.file({"model": state, "args": argparse.Namespace(num_windows=4, dec_layers=3)}), state


def test_published_weights_are_what_the_publisher_says(keeper: Keeper, published: Published) -> None:
    source, state = published_file(keeper)
    target = keeper.folder / "target"
    target.mkdir()
    contract = FAMILY.convert(source, target, model_type=None, labels=None, published=published)
    kept = load_file(target / "model.safetensors")
    assert torch.equal(kept["model.model.query_feat.weight"], state["query_feat.weight"][:QUERIES])
    assert (contract.variant, contract.id_space, contract.classes[18]) == (SMALL.id, "coco", "dog")
    keeper.load(target, contract)


def test_published_weights_are_not_another_size(keeper: Keeper, published: Published) -> None:
    source, _ = published_file(keeper)
    with pytest.raises(ModelError, match="is rfdetr-seg-small as it was published, and not rfdetr-seg-nano"):
        FAMILY.convert(source, keeper.folder, model_type="nano", labels=None, published=published)


def test_published_weights_may_be_given_other_names(keeper: Keeper, published: Published) -> None:
    source, _ = published_file(keeper)
    names = [f"thing {i}" for i in range(90)]
    contract = FAMILY.convert(source, keeper.folder, model_type="small", labels=names, published=published)
    assert (contract.id_space, contract.classes[0]) == ("index", "thing 0")
