"""Fixtures that tests of more than one folder use."""

from __future__ import annotations

import signal

import pytest

from tests.toys import toy_registry
from workflow_engine.registry import Registry


def pytest_configure() -> None:
    """Have commands that tests start heed Ctrl-C, also if a shell has put the tests themselves into the background."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def toys(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    """A registry of blocks on plain numbers."""
    return toy_registry(tmp_path_factory.mktemp("toys"))
