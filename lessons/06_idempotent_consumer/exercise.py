"""Exercise 06: the shipping service again. However often an event comes, its order is shipped once."""

import json
import sqlite3
from contextlib import closing

import click
from connection import connect
from shipping import open_ledger, schedule_shipment, transaction
from topology import SHIPPING, declare


def ship(ledger: sqlite3.Connection, event: dict) -> None:
    """Schedule the shipment of an order."""
    # TODO: an event that comes again must not be shipped again, nor may any be forgotten: whoever dies when,
    # and also while another copy of this program has the same event. Make the table that you need in main().
    schedule_shipment(ledger, event["data"]["order_id"])


@click.command()
def main() -> None:
    """Schedule shipments until Ctrl-C.

    Example: python exercise.py
    """
    try:
        with connect() as connection, closing(open_ledger()) as ledger:
            channel = connection.channel()
            declare(channel, SHIPPING)
            channel.basic_qos(prefetch_count=1)
            for method, _properties, body in channel.consume(SHIPPING):
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
