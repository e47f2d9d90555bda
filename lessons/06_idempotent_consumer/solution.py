"""Exercise 06, solved: the event's id and its shipment are written in one transaction."""

import json
import sqlite3
from contextlib import closing

import click
from connection import connect
from shipping import open_ledger, schedule_shipment, transaction
from topology import SHIPPING, declare


def ship(ledger: sqlite3.Connection, event: dict) -> None:
    """Schedule the shipment of an order, unless this was done for the same event."""
    with transaction(ledger):
        done = ledger.execute("INSERT OR IGNORE INTO handled VALUES (?)", (event["id"],))
        if done.rowcount == 1:
            schedule_shipment(ledger, event["data"]["order_id"])


@click.command()
def main() -> None:
    """Schedule shipments until Ctrl-C.

    Example: python solution.py
    """
    try:
        with connect() as connection, closing(open_ledger()) as ledger:
            ledger.execute("CREATE TABLE IF NOT EXISTS handled (event_id TEXT PRIMARY KEY)")
            channel = connection.channel()
            declare(channel, SHIPPING)
            channel.basic_qos(prefetch_count=1)
            for method, _properties, body in channel.consume(SHIPPING):
                # A body that is no event stops us here, again each time that we are started: lesson 07.
                event = json.loads(body)
                ship(ledger, event)
                channel.basic_ack(method.delivery_tag)
                click.echo(f"handled {event['data']['order_id']}")
    except sqlite3.Error as error:
        # Not acknowledged, the event comes again when we are started again.
        raise click.ClickException(f"The ledger cannot be written: {error}; start again.") from error
    except KeyboardInterrupt:
        click.echo("stopped", err=True)


if __name__ == "__main__":
    main()
