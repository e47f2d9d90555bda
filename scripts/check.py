"""Judge an exercise on a real broker, while processes are killed and connections cut.

python3 scripts/check.py 02
"""

from workbench import environment

environment.enter()  # from here on pika, click and rich can be imported

import itertools
import json
import os
import random
import shutil
import sys
import time
from collections.abc import Container, Sequence

import click
from rich.markup import escape
from rich.padding import Padding
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn
from rich.text import Text
from workbench import address, progress
from workbench.bench import Promise
from workbench.bench.failures import last_line, last_lines
from workbench.bench.judge import Exercise, Finding, Judge, Scenario, Verdict
from workbench.broker import ensure_up
from workbench.console import console
from workbench.edge import Group
from workbench.journey.performance import shell_words
from workbench.lessons import Lesson, LessonNumber, starter_of
from workbench.typed import typed

UNJUDGED = 2
INDENT = 8
WATCH_SECONDS = 0.5

out = console()
status = console(stderr=True)


class NumberOrCommand(Group):
    """`check.py 02` judges; `check.py reset 02` resets."""

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple:
        """Take a number for `judge` and that number."""
        return super().resolve_command(ctx, ["judge", *args] if args[0].isdecimal() else args)


@click.group(
    cls=NumberOrCommand, epilog="Example: python3 scripts/check.py 02", subcommand_metavar="NN | reset NN"
)
def main() -> None:
    """Judge an exercise on a real broker, while processes are killed and connections cut.

    `check.py NN --help` tells what else it can do. Exit status: 0 all promises kept, 1 one broken, 2 it could
    not judge.
    """


@main.command(epilog="Example: python3 scripts/check.py 02 --command 'node shipping.js'")
@click.argument("lesson", type=LessonNumber())
@click.option("--solution", is_flag=True, help="Judge solution.py.")
@click.option("--command", help="Judge this program: anything that reads AMQP_URL and LEDGER.")
@click.option("--seed", type=int, help="Choose the same orders again.  [default: by chance, and shown]")
@click.option("--hint", is_flag=True, help="Give a hint for each broken promise.")
@click.option("--watch", is_flag=True, help="Judge again whenever a file in the lesson's folder is saved.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, for programs.")
def judge(
    lesson: Lesson,
    solution: bool,
    command: str | None,
    seed: int | None,
    hint: bool,
    watch: bool,
    as_json: bool,
) -> None:
    """Judge the exercise of lesson NN."""
    if solution and command is not None:
        raise click.UsageError("--solution and --command are two programs: name one")
    exercise = Exercise(lesson)
    program = program_of(command, solution)
    url = url_of_a_broker()
    while True:
        seen = saved_at(lesson)
        chosen = random.SystemRandom().randrange(10_000) if seed is None else seed
        verdict = judged(Judge(exercise, program, url, chosen), quiet=as_json)
        render = as_object if as_json else as_text
        render(lesson, verdict, hint)
        if not solution and command is None:
            progress.note(lesson.number, verdict.exit_status == 0)
        if not watch:
            sys.exit(verdict.exit_status)
        until_saved(lesson, seen)


def program_of(command: str | None, solution: bool) -> Sequence[str]:
    """What is judged, word by word; raises click.UsageError for a command that cannot be read."""
    if command is None:
        return [sys.executable, "solution.py" if solution else "exercise.py"]
    try:
        return shell_words(command)
    except ValueError as error:
        raise click.UsageError(str(error)) from error


def url_of_a_broker() -> str:
    """Of one that is up, with settings that can be read; without one there is nothing to judge on."""
    try:
        url = ensure_up().url
        address.management_url(os.environ | {"AMQP_URL": url})
        return url
    except click.ClickException as error:
        error.exit_code = UNJUDGED
        raise
    except SystemExit as sentence:
        click.echo(sentence.code, err=True)
        sys.exit(UNJUDGED)


def judged(judge: Judge, quiet: bool) -> Verdict:
    """Play the scenarios, each shown on stderr as it goes."""
    if not judge.own_vhosts:
        names = ", ".join([*judge.exercise.queues, *judge.exercise.exchanges])
        status.print(f"no vhost of its own may be made here: emptying and using {names}")
    columns = SpinnerColumn(finished_text=" "), TextColumn("{task.description}")
    with Progress(*columns, console=status, transient=True, disable=quiet) as bar:
        tasks: dict[Scenario, TaskID] = {}
        judge.began = lambda scenario: tasks.update({scenario: bar.add_task(scenario.words, total=1)})
        judge.ended = lambda finding: bar.update(tasks[finding.scenario], completed=1)
        return judge.verdict()


def as_text(lesson: Lesson, verdict: Verdict, hint: bool) -> None:
    """Each promise, kept or broken; a broken one with the order that shows it."""
    if verdict.unjudged:
        show_unjudged(lesson, verdict.unjudged)
        return
    shown: set[str] = set()
    for promise in verdict.promises:
        finding = verdict.broken.get(promise)
        if finding:
            out.print(f"[red]broken[/]  {promise.words}")
            show_broken(finding, hint)
            shown.add(show_last_words(lesson, finding, shown))
        elif promise in verdict.kept:
            out.print(f"[green]kept[/]    {promise.words}")
        else:
            out.print(f"[dim]open    {promise.words}: not seen yet[/]")
    if not verdict.broken:
        out.print(f"\n[bold green]All {len(verdict.promises)} promises kept.[/]")
    elif not hint:
        hints = typed(f"check.py {lesson.number} --hint --seed {verdict.seed}")
        out.print(f"\nA hint for each: {hints}", soft_wrap=True)
    status.print(f"seed {verdict.seed}, {verdict.seconds:.1f} s", style="dim")


def show_broken(finding: Finding, hint: bool) -> None:
    """What happened, to which order, and the hint if it is wanted."""
    broken = finding.broken
    out.print(indented(f"situation: {finding.scenario.words}."))
    for fault in str(finding.scenario.plan).splitlines():
        out.print(indented(f"fault: {fault}"))
    out.print(indented(broken.journey))
    if finding.failures:
        # Whoever breaks a promise because it crashes has to mend the crash first.
        out.print(indented(how_it_failed(finding), "bold"))
    if hint:
        out.print(indented(f"hint: {broken.promise.hint}", "yellow"))


def show_unjudged(lesson: Lesson, finding: Finding) -> None:
    """Why there is nothing to judge."""
    status.print(f"[red]Could not judge:[/] {escape(str(finding.unjudged))}.")
    show_last_words(lesson, finding, set())


def how_it_failed(finding: Finding) -> str:
    """How often the program failed by itself, and the last that it said."""
    count = len(finding.failures)
    times = "once" if count == 1 else f"{count} times"
    return f"your program ended by itself {times}: {last_line(finding.failures[-1])}"


def show_last_words(lesson: Lesson, finding: Finding, shown: Container[str]) -> str:
    """What the learner's program said when it failed, unless that has been shown; returns it."""
    words = "\n".join(last_lines(words_of(finding), str(lesson.folder)))
    told = finding.broken and finding.failures and last_line(finding.failures[-1])
    if words and words != told and words not in shown:
        status.print(indented("your program said:", "dim"))
        status.print(indented(words, "dim", INDENT + 2))
    return words


def words_of(finding: Finding) -> str:
    """The words of the run that failed last; if the bench brought that about, only a traceback counts."""
    if finding.failures:
        return finding.failures[-1].last_words()
    output = (finding.broken or finding.unjudged).output
    return output if "Traceback" in output else ""


def indented(words: str, style: str = "", by: int = INDENT) -> Padding:
    """These words below the ones that they belong to."""
    return Padding(Text(words, style=style), (0, 0, 0, by), expand=False)


def as_object(lesson: Lesson, verdict: Verdict, hint: bool) -> None:
    """The same as one JSON object."""
    promises = [promise_as_object(promise, verdict, hint) for promise in verdict.promises]
    result = {"lesson": lesson.number, "verdict": verdict.word, "seed": verdict.seed, "promises": promises}
    finding = verdict.unjudged
    if finding:
        why = {"why": str(finding.unjudged), "output": finding.unjudged.output}
        result |= {"promises": []} | why | failures_as_object(finding)
    click.echo(json.dumps(result | {"seconds": round(verdict.seconds, 2)}))


def failures_as_object(finding: Finding) -> dict[str, object]:
    """How often the program ended by itself, and the last that it said; empty where it never did."""
    if not finding.failures:
        return {}
    return {"ended_by_itself": len(finding.failures), "last_line": last_line(finding.failures[-1])}


def promise_as_object(promise: Promise, verdict: Verdict, hint: bool) -> dict[str, object]:
    """One promise: kept (null where it was not put to the test), and what broke it, if anything did."""
    finding = verdict.broken.get(promise)
    if finding:
        broken = finding.broken
        story = {
            "scenario": finding.scenario.words,
            "plan": str(finding.scenario.plan),
            "order": broken.order,
        }
        story |= {"journey": broken.journey, "output": broken.output} | failures_as_object(finding)
        return {"promise": promise.words, "kept": False} | story | ({"hint": promise.hint} if hint else {})
    return {"promise": promise.words, "kept": True if promise in verdict.kept else None}


def saved_at(lesson: Lesson) -> float:
    """When a script of the lesson was last saved (seconds since 1970)."""
    return max(path.stat().st_mtime for path in lesson.folder.glob("*.py"))


def until_saved(lesson: Lesson, seen: float) -> None:
    """Wait until a script is saved after that."""
    status.print("waiting for the next save; Ctrl-C to stop", style="dim")
    while saved_at(lesson) <= seen:
        time.sleep(WATCH_SECONDS)


@main.command(epilog="Example: python3 scripts/check.py reset 02")
@click.argument("lesson", type=LessonNumber())
def reset(lesson: Lesson) -> None:
    """Give the starter of lesson NN back; what is in exercise.py is kept beside it."""
    exercise = lesson.folder / "exercise.py"
    if exercise.exists():
        candidates = (lesson.folder / f"exercise.kept{number}.py" for number in itertools.count(1))
        kept = next(path for path in candidates if not path.exists())
        exercise.rename(kept)
        click.echo(f"yours is now {kept.name}", err=True)
    shutil.copy(starter_of(lesson), exercise)
    click.echo("exercise.py is the starter again", err=True)


if __name__ == "__main__":
    main()
