"""Fixtures that tests of more than one folder use."""

from __future__ import annotations

import signal

import pytest

from tests.toys import toy_registry
from workflow_engine.registry import Registry


def pytest_configure() -> None:
    """Have commands that tests start heed Ctrl-C and hanging up, also if a shell or nohup had the tests ignore them.

    What is ignored here is ignored by them, too; what has a handler here, though it does nothing, is not.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, lambda *_: None)


@pytest.fixture(scope="session")
def toys(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    """A registry of blocks on plain numbers."""
    return toy_registry(tmp_path_factory.mktemp("toys"))
