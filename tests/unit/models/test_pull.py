"""Downloads against a real server that stops, lies, or is gone."""

from __future__ import annotations

import errno
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.unit.models.conftest import WeightServer
from tests.unit.models.fakes import CONTENT, published
from workflow_engine.models import pull
from workflow_engine.models.family import ModelError
from workflow_engine.settings import Settings


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pull, "CHUNK", 1 << 14)


def part_of(settings: Settings) -> Path:
    return settings.models / "downloads" / "fake-nano.pt.part"


def put(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


@pytest.mark.usefixtures("small_chunks")
def test_a_download_is_whole_and_tells_its_progress(settings: Settings, server: WeightServer) -> None:
    steps: list[tuple[int, int | None]] = []
    path = pull.fetch(published(), settings, progress=lambda done, total: steps.append((done, total)))
    assert path == settings.models / "downloads" / "fake-nano.pt"
    assert path.read_bytes() == CONTENT
    assert not part_of(settings).exists()
    assert steps[-1] == (len(CONTENT), len(CONTENT))
    assert [done for done, _ in steps] == sorted({done for done, _ in steps})
    assert len(steps) == -(-len(CONTENT) // (1 << 14))
    assert server.requests == [("/weights/fake%20nano.pth", None)]


def test_what_is_here_is_not_downloaded_again(settings: Settings, server: WeightServer) -> None:
    path = put(settings.models / "downloads" / "fake-nano.pt", CONTENT)
    assert pull.fetch(published(), settings) == path
    assert server.requests == []


def test_upstreams_cache_is_used_if_the_checksum_is_right(settings: Settings, server: WeightServer) -> None:
    path = put(settings.upstream_models / "fake-nano.pt", CONTENT)
    assert pull.fetch(published(), settings) == path
    assert server.requests == []
    path.write_bytes(b"another release")
    assert pull.fetch(published(), settings).parent == settings.models / "downloads"
    assert path.read_bytes() == b"another release"


def test_a_download_goes_on_from_where_it_was(settings: Settings, server: WeightServer) -> None:
    put(part_of(settings), CONTENT[:70_000])
    steps: list[tuple[int, int | None]] = []
    path = pull.fetch(published(), settings, progress=lambda done, total: steps.append((done, total)))
    assert path.read_bytes() == CONTENT
    assert server.requests == [("/weights/fake%20nano.pth", "bytes=70000-")]
    assert steps[0][0] > 70_000
    assert steps[-1] == (len(CONTENT), len(CONTENT))


def test_a_connection_that_breaks_off_is_taken_up_again(settings: Settings, server: WeightServer) -> None:
    server.cut = [50_000, 30_000]
    assert pull.fetch(published(), settings).read_bytes() == CONTENT
    assert [wanted for _, wanted in server.requests] == [None, "bytes=50000-", "bytes=80000-"]


def test_a_server_without_ranges_starts_over(settings: Settings, server: WeightServer) -> None:
    server.ranges = False
    put(part_of(settings), CONTENT[:70_000])
    assert pull.fetch(published(), settings).read_bytes() == CONTENT


@pytest.mark.parametrize("left", [b"x" * 1000, CONTENT + b"too long", CONTENT[:-1] + b"x"])
def test_a_part_of_something_else_is_thrown_away(left: bytes, settings: Settings) -> None:
    put(part_of(settings), left)
    assert pull.fetch(published(), settings).read_bytes() == CONTENT


def test_a_wrong_checksum_keeps_nothing(settings: Settings, server: WeightServer) -> None:
    server.content = b"something else"
    with pytest.raises(ModelError, match=f"fake-nano.pt has the MD5 [0-9a-f]{{32}}, not {published().md5}"):
        pull.fetch(published(), settings)
    assert list((settings.models / "downloads").iterdir()) == []


def test_a_server_that_is_gone_is_one_sentence_with_file_address_and_folder(
    settings: Settings, server: WeightServer
) -> None:
    server.close()
    with pytest.raises(ModelError) as failed:
        pull.fetch(published(), settings)
    problem = failed.value.problem
    assert (problem.code, problem.whose) == ("pull_failed", "operator")
    for part in ("fake-nano.pt", f"{server.address}/fake%20nano.pth", str(settings.models / "downloads")):
        assert part in problem.message
    assert problem.message.count(". ") == 0


def test_what_a_broken_connection_brought_is_kept_for_the_next_time(settings: Settings, server: WeightServer) -> None:
    server.cut = [50_000, 0]
    with pytest.raises(ModelError, match="broke off after 50000 of 180000 bytes"):
        pull.fetch(published(), settings)
    assert part_of(settings).read_bytes() == CONTENT[:50_000]
    assert pull.fetch(published(), settings).read_bytes() == CONTENT


def test_a_file_that_the_server_lacks_says_so(settings: Settings) -> None:
    with pytest.raises(ModelError, match="the server answered 404"):
        pull.fetch(replace(published(), remote="other.pth"), settings)


@pytest.mark.parametrize("address", ["file:///etc", "ftp://example.com/", "weights"])
def test_only_http_is_spoken(address: str, settings: Settings) -> None:
    with pytest.raises(ModelError, match="http or https"):
        pull.fetch(published(), replace(settings, weights_url=address))


def test_a_full_disk_is_one_sentence(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = Path.open

    def full(self: Path, mode: str = "r", *arguments: Any, **options: Any) -> Any:
        if "r" in mode:
            return opened(self, mode, *arguments, **options)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self))

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(ModelError, match=r"Downloading fake-nano\.pt failed: the disk is full") as failed:
        pull.fetch(published(), settings)
    assert failed.value.problem.code == "disk_full"
