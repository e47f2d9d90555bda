"""Exercise 09: the shipping service knows where each order is, in whatever order it hears of it."""

import json
import sqlite3
from contextlib import closing

import click
from connection import connect
from trips import QUEUE, open_ledger, transaction, trip, write


def note(ledger: sqlite3.Connection, event: dict) -> None:
    """Write where the trip is now: the type of its latest event."""
    # TODO: an event may come late, after a later one of its trip; or again; or while another copy of this
    # program has one of the same trip. The trip's state must not go back.
    write(ledger, event["subject"], event["type"], event["sequence"])


@click.command()
def main() -> None:
    """Note where trips are, until Ctrl-C.

    Example: python exercise.py
    """
    try:
        with connect() as connection, closing(open_ledger()) as ledger:
            channel = connection.channel()
            channel.queue_declare(QUEUE, durable=True)
            channel.basic_qos(prefetch_count=1)
            for method, _properties, body in channel.consume(QUEUE):
                event = json.loads(body)
                note(ledger, event)
                channel.basic_ack(method.delivery_tag)
                click.echo(f"handled {event['id']}")
    except sqlite3.Error as error:
        # Not acknowledged, the event comes again when we are started again.
        raise click.ClickException(f"The ledger cannot be written: {error}; start again.") from error
    except KeyboardInterrupt:
        click.echo("stopped", err=True)


if __name__ == "__main__":
    main()
