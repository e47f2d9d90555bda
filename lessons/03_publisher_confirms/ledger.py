"""The ledger, the same file in every lesson: what was published, what was handled, and how the two differ."""

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

import click
from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Trial:
    """One run of an experiment: order ids in the order in which they were published and handled.

    `broken` says that this trial is meant to show the fault; `own` holds the lesson's own columns.
    """

    name: str
    broken: bool
    published: Sequence[str]
    handled: Sequence[str]
    own: dict[str, int] = field(default_factory=dict)

    def counts(self) -> dict[str, int]:
        """The columns, all of them numbers of orders."""
        return {
            "published": len(self.published),
            "handled": len(self.handled),
            "lost": len(set(self.published) - set(self.handled)),
            "duplicated": len(self.handled) - len(set(self.handled)),
            "out_of_order": self._out_of_order(),
            **self.own,
        }

    def _out_of_order(self) -> int:
        """First handlings that come after that of an order published later."""
        place = {order: number for number, order in enumerate(self.published)}
        latest, late = -1, 0
        for order in dict.fromkeys(self.handled):
            late += place.get(order, latest) < latest
            latest = max(latest, place.get(order, latest))
        return late


def report(lesson: str, trials: Sequence[Trial], as_json: bool) -> None:
    """Print the trials on stdout: a table for people, or one JSON object for programs."""
    if as_json:
        rows = [{"name": t.name, "broken": t.broken, **t.counts()} for t in trials]
        click.echo(json.dumps({"lesson": lesson, "trials": rows}))
        return
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("trial", no_wrap=True)
    for column in trials[0].counts():
        heading = "\n".join(column.rsplit("_", 1)).replace("_", " ")
        table.add_column(heading, justify="right", no_wrap=True)
    for trial in trials:
        table.add_row(trial.name, *(_cell(column, count) for column, count in trial.counts().items()))
    console().print(table)


def console() -> Console:
    """Where people read the ledger: plain text where they set NO_COLOR (https://no-color.org)."""
    return Console(highlight=False, color_system=None if os.environ.get("NO_COLOR") else "auto")


def _cell(column: str, count: int) -> str:
    bad = column in ("lost", "duplicated", "out_of_order") and count > 0
    return f"[bold red]{count}[/]" if bad else str(count)


def guess(question: str, as_json: bool) -> int | None:
    """Ask for a number before the experiment shows it; None where nobody sits at a terminal."""
    if as_json or not (sys.stdin and sys.stdin.isatty()):
        return None
    try:
        return click.prompt(question, type=int, err=True)
    except click.Abort as error:  # what click makes of Ctrl-C
        click.echo(err=True)  # what is said about it stands on a line of its own
        raise KeyboardInterrupt from error


def compare(guessed: int | None, measured: int) -> None:
    """Say how the guess did."""
    if guessed is not None:
        verdict = "as you said" if guessed == measured else f"you said {guessed}"
        click.echo(f"Measured: {measured}; {verdict}.", err=True)
