"""The two commands on a fresh machine: what they hand on, and how they end."""

import shutil

import pytest
from project_copy import ROOT, Project, copy_project, is_one_sentence

LESSON = """\
import os, sys
print(sys.argv[1:], os.environ["AMQP_URL"])
sys.exit({status})
"""
CONFTEST = """\
def pytest_addoption(parser):
    parser.addoption("--lesson", action="append", default=[])
"""
TEST = """\
def test_it(pytestconfig):
    print(pytestconfig.getoption("--lesson"))
    assert {holds}
"""


@pytest.fixture
def project(tmp_path, broker_url):
    copy_project(tmp_path, "scripts/run_tests.py", "tests/requirements.txt")
    return Project(tmp_path, AMQP_URL=broker_url)


def with_lesson(project: Project, status: int) -> None:
    (project.folder / "scripts/lesson.py").write_text(LESSON.format(status=status))


def with_test(project: Project, holds: bool) -> None:
    (project.folder / "tests/conftest.py").write_text(CONFTEST)
    (project.folder / "tests/test_it.py").write_text(TEST.format(holds=holds))


def test_start_plays_lesson_01_on_the_broker_and_tells_what_is_next(project, broker_url):
    with_lesson(project, 0)
    done = project.run("scripts/start.py")
    assert (done.returncode, done.stdout) == (0, f"['run', '01'] {broker_url}\n")
    assert "python3 scripts/lesson.py show 01" in done.stderr


def test_start_passes_on_that_the_lesson_failed(project):
    with_lesson(project, 7)
    done = project.run("scripts/start.py")
    assert done.returncode == 7
    assert "Next:" not in done.stderr


def test_start_without_its_broker_is_one_sentence(project):
    done = project.run("scripts/start.py", AMQP_URL="amqp://guest:secret@localhost:1/")
    assert (done.returncode, is_one_sentence(done)) == (1, True)
    assert "nothing listens at localhost:1" in done.stderr
    assert "secret" not in done.stderr


def test_numbers_are_lessons_and_the_rest_is_pytest_s(project):
    with_test(project, holds=True)
    done = project.run("scripts/run_tests.py", "1", "02", "-n0", "-q", "-s", "-k", "it")
    assert done.returncode == 0, done.stderr
    assert "['01', '02']" in done.stdout


def test_a_failing_test_fails_the_command(project):
    with_test(project, holds=False)
    assert project.run("scripts/run_tests.py").returncode == 1


def test_no_test_at_all_is_pytest_s_status_too(project):
    with_test(project, holds=True)
    assert project.run("scripts/run_tests.py", "-k", "nothing").returncode == 5


def test_the_commands_work_from_another_folder(project, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    script = project.folder / "scripts/broker.py"
    shutil.copy(ROOT / "docker-compose.yml", project.folder)
    there = Project(elsewhere, **{"AMQP_URL": project.environ["AMQP_URL"]})
    assert there.run(str(script), "status").returncode == 0
