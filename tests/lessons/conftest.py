"""What a test of the lessons may ask for: each lesson, or each script of each."""

from pathlib import Path

import pytest
from workbench.lessons import Lesson, all_lessons


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that takes `lesson` or `script` runs for each of them."""
    if "lesson" in metafunc.fixturenames:
        metafunc.parametrize("lesson", all_lessons(), ids=lambda lesson: lesson.folder.name)
    if "script" in metafunc.fixturenames:
        metafunc.parametrize(
            "script", runnable_scripts(all_lessons()), ids=lambda path: f"{path.parent.name}/{path.name}"
        )


def runnable_scripts(lessons: list[Lesson]) -> list[Path]:
    """Every lesson script that a reader starts."""
    return [
        path
        for lesson in lessons
        for path in sorted(lesson.folder.glob("*.py"))
        if 'if __name__ == "__main__":' in path.read_text(encoding="utf-8")
    ]
