"""The models of this machine by name: what is bundled, what was pulled or added, and what could be pulled.

Each model is a folder with ``model.safetensors``, ``config.json`` and ``contract.json``, and with pictures to compare
backends on where the user gave some. It is written elsewhere and renamed into place, so that it is there whole or not
at all. The folder of ``my-parts/2`` is ``my-parts@2``.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from workflow_engine.errors import nearest
from workflow_engine.models import pull
from workflow_engine.models.family import Contract, Labels, ModelError, ModelFamily, Published
from workflow_engine.models.storage import checksum, disk_errors_explained
from workflow_engine.settings import Limits, Settings

WEIGHTS, CONFIG, CONTRACT = "model.safetensors", "config.json", "contract.json"
REFERENCE = "reference"
"""How the names of pictures begin on which a model's backends are compared."""

_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,63}(/[A-Za-z0-9][\w.-]{0,63}){0,2}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One model.

    Attributes:
        id: The name to use in workflows.
        origin: ``bundled`` with the program, ``published`` for anyone to pull, or ``added`` by the user.
        contract: What its outputs mean.
        folder: Where its files are; ``None`` for published weights that were not pulled yet.
        title: The name that people say.
        facts: Figures to choose by, such as ``coco_mask_ap``.
    """

    id: str
    origin: Literal["bundled", "published", "added"]
    contract: Contract
    folder: Path | None
    title: str = ""
    facts: Mapping[str, float] = field(default_factory=dict)

    @property
    def nbytes(self) -> int:
        """Size of its files; 0 when they are not here."""
        return 0 if self.folder is None else sum(file.stat().st_size for file in self.folder.iterdir())

    def to_json(self) -> dict[str, Any]:
        """Return what there is to know, for lists and the HTTP API; no path is told."""
        return {
            "id": self.id,
            "title": self.title,
            "origin": self.origin,
            "ready": self.folder is not None,
            "bytes": self.nbytes,
            "classes": list(self.contract.classes.values()),
            "resolution": self.contract.resolution,
            "variant": self.contract.variant,
            "license": self.contract.license,
            "facts": dict(self.facts),
        }


def bundled_models() -> dict[str, Path]:
    """Return the folders of the models that come with the program: in a checkout, or packed into the distribution."""
    here = Path(__file__).resolve()
    places = (here.parent / "bundled" / "fasteners", here.parents[2] / "examples" / "demo_model" / "fasteners")
    found = next((place for place in places if (place / CONTRACT).is_file()), None)
    return {} if found is None else {"demo/fasteners": found}


class Catalogue:
    """Finds, adds, pulls and removes models. Safe to use from several processes."""

    def __init__(
        self, settings: Settings, families: Sequence[ModelFamily], *, bundled: Mapping[str, Path] | None = None
    ) -> None:
        """Look into ``settings.models``.

        Args:
            settings: Where models are kept, and where they can be pulled from.
            families: Who can read and load them.
            bundled: Folders of models that come with the program, by id, which are only read.
        """
        self.settings = settings
        self._root = settings.models
        self._families = {family.name: family for family in families}
        self._bundled = dict(bundled_models() if bundled is None else bundled)
        self._published = {weights.id: weights for family in families for weights in family.published}
        self._aliases = {
            word.lower(): weights.id for weights in self._published.values() for word in (weights.id, *weights.aliases)
        }

    def family(self, entry: Entry) -> ModelFamily:
        """Return the family that loads this model.

        Raises:
            ModelError: If no block that is installed brings it.
        """
        name = entry.contract.family
        if name not in self._families:
            message = f"The model {entry.id!r} is of the family {name!r}, which no installed block brings."
            raise ModelError("model_family", message, whose="operator")
        return self._families[name]

    def list(self) -> tuple[Entry, ...]:
        """Return every model: bundled ones, the user's, then the published ones, pulled or not.

        One whose contract is damaged is left out; ``find`` says what is wrong with it.
        """
        entries = []
        for name in (*self._bundled, *self._added(), *self._published):
            with suppress(ModelError):
                entries.append(self.find(name))
        return tuple(entries)

    def find(self, model_id: str) -> Entry:
        """Return the model called ``model_id``; published sizes are found by any of their aliases.

        Raises:
            ModelError: If there is none; the hint has the nearest names.
        """
        name = self._aliases.get(model_id.lower(), model_id)
        if name in self._bundled:
            folder = self._bundled[name]
            return Entry(id=name, origin="bundled", contract=_read_contract(folder), folder=folder)
        kept = self._kept(name)
        if name in self._published:
            weights = self._published[name]
            contract = weights.contract if kept is None else _read_contract(kept)
            title, facts = weights.title, weights.facts
            return Entry(id=name, origin="published", contract=contract, folder=kept, title=title, facts=facts)
        if kept is None:
            known = (*self._bundled, *self._added(), *self._published)
            hint = nearest(model_id, known) or f"Known are {', '.join(known)}."
            raise ModelError("model_unknown", f"There is no model {model_id!r}.", hint=hint)
        return Entry(id=name, origin="added", contract=_read_contract(kept), folder=kept)

    def add(
        self,
        model_id: str,
        source: Path,
        *,
        model_type: str | None = None,
        labels: Labels | None = None,
        references: Sequence[Path] = (),
    ) -> Entry:
        """Keep the checkpoint at ``source`` under ``model_id``.

        Args:
            model_id: A new name, such as ``my-parts/2``.
            source: A checkpoint in any form that a family reads, or the folder of a model that was kept elsewhere.
            model_type: The size that it is of, in any spelling; needed when the file does not say.
            labels: Class names in the order of training: a list, a file, or ``coco``; needed likewise.
            references: Pictures with objects that the model finds. By them it is judged whether a faster precision
                finds the same.

        Raises:
            ModelError: If the name is taken or no name, the file is refused, or the disk is full.
            InputError: If a reference is no picture.
        """
        if not _ID.fullmatch(model_id):
            message = f"{model_id!r} cannot name a model: use letters, digits, '-', '_' and '.', with up to two '/'."
            raise ModelError("model_name", message, hint="Such as my-parts/2.")
        if model_id in self._bundled or model_id.lower() in self._aliases:
            raise ModelError("model_name", f"{model_id!r} is the name of a model that comes with segflow.")
        if self._folder(model_id).exists():
            message = f"There is a model {model_id!r} already."
            raise ModelError("model_name", message, hint="Choose another name, or remove it first.")
        from workflow_engine.vision import decode

        for picture in references:
            decode.read_file(picture, limits=Limits())  # as when they are compared
        weights = self._known(source)
        self._keep(model_id, source, model_type=model_type, labels=labels, published=weights, references=references)
        return self.find(model_id)

    def pull(self, model_id: str, *, progress: pull.Progress | None = None) -> Entry:
        """Make published weights ready for use, downloading them unless they are here.

        Raises:
            ModelError: If no such weights are published, or they cannot be had.
        """
        entry = self.find(model_id)
        if entry.folder is not None:
            return entry
        weights = self._published[entry.id]
        file = pull.fetch(weights, self.settings, progress=progress)
        self._keep(entry.id, file, model_type=None, labels=None, published=weights)
        if file.parent == pull.downloads(self.settings):
            file.unlink(missing_ok=True)
        return self.find(entry.id)

    def export(self, model_id: str, target: Path, *, form: str, resolution: int | None = None) -> tuple[Path, ...]:
        """Write a model that is here into the folder ``target`` as files for use elsewhere; return their paths.

        Args:
            model_id: Which model.
            target: Made if need be.
            form: ``onnx`` or ``openvino``.
            resolution: Side in pixels of the square to look at; ``None`` for the model's own.

        Raises:
            ModelError: If there is no such model or form, it was not pulled, or its packages are not installed.
        """
        entry = self.find(model_id)
        if entry.folder is None:
            message = f"{entry.id!r} was not pulled, so there is nothing to export."
            raise ModelError("model_name", message, hint=f"segflow models pull {entry.id}")
        verify(entry.folder, entry.contract)
        with disk_errors_explained(f"Exporting {entry.id}"):
            return self.family(entry).export(
                entry.folder,
                entry.contract,
                form=form,
                resolution=resolution,
                target=target,
                name=entry.id.replace("/", "-"),
            )

    def remove(self, model_id: str) -> None:
        """Delete a model that was added or pulled, and what was compiled of its weights if no other has the same.

        Raises:
            ModelError: If there is none, or it is bundled.
        """
        entry = self.find(model_id)
        if entry.origin == "bundled":
            raise ModelError("model_name", f"{entry.id!r} comes with segflow and is not removed.")
        if entry.folder is None:
            raise ModelError("model_name", f"{entry.id!r} was not pulled, so there is nothing to remove.")
        with disk_errors_explained(f"Removing {entry.id}"), self._workplace() as place:
            # The rename takes the name away at once, however long the deletion takes.
            entry.folder.rename(place / "removed")
        weights = entry.contract.sha256
        if weights is not None and all(other.contract.sha256 != weights for other in self.list()):
            shutil.rmtree(self.settings.compiled / weights, ignore_errors=True)

    def borrow(self, source: Path, folder: Path) -> Entry:
        """Make the checkpoint at ``source`` usable for a while without keeping it; ``folder`` must be empty.

        Raises:
            ModelError: If it is refused, or does not say by itself what it is.
        """
        if (source / CONTRACT).is_file():
            return Entry(id=str(source), origin="added", contract=_read_contract(source), folder=source)
        with disk_errors_explained(f"Reading {source}"):
            contract = self._convert(source, folder, model_type=None, labels=None, published=self._known(source))
        return Entry(id=str(source), origin="added", contract=contract, folder=folder)

    def _added(self) -> Iterator[str]:
        if not self._root.is_dir():
            return
        for folder in sorted(self._root.iterdir()):
            name = folder.name.replace("@", "/")
            if _ID.fullmatch(name) and name not in self._published and (folder / CONTRACT).is_file():
                yield name

    def _kept(self, name: str) -> Path | None:
        """Return the folder of a model under this name, if there is one; the name may be anything."""
        folder = self._folder(name) if _ID.fullmatch(name) else None
        return folder if folder is not None and (folder / CONTRACT).is_file() else None

    def _folder(self, model_id: str) -> Path:
        return self._root / model_id.replace("/", "@")

    def _known(self, source: Path) -> Published | None:
        """Return the published weights that a file is, byte for byte."""
        if not source.is_file():
            return None
        with disk_errors_explained(f"Reading {source}"):
            found = checksum(source, "md5")
        return next((weights for weights in self._published.values() if weights.md5 == found), None)

    def _keep(
        self,
        model_id: str,
        source: Path,
        *,
        model_type: str | None,
        labels: Labels | None,
        published: Published | None,
        references: Sequence[Path] = (),
    ) -> None:
        with disk_errors_explained(f"Keeping {model_id}"), self._workplace() as place:
            self._convert(source, place, model_type=model_type, labels=labels, published=published)
            for number, picture in enumerate(references, 1):
                shutil.copyfile(picture, place / f"{REFERENCE}-{number}{picture.suffix.lower()}")
            try:
                place.rename(self._folder(model_id))
            except OSError:
                # Another process may have kept the same weights meanwhile.
                if published is None or not (self._folder(model_id) / CONTRACT).is_file():
                    raise

    def _convert(
        self,
        source: Path,
        target: Path,
        *,
        model_type: str | None,
        labels: Labels | None,
        published: Published | None,
    ) -> Contract:
        """Fill ``target`` with a model's files."""
        if (source / CONTRACT).is_file() and model_type is None and labels is None:
            contract = _read_contract(source)
            for file in (source / WEIGHTS, source / CONFIG, *source.glob(f"{REFERENCE}*")):
                shutil.copyfile(file, target / file.name)
            verify(target, contract)
        else:
            contract = self._reader(published).convert(
                source, target, model_type=model_type, labels=labels, published=published
            )
        contract = replace(contract, sha256=checksum(target / WEIGHTS, "sha256"))
        (target / CONTRACT).write_text(json.dumps(contract.to_json(), indent=2) + "\n", encoding="utf-8")
        return contract

    def _reader(self, published: Published | None) -> ModelFamily:
        """Return the family that reads a checkpoint: the publisher's, or else the first that is installed."""
        if published is not None:
            return self._families[published.contract.family]
        if not self._families:
            raise ModelError("model_family", "No installed block reads checkpoints.", whose="operator")
        return next(iter(self._families.values()))

    @contextmanager
    def _workplace(self) -> Iterator[Path]:
        """Lend an empty folder on the same disk, removed afterwards if it is still there."""
        self._root.mkdir(parents=True, exist_ok=True)
        place = Path(tempfile.mkdtemp(prefix=".new-", dir=self._root))
        try:
            yield place
        finally:
            shutil.rmtree(place, ignore_errors=True)


def verify(folder: Path, contract: Contract) -> None:
    """Compare the weights in ``folder`` with the checksum in their contract, where it has one.

    Raises:
        ModelError: If they differ: the file was damaged or exchanged.
    """
    if contract.sha256 is not None and checksum(folder / WEIGHTS, "sha256") != contract.sha256:
        message = f"The weights in {folder.name} are not those that were kept there: the checksum differs."
        raise ModelError("model_checksum", message, hint="Remove the model and add it again.", whose="operator")


def _read_contract(folder: Path) -> Contract:
    """Read what a model's outputs mean: every run asks, so the file is read again only when it is another.

    Raises:
        ModelError: If the file is damaged, or the disk does not give it.
    """
    file = folder / CONTRACT
    with disk_errors_explained(f"Reading {file}"):
        status = file.stat()
        return _contract(file, status.st_ino, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=256)
def _contract(file: Path, *_version: int) -> Contract:
    try:
        content = json.loads(file.read_bytes())
    except ValueError as error:
        raise ModelError("model_contract", f"{file} is not JSON: {error}.", whose="operator") from error
    return Contract.from_json(content, where=str(file))
