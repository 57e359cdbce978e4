"""The fixture that runs one block."""

from __future__ import annotations

import pytest

from tests.blocks.runner import BlockRunner
from workflow_engine.registry import Registry, built_in


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> BlockRunner:
    return BlockRunner(Registry([built_in()]), tmp_path_factory.mktemp("written"))
