"""The fixture that runs one block."""

from __future__ import annotations

import pytest

from tests.blocks.runner import BlockRunner
from workflow_engine.registry import Registry, built_in


@pytest.fixture(scope="session")
def run() -> BlockRunner:
    return BlockRunner(Registry([built_in()]))
