"""Read the lessons, watch them, compare them, and record their pages.

python3 scripts/lesson.py list
"""

from workbench import environment

environment.enter()  # from here on pika, click and rich can be imported

import difflib
import re
import shutil
import sys
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
from rich.markdown import Markdown
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text
from workbench import pictures, progress
from workbench.broker import ensure_up
from workbench.console import console
from workbench.edge import Group
from workbench.journey.pages import drawn, pictures_of
from workbench.lessons import Lesson, LessonNumber, all_lessons
from workbench.page import folded, rewritten
from workbench.player import PageError, Played, recorded, same
from workbench.stage import player_on_stage

EXERCISE = {"exercise.py", "solution.py", "check.py"}
# A picture file that a command on the page draws; `](../…)` would be somebody else's.
DRAWING = re.compile(r"!\[[^]]*\]\((\w+\.svg)\)")
COLOURS = ["cyan", "magenta", "yellow", "green"]

out = console()


NUMBER = LessonNumber()


@click.group(cls=Group, epilog="Example: python3 scripts/lesson.py run 02")
def main() -> None:
    """Read the lessons, watch them, compare them, and record their pages."""


@main.command("list", epilog="Example: python3 scripts/lesson.py list")
def list_lessons() -> None:
    """Every lesson, the question it answers, and how long its page takes."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for heading in ("", "lesson", "question", "done"):
        table.add_column(heading)
    table.add_column("min", justify="right")
    done = progress.done()
    for lesson in all_lessons():
        mark = "yes" if lesson.number in done else ""
        table.add_row(lesson.number, lesson.title, lesson.question, mark, str(lesson.minutes))
    out.print(table)


@main.command(epilog="Example: python3 scripts/lesson.py show 02")
@click.option("--all", "unfolded", is_flag=True, help="Show what is folded, too: what experiments printed.")
@click.argument("lesson", type=NUMBER)
def show(lesson: Lesson, unfolded: bool) -> None:
    """Print the page of lesson NN; at a terminal that it does not fit, in a pager ($PAGER, else less)."""
    text = pictures.in_words(lesson.page.read_text(encoding="utf-8"))
    with out.capture() as captured:
        out.print(Markdown(text if unfolded else folded(text)))
    page = captured.get()
    if sys.stdout.isatty() and page.count("\n") >= out.height:
        click.echo_via_pager(page)
    else:
        click.echo(page, nl=False)


@main.command(epilog="Example: python3 scripts/lesson.py run 02")
@click.argument("lesson", type=NUMBER)
def run(lesson: Lesson) -> None:
    """Play the commands on the page of lesson NN, its terminals side by side in this one.

    The lesson plays in a copy of its folder, and on a vhost of its own that is removed afterwards.
    """
    out.print(f"[bold]{lesson.number} · {lesson.title}[/]  {lesson.question}\n")
    width = out.width - len("1 │ ")
    with player_on_stage(lesson, ensure_up().url, columns=width) as player:
        player.on_command = tell_command
        player.on_line = tell_line
        try:
            player.play()
        except PageError as error:
            raise click.ClickException(f"{place_on_page(lesson, error.difference.line)}: {error}") from error


def tell_command(terminal: int, command: str) -> None:
    """Show a command as if somebody typed it."""
    tell_line(terminal, f"$ {command}", "bold ")


def tell_line(terminal: int, line: str, weight: str = "") -> None:
    """Show a line of one of the page's terminals, marked with its number in its colour."""
    colour = COLOURS[(terminal - 1) % len(COLOURS)]
    mark = f"{terminal} │ "
    for piece in textwrap.wrap(line, out.width - len(mark), drop_whitespace=False) or [""]:
        out.print(Text.assemble((mark, colour), (piece, f"{weight}{colour}" if weight else "")))


def place_on_page(lesson: Lesson, line: int) -> str:
    """The file and line that an editor opens at a click."""
    return f"lessons/{lesson.folder.name}/README.md:{line}"


@main.command(epilog="Example: python3 scripts/lesson.py diff 01 02")
@click.argument("older", type=NUMBER)
@click.argument("newer", type=NUMBER)
def diff(older: Lesson, newer: Lesson) -> None:
    """Show what changed between the code of two lessons."""
    for name in sorted(code_files(older) | code_files(newer)):
        before, after = older.folder / name, newer.folder / name
        if before.exists() and after.exists():
            out.print(Syntax("".join(unified(before, after)) or f"  {name}: the same\n", "diff"), end="")
        else:
            there = after if after.exists() else before
            out.print(f"{'+' if after.exists() else '-'} {name}: only in {there.parent.name}", style="bold")


def code_files(lesson: Lesson) -> set[str]:
    """The names of the scripts in its folder, without those of the exercise: they would give it away."""
    return {path.name for path in lesson.folder.glob("*.py")} - EXERCISE


def unified(before: Path, after: Path) -> Iterator[str]:
    """The lines of a diff between two files."""
    texts = [path.read_text(encoding="utf-8").splitlines(keepends=True) for path in (before, after)]
    names = [f"{path.parent.name}/{path.name}" for path in (before, after)]
    return difflib.unified_diff(*texts, *names)


def keep_drawing(lesson: Lesson, drawn_now: Path, played: Sequence[Played]) -> None:
    """Keep what a command drew, unless the page keeps what it printed: the two belong together."""
    by = [each for each in played if drawn_now.name in (each.step.command or "")]
    if (
        any(not same(each.step.shown, each.lines) for each in by)
        or not (lesson.folder / drawn_now.name).exists()
    ):
        shutil.copy(drawn_now, lesson.folder)


@main.command(epilog="Example: python3 scripts/lesson.py record 02")
@click.argument("lesson", type=NUMBER)
def record(lesson: Lesson) -> None:
    """Run the commands on the page of lesson NN and rewrite what it shows of their output, pictures included.

    A step whose program goes on is recorded up to the line that ends it on the page: draft that line first.
    """
    url = ensure_up().url
    before = lesson.page.read_text(encoding="utf-8")
    with player_on_stage(lesson, url, recording=True, on_command=tell_command, on_line=tell_line) as player:
        try:
            played = player.play()
        except PageError as error:
            raise click.ClickException(f"{place_on_page(lesson, error.difference.line)}: {error}") from error
        for drawing in DRAWING.findall(before):
            keep_drawing(lesson, player.folder / drawing, played)
    redrawn = [(picture, drawn(picture, lesson, url)) for picture in pictures_of(before)]
    after = rewritten(before, [*recorded(played), *redrawn])
    lesson.page.write_text(after, encoding="utf-8")
    click.echo(
        "the page is as it was" if after == before else f"recorded {place_on_page(lesson, 1)}", err=True
    )


if __name__ == "__main__":
    main()
