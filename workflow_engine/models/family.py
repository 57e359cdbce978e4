"""What a family of models must offer so that the catalogue can keep its weights and the pool can load them.

A family lives with its block. It alone knows checkpoints, networks and tensors; the catalogue and the pool handle
folders, names and memory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias

from workflow_engine.errors import Problem, Whose, WorkflowError

CONTRACT_VERSION = 1

Labels: TypeAlias = str | Path | Sequence[str]
IdSpace: TypeAlias = Literal["index", "coco"]


class ModelError(WorkflowError):
    """A model that cannot be found, fetched, read, checked or loaded."""

    def __init__(self, code: str, message: str, *, hint: str = "", whose: Whose = "caller") -> None:
        super().__init__(Problem(code=code, message=message, hint=hint, whose=whose))


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """What the outputs of a model mean; it travels with the weights in a sidecar file.

    Attributes:
        family: Name of the family that can load the weights.
        classes: Name of each class id that has one; an id without is unused or background.
        id_space: ``index`` when ids count the names from 0, ``coco`` when they are COCO's sparse category ids 1 to 90.
        resolution: Side in pixels of the square that the model looks at, unless a run asks for another.
        variant: Published size that the architecture is of, if it is one.
        resize: How images are brought to that square.
        default_confidence: Score above which objects are worth keeping, if the weights come with one.
        class_confidence: The same per class name, where a class has its own.
        license: SPDX identifier of the weights' licence, if known.
        source: Name of the file that the weights were read from.
        sha256: Checksum of ``model.safetensors``; ``None`` when nobody recorded one.
    """

    family: str
    classes: Mapping[int, str]
    id_space: IdSpace
    resolution: int
    variant: str | None = None
    resize: str = "bilinear"
    default_confidence: float | None = None
    class_confidence: Mapping[str, float] = field(default_factory=dict)
    license: str | None = None
    source: str | None = None
    sha256: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the content of the sidecar file."""
        return {"contract_version": CONTRACT_VERSION} | asdict(self)

    @classmethod
    def from_json(cls, content: Any, *, where: str) -> Contract:
        """Read the content of a sidecar file; ``where`` names it in errors.

        Raises:
            ModelError: A member is missing, unknown or of the wrong form.
        """
        try:
            members = dict(content)
            if members.pop("contract_version") != CONTRACT_VERSION:
                raise ValueError(f"contract_version is not {CONTRACT_VERSION}")
            if members["id_space"] not in ("index", "coco"):
                raise ValueError(f"id_space is {members['id_space']!r}, not 'index' or 'coco'")
            classes = {int(number): str(name) for number, name in members.pop("classes").items()}
            return cls(classes=classes, **members)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            message = f"{where} is not the class contract of a model: {type(error).__name__}: {error}."
            raise ModelError("model_contract", message, hint="Add the model again.", whose="operator") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """Weights that anyone can download.

    Attributes:
        id: The name to use in workflows.
        title: The name that people say.
        aliases: Other names for the same, as other tools spell it.
        file: Name under which the file is kept.
        remote: Name of the file at the base address.
        md5: Checksum that the publisher states.
        contract: What the outputs mean.
        facts: Figures to choose by, such as ``coco_mask_ap``.
    """

    id: str
    title: str
    aliases: tuple[str, ...]
    file: str
    remote: str
    md5: str
    contract: Contract
    facts: Mapping[str, float] = field(default_factory=dict)


class LoadedModel(Protocol):
    """A model in memory."""

    @property
    def nbytes(self) -> int:
        """Memory that it holds, in bytes."""


class ModelFamily(Protocol):
    """How one family's weights are read, checked and loaded."""

    @property
    def name(self) -> str:
        """The name that contracts carry."""

    @property
    def published(self) -> Sequence[Published]:
        """Weights that can be pulled."""

    def convert(
        self, source: Path, target: Path, *, model_type: str | None, labels: Labels | None, published: Published | None
    ) -> Contract:
        """Read a checkpoint safely and write ``model.safetensors`` and ``config.json`` into the folder ``target``.

        Args:
            source: A checkpoint in any form that the family knows.
            target: An existing empty folder.
            model_type: The size that the user says it is.
            labels: Class names: a list, a file, or a registered name.
            published: The published weights that ``source`` is known to be, by its checksum.

        Raises:
            ModelError: If the file is unsafe, is not what it is said to be, or leaves its meaning open.
        """

    def device(self, wanted: str, *, precision: str) -> str:
        """Return the device that ``wanted`` means on this machine; ``auto`` is the best there is.

        Raises:
            ModelError: If there is none such, or no such precision.
        """

    def load(
        self,
        folder: Path,
        contract: Contract,
        *,
        device: str,
        precision: str,
        resolution: int | None,
        backend: str = "auto",
        compiled: Path | None = None,
        name: str = "the model",
    ) -> LoadedModel:
        """Load what ``convert`` wrote, ready to predict.

        Args:
            folder: Where ``convert`` wrote it.
            contract: What its outputs mean.
            device: What ``device`` returned.
            precision: The number format, or ``auto`` for the fastest that gives the same answers.
            resolution: Side in pixels of the square to look at; ``None`` for the contract's.
            backend: What computes the network, as in the settings.
            compiled: Where compiled networks are kept from one start to the next; ``None`` to keep none.
            name: What messages call the model.

        Raises:
            ModelError: If the files do not fit each other, the resolution does not suit the model, or the backend is
                not there.
        """

    def export(
        self, folder: Path, contract: Contract, *, form: str, resolution: int | None, target: Path, name: str
    ) -> tuple[Path, ...]:
        """Write what ``convert`` wrote as files for use elsewhere, and return their paths.

        Args:
            folder: Where ``convert`` wrote it.
            contract: What its outputs mean.
            form: ``onnx`` or ``openvino``.
            resolution: Side in pixels of the square to look at; ``None`` for the contract's.
            target: Folder for the files, made if need be.
            name: What the files are called, without ending.

        Raises:
            ModelError: If the form is unknown, its packages are not installed, or the resolution does not suit.
            OSError: If the disk refuses.
        """
