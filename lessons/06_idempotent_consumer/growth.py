"""Measure how large the dedupe table grows, left alone and pruned."""

import random
import sqlite3
import tempfile
import uuid
from contextlib import closing
from pathlib import Path

import click
from charges import RECORD, open_ledger, transaction
from prune import DAY_SECONDS, prune

MEGABYTE = 1_000_000


def fill(ledger: sqlite3.Connection, day: int, events: int, ids: random.Random) -> None:
    """One day's events, each with an id of its own, evenly over the day."""
    with transaction(ledger):
        for number in range(events):
            event_id = uuid.UUID(int=ids.getrandbits(128), version=4)
            at = int((day + number / events) * DAY_SECONDS)
            ledger.execute(RECORD, (str(event_id), at))


def size_after(days: int, per_day: int, keep: int | None) -> int:
    """Bytes of a ledger after so many days, pruned at the end of each if it is to keep only some of them."""
    ids = random.Random(6)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "growth.sqlite")
        with closing(open_ledger(str(path))) as ledger:
            for day in range(days):
                fill(ledger, day, per_day, ids)
                if keep:
                    prune(ledger, keep, (day + 1) * DAY_SECONDS)
        return path.stat().st_size


@click.command()
@click.option("--days", type=click.IntRange(min=1), default=30, show_default=True, help="Fill it so long.")
@click.option("--per-day", type=click.IntRange(min=1), default=1000, show_default=True, help="Events a day.")
@click.option("--keep", type=click.IntRange(min=1), default=7, show_default=True, help="Days to remember.")
@click.option("--rate", type=click.IntRange(min=1), default=10, show_default=True, help="Events per second.")
def main(days: int, per_day: int, keep: int, rate: int) -> None:
    """Fill a table for some days, with and without pruning, and reckon what a real shop's would take.

    Example: python growth.py --days 30 --per-day 1000 --keep 7
    """
    events = days * per_day
    alone = size_after(days, per_day, None)
    pruned = size_after(days, per_day, keep)
    kept = keep * DAY_SECONDS * rate
    each = pruned / (min(keep, days) * per_day)
    click.echo(f"{events:,} events in {days} days, all remembered: {alone / MEGABYTE:.1f} MB")
    click.echo(f"each remembered for {keep} days: {pruned / MEGABYTE:.1f} MB, {each:.0f} bytes an event")
    click.echo(f"{rate} events per second: {kept:,} in {keep} days, {kept * each / MEGABYTE:.0f} MB")


if __name__ == "__main__":
    main()
