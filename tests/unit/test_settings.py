"""Settings of the environment that decide what workflows may reach."""

from __future__ import annotations

from pathlib import Path

import pytest

from workflow_engine.errors import WorkflowError
from workflow_engine.settings import load, without_token


def test_nothing_outside_is_reachable_unless_it_is_named() -> None:
    settings = load({"HOME": "/home/ann", "TOKEN": "t0ken"})
    assert (settings.write_folder, settings.secrets, settings.allowed_hosts) == (None, {}, ())
    assert (settings.video_folder, settings.cameras) == (None, ())


def test_what_is_named_is_reachable() -> None:
    settings = load(
        {
            "HOME": "/home/ann",
            "TOKEN": "t0ken",
            "OTHER": "secret",
            "SEGFLOW_SECRETS": "TOKEN, MISSING,",
            "SEGFLOW_WRITE_FOLDER": "/data/out",
            "SEGFLOW_ALLOWED_HOSTS": "mill.local, 10.0.0.0/8",
            "SEGFLOW_VIDEO_FOLDER": "/srv/videos",
            "SEGFLOW_CAMERAS": "0, 2",
        }
    )
    assert settings.secrets == {"TOKEN": "t0ken", "MISSING": None}
    assert settings.write_folder == Path("/data/out")
    assert settings.allowed_hosts == ("mill.local", "10.0.0.0/8")
    assert (settings.video_folder, settings.cameras) == (Path("/srv/videos"), (0, 2))


def test_secrets_are_not_shown() -> None:
    assert "t0ken" not in repr(load({"TOKEN": "t0ken", "SEGFLOW_SECRETS": "TOKEN", "SEGFLOW_API_TOKEN": "t0ken"}))


def test_saved_workflows_are_no_cache() -> None:
    assert load({"HOME": "/home/ann"}).saved_workflows == Path("/home/ann/.local/share/segflow/workflows")
    assert load({"XDG_DATA_HOME": "/data", "HOME": "/"}).saved_workflows == Path("/data/segflow/workflows")
    assert load({"SEGFLOW_HOME": "/srv/segflow", "HOME": "/"}).saved_workflows == Path("/srv/segflow/workflows")
    named = {"SEGFLOW_HOME": "/srv/segflow", "SEGFLOW_WORKFLOWS": "/mnt/shared", "HOME": "/"}
    assert load(named).saved_workflows == Path("/mnt/shared")


def test_every_limit_can_be_set() -> None:
    limits = load({"SEGFLOW_BODY_BYTES": "1000", "SEGFLOW_RUN_SECONDS": "0.5", "SEGFLOW_QUEUE": "0"}).limits
    assert (limits.body_bytes, limits.run_seconds, limits.queue) == (1000, 0.5, 0)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("SEGFLOW_QUEUE", "-1"),
        ("SEGFLOW_QUEUE", "2.5"),
        ("SEGFLOW_RUN_SECONDS", "inf"),
        ("SEGFLOW_WORKERS", "0"),
        ("SEGFLOW_CAMERAS", "x"),
    ],
)
def test_a_number_that_is_none_is_told_with_its_name(name: str, text: str) -> None:
    with pytest.raises(WorkflowError, match=f"{name} is '{text}' where a .*number from [01] is expected"):
        load({name: text})


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("SEGFLOW_DEVICE", "gpu", "one of auto, cpu, cuda"),
        ("SEGFLOW_LOG", "jsn", "one of text, json"),
        ("SEGFLOW_DEBUG", "false", "one of 0, 1"),
        ("SEGFLOW_ALLOWED_HOSTS", "10.0.0.0/99", "a host, or a network such as 10.0.5.0/24,"),
    ],
)
def test_a_setting_that_means_nothing_is_told_with_what_does(name: str, text: str, expected: str) -> None:
    with pytest.raises(WorkflowError, match=f"{name} is '{text}' where {expected} is expected"):
        load({name: text})
    load({name: ""})


@pytest.mark.parametrize("hosts", ["0.0.0.0/0", "::/0", "10.1.2.3/0", "mill.local, 0.0.0.0/0.0.0.0"])
def test_a_network_of_all_addresses_is_unsafe_however_it_is_written(hosts: str) -> None:
    assert load({"SEGFLOW_ALLOWED_HOSTS": hosts}).unsafe
    assert not load({"SEGFLOW_ALLOWED_HOSTS": "mill.local, 10.0.0.0/8"}).unsafe


def test_workers_need_not_know_the_token() -> None:
    assert without_token({"SEGFLOW_API_TOKEN": "t0ken", "PATH": "/bin"}) == {"PATH": "/bin"}
