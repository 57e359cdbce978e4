"""Text in files: where, how many, and what is refused."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.blocks.runner import BlockRunner
from workflow_engine.errors import BlockError, StepFailed
from workflow_engine.settings import load
from workflow_engine.workflow import Engine, Workflow

NAME = r"counts_\d{4}_\d\d_\d\d_\d\d_\d\d_\d\d_\d{6}"


def writing(run: BlockRunner, folder: Path, **fields: Any) -> Any:
    given = {"target_directory": "out", "file_name_prefix": "counts", **fields}
    started = run.start("roboflow_core/local_file_sink@v1", folder=folder)
    return lambda content, **more: started(content=content, **{**given, **more})


def files(folder: Path) -> list[str]:
    return [path.read_bytes().decode() for path in sorted((folder / "out").iterdir())]


@pytest.mark.parametrize("file_type", ["csv", "json", "txt"])
def test_a_file_for_each_text(run: BlockRunner, tmp_path: Path, file_type: str) -> None:
    write = writing(run, tmp_path, output_mode="separate_files", file_type=file_type)
    found = [write(text) for text in ("a\nb", "ä", "")]
    assert not any(one["error_status"] for one in found)
    for one in found:
        match = re.fullmatch(rf"Written to (out/{NAME}\.{file_type})\.", one["message"])
        assert match
        assert (tmp_path / match[1]).is_file()
    assert files(tmp_path) == ["a\nb", "ä", ""]


@pytest.mark.parametrize(
    ("file_type", "suffix", "texts", "written"),
    [
        ("txt", "txt", ["a", "b\n", "c"], "a\nb\nc\n"),
        ("csv", "csv", ["n,t\n1,x\n", "n,t\n2,y\n3,z\n"], "n,t\n1,x\n2,y\n3,z\n"),
        ("json", "jsonl", ['{\n "a": 1}', "[2,\n3]"], '{"a": 1}\n[2, 3]\n'),
    ],
)
def test_texts_of_many_calls_in_one_file(
    run: BlockRunner, tmp_path: Path, file_type: str, suffix: str, texts: list[str], written: str
) -> None:
    write = writing(run, tmp_path, output_mode="append_log", file_type=file_type)
    assert len({write(text)["message"] for text in texts}) == 1
    assert files(tmp_path) == [written]
    assert [path.suffix for path in (tmp_path / "out").iterdir()] == [f".{suffix}"]


def test_a_full_file_is_followed_by_another_with_its_header(run: BlockRunner, tmp_path: Path) -> None:
    write = writing(run, tmp_path, output_mode="append_log", max_entries_per_file=2)
    for number in range(5):
        write(f"n\n{number}\n")
    assert files(tmp_path) == ["n\n0\n1\n", "n\n2\n3\n", "n\n4\n"]


def test_another_place_is_another_file(run: BlockRunner, tmp_path: Path) -> None:
    write = writing(run, tmp_path, output_mode="append_log", file_type="txt")
    write("a")
    write("b", file_name_prefix="others")
    assert files(tmp_path) == ["a\n", "b\n"]


@pytest.mark.parametrize("mode", ["append_log", "separate_files"])
@pytest.mark.parametrize(
    ("directory", "prefix"),
    [("..", "a"), ("out/../..", "a"), ("/tmp", "a"), ("out", "../../a"), ("link", "a"), ("out\\..", "a"), ("o\0", "a")],
)
def test_nothing_is_written_elsewhere(run: BlockRunner, tmp_path: Path, mode: str, directory: str, prefix: str) -> None:
    folder = tmp_path / "allowed"
    folder.mkdir()
    (folder / "link").symlink_to(tmp_path)
    write = writing(run, folder, output_mode=mode, target_directory=directory, file_name_prefix=prefix)
    with pytest.raises(BlockError, match="lies outside the folder") as caught:
        write("x")
    assert caught.value.code == "path_refused"
    assert list(tmp_path.iterdir()) == [folder]


@pytest.mark.parametrize("directory", [".", "", "{folder}", "{folder}/deep/er"])
def test_the_folder_itself_and_an_absolute_path_inside_are_fine(
    run: BlockRunner, tmp_path: Path, directory: str
) -> None:
    target = directory.format(folder=tmp_path)
    assert not writing(run, tmp_path, output_mode="separate_files", target_directory=target)("x")["error_status"]
    assert len(list(tmp_path.rglob("counts_*"))) == 1


def test_trouble_is_told_and_names_no_path(run: BlockRunner, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file where the folder should be")
    for mode in ("append_log", "separate_files"):
        found = writing(run, tmp_path, output_mode=mode)("x")
        assert found["error_status"]
        assert "cannot be written" in found["message"]
        assert str(tmp_path) not in found["message"]


@pytest.mark.parametrize("mode", ["append_log", "separate_files"])
def test_text_that_cannot_be_written_is_told(run: BlockRunner, tmp_path: Path, mode: str) -> None:
    found = writing(run, tmp_path, output_mode=mode, file_type="txt")("half a pair: \ud800")
    assert found["error_status"]
    assert "characters that no file can hold" in found["message"]
    assert "".join(files(tmp_path)) == ""


def test_json_that_is_none_is_told_and_leaves_the_file_as_it_was(run: BlockRunner, tmp_path: Path) -> None:
    write = writing(run, tmp_path, output_mode="append_log", file_type="json")
    write("1")
    found = write("{")
    assert found["error_status"]
    assert found["message"].startswith("The text is not JSON")
    write("2")
    assert files(tmp_path) == ["1\n2\n"]


def test_a_server_without_a_folder_writes_nothing(run: BlockRunner, tmp_path: Path) -> None:
    start = run.start("core/local_file_sink@v1", folder=None)
    with pytest.raises(BlockError, match="may not write files") as caught:
        start(content="x", target_directory=str(tmp_path), output_mode="append_log")
    assert caught.value.whose == "operator"


DOCUMENT = {
    "version": "1.0",
    "inputs": [{"type": "WorkflowParameter", "name": "text", "kind": ["string"]}],
    "steps": [
        {
            "type": "core/local_file_sink@v1",
            "name": "save",
            "content": "$inputs.text",
            "output_mode": "separate_files",
            "target_directory": "out",
            "file_type": "txt",
        }
    ],
    "outputs": [{"type": "JsonField", "name": "saved", "selector": "$steps.save.*"}],
}


def test_where_a_workflow_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here, named = tmp_path / "here", tmp_path / "named"
    here.mkdir()
    monkeypatch.chdir(here)
    Workflow(DOCUMENT, engine=Engine(load({}))).run(text="a")
    Workflow(DOCUMENT, engine=Engine(load({"SEGFLOW_WRITE_FOLDER": str(named)}), trusted=False)).run(text="b")
    assert (files(here), files(named)) == (["a"], ["b"])
    with pytest.raises(StepFailed, match="may not write files"):
        Workflow(DOCUMENT, engine=Engine(load({}), trusted=False)).run(text="c")


def test_a_run_without_sinks_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = Workflow(DOCUMENT, engine=Engine(load({}))).run(text="a", sinks=False)
    assert json.loads(json.dumps(result.outputs)) == [
        {"saved": {"error_status": False, "message": "Nothing is written: sinks are switched off for this run."}}
    ]
    assert not list(tmp_path.iterdir())
