"""Names for models: added, pulled, bundled, and those that do not exist."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.unit.models.conftest import WeightServer
from tests.unit.models.fakes import CONTENT, FakeFamily
from workflow_engine.models.catalogue import Catalogue, Entry
from workflow_engine.models.family import Contract, ModelError
from workflow_engine.settings import Settings


def files(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def test_an_added_model_is_found_by_its_name(catalogue: Catalogue, settings: Settings, checkpoint: Path) -> None:
    entry = catalogue.add("my-parts/2", checkpoint, labels=["bolt", "nut"])
    assert entry == catalogue.find("my-parts/2")
    assert (entry.id, entry.origin, entry.contract.classes) == ("my-parts/2", "added", {0: "bolt", 1: "nut"})
    assert files(settings.models) == [f"my-parts@2/{n}" for n in ("config.json", "contract.json", "model.safetensors")]
    assert catalogue.add("my-parts", checkpoint).id == "my-parts"
    assert [entry.id for entry in catalogue.list()] == ["my-parts", "my-parts/2", "fake-nano"]


def test_size_and_labels_reach_the_family(catalogue: Catalogue, family: FakeFamily, checkpoint: Path) -> None:
    catalogue.add("mine", checkpoint, model_type="rfdetr-seg-medium", labels=["bolt"])
    assert family.converted == [("checkpoint_best.pth", "rfdetr-seg-medium", ["bolt"])]


@pytest.mark.parametrize(
    "name", ["", "/", "..", "../x", "a/../b", "/etc", "a//b", "a b", "a@b", "a/b/c/d", ".x", "a\n"]
)
def test_what_cannot_be_a_name_is_refused_and_found_nowhere(name: str, catalogue: Catalogue, checkpoint: Path) -> None:
    with pytest.raises(ModelError, match="cannot name a model"):
        catalogue.add(name, checkpoint)
    with pytest.raises(ModelError, match="There is no model"):
        catalogue.find(name)


@pytest.mark.parametrize("name", ["fake-nano", "FAKENANO", "fake-n", "demo/fasteners"])
def test_names_that_come_with_the_program_are_taken(
    name: str, settings: Settings, family: FakeFamily, checkpoint: Path, tmp_path: Path
) -> None:
    with pytest.raises(ModelError, match="comes with segflow"):
        Catalogue(settings, [family], bundled={"demo/fasteners": tmp_path}).add(name, checkpoint)


def test_a_name_is_given_once(catalogue: Catalogue, checkpoint: Path) -> None:
    catalogue.add("mine", checkpoint)
    with pytest.raises(ModelError, match="'mine' already"):
        catalogue.add("mine", checkpoint)


def test_an_unknown_model_gets_the_nearest_names(catalogue: Catalogue, checkpoint: Path) -> None:
    catalogue.add("my-parts/2", checkpoint)
    with pytest.raises(ModelError, match=r"no model 'my-parts/3'\. Did you mean 'my-parts/2'"):
        catalogue.find("my-parts/3")
    with pytest.raises(ModelError, match="Known are my-parts/2, fake-nano"):
        catalogue.find("yolov8n-640")


def test_a_refused_checkpoint_leaves_nothing(catalogue: Catalogue, settings: Settings, tmp_path: Path) -> None:
    bad = tmp_path / "bad.pth"
    bad.write_bytes(b"bad")
    with pytest.raises(ModelError, match="is bad"):
        catalogue.add("mine", bad)
    assert list(settings.models.iterdir()) == []


def test_a_full_disk_leaves_nothing(
    catalogue: Catalogue, settings: Settings, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Path, *arguments: Any, **options: Any) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self))

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(ModelError, match="Keeping mine failed: the disk is full"):
        catalogue.add("mine", checkpoint)
    assert list(settings.models.iterdir()) == []


def test_a_file_is_not_read_without_the_right_to(catalogue: Catalogue, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such file"):
        catalogue.add("mine", tmp_path / "missing.pth")


@pytest.mark.parametrize("name", ["fake-nano", "FakeNano", "fake-n", "FAKE-NANO"])
def test_published_weights_are_known_before_they_are_here(name: str, catalogue: Catalogue) -> None:
    entry = catalogue.find(name)
    assert (entry.id, entry.origin, entry.folder, entry.title) == ("fake-nano", "published", None, "Fake Nano")
    assert entry.contract.classes == {1: "cat", 3: "dog"}
    assert entry.nbytes == 0


def test_a_pull_downloads_converts_and_cleans_up(
    catalogue: Catalogue, settings: Settings, server: WeightServer
) -> None:
    steps: list[tuple[int, int | None]] = []
    entry = catalogue.pull("FakeNano", progress=lambda done, total: steps.append((done, total)))
    assert entry.id == "fake-nano"
    assert entry.folder is not None
    assert (entry.folder / "model.safetensors").read_bytes() == CONTENT
    assert steps
    assert files(settings.models) == [f"fake-nano/{n}" for n in ("config.json", "contract.json", "model.safetensors")]
    assert catalogue.pull("fake-nano") == entry
    assert len(server.requests) == 1


def test_upstreams_cache_is_read_and_left_alone(catalogue: Catalogue, settings: Settings, server: WeightServer) -> None:
    settings.upstream_models.mkdir()
    cached = settings.upstream_models / "fake-nano.pt"
    cached.write_bytes(CONTENT)
    assert catalogue.pull("fake-nano").folder is not None
    assert server.requests == []
    assert cached.exists()


def test_a_published_file_added_by_hand_is_recognised(catalogue: Catalogue, tmp_path: Path) -> None:
    renamed = tmp_path / "whatever.pt"
    renamed.write_bytes(CONTENT)
    assert catalogue.add("mine", renamed).contract.variant == "fake-nano"


def test_a_removed_model_is_gone_and_a_pulled_one_can_come_again(catalogue: Catalogue, checkpoint: Path) -> None:
    catalogue.add("mine", checkpoint)
    catalogue.pull("fake-nano")
    catalogue.remove("mine")
    catalogue.remove("FakeNano")
    assert [(entry.id, entry.folder) for entry in catalogue.list()] == [("fake-nano", None)]
    with pytest.raises(ModelError, match="not pulled"):
        catalogue.remove("fake-nano")
    with pytest.raises(ModelError, match="There is no model 'mine'"):
        catalogue.remove("mine")


def bundle(folder: Path) -> Path:
    folder.mkdir()
    contract = Contract(family="fake", classes={0: "bolt"}, id_space="index", resolution=48)
    (folder / "contract.json").write_text(json.dumps(contract.to_json()))
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"bundled")
    return folder


def test_a_bundled_model_is_there_from_the_start_and_stays(
    settings: Settings, family: FakeFamily, tmp_path: Path
) -> None:
    catalogue = Catalogue(settings, [family], bundled={"demo/fasteners": bundle(tmp_path / "fasteners")})
    entry = catalogue.find("demo/fasteners")
    assert (entry.origin, entry.contract.classes) == ("bundled", {0: "bolt"})
    assert catalogue.list()[0] == entry
    assert catalogue.pull("demo/fasteners") == entry
    with pytest.raises(ModelError, match="not removed"):
        catalogue.remove("demo/fasteners")


def test_a_kept_folder_can_be_added_elsewhere_as_it_is(
    catalogue: Catalogue, family: FakeFamily, tmp_path: Path
) -> None:
    entry = catalogue.add("copied", bundle(tmp_path / "elsewhere"))
    assert (entry.contract.classes, family.converted) == ({0: "bolt"}, [])


def test_a_kept_folder_with_other_weights_is_refused(catalogue: Catalogue, checkpoint: Path) -> None:
    folder = catalogue.add("mine", checkpoint).folder
    assert folder is not None
    (folder / "model.safetensors").write_bytes(b"other")
    with pytest.raises(ModelError, match="the checksum differs"):
        catalogue.add("copied", folder)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "is not JSON"),
        ("[]", "not the class contract"),
        ('{"contract_version": 2}', "contract_version is not 1"),
        ('{"contract_version": 1, "family": "fake", "classes": {}, "id_space": "other", "resolution": 1}', "id_space"),
        (
            '{"contract_version": 1, "family": "fake", "classes": {"a": "b"}, "id_space": "index", "resolution": 1}',
            "'a'",
        ),
        ('{"contract_version": 1, "family": "fake", "classes": {}, "id_space": "index"}', "resolution"),
        ('{"contract_version": 1, "family": "f", "classes": {}, "id_space": "index", "resolution": 1, "x": 1}', "'x'"),
    ],
)
def test_a_damaged_contract_is_one_sentence(content: str, said: str, catalogue: Catalogue, checkpoint: Path) -> None:
    folder = catalogue.add("mine", checkpoint).folder
    assert folder is not None
    (folder / "contract.json").write_text(content)
    with pytest.raises(ModelError, match=said):
        catalogue.find("mine")
    assert [entry.id for entry in catalogue.list()] == ["fake-nano"]


def test_a_contract_survives_json() -> None:
    contract = Contract(
        family="fake",
        classes={1: "cat", 90: "dog"},
        id_space="coco",
        resolution=312,
        default_confidence=0.3,
        class_confidence={"cat": 0.6},
        sha256="0" * 64,
    )
    assert Contract.from_json(json.loads(json.dumps(contract.to_json())), where="here") == contract


def test_a_model_of_a_family_that_nobody_brings_says_so(settings: Settings, checkpoint: Path) -> None:
    Catalogue(settings, [FakeFamily()], bundled={}).add("mine", checkpoint)
    bare = Catalogue(settings, [], bundled={})
    with pytest.raises(ModelError, match="family 'fake', which no installed block brings"):
        bare.family(bare.find("mine"))
    with pytest.raises(ModelError, match="No installed block reads checkpoints"):
        bare.add("other", checkpoint)


def test_what_is_told_about_a_model_holds_no_path(catalogue: Catalogue, checkpoint: Path, tmp_path: Path) -> None:
    entry = catalogue.add("mine", checkpoint, labels=["bolt", "nut"])
    told = entry.to_json()
    assert (told["id"], told["ready"], told["classes"]) == ("mine", True, ["bolt", "nut"])
    assert told["bytes"] > 0
    assert str(tmp_path) not in json.dumps(told)


def test_a_checkpoint_is_borrowed_without_a_name(catalogue: Catalogue, checkpoint: Path, tmp_path: Path) -> None:
    place = tmp_path / "place"
    place.mkdir()
    entry = catalogue.borrow(checkpoint, place)
    assert isinstance(entry, Entry)
    assert (entry.folder, catalogue.list()[0].id) == (place, "fake-nano")
    kept = bundle(tmp_path / "kept")
    assert catalogue.borrow(kept, place).folder == kept


def test_a_model_is_exported_by_its_family(catalogue: Catalogue, checkpoint: Path, tmp_path: Path) -> None:
    entry = catalogue.add("my-parts/2", checkpoint)
    assert entry.folder is not None
    (file,) = catalogue.export("my-parts/2", tmp_path / "out", form="text")
    assert file == tmp_path / "out" / "my-parts-2.text"
    assert file.read_bytes() == (entry.folder / "model.safetensors").read_bytes()
    with pytest.raises(ModelError, match="'fake-nano' was not pulled, so there is nothing to export"):
        catalogue.export("fake-nano", tmp_path, form="text")
    (tmp_path / "file").touch()
    with pytest.raises(ModelError, match="Exporting my-parts/2 failed"):
        catalogue.export("my-parts/2", tmp_path / "file", form="text")


def test_what_was_compiled_stays_for_another_name_of_the_same_weights(
    catalogue: Catalogue, settings: Settings, checkpoint: Path
) -> None:
    sha256 = catalogue.add("mine", checkpoint).contract.sha256
    assert sha256 == catalogue.add("again", checkpoint).contract.sha256
    assert sha256 is not None
    (settings.compiled / sha256 / "entry").mkdir(parents=True)
    catalogue.remove("mine")
    assert (settings.compiled / sha256).is_dir()
    catalogue.remove("again")
    assert not (settings.compiled / sha256).exists()


def test_with_a_model_goes_what_was_compiled_of_it(catalogue: Catalogue, settings: Settings, checkpoint: Path) -> None:
    sha256 = catalogue.add("mine", checkpoint).contract.sha256
    assert sha256 is not None
    for weights in (sha256, "of-others"):
        (settings.compiled / weights / "entry").mkdir(parents=True)
    catalogue.remove("mine")
    assert [folder.name for folder in settings.compiled.iterdir()] == ["of-others"]
