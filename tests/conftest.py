"""What every test may ask for: the broker, a vhost of its own on it, a copy of a lesson's folder."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pika
import pytest
from workbench.address import broker_url as url_of_the_broker
from workbench.broker.probe import NoAnswer, ask
from workbench.lessons import LESSONS, all_lessons
from workbench.management import throwaway_vhost
from workbench.player import reader_environment

MAX_SECONDS = 120


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--lesson", action="append", default=[], metavar="NN", help="only the tests of lesson NN"
    )
    parser.addoption("--patient", action="store_true", help="those that take minutes, too")


def pytest_sessionstart(session: pytest.Session) -> None:
    """Say that no broker answers before there are workers, each of which would seem to crash over it."""
    if session.config.getoption("numprocesses", None):
        try:
            ask(url_of_the_broker())
        except NoAnswer as error:
            raise pytest.UsageError(error.message) from error


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep what belongs to the lessons asked for: their number and an underscore stand in the test's id.

    What takes minutes is skipped unless it is asked for.
    """
    if not config.getoption("--patient"):
        for item in items:
            if item.get_closest_marker("patient"):
                item.add_marker(
                    pytest.mark.skip(reason="takes minutes: python3 scripts/run_tests.py --patient")
                )
    numbers = config.getoption("--lesson")
    unknown = set(numbers) - {lesson.number for lesson in all_lessons()}
    if unknown:
        raise pytest.UsageError(
            f"there is no lesson {', '.join(sorted(unknown))}: python3 scripts/lesson.py list"
        )
    if numbers:
        chosen = [item for item in items if any(f"{number}_" in item.nodeid for number in numbers)]
        config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
        items[:] = chosen


@pytest.fixture(scope="session")
def broker_url() -> str:
    """The broker under test; without one nothing can be tested."""
    url = url_of_the_broker()
    try:
        ask(url)
    except NoAnswer as error:
        pytest.exit(error.message, 2)
    return url


@pytest.fixture
def vhost_url(broker_url: str) -> Iterator[str]:
    """The URL of a fresh vhost, removed after the test."""
    with throwaway_vhost(broker_url, "test") as url:
        yield url


@pytest.fixture
def channel(vhost_url: str) -> Iterator[pika.adapters.blocking_connection.BlockingChannel]:
    """The test's own channel in its vhost."""
    with pika.BlockingConnection(pika.URLParameters(vhost_url)) as connection:
        yield connection.channel()


@pytest.fixture
def copied(tmp_path: Path) -> Callable[[str], Path]:
    """Copies a lesson's folder, and nothing else, to a place outside the repository."""

    def copy(folder: str) -> Path:
        return Path(
            shutil.copytree(LESSONS / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
        )

    return copy


@pytest.fixture
def run(vhost_url: str) -> Callable[..., subprocess.CompletedProcess]:
    """Runs a script with this Python on the test's vhost (or on `url`), as a program would: no terminal."""

    def run_script(
        script: Path, *options: str, url: str = vhost_url, seconds: float = MAX_SECONDS
    ) -> subprocess.CompletedProcess:
        return subprocess.run(
            [sys.executable, str(script), *options],
            env=reader_environment(url),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )

    return run_script
