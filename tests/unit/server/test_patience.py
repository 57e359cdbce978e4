"""A run need not wait for its model; the model goes on loading, once."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any, cast

import pytest

from workflow_engine.context import Stop
from workflow_engine.errors import RunCancelled
from workflow_engine.models.catalogue import Catalogue
from workflow_engine.models.pool import ModelPool
from workflow_engine.server.tasks.patience import RUNNING, PatientPool


def test_a_run_that_is_given_up_leaves_its_model_loading(monkeypatch: pytest.MonkeyPatch) -> None:
    loads: list[str] = []
    let_go = threading.Event()

    def get(_self: ModelPool, model_id: str, **_: Any) -> str:
        loads.append(model_id)
        assert let_go.wait(60)
        return f"the model {model_id}"

    monkeypatch.setattr(ModelPool, "get", get)
    pool = PatientPool(cast(Catalogue, SimpleNamespace()))
    token = RUNNING.set(Stop(timeout=0.1))
    try:
        for _ in range(2):
            with pytest.raises(RunCancelled):
                pool.get("m")
    finally:
        RUNNING.reset(token)
    let_go.set()
    assert pool.get("m") == "the model m"
    assert set(loads) == {"m"}
    assert len(loads) <= 2, "the two that gave up asked once"
