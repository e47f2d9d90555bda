"""Where a page is played: in a copy of its folder alone, on a vhost of its own where one may be made."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import click

from workbench.lessons import Lesson
from workbench.management import ManagementError, throwaway_vhost
from workbench.page import steps_of
from workbench.player import Player, reader_environment


@contextmanager
def staged(lesson: Lesson, url: str) -> Iterator[tuple[Path, str]]:
    """Yield a folder with nothing but the lesson in it, and the AMQP URL for its programs.

    Without the right to make a vhost the lesson plays in the URL's own, which is said on stderr.
    """
    with ExitStack() as stack:
        temporary = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=f"lesson{lesson.number}-")))
        folder = Path(shutil.copytree(lesson.folder, temporary / lesson.folder.name, ignore=_compiled))
        try:
            url = stack.enter_context(throwaway_vhost(url, f"lesson{lesson.number}"))
        except ManagementError as error:
            click.echo(f"without a vhost of its own, as {error.message}", err=True)
        yield folder, url


_compiled = shutil.ignore_patterns("__pycache__")


@contextmanager
def player_on_stage(lesson: Lesson, url: str, **settings: object) -> Iterator[Player]:
    """A player, ready to play the lesson's page; `settings` are the Player's own."""
    steps = steps_of(lesson.page.read_text(encoding="utf-8"))
    with staged(lesson, url) as (folder, stage_url):
        yield Player(steps, folder, reader_environment(stage_url), **settings)
