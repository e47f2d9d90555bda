"""The stage on which a page is played."""

import shutil
from dataclasses import replace
from pathlib import Path

from workbench.lessons import find_lesson
from workbench.stage import staged

LEFT_BY_A_READER = ("charges.sqlite", "charges.sqlite-wal", "gateway.url", "carrier.url", "exercise.kept1.py")
LEFT_BY_NODE = ("node_modules", "package-lock.json")


def test_what_a_reader_left_does_not_play_a_part(tmp_path: Path, broker_url: str) -> None:
    original = find_lesson("06")
    lesson = replace(original, folder=Path(shutil.copytree(original.folder, tmp_path / original.folder.name)))
    for name in (*LEFT_BY_A_READER, *LEFT_BY_NODE):
        (lesson.folder / name).touch()
    with staged(lesson, broker_url) as stage:
        played = {path.name for path in stage.folder.iterdir()}
    assert played & {*LEFT_BY_A_READER, *LEFT_BY_NODE} == set()
    assert {"README.md", "consumer.py", "exercise.py", "check.py"} <= played
