"""Fixtures that tests of more than one folder use."""

from __future__ import annotations

import pytest

from tests.toys import toy_registry
from workflow_engine.registry import Registry


@pytest.fixture(scope="session")
def toys(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    """A registry of blocks on plain numbers."""
    return toy_registry(tmp_path_factory.mktemp("toys"))
