"""Packs what the demo needs of ``examples/`` into the distribution; all else stands in ``pyproject.toml``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

PACKED = {
    "examples/demo_model/fasteners": (
        "workflow_engine/models/bundled",
        ("config.json", "contract.json", "model.safetensors"),
    ),
    "examples/count_fasteners": ("workflow_engine/cli/bundled", ("workflow.json", "tray.jpg")),
}
"""Folders of the source tree, the packages that they go into, and their files that do."""


class WithExamples(build_py):
    """Builds the packages with the demo in them; an editable installation finds it in the source tree."""

    def run(self) -> None:
        """Copy the packages, then the demo."""
        super().run()
        if not self.editable_mode:
            for source, target in self._packed():
                self.mkpath(str(Path(target).parent))
                self.copy_file(source, target)

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        """Return every file that is built."""
        return [*super().get_outputs(include_bytecode), *(target for _, target in self._packed())]

    def get_source_files(self) -> list[str]:
        """Return every file that is built from, which a source distribution must have."""
        return [*super().get_source_files(), *(source for source, _ in self._packed())]

    def _packed(self) -> Iterator[tuple[str, str]]:
        for folder, (place, names) in PACKED.items():
            for name in names:
                yield f"{folder}/{name}", str(Path(self.build_lib, place, Path(folder).name, name))


setup(cmdclass={"build_py": WithExamples})
