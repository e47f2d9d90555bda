"""The bench is right: starters fail, solutions pass, and wrong answers fail for the right reason."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from project_copy import copy_project
from workbench.lessons import Lesson, all_lessons, starter_of
from wrong_answers import WRONG_ANSWERS, Wrong

KEPT, BROKEN = 0, 1


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project, in which exercises may be answered."""
    return copy_project(tmp_path, "lessons", "scripts/check.py")


def check(project: Path, number: str, broker_url: str, *options: str) -> tuple[int, dict]:
    """The exit status of check.py, and what it says in JSON."""
    done = subprocess.run(
        [sys.executable, str(project / "scripts" / "check.py"), number, "--json", *options],
        env={**os.environ, "AMQP_URL": broker_url},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def broken(result: dict) -> dict[str, dict]:
    return {each["promise"]: each for each in result["promises"] if each["kept"] is False}


def test_starter_fails(lesson: Lesson, project: Path, broker_url: str) -> None:
    (project / "lessons" / lesson.folder.name / "exercise.py").write_text(starter_of(lesson).read_text())
    status, result = check(project, lesson.number, broker_url)
    assert status == BROKEN, result
    assert broken(result)


def test_solution_passes(lesson: Lesson, project: Path, broker_url: str) -> None:
    status, result = check(project, lesson.number, broker_url, "--solution")
    assert status == KEPT, result
    assert all(each["kept"] for each in result["promises"]), "a promise was never put to the test"


@pytest.mark.parametrize("wrong", WRONG_ANSWERS, ids=str)
def test_wrong_answer_breaks_its_promise(wrong: Wrong, project: Path, broker_url: str) -> None:
    folder = project / "lessons" / wrong.lesson
    (folder / "exercise.py").write_text(wrong.program((folder / "solution.py").read_text()))
    status, result = check(project, wrong.lesson[:2], broker_url)
    assert status == BROKEN, result
    assert wrong.breaks in broken(result), result


@pytest.mark.parametrize("each", [pytest.param(each, id=each.folder.name) for each in all_lessons()])
def test_every_lesson_has_four_wrong_answers(each: Lesson) -> None:
    assert sum(wrong.lesson == each.folder.name for wrong in WRONG_ANSWERS) >= 4
