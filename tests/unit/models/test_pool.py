"""Loaded models: once each, shared by threads, let go when memory is short."""

from __future__ import annotations

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.models.conftest import WeightServer
from tests.unit.models.fakes import CONTENT, FakeFamily
from workflow_engine.models.catalogue import Catalogue
from workflow_engine.models.family import ModelError
from workflow_engine.models.pool import Key, ModelPool, Once
from workflow_engine.settings import Settings


@pytest.fixture
def pool(catalogue: Catalogue, checkpoint: Path) -> ModelPool:
    catalogue.add("mine", checkpoint)
    return ModelPool(catalogue)


def test_a_model_is_loaded_once(pool: ModelPool, family: FakeFamily) -> None:
    model = pool.get("mine")
    assert model.text == b"mine"
    assert pool.get("mine", resolution=48) is model
    assert pool.get("mine", device="cpu") is model
    assert family.loads == 1
    (key,) = pool.loaded
    assert key == Key("mine", repr(pool.entry("mine").contract), "cpu", "float32", 48)
    assert hashlib.sha256(b"mine").hexdigest() in key.contract


def test_other_classes_of_the_same_weights_are_seen(pool: ModelPool, checkpoint: Path) -> None:
    before = pool.get("mine")
    pool.catalogue.remove("mine")
    pool.catalogue.add("mine", checkpoint, labels=["bolt", "nut"])
    assert pool.get("mine").contract != before.contract


def test_another_device_or_resolution_is_another_model(pool: ModelPool, family: FakeFamily) -> None:
    models = [pool.get("mine"), pool.get("mine", device="cuda"), pool.get("mine", resolution=96)]
    assert [(model.device, model.resolution) for model in models] == [("cpu", 48), ("cuda", 48), ("cpu", 96)]
    assert family.loads == 3


def test_auto_is_what_the_settings_say(settings: Settings, family: FakeFamily, checkpoint: Path) -> None:
    catalogue = Catalogue(replace(settings, device="cuda"), [family], bundled={})
    catalogue.add("mine", checkpoint)
    assert ModelPool(catalogue).get("mine").device == "cuda"
    assert ModelPool(catalogue).get("mine", device="cpu").device == "cpu"


def test_threads_that_ask_together_share_one_load(catalogue: Catalogue, family: FakeFamily, checkpoint: Path) -> None:
    catalogue.add("mine", checkpoint)
    family.seconds = 0.1
    pool = ModelPool(catalogue)
    together = threading.Barrier(8)

    def ask(_: int) -> object:
        together.wait()
        return pool.get("mine")

    with ThreadPoolExecutor(8) as threads:
        models = set(map(id, threads.map(ask, range(8))))
    assert (len(models), family.loads) == (1, 1)


def test_different_models_load_side_by_side(catalogue: Catalogue, family: FakeFamily, checkpoint: Path) -> None:
    for name in ("a", "b"):
        catalogue.add(name, checkpoint)
    pool = ModelPool(catalogue)
    meeting = threading.Barrier(2, timeout=5)
    load = family.load
    family.load = lambda *a, **k: (meeting.wait(), load(*a, **k))[1]  # type: ignore[method-assign]
    with ThreadPoolExecutor(2) as threads:
        assert len(list(threads.map(pool.get, ["a", "b"]))) == 2


def test_a_failed_load_fails_all_who_wait_and_is_tried_again(
    catalogue: Catalogue, family: FakeFamily, checkpoint: Path
) -> None:
    checkpoint.write_bytes(b"broken")
    catalogue.add("mine", checkpoint)
    family.seconds = 0.1
    pool = ModelPool(catalogue)

    def ask(_: int) -> str:
        with pytest.raises(ModelError, match="do not fit") as failed:
            pool.get("mine")
        return str(failed.value)

    with ThreadPoolExecutor(4) as threads:
        assert len(set(threads.map(ask, range(4)))) == 1
    assert pool.loaded == ()
    before = family.loads
    ask(0)
    assert family.loads == before + 1


def test_the_least_recently_used_goes_when_memory_is_short(
    catalogue: Catalogue, family: FakeFamily, checkpoint: Path
) -> None:
    for name in ("a", "b", "c"):
        catalogue.add(name, checkpoint)
    pool = ModelPool(catalogue, budget=250)
    for name in ("a", "b", "a", "c"):
        pool.get(name)
    assert [key.model for key in pool.loaded] == ["a", "c"]
    pool.get("a")
    assert family.loads == 3
    pool.get("b")
    assert (family.loads, [key.model for key in pool.loaded]) == (4, ["a", "b"])


def test_a_model_larger_than_the_budget_is_lent_all_the_same(catalogue: Catalogue, checkpoint: Path) -> None:
    catalogue.add("mine", checkpoint)
    pool = ModelPool(catalogue, budget=1)
    assert pool.get("mine") is pool.get("mine")


def test_published_weights_are_pulled_when_a_workflow_asks(catalogue: Catalogue, server: WeightServer) -> None:
    steps: list[int] = []
    pool = ModelPool(catalogue, progress=lambda done, total: steps.append(done))
    model = pool.get("FakeNano")
    assert model.text == CONTENT
    assert model.contract.sha256 is not None
    assert pool.get("fake-nano") is model
    assert (len(server.requests), steps[-1]) == (1, len(CONTENT))


def test_threads_that_ask_for_different_forms_share_one_pull(catalogue: Catalogue, server: WeightServer) -> None:
    pool = ModelPool(catalogue)
    with ThreadPoolExecutor(3) as threads:
        list(threads.map(lambda side: pool.get("fake-nano", resolution=side), [48, 96, 144]))
    assert len(server.requests) == 1


def test_exchanged_weights_are_noticed(pool: ModelPool) -> None:
    folder = pool.catalogue.find("mine").folder
    assert folder is not None
    (folder / "model.safetensors").write_bytes(b"other")
    with pytest.raises(ModelError, match="the checksum differs"):
        pool.get("mine")


def test_a_path_is_a_model_where_paths_are_allowed(catalogue: Catalogue, checkpoint: Path, family: FakeFamily) -> None:
    pool = ModelPool(catalogue, allow_paths=True)
    model = pool.get(str(checkpoint))
    assert model.text == b"mine"
    assert pool.get(str(checkpoint)) is model
    assert [entry.id for entry in catalogue.list()] == ["fake-nano"]
    checkpoint.write_bytes(b"mine, trained further")
    assert pool.get(str(checkpoint)).text == b"mine, trained further"
    assert len(family.converted) == 2


def test_a_missing_path_is_named(catalogue: Catalogue, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"There is no checkpoint at .*missing"):
        ModelPool(catalogue, allow_paths=True).get(str(tmp_path / "missing.pth"))


@pytest.mark.parametrize("name", ["{}", "../{}", "~/x", "weights.pth", "C:\\weights"])
def test_a_request_may_not_name_a_path(name: str, pool: ModelPool, checkpoint: Path, family: FakeFamily) -> None:
    before = len(family.converted)
    with pytest.raises(ModelError, match="is a path, but a request names a model by its id"):
        pool.get(name.format(checkpoint))
    assert len(family.converted) == before


def test_new_weights_under_an_old_name_are_loaded(pool: ModelPool, checkpoint: Path) -> None:
    assert pool.get("mine").text == b"mine"
    pool.catalogue.remove("mine")
    checkpoint.write_bytes(b"better")
    pool.catalogue.add("mine", checkpoint)
    assert pool.get("mine").text == b"better"


def test_an_unknown_name_is_no_path(catalogue: Catalogue) -> None:
    for allowed in (True, False):
        with pytest.raises(ModelError, match=r"There is no model 'fake-nanoo'\. Did you mean 'fake-nano'"):
            ModelPool(catalogue, allow_paths=allowed).get("fake-nanoo")


def test_a_value_is_made_once_and_the_latest_asked_for_comes_last() -> None:
    once: Once[str, object] = Once()
    first = once.get("a", object)
    once.get("b", object)
    assert once.get("a", object) is first
    assert list(once.made()) == ["b", "a"]
    once.forget("a")
    assert once.get("a", object) is not first
