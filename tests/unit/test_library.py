"""Saved workflows: names, versions, writers that race, and writers that are killed."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from workflow_engine.errors import WorkflowError
from workflow_engine.library import Library
from workflow_engine.settings import Limits

DRAFT: dict[str, Any] = {"version": "1.0", "steps": "not yet"}


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(tmp_path / "workflows", limits=Limits())


def refused(action: Callable[[], object]) -> str:
    with pytest.raises(WorkflowError) as caught:
        action()
    assert caught.value.problem.message.endswith(".")
    return caught.value.problem.code


def test_what_was_saved_is_read_again_in_every_version(library: Library) -> None:
    first = library.save("parts", json.dumps(DRAFT))
    second = library.save("parts", {**DRAFT, "note": "ä"})
    assert (first.entry.version, second.entry.version) == (1, 2)
    assert library.read("parts").definition == {**DRAFT, "note": "ä"}
    assert library.read("parts", 1).definition == DRAFT
    assert [entry.version for entry in library.versions("parts")] == [2, 1]
    library.save("bolts", DRAFT)
    assert [(entry.id, entry.version) for entry in library.list()] == [("bolts", 1), ("parts", 2)]


def test_the_file_is_the_document(library: Library, tmp_path: Path) -> None:
    library.save("parts", DRAFT)
    assert json.loads((tmp_path / "workflows" / "parts" / "1.json").read_text("utf-8")) == DRAFT


def test_what_is_deleted_is_gone_and_its_name_free(library: Library, tmp_path: Path) -> None:
    library.save("parts", DRAFT)
    library.delete("parts")
    assert refused(lambda: library.read("parts")) == "workflow_unknown"
    assert refused(lambda: library.delete("parts")) == "workflow_unknown"
    assert library.list() == ()
    assert list((tmp_path / "workflows").iterdir()) == []
    assert library.save("parts", DRAFT, expected=0).entry.version == 1


def test_a_save_that_expects_another_version_is_refused(library: Library) -> None:
    library.save("parts", DRAFT, expected=0)
    assert refused(lambda: library.save("parts", DRAFT, expected=0)) == "workflow_changed"
    assert refused(lambda: library.save("parts", DRAFT, expected=2)) == "workflow_changed"
    assert refused(lambda: library.save("bolts", DRAFT, expected=1)) == "workflow_changed"
    assert library.save("parts", DRAFT, expected=1).entry.version == 2


def test_a_name_that_is_a_device_is_refused_for_what_it_is(library: Library) -> None:
    with pytest.raises(WorkflowError, match="'con' cannot name a workflow: some systems know it as a device"):
        library.save("con", DRAFT)


def test_a_document_that_is_too_large_to_run_is_not_kept(tmp_path: Path) -> None:
    library = Library(tmp_path, limits=Limits(definition_bytes=100))
    assert refused(lambda: library.save("parts", {"x": "x" * 100})) == "too_large"
    assert refused(lambda: library.save("parts", json.dumps({"x": "x" * 100}))) == "too_large"
    assert library.list() == ()
    as_it_is_sent = json.dumps({"x": [0] * 45}, separators=(",", ":"))
    assert len(as_it_is_sent) < 100
    assert library.save("parts", json.loads(as_it_is_sent)).entry.nbytes > 100


def test_a_version_that_is_not_there(library: Library) -> None:
    library.save("parts", DRAFT)
    assert refused(lambda: library.read("parts", 2)) == "workflow_version_unknown"


@pytest.mark.parametrize(
    "name",
    [
        *("", ".", "..", "a/b", "../parts", "/etc", "a\\b", "a\0", "A", "ä", "a.b", " a", "-a", "a\n", "nul", "com1"),
        *("x" * 65, "%2e%2e", "\uff0e\uff0e", "..%2f", "~root"),
    ],
)
def test_a_name_is_a_plain_word_or_refused(library: Library, tmp_path: Path, name: str) -> None:
    assert refused(lambda: library.save(name, DRAFT)) == "workflow_name"
    for action in (library.read, library.versions, library.delete):
        assert refused(lambda action=action: action(name)) == "workflow_unknown"  # type: ignore[misc]
    assert list(tmp_path.iterdir()) == []


def test_a_refused_name_comes_with_one_that_would_do(library: Library) -> None:
    with pytest.raises(WorkflowError, match="count-small-parts"):
        library.save("Count small parts!", DRAFT)


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (b"{", "broken_json"),
        (b"[]", "not_an_object"),
        (b'{"a": NaN}', "broken_json"),
        (b'{"a": 1e999}', "broken_json"),
        (b'{"a": ' + b"1" * 5000 + b"}", "broken_json"),
        (b'{"a": "\\ud800"}', "broken_json"),
        (b'{"a": 1, "a": 2}', "duplicate_key"),
        (b'{"a": ' + b"[" * 40 + b"]" * 40 + b"}", "too_deep"),
        (b'{"a": "' + b"x" * 1_000_000 + b'"}', "too_large"),
    ],
)
def test_what_is_no_document_is_not_kept(library: Library, document: bytes, code: str) -> None:
    assert refused(lambda: library.save("parts", document)) == code
    assert library.list() == ()


def test_links_lead_nowhere(library: Library, tmp_path: Path) -> None:
    library.save("parts", DRAFT)
    secret = tmp_path / "secret.json"
    secret.write_text('{"secret": true}')
    (tmp_path / "workflows" / "parts" / "2.json").symlink_to(secret)
    assert refused(lambda: library.read("parts")) == "library_failed"
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "1.json").write_text('{"secret": true}')
    (tmp_path / "workflows" / "linked").symlink_to(tmp_path / "elsewhere")
    assert refused(lambda: library.read("linked")) == "workflow_unknown"
    assert refused(lambda: library.save("linked", DRAFT)) == "library_failed"
    assert not (tmp_path / "elsewhere" / "2.json").exists()


def test_a_damaged_file_is_named(library: Library, tmp_path: Path) -> None:
    library.save("parts", DRAFT)
    (tmp_path / "workflows" / "parts" / "1.json").write_text("{")
    assert refused(lambda: library.read("parts")) == "workflow_damaged"
    assert [entry.id for entry in library.list()] == ["parts"]


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert refused(lambda: Library(tmp_path / "file" / "in", limits=Limits()).save("a", DRAFT)) == "library_failed"


def test_of_those_who_save_from_one_version_one_wins(library: Library) -> None:
    library.save("parts", DRAFT)

    def save(number: int) -> str:
        try:
            library.save("parts", {"number": number}, expected=1)
        except WorkflowError as error:
            return error.problem.code
        return "saved"

    with ThreadPoolExecutor(8) as threads:
        told = list(threads.map(save, range(8)))
    assert sorted(told) == ["saved", *["workflow_changed"] * 7]
    assert library.read("parts").definition == {"number": told.index("saved")}
