"""The commands in README.md, run as written: whoever lands here types these first."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from project_copy import ROOT, copy_project

README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
# This is the one that runs the tests: it would run itself.
RUNS_THE_TESTS = "run_tests.py"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project, without what git does not have."""
    folder = tmp_path_factory.mktemp("readme")
    return copy_project(
        folder, "lessons", "scripts/check.py", "scripts/lesson.py", "scripts/journey.py", "README.md"
    )


def test_there_are_two_commands_to_begin_with() -> None:
    assert [block.strip() for block in BLOCKS[:2]] == [
        "python3 scripts/start.py",
        "python3 scripts/run_tests.py",
    ]


@pytest.mark.parametrize(
    "block",
    [block for block in BLOCKS if RUNS_THE_TESTS not in block],
    ids=lambda block: block.split("\n")[0],
)
def test_commands_work_as_written(block: str, project: Path, broker_url: str) -> None:
    done = subprocess.run(
        ["bash", "-e", "-c", block],
        cwd=project,
        env={**os.environ, "AMQP_URL": broker_url},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr


def test_every_lesson_is_on_the_map() -> None:
    for folder in sorted((ROOT / "lessons").glob("[0-9][0-9]_*")):
        assert f"(lessons/{folder.name}/README.md)" in README
