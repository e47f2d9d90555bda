"""Exercise 07: the shipping service gets messages that are no orders, and orders to nowhere."""

import json
import sqlite3

import click
from connection import connect
from shipping import CannotShip, schedule_shipment
from shipping_queues import ORDERS, declare


@click.command()
def main() -> None:
    """Schedule shipments until Ctrl-C.

    Example: python exercise.py
    """
    try:
        with connect() as connection:
            channel = connection.channel()
            declare(channel)
            channel.basic_qos(prefetch_count=1)
            for method, _properties, body in channel.consume(ORDERS):
                # TODO: one bad message stops this service, again each time it is started. Send to the dead
                # letters what will never be shipped, and nothing else: what these two lines raise tells.
                order = json.loads(body)["data"]
                schedule_shipment(order)
                channel.basic_ack(method.delivery_tag)
                click.echo(f"scheduled {order['order_id']}")
    except KeyboardInterrupt:
        click.echo("stopped", err=True)


if __name__ == "__main__":
    main()
