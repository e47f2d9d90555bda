"""What a test of the lessons may ask for: each lesson, or each script of each."""

from pathlib import Path

import pytest
from workbench.lessons import Lesson, all_lessons


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that takes `lesson`, `script` or `amqp_script` runs for each of them."""
    scripts = runnable_scripts(all_lessons())
    if "lesson" in metafunc.fixturenames:
        metafunc.parametrize("lesson", all_lessons(), ids=lambda lesson: lesson.folder.name)
    if "script" in metafunc.fixturenames:
        metafunc.parametrize("script", scripts, ids=script_id)
    if "amqp_script" in metafunc.fixturenames:
        metafunc.parametrize("amqp_script", list(filter(speaks_to_a_broker, scripts)), ids=script_id)


def script_id(path: Path) -> str:
    """A script's name in a test's id."""
    return f"{path.parent.name}/{path.name}"


def speaks_to_a_broker(script: Path) -> bool:
    """Whether it connects to a broker when it is started."""
    return "from connection import" in script.read_text(encoding="utf-8")


def runnable_scripts(lessons: list[Lesson]) -> list[Path]:
    """Every lesson script that a reader starts."""
    return [
        path
        for lesson in lessons
        for path in sorted(lesson.folder.glob("*.py"))
        if 'if __name__ == "__main__":' in path.read_text(encoding="utf-8")
    ]
