"""The lessons that are there: their numbers, folders and what the first lines of their pages say."""

import re
from dataclasses import dataclass
from pathlib import Path

import click

ROOT = Path(__file__).resolve().parents[2]
LESSONS = ROOT / "lessons"
STARTERS = Path(__file__).with_name("starters")
HEADING = re.compile(
    r"# (?P<number>\d\d) · (?P<title>.+)\n\n\*(?P<question>[^*]+)\* \((?P<minutes>\d+) minutes\)\n"
)


@dataclass(frozen=True)
class Lesson:
    """One lesson folder; `minutes` is how long a reader takes for its page."""

    number: str
    folder: Path
    title: str
    question: str
    minutes: int

    @property
    def page(self) -> Path:
        """Its README.md."""
        return self.folder / "README.md"


def all_lessons(folder: Path = LESSONS) -> list[Lesson]:
    """Every lesson, by number.

    Raises ValueError where a page does not begin with its number, title, question and minutes.
    """
    return [read_lesson(path) for path in sorted(folder.glob("[0-9][0-9]_*")) if path.is_dir()]


def read_lesson(folder: Path) -> Lesson:
    """What the page in this folder says of itself; ValueError where it does not say it."""
    page = folder / "README.md"
    heading = HEADING.match(page.read_text(encoding="utf-8"))
    if heading is None or heading["number"] != folder.name[:2]:
        raise ValueError(
            f"{page} has to begin with '# {folder.name[:2]} · Title' and, an empty line below,"
            " '*Question?* (10 minutes)'"
        )
    return Lesson(heading["number"], folder, heading["title"], heading["question"], int(heading["minutes"]))


def find_lesson(number: str, folder: Path = LESSONS) -> Lesson:
    """The lesson of that number, `2` and `02` alike; LookupError, with what there is, where there is none."""
    lessons = all_lessons(folder)
    for lesson in lessons:
        if lesson.number == number.zfill(2):
            return lesson
    numbers = ", ".join(lesson.number for lesson in lessons)
    raise LookupError(f"there is no lesson {number}; there are {numbers}")


def starter_of(lesson: Lesson) -> Path:
    """The exercise of a lesson as it was before anybody worked on it."""
    return STARTERS / f"{lesson.folder.name}.py"


class LessonNumber(click.ParamType):
    """A lesson on the command line, named by its number: 2 or 02."""

    name = "NN"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> Lesson:
        """The lesson; a usage error that lists the numbers there are, where there is none."""
        try:
            return find_lesson(value)
        except LookupError as error:
            return self.fail(str(error), param, ctx)
