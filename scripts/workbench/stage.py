"""Where a page is played: in a copy of its folder alone, on a vhost of its own where one may be made."""

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click

from workbench.guard import Guard
from workbench.lessons import Lesson
from workbench.management import ManagementError
from workbench.marked import MARK
from workbench.page import steps_of
from workbench.player import Player, reader_environment

# What a reader's own runs leave in a lesson's folder: git ignores it, too.
LEFT_BY_READERS = shutil.ignore_patterns(
    "__pycache__", "*.sqlite*", "*.url", "exercise.kept*", "node_modules", "package-lock.json"
)


@dataclass(frozen=True)
class Stage:
    """A folder with nothing but the lesson in it, the broker's URL, and the mark of all that runs there."""

    folder: Path
    url: str
    mark: dict[str, str]

    @property
    def environ(self) -> dict[str, str]:
        """The environment that programs get here."""
        return reader_environment(self.url) | self.mark


@contextmanager
def staged(lesson: Lesson, url: str) -> Iterator[Stage]:
    """Yield a stage, of which nothing is left afterwards, however it ends: no folder, vhost or process.

    Without the right to make a vhost the lesson plays in the URL's own, which is said on stderr.
    """
    token = secrets.token_hex(4)
    name = f"lesson{lesson.number}-{token}"
    with Guard(url) as guard:
        guard.marked(token)
        folder = guard.folder(name) / lesson.folder.name
        shutil.copytree(lesson.folder, folder, ignore=LEFT_BY_READERS)
        try:
            url = guard.vhost(name)
        except ManagementError as error:
            click.echo(f"without a vhost of its own, as {error.message}", err=True)
        yield Stage(folder, url, {MARK: token})


@contextmanager
def player_on_stage(lesson: Lesson, url: str, **settings: object) -> Iterator[Player]:
    """A player, ready to play the lesson's page; `settings` are the Player's own."""
    steps = steps_of(lesson.page.read_text(encoding="utf-8"))
    with staged(lesson, url) as stage:
        yield Player(steps, stage.folder, stage.environ, **settings)
