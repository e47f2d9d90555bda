"""The pictures on a lesson's page: Mermaid blocks that are recorded, as transcripts are.

A line `<!-- journey.py "python producer.py" … -->` has journey.py's arguments in it; the Mermaid block that
follows at once is what they draw.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass

import click

from workbench.journey.causal import in_causal_order
from workbench.journey.mermaid import mermaid
from workbench.journey.model import steps_of
from workbench.journey.performance import Performance, performance_of
from workbench.lessons import Lesson
from workbench.stage import staged
from workbench.wire import Event

PICTURE = re.compile(
    r"^<!-- journey\.py (?P<arguments>.+) -->\n```mermaid\n(?P<shown>(?:(?!```).*\n)*)```$", re.M
)


@dataclass(frozen=True)
class Picture:
    """A recorded picture of a page: journey.py's arguments, and where in the page's lines it is `shown`."""

    arguments: str
    start: int
    shown: tuple[str, ...]


def pictures_of(text: str) -> list[Picture]:
    """The recorded pictures of a page, in its order."""
    return [
        Picture(
            found["arguments"],
            text.count("\n", 0, found.start("shown")),
            tuple(found["shown"].splitlines()),
        )
        for found in PICTURE.finditer(text)
    ]


def drawn(picture: Picture, lesson: Lesson, url: str) -> list[str]:
    """The picture's lines as a run of its programs gives them, in a copy of the lesson's folder.

    Raises click.ClickException where a program cannot be run or fails.
    """
    lines, kill = arguments_of(picture.arguments)
    with staged(lesson, url) as stage:
        performance = performance_of(lines, kill, stage.url, stage.folder, stage.mark)
        events = observed(performance)
    names = [command.name for command in performance.commands]
    return mermaid(in_causal_order(steps_of(events), names, performance.waiting))


def arguments_of(arguments: str) -> tuple[list[str], str | None]:
    """The programs in a picture's arguments, and the one that `--kill` names before them."""
    words = shlex.split(arguments)
    if words[0] == "--kill":
        return words[2:], words[1]
    return words, None


def observed(performance: Performance) -> list[Event]:
    """Every event of a performance; raises click.ClickException where a program failed."""
    with closing(performance.news()) as news:
        events = [item for item in news if isinstance(item, Event)]
    if failed := failures(performance):
        raise click.ClickException(f"{failed[0]} ended with status {performance.statuses[failed[0]]}")
    return events


def failures(performance: Performance) -> Sequence[str]:
    """The programs that ended with another status than 0, but for those that were killed by plan."""
    return [
        name for name, status in performance.statuses.items() if status and name not in performance.struck
    ]
