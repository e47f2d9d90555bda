"""Forget events that were handled long ago: for a time longer than any of them can still be on its way."""

import sqlite3
import time
from contextlib import closing

import click
from charges import LEDGER, open_ledger

DAY_SECONDS = 86_400


def prune(ledger: sqlite3.Connection, days: int, now: float) -> int:
    """Forget what was handled more than so many days before `now` (seconds since 1970); how many events."""
    return ledger.execute("DELETE FROM handled WHERE at < ?", (now - days * DAY_SECONDS,)).rowcount


@click.command()
@click.option("--days", type=click.IntRange(min=1), default=7, show_default=True, help="Remember so long.")
def main(days: int) -> None:
    """Forget old events; run it once a day.

    Example: python prune.py --days 7
    """
    try:
        with closing(open_ledger()) as ledger:
            forgotten = prune(ledger, days, time.time())
            left = ledger.execute("SELECT COUNT(*) FROM handled").fetchone()[0]
            click.echo(f"forgot {forgotten} events older than {days} days, remember {left}")
    except sqlite3.Error as error:
        raise click.ClickException(f"Our books ({LEDGER}) cannot be written: {error}.") from error


if __name__ == "__main__":
    main()
