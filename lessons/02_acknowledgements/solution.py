"""Exercise 02, solved: an order is acknowledged when its shipment is on disk, and not before."""

import json
import sqlite3

import click
from connection import connect
from shipping import schedule_shipment
from topology import QUEUE, declare


@click.command()
def main() -> None:
    """Schedule shipments until Ctrl-C.

    Example: python solution.py
    """
    try:
        with connect() as connection:
            channel = connection.channel()
            declare(channel)
            for method, _properties, body in channel.consume(QUEUE):
                order_id = json.loads(body)["order_id"]
                try:
                    schedule_shipment(order_id)
                except sqlite3.Error as error:
                    # Whoever starts us again gives the order another chance: it is not acknowledged.
                    raise click.ClickException(
                        f"{order_id} is not scheduled: {error}; start again."
                    ) from error
                channel.basic_ack(method.delivery_tag)
                click.echo(f"scheduled {order_id}")
    except KeyboardInterrupt:
        click.echo("stopped", err=True)


if __name__ == "__main__":
    main()
