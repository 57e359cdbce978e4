"""Settings of the environment that decide what workflows may reach."""

from __future__ import annotations

from pathlib import Path

from workflow_engine.settings import load


def test_nothing_outside_is_reachable_unless_it_is_named() -> None:
    settings = load({"HOME": "/home/ann", "TOKEN": "t0ken"})
    assert (settings.write_folder, settings.secrets, settings.allowed_hosts) == (None, {}, ())


def test_what_is_named_is_reachable() -> None:
    settings = load(
        {
            "HOME": "/home/ann",
            "TOKEN": "t0ken",
            "OTHER": "secret",
            "SEGFLOW_SECRETS": "TOKEN, MISSING,",
            "SEGFLOW_WRITE_FOLDER": "/data/out",
            "SEGFLOW_ALLOWED_HOSTS": "mill.local, 10.0.0.0/8",
        }
    )
    assert settings.secrets == {"TOKEN": "t0ken", "MISSING": None}
    assert settings.write_folder == Path("/data/out")
    assert settings.allowed_hosts == ("mill.local", "10.0.0.0/8")


def test_secrets_are_not_shown() -> None:
    assert "t0ken" not in repr(load({"TOKEN": "t0ken", "SEGFLOW_SECRETS": "TOKEN", "SEGFLOW_API_TOKEN": "t0ken"}))


def test_saved_workflows_are_no_cache() -> None:
    assert load({"HOME": "/home/ann"}).saved_workflows == Path("/home/ann/.local/share/segflow/workflows")
    assert load({"XDG_DATA_HOME": "/data", "HOME": "/"}).saved_workflows == Path("/data/segflow/workflows")
    assert load({"SEGFLOW_HOME": "/srv/segflow", "HOME": "/"}).saved_workflows == Path("/srv/segflow/workflows")
    named = {"SEGFLOW_HOME": "/srv/segflow", "SEGFLOW_WORKFLOWS": "/mnt/shared", "HOME": "/"}
    assert load(named).saved_workflows == Path("/mnt/shared")
