"""What is done is noted, and what cannot be noted is no verdict."""

import json
from pathlib import Path

import pytest
from workbench import progress


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file in which progress is noted."""
    monkeypatch.setattr(progress, "FILE", tmp_path / ".progress.json")
    return progress.FILE


@pytest.mark.parametrize("text", ["[]", "{", "1"])
def test_a_file_that_is_something_else_is_kept_beside_the_new_one(file: Path, text: str) -> None:
    file.write_text(text)
    assert progress.done() == {}
    progress.note("02", kept=True)
    assert list(progress.done()) == list(json.loads(file.read_text())) == ["02"]
    assert file.with_suffix(".unreadable").read_text() == text


def test_what_cannot_be_noted_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setattr(progress, "FILE", tmp_path / "no such folder" / ".progress.json")
    progress.note("02", kept=True)
    told = capsys.readouterr().err
    assert told.startswith("not noted that lesson 02 is done, as ")
    assert told.count("\n") == 1
