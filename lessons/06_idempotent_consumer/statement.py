"""What customers find on their statements: how often each order was charged, and how much was taken."""

import sqlite3
from contextlib import closing
from pathlib import Path

import click
from charges import LEDGER

CHARGES = "SELECT order_id, COUNT(*), SUM(amount_cents) FROM charges GROUP BY order_id ORDER BY order_id"


@click.command()
@click.argument("file", default=LEDGER)
def main(file: str) -> None:
    """Sum up the charges in FILE: our own books, or the gateway's.

    Example: python statement.py gateway.sqlite
    """
    if not Path(file).exists():
        raise click.ClickException(f"There is no {file} yet: nobody has charged anything.")
    try:
        with closing(sqlite3.connect(file)) as ledger:
            for order_id, times, cents in ledger.execute(CHARGES):
                often = "once" if times == 1 else f"{times} times"
                click.echo(f"{order_id} charged {often}, {cents / 100:.2f} in all")
    except sqlite3.Error as error:
        raise click.ClickException(f"{file} holds no charges: {error}.") from error


if __name__ == "__main__":
    main()
