"""Exercise 09, solved: a trip's state goes only forwards, and looking and writing are one step."""

import json
import sqlite3
from contextlib import closing

import click
from connection import connect
from trips import QUEUE, open_ledger, transaction, trip, write

NO_EVENT = (ValueError, KeyError, TypeError, OverflowError, RecursionError)


def event_in(body: bytes) -> dict:
    """Read a message. Raises one of NO_EVENT where it is no event."""
    event = json.loads(body)
    words = {key: str(event[key]) for key in ("id", "type", "subject")}
    "".join(words.values()).encode()  # half a character could be read, but neither stored nor printed
    sequence = int(event["sequence"])
    sequence.to_bytes(8, "big", signed=True)  # a larger one could not be stored either
    return {**words, "sequence": sequence}


def note(ledger: sqlite3.Connection, event: dict) -> None:
    """Write where the trip is now: the type of its latest event."""
    with transaction(ledger):
        known = trip(ledger, event["subject"])
        if known is None or event["sequence"] > known[1]:
            write(ledger, event["subject"], event["type"], event["sequence"])


@click.command()
def main() -> None:
    """Note where trips are, until Ctrl-C.

    Example: python solution.py
    """
    try:
        with connect() as connection, closing(open_ledger()) as ledger:
            channel = connection.channel()
            channel.queue_declare(QUEUE, durable=True)
            channel.basic_qos(prefetch_count=1)
            for method, _properties, body in channel.consume(QUEUE):
                try:
                    event = event_in(body)
                except NO_EVENT:
                    # This queue has no dead letters (lesson 07): what is rejected here is gone.
                    click.echo(f"no event, dropped: {body[:40]!r}", err=True)
                    channel.basic_reject(method.delivery_tag, requeue=False)
                    continue
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
